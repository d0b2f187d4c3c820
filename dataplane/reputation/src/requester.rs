//! What a source asks a DNS server for, and what comes of it: side state of an entry where queries are judged.
//!
//! Written by the engine's stage for DNS, read by scoring. Always holds: one cache line; every count fades with the
//! evidence of its source, and shares are taken over what has not faded yet, so that they are of a rolling window.

use repute_model::{Factor, Tick};

use crate::Tally;

/// What one query says about who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inquiry {
    /// It asks for a type that carries data.
    pub carries_data: bool,
    /// The name looks made up by an algorithm.
    pub is_random: bool,
    /// Nobody honest asks for the name.
    pub is_honeypot: bool,
    /// Which domain the name is in: whatever somebody registered.
    pub domain: u32,
    /// Which name it is.
    pub name: u64,
    /// Bytes of the labels in front of that domain.
    pub below: u8,
}

/// What became of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was answered, if only by "no such data".
    Answered,
    /// There is no such name.
    Nxdomain,
    /// The server failed at it or left it unanswered.
    Failed,
}

/// A count that fades: 24.8 fixed point, saturating.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
struct Count(u32);

/// One requester: what it asked, and what became of that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
pub struct Requester {
    /// Names seen below [`domain`](Self::domain), a bit each by hash.
    seen: u64,
    asked: Count,
    carrying: Count,
    random: Count,
    answered: Count,
    nxdomain: Count,
    failed: Count,
    /// Bytes of long names below one domain that had not been seen before.
    fresh: u32,
    /// Bytes of queries that were answered, and of their answers.
    asked_bytes: u32,
    answer_bytes: u32,
    /// Queries in the window under way.
    queries: u32,
    /// The domain that most names are in (majority vote of Boyer and Moore 1991).
    domain: u32,
    /// Tick of the last proof that it receives what is sent to it, low 32 bits; 0 = none.
    proved: u32,
    malformed: Tally,
    /// Queries for names that nobody honest asks for.
    lured: Tally,
    /// In which second (of 1024 ms, modulo 2^8) it was challenged last.
    challenged_s: u8,
    /// Seconds with challenges since it last answered one, fading.
    unmet: u8,
    votes: u8,
    /// How odd the queries of its network are, in 1/255.
    network: u8,
}

/// Shares say nothing until there are more queries than so many: as if so many had been beyond reproach.
const DOUBT: f64 = 16.0;
/// Bytes of a query that nobody doubts: what [`DOUBT`] queries would have.
const DOUBT_BYTES: f64 = 64.0 * DOUBT;
/// Bytes in front of a domain that are an id, as owners of machines make them up: 20 digits, and a label or two.
const ID: u8 = 24;
/// Names are forgotten when so many of 64 bits are set: a new one would be taken for an old one too often.
const SEEN_MAX: u32 = 24;
/// Before a count reaches its end all that it is compared with are halved.
const FULL: u32 = u32::MAX / 2;
/// The score is looked at after so many queries, and after so many without a good answer (a power of two)…
const LOOK_EVERY: u32 = 16;
/// …and four times as rarely once a window has so many queries: who asks that fast is looked at soon all the same.
const LOOK_RARELY_FROM: u32 = 64;
/// The first queries of a requester in a window are counted one by one among those of others, then every so-manieth for
/// all since the last one.
const DUE: u32 = 8;

impl Requester {
    /// Nothing known.
    pub const NEW: Self = Self {
        seen: 0,
        asked: Count(0),
        carrying: Count(0),
        random: Count(0),
        answered: Count(0),
        nxdomain: Count(0),
        failed: Count(0),
        fresh: 0,
        asked_bytes: 0,
        answer_bytes: 0,
        queries: 0,
        domain: 0,
        proved: 0,
        malformed: Tally::ZERO,
        lured: Tally::ZERO,
        challenged_s: 0,
        unmet: 0,
        votes: 0,
        network: 0,
    };

    /// For how many queries the next one stands where those of many requesters are counted: the first of a window for
    /// themselves, then one for several that were not counted and the others for none.
    #[inline]
    pub const fn due(&self) -> u16 {
        match self.queries.saturating_add(1) {
            ..=DUE => 1,
            queries if queries.is_multiple_of(DUE) => DUE as u16,
            _ => 0,
        }
    }

