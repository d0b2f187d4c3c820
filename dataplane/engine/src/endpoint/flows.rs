//! Queries by UDP that went to upstreams, until they are answered: whose they were.
//!
//! Each goes from a port and with an id of its own, both drawn anew, so that nobody can answer who does not see it (RFC 5452).
//! Always holds: an answer finds its query only by the upstream's address and port, the box's own and the id, and takes it out:
//! a second answer was not asked for.
//!
//! Set-associative and bounded: a full set forgets its oldest query, whose answer will find nobody. What is over is not swept: it
//! counts as free.

use repute_memory::Table;
use repute_model::{Address, Tick, Upstream};
use repute_reputation::Secret;

/// For how long an answer may come, ms: longer than clients wait.
const LIFE_MS: u32 = 10_000;
const WAYS: usize = 4;

/// Between which ends a query went on, and by which id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outside {
    /// Whom it went to.
    pub upstream: Upstream,
    /// From where.
    pub own: (Address, u16),
    /// Its id there.
    pub id: u16,
}

/// Whose query it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The client.
    pub client: Address,
    /// The address of the box that it asked.
    pub service: Address,
    /// The client's port.
    pub client_port: u16,
    /// The port that it asked.
    pub service_port: u16,
    /// The id that it gave its query.
    pub id: u16,
    /// The Ethernet address that its query came from.
    pub mac: [u8; 6],
    /// The place in the policy's list of whom it went to.
    pub place: u8,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    flow: Flow,
    /// Which [`Outside`] it is; 0 = free.
    tag: u64,
    /// Low bits of the tick at which it went.
    at: u32,
}

impl Row {
    const FREE: Self = Self {
        flow: Flow {
            client: Address(0),
            service: Address(0),
            client_port: 0,
            service_port: 0,
            id: 0,
            mac: [0; 6],
            place: 0,
        },
        tag: 0,
        at: 0,
    };

    const fn age_ms(&self, now: Tick) -> u32 {
        now.low().wrapping_sub(self.at)
    }

    const fn is_live(&self, now: Tick) -> bool {
        self.tag != 0 && self.age_ms(now) < LIFE_MS
    }
}

/// The queries of one worker.
#[derive(Debug)]
pub struct Flows {
    secret: Secret,
    sets: Table<[Row; WAYS]>,
    displaced: u64,
}

impl Flows {
    /// Room for `queries`, rounded up to a power of two; `seed` keeps others from aiming at one set.
    pub fn new(queries: u32, seed: u64) -> Self {
        let sets = (queries as usize).div_ceil(WAYS).next_power_of_two();
        Self {
            secret: Secret::from_seed(seed.rotate_left(11)),
            sets: Table::new(sets, [Row::FREE; WAYS]),
            displaced: 0,
        }
    }

    /// Notes a query that goes on like this; false where another one waits under the very same ends and id.
    pub fn note(&mut self, outside: &Outside, flow: Flow, now: Tick) -> bool {
        let (set, tag) = self.place(outside);
        let set = &mut self.sets[set];
        if set.iter().any(|row| row.tag == tag && row.is_live(now)) {
            return false;
        }
        let oldest = set.iter_mut().max_by_key(|row| (!row.is_live(now), row.age_ms(now)));
        if let Some(row) = oldest {
            self.displaced += u64::from(row.is_live(now));
            *row = Row { flow, tag, at: now.low() };
        }
        true
    }

    /// Takes out the query that is answered like this; `None` = nobody asked, or it is too long ago.
    pub fn answered(&mut self, outside: &Outside, now: Tick) -> Option<Flow> {
        let (set, tag) = self.place(outside);
        let row = self.sets[set].iter_mut().find(|row| row.tag == tag && row.is_live(now))?;
        Some(std::mem::replace(row, Row::FREE).flow)
    }

    /// Queries that made room for newer ones before they were answered.
    pub const fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    /// Its set, and what tells it from all others; never 0.
    fn place(&self, outside: &Outside) -> (usize, u64) {
        let Outside { upstream, own, id } = *outside;
        let what = u64::from(upstream.port) << 32 | u64::from(own.1) << 16 | u64::from(id);
        let tag = self.secret.pair(upstream.address, own.0, what).max(1);
        ((tag >> 40) as usize & (self.sets.len() - 1), tag)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn outside(port: u16, id: u16) -> Outside {
        let upstream = Upstream { address: Address::v4(53), port: 53 };
        Outside { upstream, own: (Address::v4(9), port), id }
    }

    fn flow(n: u16) -> Flow {
        Flow { client_port: n, ..Row::FREE.flow }
    }

    #[test]
    fn only_who_was_asked_answers_and_once() {
        let mut flows = Flows::new(64, 1);
        let asked = outside(4000, 7);
        assert!(flows.note(&asked, flow(1), Tick(10)));
        assert!(!flows.note(&asked, flow(2), Tick(10)), "it waits already");
        let Outside { upstream, own, .. } = asked;
        for other in [
            Outside { id: 8, ..asked },
            Outside { own: (own.0, 4001), ..asked },
            Outside { own: (Address::v4(10), own.1), ..asked },
            Outside { upstream: Upstream { port: 54, ..upstream }, ..asked },
            Outside { upstream: Upstream { address: Address::v4(54), ..upstream }, ..asked },
        ] {
            assert_eq!(flows.answered(&other, Tick(11)), None, "{other:?}");
        }
        assert_eq!(flows.answered(&asked, Tick(11)), Some(flow(1)));
        assert_eq!(flows.answered(&asked, Tick(11)), None);
        flows.note(&asked, flow(3), Tick(20));
        assert_eq!(flows.answered(&asked, Tick(20 + u64::from(LIFE_MS))), None, "too late");
    }

    #[test]
    fn a_full_set_forgets_its_oldest() {
        let mut flows = Flows::new(4, 2);
        for n in 0..5 {
            assert!(flows.note(&outside(4000, n), flow(n), Tick(n.into())));
        }
        assert_eq!(flows.displaced(), 1);
        let found: Vec<_> = (0..5).map(|n| flows.answered(&outside(4000, n), Tick(5)).is_some()).collect();
        assert_eq!(found, [false, true, true, true, true]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// With room for all it does what a map does.
        #[test]
        fn as_a_map(steps in prop::collection::vec((any::<bool>(), 0u16..3, 0u16..3, 0u64..3000), 0..100)) {
            let (mut flows, mut plain, mut now) = (Flows::new(4096, 4), BTreeMap::new(), Tick(0));
            for (n, (asks, port, id, pause)) in steps.into_iter().enumerate() {
                now = Tick(now.0 + pause);
                plain.retain(|_, (_, at)| now.since(*at) < u64::from(LIFE_MS));
                let ends = outside(port, id);
                if asks {
                    let free = !plain.contains_key(&(port, id));
                    prop_assert_eq!(flows.note(&ends, flow(n as u16), now), free);
                    plain.entry((port, id)).or_insert((flow(n as u16), now));
                } else {
                    let expected = plain.remove(&(port, id)).map(|(flow, _)| flow);
                    prop_assert_eq!(flows.answered(&ends, now), expected);
                }
            }
        }
    }
}
