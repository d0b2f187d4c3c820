//! Autonomous systems of requesters: what is odd about many of their networks though about none of them alone.
//!
//! Told of every query and every answer of a requester whose system is known. Networks (/24, IPv6 /48) and countries are
//! in 64 classes each, and a class has one say whatever comes from it: its latest query, its latest answer. Counted are
//!
//! * how many networks asked for a random name last, and how many got told last that there is no such name;
//! * *spread*: from how many networks, and how many countries, random or non-existent names below one domain are asked for,
//!   beyond what is usual for that system. It is held only against those who ask for such a name.
//!
//! Always holds: half of the classes are forgotten every 65 s, so that what is seen is of the last one or two minutes; of a
//! system with few networks nothing is said, and of spread nothing before it is known what is usual; one network, however
//! much it asks, is one of them. A full set gives up the system that rested longest.

use repute_memory::Table;
use repute_model::{Spreading, SystemLook, Tick};
use repute_reputation::{Inquiry, Resident};

/// Systems that are counted at once.
const SYSTEMS: usize = 2048;
const WAYS: usize = 4;
/// Domains of which it is counted who asks for names that fail, by system.
const SUFFIXES: usize = 3;
/// Nothing is said of a system of which fewer networks were seen.
const NETWORKS_MIN: u32 = 12;
/// Nor of the spread of a domain that fewer of them fail at …
const ASKING_MIN: u32 = 8;
/// … nor by countries where fewer were seen.
const COUNTRIES_MIN: u32 = 4;
/// Shares are as if so many networks, or countries, had asked besides that are beyond reproach.
const NETWORKS_DOUBT: u32 = 4;
const COUNTRIES_DOUBT: u32 = 2;
/// So many periods teach what is usual before anything is beyond it.
const WARM_UP: u8 = 8;
/// One period in so many is what is usual, once that is known.
const LESSONS: i32 = 8;
/// From here on a share is so far beyond the usual that a period teaches no more than [`STEP`]: an attack is not soon usual.
const FAR: i32 = 64;
const STEP: i32 = 2;
/// A period, as a power of two of milliseconds.
const PERIOD_BITS: u32 = 16;
/// What is forgotten at its end, by turns.
const HALVES: [u64; 2] = [0x5555_5555_5555_5555, !0x5555_5555_5555_5555];

/// One system.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Row {
    /// Its number; 0 = free.
    system: u32,
    /// The period in which it asked last, modulo 2^16.
    period: u16,
    /// Periods that have taught what is usual, up to [`WARM_UP`].
    lessons: u8,
    /// What share of its networks usually fails at one domain, and of its countries, in 1/255.
    usual: [u8; 2],
    /// Classes of networks that asked, and of countries.
    seen: Classes,
    /// Networks whose latest query was for a random name; whose latest answer was that there is no such name.
    random: u64,
    failed: u64,
    suffixes: [Suffix; SUFFIXES],
}

/// Classes of networks and of countries, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Classes([u64; 2]);

/// Who asks for names that fail, below one domain.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Suffix {
    domain: u32,
    asking: Classes,
}

const NOBODY: Suffix = Suffix { domain: 0, asking: Classes([0; 2]) };
const FREE: Row = Row {
    system: 0,
    period: 0,
    lessons: 0,
    usual: [0; 2],
    seen: Classes([0; 2]),
    random: 0,
    failed: 0,
    suffixes: [NOBODY; SUFFIXES],
};

/// What is known of systems.
#[derive(Debug)]
pub struct Systems {
    sets: Table<[Row; WAYS]>,
    forgotten: u64,
}