    /// Takes note of a query; `true` when it is time to look at the score.
    #[inline(always)]
    pub fn asks(&mut self, inquiry: &Inquiry) -> bool {
        self.queries = self.queries.saturating_add(1);
        if self.asked.0 >= FULL {
            self.halve();
        }
        self.asked.add();
        if inquiry.carries_data {
            self.carrying.add();
        }
        if inquiry.is_random {
            self.random.add();
        }
        self.watch(inquiry);
        if inquiry.is_honeypot {
            self.lured.add(Tally::ONE);
        }
        let every = if self.queries < LOOK_RARELY_FROM { LOOK_EVERY } else { 4 * LOOK_EVERY };
        inquiry.is_honeypot || self.queries.is_multiple_of(every)
    }

    /// Names below one domain: those that are new and longer than an id.
    fn watch(&mut self, inquiry: &Inquiry) {
        if inquiry.domain != self.domain {
            self.votes = self.votes.saturating_sub(1);
            if self.votes == 0 {
                (self.domain, self.votes, self.seen) = (inquiry.domain, 1, 0);
            }
            return;
        }
        self.votes = self.votes.saturating_add(1);
        let bit = 1 << (inquiry.name % 64);
        if inquiry.below <= ID || self.seen & bit != 0 {
            return;
        }
        if self.seen.count_ones() >= SEEN_MAX {
            self.seen = 0;
        }
        self.seen |= bit;
        self.fresh = self.fresh.saturating_add(u32::from(inquiry.below - ID));
    }

    /// Takes note of how odd the queries of its whole network are, 0..=255.
    pub const fn belongs(&mut self, oddity: u8) {
        self.network = oddity;
    }

    /// Takes note of a message that could not be read.
    pub fn garbles(&mut self) {
        self.malformed.add(Tally::ONE);
    }

    /// Takes note of what became of a query of so many bytes; of none in the answer where there was none. `true` when
    /// it is time to look at the score.
    #[inline(always)]
    pub fn learns(&mut self, outcome: Outcome, asked_bytes: u16, answer_bytes: u16) -> bool {
        if self.answered.0 >= FULL || self.failed.0 >= FULL || self.answer_bytes >= FULL {
            self.halve();
        }
        match outcome {
            Outcome::Answered | Outcome::Nxdomain => self.answered.add(),
            Outcome::Failed => self.failed.add(),
        }
        if outcome == Outcome::Nxdomain {
            self.nxdomain.add();
        }
        if answer_bytes > 0 {
            self.asked_bytes = self.asked_bytes.saturating_add(asked_bytes.into());
            self.answer_bytes = self.answer_bytes.saturating_add(answer_bytes.into());
        }
        let bad = (self.nxdomain.0 + self.failed.0) / Count::ONE;
        outcome != Outcome::Answered && bad.is_multiple_of(LOOK_EVERY)
    }

    /// Takes note that it was challenged. In how many seconds, this one included, it has been since it last passed.
    pub fn challenged(&mut self, now: Tick) -> u8 {
        let second = (now.0 >> 10) as u8;
        if self.unmet == 0 || self.challenged_s != second {
            (self.unmet, self.challenged_s) = (self.unmet.saturating_add(1), second);
        }
        self.unmet
    }

    /// Takes note that it has proved to receive what is sent to it.
    pub fn proves(&mut self, now: Tick) {
        (self.proved, self.unmet) = (now.low().max(1), 0);
    }

    /// Whether it did so within the last `lasts_ms`.
    pub const fn is_proved(&self, now: Tick, lasts_ms: u32) -> bool {
        self.proved != 0 && now.low().wrapping_sub(self.proved) <= lasts_ms
    }

    /// Whether nothing speaks for or against it.
    pub fn is_calm(&self) -> bool {
        (self.asked.0 | self.failed.0 | self.answered.0 | self.fresh | self.queries) == 0
            && self.malformed.is_zero()
            && self.lured.is_zero()
            && self.network == 0
    }

