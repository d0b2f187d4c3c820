//! Domains whose names are asked for at random (water torture): what no single requester reveals.
//!
//! Told of every outcome, asked for every query. A domain is what somebody registered, one label left of its public suffix
//! as [`repute_reputation::names`] takes it, and so never a public suffix itself. Always holds: a name that exists is known
//! as such from its first answer on, and what does not exist teaches nothing, so that no attack pushes good names out; a
//! row is given up to another domain only while its own is not under attack.

use repute_memory::Table;
use repute_model::{Subdomains, Tick};
use repute_reputation::{Inquiry, Prefilter};

/// Domains that are counted at once.
const DOMAINS: usize = 4096;
const WAYS: usize = 4;
/// Room for names that exist; the last half as many are remembered.
const NAMES: u32 = 1 << 16;
/// A name that exists counts so often at most, so that those asked for often outlast the others.
const KNOWN_MAX: u32 = 4;
/// An attack lasts so long after the last second that looked like one, ms.
const HOLD_MS: u32 = 10_000;

/// One domain.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Row {
    /// When requesters of low standing may next ask for an unknown name, ns.
    next: u64,
    /// Which domain; 0 = free.
    tag: u32,
    /// Tick until which it is under attack, low 32 bits, if [`attacked`](Self::attacked).
    until: u32,
    /// The second (of 1024 ms, modulo 2^16) that is being counted.
    second: u16,
    /// Names that did not exist, or that the server failed at, in this second; those that exist.
    misses: u16,
    hits: u16,
    /// Queries for names not known to exist, in this second, while under attack.
    unknown: u16,
    attacked: bool,
}

const FREE: Row =
    Row { next: 0, tag: 0, until: 0, second: 0, misses: 0, hits: 0, unknown: 0, attacked: false };

/// What is known of domains and their names.
#[derive(Debug)]
pub struct Domains {
    sets: Table<[Row; WAYS]>,
    /// Rows that are marked as under attack.
    attacked: u32,
    exist: Prefilter,
}

impl Domains {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self { sets: Table::new(DOMAINS / WAYS, [FREE; WAYS]), attacked: 0, exist: Prefilter::new(NAMES) }
    }

    /// Whether a query is for a name not known to exist, of a domain under attack: to be asked once for each. While many
    /// ask for such names the attack goes on, however few of them are let through.
    pub fn is_doubtful(&mut self, inquiry: &Inquiry, rules: &Subdomains, now: Tick) -> bool {
        let Self { sets, attacked, exist } = self;
        let Some(row) = find(sets, inquiry.domain).filter(|row| row.attacked && rules.misses_per_s > 0)
        else {
            return false;
        };
        if exist.sightings(inquiry.name) > 0 {
            return false;
        }
        row.turn(now);
        row.unknown = row.unknown.saturating_add(1);
        if row.unknown > rules.misses_per_s {
            row.until = now.low().wrapping_add(HOLD_MS);
        }
        row.attacked = row.until.wrapping_sub(now.low()) <= HOLD_MS;
        *attacked -= u32::from(!row.attacked);
        row.attacked
    }

    /// Whether a domain may be under attack: then its queries are looked at one by one.
    #[inline]
    pub fn is_suspect(&self, place: &Inquiry) -> bool {
        let is_its = |row: &Row| row.tag == tag(place.domain) && row.attacked;
        self.attacked > 0 && self.sets[set(place.domain)].iter().any(is_its)
    }

    /// What is known of a name: whether it exists, and whether its domain is under attack. Counts nothing.
    pub fn look(&self, place: &Inquiry, now: Tick) -> (bool, bool) {
        let row = self.sets[set(place.domain)].iter().find(|row| row.tag == tag(place.domain));
        let attacked = row.is_some_and(|row| row.attacked && row.until.wrapping_sub(now.low()) <= HOLD_MS);
        (self.exist.sightings(place.name) > 0, attacked)
    }

    /// Whether one more requester of low standing may ask for a doubtful name of this domain (GCRA, ITU-T I.371).
    pub fn allows(&mut self, inquiry: &Inquiry, rules: &Subdomains, now: Tick) -> bool {
        let Some(row) = find(&mut self.sets, inquiry.domain) else { return true };
        let allowed = row.next <= now.nanos();
        if allowed {
            row.next = row.next.max(now.nanos()).saturating_add(1_000_000_000 / u64::from(rules.rate.max(1)));
        }
        allowed
    }

    /// Takes note of whether a name was found to exist. `true` = its domain is under attack from now on.
    pub fn learn(&mut self, place: &Inquiry, exists: bool, rules: &Subdomains, now: Tick) -> bool {
        if rules.misses_per_s == 0 {
            return false;
        }
        if exists {
            self.exist.count_below(place.name, KNOWN_MAX);
        }
        self.count(place, exists, 1, rules, now)
    }

    /// The same of a name that exists and is answered for again, in a query that stands for `times`: `taught` says when it
    /// was known well enough not to be counted again, and so will not be while no other name is; 0 = never.
    #[inline]
    pub fn learn_again(
        &mut self,
        place: &Inquiry,
        taught: &mut u32,
        times: u16,
        rules: &Subdomains,
        now: Tick,
    ) {
        if rules.misses_per_s == 0 {
            return;
        }
        let time = |exist: &Prefilter| exist.insertions() as u32 + 1;
        if *taught != time(&self.exist) && self.exist.count_below(place.name, KNOWN_MAX).is_none() {
            *taught = time(&self.exist);
        }
        if times > 0 {
            self.count(place, true, times, rules, now);
        }
    }

    fn count(&mut self, place: &Inquiry, exists: bool, times: u16, rules: &Subdomains, now: Tick) -> bool {
        let Some(row) = self.row(place.domain, now) else { return false };
        row.turn(now);
        let count = if exists { &mut row.hits } else { &mut row.misses };
        *count = count.saturating_add(times);
        // Where a quarter of the names exist people ask, who mistype some.
        let attacked = row.misses > rules.misses_per_s && row.misses / 4 > row.hits;
        let begins = attacked && !row.attacked;
        if attacked {
            (row.attacked, row.until) = (true, now.low().wrapping_add(HOLD_MS));
        }
        self.attacked += u32::from(begins);
        begins
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes() + self.exist.bytes()
    }

    /// The row of a domain; another one makes room for it that was counted longest ago and is not under attack.
    fn row(&mut self, domain: u32, now: Tick) -> Option<&mut Row> {
        let rows = &mut self.sets[set(domain)];
        let age = |row: &Row| if row.tag == 0 { u16::MAX } else { second(now).wrapping_sub(row.second) };
        let at = rows.iter().position(|row| row.tag == tag(domain)).or_else(|| {
            let free = (0..WAYS).filter(|&way| !rows[way].attacked);
            free.max_by_key(|&way| age(&rows[way]))
        })?;
        if rows[at].tag != tag(domain) {
            rows[at] = Row { tag: tag(domain), second: second(now), ..FREE };
        }
        Some(&mut rows[at])
    }
}