impl Systems {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self { sets: Table::new(SYSTEMS / WAYS, [FREE; WAYS]), forgotten: 0 }
    }

    /// Takes note of a query of a requester in this network, and tells the requester what that comes to.
    pub fn asks(&mut self, resident: &mut Resident, network: u64, inquiry: &Inquiry, now: Tick) {
        let Some(system) = resident.system() else { return };
        let (row, from) = (self.row(system, now), Classes::of(network, resident));
        row.seen.add(from);
        say(&mut row.random, from, inquiry.is_random);
        resident.belongs(row.oddity());
        if inquiry.is_random {
            resident.shares(row.spreads(inquiry.domain, from));
        }
    }

    /// Takes note of what became of a query for a name of this domain.
    pub fn learns(
        &mut self,
        resident: &mut Resident,
        network: u64,
        domain: u32,
        is_nxdomain: bool,
        now: Tick,
    ) {
        let Some(system) = resident.system() else { return };
        let (row, from) = (self.row(system, now), Classes::of(network, resident));
        row.seen.add(from);
        say(&mut row.failed, from, is_nxdomain);
        if is_nxdomain {
            resident.shares(row.spreads(domain, from));
        }
    }

    /// What is known of a system.
    pub fn look(&self, system: u32, now: Tick) -> Option<SystemLook> {
        let row = self.sets[set(system)].iter().find(|row| row.system == system)?;
        let mut row = *row;
        row.turn(period(now));
        let spreading = |kind: usize| Spreading {
            asking: row.widest(kind) as u8,
            of: row.seen.count(kind) as u8,
            usual: f32::from(row.usual[kind]) / 255.0,
        };
        (row.seen.count(NETWORKS) > 0).then(|| SystemLook {
            number: system,
            networks: row.seen.count(NETWORKS) as u8,
            random: row.random.count_ones() as u8,
            failed: row.failed.count_ones() as u8,
            spread: spreading(NETWORKS),
            countries: spreading(COUNTRIES),
            is_learnt: row.lessons >= WARM_UP,
        })
    }

    /// Systems that made room for others.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    fn row(&mut self, system: u32, now: Tick) -> &mut Row {
        let (rows, period) = (&mut self.sets[set(system)], period(now));
        let rest = |row: &Row| if row.system == 0 { u16::MAX } else { period.wrapping_sub(row.period) };
        let known = rows.iter().position(|row| row.system == system);
        let at = known.or_else(|| (0..WAYS).max_by_key(|&way| rest(&rows[way]))).unwrap_or(0);
        if known.is_none() {
            self.forgotten += u64::from(rows[at].system != 0);
            rows[at] = Row { system, period, ..FREE };
        }
        rows[at].turn(period);
        &mut rows[at]
    }
}

/// What classes are of.
const NETWORKS: usize = 0;
const COUNTRIES: usize = 1;

/// Numbers that are neighbours, as those of one registry, come into different sets.
const fn set(system: u32) -> usize {
    (system.wrapping_mul(0x9e37_79b1) >> 16) as usize % (SYSTEMS / WAYS)
}

const fn period(now: Tick) -> u16 {
    (now.0 >> PERIOD_BITS) as u16
}

/// The latest that networks of these classes have said.
const fn say(all: &mut u64, from: Classes, is_odd: bool) {
    let bit = from.0[NETWORKS];
    *all = if is_odd { *all | bit } else { *all & !bit };
}

impl Classes {
    /// Those of one requester.
    const fn of(network: u64, resident: &Resident) -> Self {
        Self([1 << ((network >> 20) % 64), resident.country()])
    }

    const fn add(&mut self, other: Self) {
        self.0[NETWORKS] |= other.0[NETWORKS];
        self.0[COUNTRIES] |= other.0[COUNTRIES];
    }

    const fn count(&self, kind: usize) -> u32 {
        self.0[kind].count_ones()
    }

    const fn keep(&mut self, kept: u64) {
        self.0[NETWORKS] &= kept;
        self.0[COUNTRIES] &= kept;
    }
}

impl Row {
    /// Where a period has ended: learns what is usual, and forgets half of what was seen; all of it after a rest.
    fn turn(&mut self, period: u16) {
        let passed = period.wrapping_sub(self.period);
        if passed == 0 {
            return;
        }
        self.learn();
        self.period = period;
        self.forget(if passed == 1 { HALVES[usize::from(period % 2)] } else { 0 });
    }