    /// The evidence of every factor of DNS; the window under way has lasted `window_s`.
    pub fn evidence(&self, window_s: f64) -> [(Factor, f64); 10] {
        let share = |part: Count, whole: f64| part.get() / (whole + DOUBT);
        let (asked, answered) = (self.asked.get(), self.answered.get());
        let excess = f64::from(self.answer_bytes) / (f64::from(self.asked_bytes) + DOUBT_BYTES);
        [
            (Factor::Queries, f64::from(self.queries) / window_s),
            (Factor::QueryTypes, share(self.carrying, asked)),
            (Factor::Nxdomain, share(self.nxdomain, answered)),
            (Factor::Timeouts, share(self.failed, answered + self.failed.get())),
            (Factor::FreshNames, f64::from(self.fresh) / 1024.0),
            (Factor::AnswerSize, excess),
            (Factor::RandomNames, share(self.random, asked)),
            (Factor::MalformedQueries, self.malformed.get()),
            (Factor::Network, f64::from(self.network) / 255.0),
            (Factor::Honeypots, self.lured.get()),
        ]
    }

    /// Keeps only `share` (0..1) of every count.
    pub fn fade(&mut self, share: f64) {
        for count in self.counts() {
            count.0 = (f64::from(count.0) * share) as u32;
        }
        for bytes in [&mut self.fresh, &mut self.asked_bytes, &mut self.answer_bytes] {
            *bytes = (f64::from(*bytes) * share) as u32;
        }
        self.malformed.fade(share);
        self.lured.fade(share);
        for small in [&mut self.unmet, &mut self.network] {
            *small = (f64::from(*small) * share) as u8;
        }
    }

    /// Begins to count anew what is counted by window.
    pub const fn begin_window(&mut self) {
        self.queries = 0;
    }

    /// Forgets what was counted against it, but not that it has proved itself.
    pub const fn forgive(&mut self) {
        *self = Self { proved: self.proved, ..Self::NEW };
    }

    fn halve(&mut self) {
        self.counts().into_iter().for_each(|count| count.0 /= 2);
        (self.asked_bytes, self.answer_bytes) = (self.asked_bytes / 2, self.answer_bytes / 2);
    }

    const fn counts(&mut self) -> [&mut Count; 6] {
        [
            &mut self.asked,
            &mut self.carrying,
            &mut self.random,
            &mut self.answered,
            &mut self.nxdomain,
            &mut self.failed,
        ]
    }
}

impl Count {
    const ONE: u32 = 256;

    const fn add(&mut self) {
        self.0 = self.0.saturating_add(Self::ONE);
    }

