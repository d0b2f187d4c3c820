//! Queries that really went to a server, until they are answered.
//!
//! Owned by one worker: its DNS stage notes every query that it sends on, asks of every answer whether it was asked for,
//! and notices once a tick what stayed without one. Always holds: an answer was asked for only if both addresses, both
//! ports, the id and the question are those of a query that waits, as a keyed hash of 64 bits tells them apart; it is
//! then taken out, so that a second answer was not asked for.
//!
//! Set-associative and bounded: a full set forgets its oldest query, whose answer will then be one that nobody asked for:
//! it passes or not as such answers do, and is never kept.

use repute_memory::Table;
use repute_model::{Address, Tick};
use repute_reputation::Secret;
use repute_wire::dns::{NAME_MAX, Question};

use super::Asks;

/// What ties an answer to its query: the ends, the id and the question. As seen from the client.
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// Who asks.
    pub client: Address,
    /// Who answers.
    pub server: Address,
    /// The client's port.
    pub client_port: u16,
    /// The server's port.
    pub server_port: u16,
    /// The id that the answer repeats.
    pub id: u16,
    /// What is asked.
    pub question: Question<'a>,
}

/// What is remembered of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// How it asks, for the cache.
    pub asks: Asks,
    /// The client's entry number and the check bits of its fingerprint, if it has an entry.
    pub asker: Option<(u32, u8)>,
    /// Bytes of the message.
    pub bytes: u16,
}

/// A query that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Which transaction; 0 = free.
    tag: u64,
    /// What is remembered of it.
    pub sent: Sent,
    /// Low bits of the tick of the query.
    at: u32,
    /// How often it was sent: a client that repeats itself is answered as often.
    times: u8,
}

const WAYS: usize = 4;

impl Waiting {
    const FREE: Self =
        Self { tag: 0, sent: Sent { asks: Asks::NOTHING, asker: None, bytes: 0 }, at: 0, times: 0 };

    /// Milliseconds since it was last sent.
    pub fn age_ms(&self, now: Tick) -> u32 {
        now.low().wrapping_sub(self.at)
    }
}

/// The table of queries that wait.
#[derive(Debug)]
pub struct Upstream {
    secret: Secret,
    sets: Table<[Waiting; WAYS]>,
    waiting: u32,
    unanswered: u32,
    forgotten: u64,
}

impl Upstream {
    /// Room for `queries`, rounded up to a power of two; `seed` keeps others from guessing what is asked for.
    pub fn new(queries: u32, seed: u64) -> Self {
        let sets = (queries as usize).div_ceil(WAYS).next_power_of_two();
        let secret = Secret::from_seed(seed.rotate_left(41));
        Self {
            secret,
            sets: Table::new(sets, [Waiting::FREE; WAYS]),
            waiting: 0,
            unanswered: 0,
            forgotten: 0,
        }
    }

    /// Notes a query that goes to its server; one that waits already is sent once more.
    pub fn note(&mut self, query: &Transaction<'_>, sent: Sent, now: Tick) {
        let (set, tag) = self.place(query);
        let set = &mut self.sets[set];
        if let Some(waiting) = set.iter_mut().find(|waiting| waiting.tag == tag) {
            waiting.at = now.low();
            waiting.times = waiting.times.saturating_add(1);
            return;
        }
        let oldest = set.iter_mut().max_by_key(|waiting| (waiting.tag == 0, waiting.age_ms(now)));
        let Some(place) = oldest else { return };
        if place.tag == 0 {
            self.waiting += 1;
        } else {
            self.forgotten += 1;
        }
        *place = Waiting { tag, sent, at: now.low(), times: 1 };
    }

    /// Takes out the query that `answer` answers; `None` = nobody asked for it.
    pub fn answered(&mut self, answer: &Transaction<'_>) -> Option<Waiting> {
        let (set, tag) = self.place(answer);
        let waiting = self.sets[set].iter_mut().find(|waiting| waiting.tag == tag)?;
        let found = *waiting;
        self.unanswered = 0;
        waiting.times -= 1;
        if waiting.times == 0 {
            *waiting = Waiting::FREE;
            self.waiting -= 1;
        }
        Some(found)
    }

    /// Takes out every query of part `part` of `parts` that has waited for `silence_ms`, and gives it to `silent`.
    pub fn expire(
        &mut self,
        part: u64,
        parts: u64,
        now: Tick,
        silence_ms: u32,
        mut silent: impl FnMut(&Waiting),
    ) {
        if self.waiting == 0 {
            return;
        }
        let sets = self.sets.len() as u64;
        let range = (sets * part / parts) as usize..(sets * (part + 1) / parts) as usize;
        for waiting in self.sets[range].iter_mut().flatten() {
            if waiting.tag != 0 && waiting.age_ms(now) >= silence_ms {
                silent(waiting);
                *waiting = Waiting::FREE;
                self.waiting -= 1;
                self.unanswered = self.unanswered.saturating_add(1);
            }
        }
    }

    /// Queries that wait.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Queries that stayed without an answer since one was answered last: many mean that the server is silent.
    pub fn unanswered_in_a_row(&self) -> u32 {
        self.unanswered
    }