    fn forget(&mut self, kept: u64) {
        self.seen.keep(kept);
        self.random &= kept;
        self.failed &= kept;
        self.suffixes.iter_mut().for_each(|suffix| suffix.asking.keep(kept));
    }

    /// The worse of the share of networks that ask for random names and of those whose names do not exist.
    fn oddity(&self) -> u8 {
        let seen = self.seen.count(NETWORKS);
        let odd = self.random.count_ones().max(self.failed.count_ones());
        if seen < NETWORKS_MIN { 0 } else { part(odd, seen + NETWORKS_DOUBT) }
    }

    /// Takes note of who asks for a name of this domain that fails. How far beyond the usual that is spread, 0..=255.
    fn spreads(&mut self, domain: u32, from: Classes) -> u8 {
        let Some(at) = self.suffix(domain) else { return 0 };
        let asking = &mut self.suffixes[at].asking;
        asking.add(from);
        let asking = *asking;
        if self.lessons < WARM_UP || asking.count(NETWORKS) < ASKING_MIN {
            return 0;
        }
        let beyond =
            |kind| self.share(asking, kind).map_or(0, |share| share.saturating_sub(self.usual[kind]));
        beyond(NETWORKS).max(beyond(COUNTRIES))
    }

    /// The place of a domain. Where there is none, the domain that the fewest networks fail at loses one of them for every
    /// query, and its place with the last (Misra and Gries, over networks): who asks a lot alone pushes nobody out.
    fn suffix(&mut self, domain: u32) -> Option<usize> {
        if let Some(at) = self.suffixes.iter().position(|suffix| suffix.domain == domain) {
            return Some(at);
        }
        let at = (0..SUFFIXES).min_by_key(|&at| self.suffixes[at].asking.count(NETWORKS))?;
        let suffix = &mut self.suffixes[at];
        let networks = &mut suffix.asking.0[NETWORKS];
        *networks &= networks.wrapping_sub(1);
        if *networks > 0 {
            return None;
        }
        *suffix = Suffix { domain, ..NOBODY };
        Some(at)
    }

    /// What share of the networks, or countries, that ask for anything these are; `None` where there are too few.
    fn share(&self, asking: Classes, kind: usize) -> Option<u8> {
        let (least, doubt) = [(NETWORKS_MIN, NETWORKS_DOUBT), (COUNTRIES_MIN, COUNTRIES_DOUBT)][kind];
        let seen = self.seen.count(kind);
        (seen >= least).then(|| part(asking.count(kind), seen + doubt))
    }

    /// From how many networks, or countries, names of one domain fail at most.
    fn widest(&self, kind: usize) -> u32 {
        self.suffixes.iter().map(|suffix| suffix.asking.count(kind)).max().unwrap_or(0)
    }

    /// Learns from a period what is usual.
    fn learn(&mut self) {
        let shares = [NETWORKS, COUNTRIES].map(|kind| {
            let shares = self.suffixes.iter().map(|suffix| self.share(suffix.asking, kind));
            shares.max().flatten()
        });
        if shares[NETWORKS].is_none() {
            return;
        }
        for (usual, share) in self.usual.iter_mut().zip(shares) {
            *usual = taught(*usual, share.unwrap_or(*usual), self.lessons);
        }
        self.lessons = (self.lessons + 1).min(WARM_UP);
    }
}

/// What is usual after a period with this share: at first the largest that was seen, later a mean.
fn taught(usual: u8, share: u8, lessons: u8) -> u8 {
    if lessons < WARM_UP {
        return usual.max(share);
    }
    let beyond = i32::from(share) - i32::from(usual);
    let step = if beyond > FAR { STEP } else { (beyond + beyond.signum() * (LESSONS - 1)) / LESSONS };
    (i32::from(usual) + step).clamp(0, 255) as u8
}

/// A share in 1/255.
fn part(part: u32, whole: u32) -> u8 {
    (255 * part / whole.max(1)).min(255) as u8
}

#[cfg(test)]
mod tests;