    fn get(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Inquiry =
        Inquiry { carries_data: false, is_random: false, is_honeypot: false, domain: 7, name: 1, below: 3 };

    fn ask(requester: &mut Requester, inquiry: &Inquiry, times: u32) {
        for _ in 0..times {
            requester.asks(inquiry);
        }
    }

    fn evidence(requester: &Requester, factor: Factor) -> f64 {
        let found = requester.evidence(1.0).into_iter().find(|(one, _)| *one == factor);
        found.map_or(f64::NAN, |(_, evidence)| evidence)
    }

    #[test]
    fn one_cache_line_and_every_factor_of_dns() {
        assert_eq!(size_of::<Requester>(), 64);
        let told = Requester::NEW.evidence(1.0).into_iter().chain(crate::Resident::NEW.evidence());
        let told: Vec<Factor> = told.map(|(factor, _)| factor).collect();
        let all: Vec<Factor> = Factor::ALL.iter().copied().filter(|factor| factor.is_of_dns()).collect();
        assert_eq!(told, all);
    }

    #[test]
    fn shares_need_some_queries_and_are_of_what_has_not_faded() {
        let mut requester = Requester::NEW;
        let odd = Inquiry { carries_data: true, is_random: true, ..PLAIN };
        ask(&mut requester, &odd, 4);
        assert!(evidence(&requester, Factor::RandomNames) < 0.25, "four queries prove nothing");
        ask(&mut requester, &odd, 996);
        assert!(evidence(&requester, Factor::RandomNames) > 0.95);
        ask(&mut requester, &PLAIN, 3000);
        let mixed = evidence(&requester, Factor::QueryTypes);
        assert!((mixed - 0.25).abs() < 0.01, "{mixed}");
        requester.fade(0.5);
        ask(&mut requester, &PLAIN, 4000);
        assert!(evidence(&requester, Factor::QueryTypes) < 0.1);
    }

    #[test]
    fn queries_that_stand_for_others_are_as_many_as_all() {
        let mut requester = Requester::NEW;
        let mut due = 0;
        for asked in 1..=1000 {
            due += u32::from(requester.due());
            requester.asks(&PLAIN);
            assert!(due <= asked && asked - due < DUE, "{due} of {asked}");
        }
    }

    #[test]
    fn shares_survive_any_number_of_queries() {
        let mut requester = Requester::NEW;
        requester.asked.0 = FULL - 512;
        requester.random.0 = FULL / 2;
        ask(&mut requester, &Inquiry { is_random: true, ..PLAIN }, 1000);
        let share = evidence(&requester, Factor::RandomNames);
        assert!((share - 0.5).abs() < 0.01, "{share}");
    }

    #[test]
    fn a_tunnel_is_told_from_ids_and_from_few_names_that_come_again() {
        let long = |name| Inquiry { name, below: 120, ..PLAIN };
        let told = |inquiries: &mut dyn Iterator<Item = Inquiry>| {
            let mut requester = Requester::NEW;
            inquiries.for_each(|inquiry| ask(&mut requester, &inquiry, 1));
            evidence(&requester, Factor::FreshNames)
        };
        let mixed = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let tunnel = told(&mut (0..100).map(|n| long(mixed(n))));
        assert!(tunnel > 5.0, "{tunnel} kB of 9.6");
        assert!(told(&mut (0..10_000).map(|n| long(n % 10))) < 1.1);
        assert_eq!(told(&mut (0..10_000).map(|n| Inquiry { below: ID, ..long(mixed(n)) })), 0.0);
        let scattered = told(&mut (0..10_000).map(|n| Inquiry { domain: n as u32 + 1, ..long(mixed(n)) }));
        assert_eq!(scattered, 0.0, "no domain has most of them");
    }

    #[test]
    fn outcomes_are_shares_of_their_own() {
        let mut requester = Requester::NEW;
        for n in 0..400 {
            let outcome = [Outcome::Answered, Outcome::Nxdomain, Outcome::Failed, Outcome::Answered][n % 4];
            requester.learns(outcome, 50, if outcome == Outcome::Failed { 0 } else { 500 });
        }
        let near = |factor, expected: f64| (evidence(&requester, factor) - expected).abs() < 0.03;
        assert!(near(Factor::Nxdomain, 1.0 / 3.0) && near(Factor::Timeouts, 0.25));
        let ratio = evidence(&requester, Factor::AnswerSize);
        assert!((9.0..10.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_honeypot_counts_at_once_and_is_forgotten_in_time() {
        let mut requester = Requester::NEW;
        let lured = Inquiry { is_honeypot: true, ..PLAIN };
        assert_eq!([PLAIN, lured, lured].map(|inquiry| requester.asks(&inquiry)), [false, true, true]);
        assert_eq!(evidence(&requester, Factor::Honeypots), 2.0);
        requester.fade(0.5);
        assert_eq!(evidence(&requester, Factor::Honeypots), 1.0);
        assert!(!requester.is_calm());
        (0..20).for_each(|_| requester.fade(0.5));
        assert!(
            requester.evidence(1.0).iter().all(|(factor, told)| *factor == Factor::Queries || *told == 0.0)
        );
    }

    #[test]
    fn challenges_count_by_second_until_one_is_met() {
        let mut requester = Requester::NEW;
        assert!((0..50).all(|ms| requester.challenged(Tick(2_048 + ms)) == 1));
        assert_eq!(requester.challenged(Tick(4_000)), 2);
        requester.proves(Tick(4_100));
        assert!(requester.is_proved(Tick(4_200), 100) && !requester.is_proved(Tick(4_201), 100));
        assert_eq!(requester.challenged(Tick(4_300)), 1);
        requester.forgive();
        assert!(requester.is_proved(Tick(4_150), 100) && requester.is_calm());
    }
}