    /// Queries that were pushed out by newer ones.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    /// Its set, and what tells it from all others; never 0.
    fn place(&self, x: &Transaction<'_>) -> (usize, u64) {
        let mut question = [0; NAME_MAX + 4];
        let mut name = [0; NAME_MAX];
        let lowered = x.question.name.lowered(&mut name);
        let end = lowered.len() + 4;
        question[..lowered.len()].copy_from_slice(lowered);
        question[lowered.len()..lowered.len() + 2].copy_from_slice(&x.question.kind.to_be_bytes());
        question[lowered.len() + 2..end].copy_from_slice(&x.question.class.to_be_bytes());
        let asked = self.secret.bytes(&question[..end]);
        let ports = u64::from(x.client_port) << 32 | u64::from(x.server_port) << 16 | u64::from(x.id);
        let tag = self.secret.pair(x.client, x.server, asked ^ ports.rotate_left(16)).max(1);
        ((tag >> 40) as usize & (self.sets.len() - 1), tag)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use repute_wire::dns::Query;

    use super::*;

    /// A query's bytes: `names` many names, two types.
    fn bytes(name: u8, kind: u8) -> Vec<u8> {
        [&b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x01"[..], &[b'a' + name, 0, 0, kind, 0, 1]].concat()
    }

    /// What tells transactions apart here: client, ports, id, name, type.
    type Ends = (u32, u16, u16, u16, u8, u8);

    fn with<T>(ends: Ends, act: impl FnOnce(&Transaction<'_>) -> T) -> T {
        let (client, client_port, server_port, id, name, kind) = ends;
        let bytes = bytes(name, kind);
        let question = Query::read(&bytes).unwrap().question;
        let server = Address::v4(1);
        act(&Transaction { client: Address::v4(client), server, client_port, server_port, id, question })
    }

    const SENT: Sent = Sent { asks: Asks::NOTHING, asker: Some((3, 4)), bytes: 40 };

    #[test]
    fn an_answer_is_asked_for_only_if_everything_agrees() {
        let mut upstream = Upstream::new(64, 1);
        let ends = (7, 4000, 53, 9, 0, 1);
        with(ends, |x| upstream.note(x, SENT, Tick(10)));
        for other in [
            (8, 4000, 53, 9, 0, 1),
            (7, 4001, 53, 9, 0, 1),
            (7, 4000, 54, 9, 0, 1),
            (7, 4000, 53, 8, 0, 1),
            (7, 4000, 53, 9, 1, 1),
            (7, 4000, 53, 9, 0, 28),
        ] {
            assert!(with(other, |x| upstream.answered(x)).is_none(), "{other:?}");
        }
        let from_another = with(ends, |x| upstream.answered(&Transaction { server: Address::v4(2), ..*x }));
        assert!(from_another.is_none());
        let found = with(ends, |x| upstream.answered(x)).unwrap();
        assert_eq!((found.sent, found.age_ms(Tick(35))), (SENT, 25));
        assert!(with(ends, |x| upstream.answered(x)).is_none(), "only once");
        assert_eq!(upstream.waiting(), 0);
    }

    #[test]
    fn silence_is_noticed_once_and_counted_until_somebody_answers() {
        let mut upstream = Upstream::new(64, 2);
        for client in 0..3 {
            with((client, 1, 53, 1, 0, 1), |x| upstream.note(x, SENT, Tick(client.into())));
        }
        let mut noticed = Vec::new();
        for now in 0..10_000 {
            upstream.expire(now % 100, 100, Tick(now), 3000, |_| noticed.push(now));
        }
        assert_eq!(noticed.len(), 3);
        assert!(noticed.iter().all(|at| (3000..3103).contains(at)), "{noticed:?}");
        assert_eq!((upstream.unanswered_in_a_row(), upstream.waiting()), (3, 0));
        let ends = (9, 1, 53, 1, 0, 1);
        with(ends, |x| upstream.note(x, SENT, Tick(10_000)));
        assert!(with(ends, |x| upstream.answered(x)).is_some());
        assert_eq!(upstream.unanswered_in_a_row(), 0);
    }

    #[test]
    fn a_full_set_forgets_its_oldest() {
        let mut upstream = Upstream::new(4, 3);
        for id in 0..5 {
            with((7, 1, 53, id, 0, 1), |x| upstream.note(x, SENT, Tick(id.into())));
        }
        assert_eq!((upstream.waiting(), upstream.forgotten()), (4, 1));
        let mut answered = |id| with((7, 1, 53, id, 0, 1), |x| upstream.answered(x)).is_some();
        assert_eq!([0, 1, 2, 3, 4].map(&mut answered), [false, true, true, true, true]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 300, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// With room for all it does what a map does.
        #[test]
        fn as_a_map(steps in prop::collection::vec(
            (any::<bool>(), (0u32..2, 0u16..2, 53u16..54, 0u16..3, 0u8..2, 1u8..3), 0u64..700), 0..120,
        )) {
            let (mut upstream, mut plain, mut now) = (Upstream::new(4096, 4), BTreeMap::new(), 0);
            for (send, ends, pause) in steps {
                now += pause;
                let mut expired = 0;
                upstream.expire(0, 1, Tick(now), 2000, |_| expired += 1);
                let before = plain.len();
                plain.retain(|_, (at, _)| now - *at < 2000);
                prop_assert_eq!(expired, before - plain.len());
                if send {
                    with(ends, |x| upstream.note(x, SENT, Tick(now)));
                    let (at, times) = plain.entry(ends).or_insert((now, 0));
                    (*at, *times) = (now, *times + 1);
                } else {
                    let found = with(ends, |x| upstream.answered(x));
                    let expected = plain.get(&ends).map(|(at, _)| (now - at) as u32);
                    prop_assert_eq!(found.map(|found| found.age_ms(Tick(now))), expected);
                    if let Some((_, times)) = plain.get_mut(&ends) {
                        *times -= 1;
                        if *times == 0 {
                            plain.remove(&ends);
                        }
                    }
                }
                prop_assert_eq!(upstream.waiting() as usize, plain.len());
            }
        }
    }
}