fn find(sets: &mut Table<[Row; WAYS]>, domain: u32) -> Option<&mut Row> {
    sets[set(domain)].iter_mut().find(|row| row.tag == tag(domain))
}

impl Row {
    /// Begins to count anew with every second.
    fn turn(&mut self, now: Tick) {
        if self.second != second(now) {
            (self.second, self.misses, self.hits, self.unknown) = (second(now), 0, 0, 0);
        }
    }
}

const fn second(now: Tick) -> u16 {
    (now.0 >> 10) as u16
}

const fn set(domain: u32) -> usize {
    domain as usize % (DOMAINS / WAYS)
}

const fn tag(domain: u32) -> u32 {
    domain | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Subdomains = Subdomains { misses_per_s: 50, rate: 10 };

    fn name(domain: u32, n: u64) -> Inquiry {
        let name = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Inquiry { carries_data: false, is_random: false, is_honeypot: false, domain, name, below: 8 }
    }

    /// A domain of which so many names failed and as many were found, in one second.
    fn after(misses: u64, hits: u64) -> Domains {
        let mut domains = Domains::new();
        let begun =
            (0..misses).filter(|&n| domains.learn(&name(7, 1_000 + n), false, &RULES, Tick(n))).count();
        assert!(begun <= 1);
        (0..hits).for_each(|n| assert!(!domains.learn(&name(7, n), true, &RULES, Tick(900))));
        domains
    }

    #[test]
    fn unknown_names_of_a_domain_under_attack_are_doubtful_and_no_others() {
        let mut domains = after(200, 20);
        let doubts =
            |domains: &mut Domains, domain, n| domains.is_doubtful(&name(domain, n), &RULES, Tick(950));
        assert!(doubts(&mut domains, 7, 5_000));
        assert!((0..20).all(|n| !doubts(&mut domains, 7, n)), "these exist");
        assert!(!doubts(&mut domains, 8, 5_000), "another domain");
        assert!(!doubts(&mut after(40, 0), 7, 5_000), "forty people mistyped it");
    }

    #[test]
    fn people_who_mistype_are_no_attack() {
        let mut domains = Domains::new();
        for n in 0..3_000 {
            domains.learn(&name(7, n), n % 3 == 0, &RULES, Tick(n / 3));
        }
        assert!(!domains.is_doubtful(&name(7, 5_000), &RULES, Tick(1_001)));
    }

    #[test]
    fn an_attack_lasts_while_it_goes_on_and_a_little_longer() {
        let mut domains = after(200, 0);
        let ask =
            |domains: &mut Domains, ms: u64| domains.is_doubtful(&name(7, 5_000 + ms), &RULES, Tick(ms));
        assert!((1_000..31_000).all(|ms| ask(&mut domains, ms)), "a thousand a second ask on");
        assert!(ask(&mut domains, 40_900));
        assert!(!ask(&mut domains, 41_100));
    }

    #[test]
    fn some_are_let_through() {
        let mut domains = after(200, 0);
        let passed = (0..10_000).filter(|ms| domains.allows(&name(7, 9), &RULES, Tick(1_000 + ms))).count();
        assert!((99..=101).contains(&passed), "{passed}");
    }

    #[test]
    fn whoever_is_attacked_keeps_its_row() {
        let mut domains = after(200, 0);
        for n in 0..40_000 {
            domains.learn(&name(n, 1), true, &RULES, Tick(2_000));
        }
        assert!(domains.is_doubtful(&name(7, 5_000), &RULES, Tick(2_000)));
    }
}
