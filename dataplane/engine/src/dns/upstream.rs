//! Queries that really went to a server, until they are answered.
//!
//! Owned by one worker: its DNS stage notes every query that it sends on, asks of every answer whether it was asked for,
//! and notices once a tick what stayed without one. Always holds: an answer was asked for only if both addresses, both
//! ports, the protocol, the id and the question are those of a query that waits, as keyed hashes tell them apart; it is then
//! taken out, so that a second answer was not asked for. Some servers leave the question out of errors: there the rest has
//! to do.
//!
//! Set-associative and bounded: a full set forgets its oldest query, whose answer will then be one that nobody asked for:
//! it passes or not as such answers do, and is never kept.

use repute_memory::Table;
use repute_model::{Address, Tick};
use repute_reputation::{Exchange, Secret};
use repute_wire::Parsed;
use repute_wire::dns::{Answer, NAME_MAX, Query, Question, Rcode};

use super::Asks;

/// What ties an answer to its query: the ends, the protocol, the id and the question. As seen from the client.
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
    /// The IP protocol.
    pub protocol: u8,
    /// The id that the answer repeats.
    pub id: u16,
    /// What is asked; `None` = an answer repeats no question.
    pub question: Option<Question<'a>>,
}

impl<'a> Transaction<'a> {
    /// Of a query that goes to a server.
    pub fn of_query(x: &Exchange, query: &Query<'a>) -> Self {
        Self {
            client: x.src,
            server: x.dst,
            client_port: x.sport,
            server_port: x.dport,
            protocol: x.protocol,
            id: query.message.header().id.get(),
            question: Some(query.question),
        }
    }

    /// Of an answer in a packet of a server; `None` where it repeats no question though it is no error.
    pub fn of_answer(parsed: &Parsed, answer: &Answer<'a>) -> Option<Self> {
        let needs = matches!(answer.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN);
        (answer.question.is_some() || !needs).then(|| Self {
            client: parsed.dst,
            server: parsed.src,
            client_port: parsed.dport,
            server_port: parsed.sport,
            protocol: parsed.protocol,
            id: answer.message.header().id.get(),
            question: answer.question,
        })
    }
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
    /// Which transaction, without its question; 0 = free.
    tag: u64,
    /// Its question.
    asked: u32,
    /// What is remembered of it.
    pub sent: Sent,
    /// Low bits of the tick of the query.
    at: u32,
    /// How often it was sent: a client that repeats itself may be answered as often.
    times: u8,
    /// Whether it was answered at least once.
    answered: bool,
}

const WAYS: usize = 4;

impl Waiting {
    const FREE: Self = Self {
        tag: 0,
        asked: 0,
        sent: Sent { asks: Asks::NOTHING, asker: None, bytes: 0 },
        at: 0,
        times: 0,
        answered: false,
    };

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
        let secret = Secret::from_seed(seed.rotate_left(53));
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
        let asked = query.question.map_or(0, |question| self.asked(&question));
        let set = &mut self.sets[set];
        if let Some(waiting) = set.iter_mut().find(|waiting| (waiting.tag, waiting.asked) == (tag, asked)) {
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
        *place = Waiting { tag, asked, sent, at: now.low(), times: 1, answered: false };
    }

    /// Takes out the query that `answer` answers; `None` = nobody asked for it.
    pub fn answered(&mut self, answer: &Transaction<'_>) -> Option<Waiting> {
        let (set, tag) = self.place(answer);
        let asked = answer.question.map(|question| self.asked(&question));
        let is_it =
            |waiting: &Waiting| waiting.tag == tag && asked.is_none_or(|asked| waiting.asked == asked);
        let waiting = self.sets[set].iter_mut().find(|waiting| is_it(waiting))?;
        let found = *waiting;
        self.unanswered = 0;
        waiting.times -= 1;
        waiting.answered = true;
        if waiting.times == 0 {
            *waiting = Waiting::FREE;
            self.waiting -= 1;
        }
        Some(found)
    }

    /// Takes out every query that has waited for `silence_ms`, in the part of the table that it is time for, and gives those
    /// that were never answered to `silent`.
    pub fn expire(&mut self, now: Tick, silence_ms: u32, silent: impl FnMut(&Waiting)) {
        let parts = u64::from(silence_ms / 2).max(1);
        if self.waiting > 0 {
            self.expire_part(now.0 % parts, parts, now, silence_ms, silent);
        }
    }

    fn expire_part(
        &mut self,
        part: u64,
        parts: u64,
        now: Tick,
        silence_ms: u32,
        mut silent: impl FnMut(&Waiting),
    ) {
        let sets = self.sets.len() as u64;
        let range = (sets * part / parts) as usize..(sets * (part + 1) / parts) as usize;
        for waiting in self.sets[range].iter_mut().flatten() {
            if waiting.tag != 0 && waiting.age_ms(now) >= silence_ms {
                if !waiting.answered {
                    silent(waiting);
                    self.unanswered = self.unanswered.saturating_add(1);
                }
                *waiting = Waiting::FREE;
                self.waiting -= 1;
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

    /// Its set, and what tells it from all others but for the question; never 0.
    fn place(&self, x: &Transaction<'_>) -> (usize, u64) {
        let ports = u64::from(x.client_port) << 48 | u64::from(x.server_port) << 32;
        let rest = u64::from(x.protocol) << 16 | u64::from(x.id);
        let tag = self.secret.pair(x.client, x.server, ports | rest).max(1);
        ((tag >> 40) as usize & (self.sets.len() - 1), tag)
    }

    /// What tells one question from all others.
    fn asked(&self, asked: &Question<'_>) -> u32 {
        let mut question = [0; NAME_MAX + 4];
        let mut name = [0; NAME_MAX];
        let lowered = asked.name.lowered(&mut name);
        let end = lowered.len() + 4;
        question[..lowered.len()].copy_from_slice(lowered);
        question[lowered.len()..lowered.len() + 2].copy_from_slice(&asked.kind.to_be_bytes());
        question[lowered.len() + 2..end].copy_from_slice(&asked.class.to_be_bytes());
        self.secret.bytes(&question[..end]) as u32
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
        let question = Some(Query::read(&bytes).unwrap().question);
        let (client, server) = (Address::v4(client), Address::v4(1));
        act(&Transaction { client, server, client_port, server_port, protocol: 17, id, question })
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
        let other = |change: &dyn Fn(&mut Transaction<'_>), upstream: &mut Upstream| {
            with(ends, |x| {
                let mut other = *x;
                change(&mut other);
                upstream.answered(&other)
            })
        };
        assert!(other(&|x| x.server = Address::v4(2), &mut upstream).is_none());
        assert!(other(&|x| x.protocol = 6, &mut upstream).is_none());
        let found = with(ends, |x| upstream.answered(x)).unwrap();
        assert_eq!((found.sent, found.age_ms(Tick(35))), (SENT, 25));
        assert!(with(ends, |x| upstream.answered(x)).is_none(), "only once");
        assert_eq!(upstream.waiting(), 0);
        with(ends, |x| upstream.note(x, SENT, Tick(10)));
        assert!(other(&|x| x.question = None, &mut upstream).is_some(), "an error without a question");
    }

    #[test]
    fn who_repeats_himself_and_is_answered_once_was_answered() {
        let mut upstream = Upstream::new(64, 1);
        let ends = (7, 4000, 53, 9, 0, 1);
        (0..2).for_each(|at| with(ends, |x| upstream.note(x, SENT, Tick(at))));
        assert!(with(ends, |x| upstream.answered(x)).is_some());
        (0..10_000).for_each(|now| upstream.expire(Tick(now), 3000, |waiting| panic!("{waiting:?}")));
        assert_eq!((upstream.waiting(), upstream.unanswered_in_a_row()), (0, 0));
    }

    #[test]
    fn silence_is_noticed_once_and_counted_until_somebody_answers() {
        let mut upstream = Upstream::new(64, 2);
        for client in 0..3 {
            with((client, 1, 53, 1, 0, 1), |x| upstream.note(x, SENT, Tick(client.into())));
        }
        let mut noticed = Vec::new();
        for now in 1..10_000 {
            upstream.expire(Tick(now), 3000, |_| noticed.push(now));
        }
        assert_eq!(noticed.len(), 3);
        assert!(noticed.iter().all(|at| (3000..4503).contains(at)), "{noticed:?}");
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
                upstream.expire_part(0, 1, Tick(now), 2000, |_| expired += 1);
                let over = |at: u64| now - at >= 2000;
                let silent = plain.values().filter(|(at, _, answered)| over(*at) && !answered).count();
                plain.retain(|_, (at, ..)| !over(*at));
                prop_assert_eq!(expired, silent);
                if send {
                    with(ends, |x| upstream.note(x, SENT, Tick(now)));
                    let (at, times, _) = plain.entry(ends).or_insert((now, 0, false));
                    (*at, *times) = (now, *times + 1);
                } else {
                    let found = with(ends, |x| upstream.answered(x));
                    let expected = plain.get(&ends).map(|(at, ..)| (now - at) as u32);
                    prop_assert_eq!(found.map(|found| found.age_ms(Tick(now))), expected);
                    if let Some((_, times, answered)) = plain.get_mut(&ends) {
                        (*times, *answered) = (*times - 1, true);
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
