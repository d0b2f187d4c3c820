//! Sources that are in several services: what each of them does in each (E2).
//!
//! A source in one service is known by its entry alone; whoever is seen in a second one has a row here for each, and
//! [`Flags::SEVERAL`](crate::Flags) on its entry. Its entry goes on to count all of its bytes; a packet of another
//! service than the last one closes the account of that one, so that packets which go on with what they did before have
//! nothing to do here. Always holds: windows are those of the entry, and the bytes of all rows of a source are at most
//! those of its entry.

use repute_memory::Table;
use repute_model::{Baseline, Rates, Score, Tick};

use crate::{Hot, Hours, Ordinary};

/// Rows of one source at most; they lie together.
pub const PAIRS_MAX: usize = 8;

/// One source in one service.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// Whose; 0 = free.
    fingerprint: u64,
    /// Bytes of the window under way that are accounted for.
    bytes: u32,
    /// What the entry had counted when the packets began to be about this service.
    mark: u32,
    /// Mean bytes per second.
    pub mean: f32,
    /// Low bits of the tick at which it was last turned to.
    at: u32,
    /// Service number + 1; 0 = none.
    service: u8,
    /// Whether packets are about it now.
    current: bool,
    /// Windows learnt, saturating.
    pub samples: u8,
    /// How bad the destinations were, as [`Warm::destination`](crate::Warm).
    pub destination: u8,
    /// How far the last window with traffic was from the mean, as [`Warm::deviation`](crate::Warm).
    pub deviation: u8,
}

impl Pair {
    const FREE: Self = Self {
        fingerprint: 0,
        bytes: 0,
        mark: 0,
        mean: 0.0,
        at: 0,
        service: 0,
        current: false,
        samples: 0,
        destination: 0,
        deviation: 0,
    };

    /// The number of the service.
    pub fn service(&self) -> Option<u8> {
        self.service.checked_sub(1)
    }

    /// Bytes of the window under way, of which the entry has counted so many.
    pub const fn bytes(&self, counted: u32) -> u32 {
        if self.current { self.bytes.saturating_add(counted.saturating_sub(self.mark)) } else { self.bytes }
    }
}

/// How far a volume is from what is ordinary, 0..=255 for 0 to as much as that and more.
pub fn deviation(volume: f64, ordinary: Ordinary) -> u8 {
    let share = crate::scoring::egress_interval::deviation(volume, ordinary.nearest(volume));
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Teaches a mean one window.
pub fn learn(mean: &mut f32, samples: &mut u8, volume: f64, baseline: &Baseline) {
    let alpha = baseline.alpha.max(1.0 / (f64::from(*samples) + 1.0));
    *mean += (alpha * (volume - f64::from(*mean))) as f32;
    *samples = samples.saturating_add(1);
}

/// An eighth of the way from a badness to that of a destination; rounding away from the old value, so that it gets there.
pub fn towards(badness: u8, destination: Score) -> u8 {
    let bad = 255.0 * (1.0 - destination.unit());
    let step = (bad - f64::from(badness)) / 8.0;
    let step = if step < 0.0 { step.floor() } else { step.ceil() };
    (f64::from(badness) + step).clamp(0.0, 255.0) as u8
}

/// The rows of all sources in several services.
#[derive(Debug)]
pub struct Pairs {
    sets: Table<[Pair; PAIRS_MAX]>,
    forgotten: u64,
}

impl Pairs {
    /// Room for so many rows, a power of two.
    pub fn new(rows: u32) -> Self {
        let sets = (rows as usize / PAIRS_MAX).max(1).next_power_of_two();
        Self { sets: Table::new(sets, [Pair::FREE; PAIRS_MAX]), forgotten: 0 }
    }

    /// A source is seen in a second service: what was known of it until now is known of it in its first one.
    pub fn begin(
        &mut self,
        fingerprint: u64,
        first: Option<u8>,
        known: (f32, u8, u8, u8),
        counted: u32,
        now: Tick,
    ) {
        let (mean, samples, destination, deviation) = known;
        let pair = self.row(fingerprint, first, now);
        (pair.mean, pair.samples, pair.destination, pair.deviation) = (mean, samples, destination, deviation);
        (pair.bytes, pair.current) = (counted, false);
    }

    /// From here on the packets of a source are about this service; its entry has counted so many bytes in this window.
    /// Whether they were about another one.
    pub fn turn(&mut self, fingerprint: u64, service: Option<u8>, counted: u32, now: Tick) -> bool {
        let number = place(service);
        for pair in self.rows_mut(fingerprint).filter(|pair| pair.current) {
            if pair.service == number {
                pair.at = now.low();
                return false;
            }
            (pair.bytes, pair.current) = (pair.bytes(counted), false);
        }
        let pair = self.row(fingerprint, service, now);
        (pair.mark, pair.current) = (counted, true);
        true
    }

    /// It has begun to talk to a destination of this standing there.
    pub fn met(&mut self, fingerprint: u64, service: Option<u8>, destination: Score) {
        let number = place(service);
        if let Some(pair) = self.rows_mut(fingerprint).find(|pair| pair.service == number) {
            pair.destination = towards(pair.destination, destination);
        }
    }

    /// The window of a source ends after so many seconds, with what its entry has counted. Rows without any bytes learn
    /// nothing; the others teach `hours`. How many packets a row had is not counted: as large a share of all as of the bytes.
    pub fn close(&mut self, hot: &Hot, seconds: f64, baseline: &Baseline, hours: &mut Hours) {
        for pair in self.rows_mut(hot.fingerprint) {
            let bytes = pair.bytes(hot.bytes);
            if bytes > 0 && seconds > 0.0 {
                let volume = f64::from(bytes) / seconds;
                if pair.samples > 0 {
                    let usual = hours.usuals.of(pair.service()).map(|usual| usual.bytes_per_s);
                    let own = f64::from(pair.mean);
                    pair.deviation = deviation(volume, Ordinary::of(own, usual, baseline.floor_bytes_per_s));
                }
                learn(&mut pair.mean, &mut pair.samples, volume, baseline);
                let packets = f64::from(hot.packets) * f64::from(bytes) / f64::from(hot.bytes.max(1));
                let rates = Rates { packets_per_s: (packets / seconds) as f32, bytes_per_s: volume as f32 };
                hours.teach(pair.service(), hot, rates);
            }
            (pair.bytes, pair.mark) = (0, 0);
        }
    }

    /// The window of a source begins anew and teaches nothing.
    pub fn restart(&mut self, fingerprint: u64) {
        self.rows_mut(fingerprint).for_each(|pair| (pair.bytes, pair.mark) = (0, 0));
    }

    /// Its destinations are forgiven by time, as those of entries.
    pub fn fade(&mut self, fingerprint: u64, share: f64) {
        self.rows_mut(fingerprint).for_each(|pair| {
            pair.destination = (f64::from(pair.destination) * share) as u8;
        });
    }

    /// Frees the rows of a source that is given up.
    pub fn forget(&mut self, fingerprint: u64) {
        self.rows_mut(fingerprint).for_each(|pair| *pair = Pair::FREE);
    }

    /// The rows of a source.
    pub fn of(&self, fingerprint: u64) -> impl Iterator<Item = &Pair> {
        self.sets[self.set(fingerprint)].iter().filter(move |pair| pair.fingerprint == fingerprint)
    }

    /// Rows that made room for others: what their sources did there is learnt anew.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    /// The row of a source in a service, a fresh one where it has none: free, else the one that was turned to longest ago.
    fn row(&mut self, fingerprint: u64, service: Option<u8>, now: Tick) -> &mut Pair {
        let (set, number) = (self.set(fingerprint), place(service));
        let is_it = |pair: &Pair| pair.fingerprint == fingerprint && pair.service == number;
        let found = self.sets[set].iter().position(is_it);
        let age = |pair: &Pair| match pair.fingerprint {
            0 => u32::MAX,
            _ => now.low().wrapping_sub(pair.at).min(u32::MAX - 1),
        };
        let oldest = || (0..PAIRS_MAX).max_by_key(|&way| age(&self.sets[set][way])).unwrap_or(0);
        let way = found.unwrap_or_else(oldest);
        let pair = &mut self.sets[set][way];
        if found.is_none() {
            self.forgotten += u64::from(pair.fingerprint != 0);
            *pair = Pair { fingerprint, service: number, ..Pair::FREE };
        }
        pair.at = now.low();
        pair
    }

    fn rows_mut(&mut self, fingerprint: u64) -> impl Iterator<Item = &mut Pair> {
        let set = self.set(fingerprint);
        self.sets[set].iter_mut().filter(move |pair| pair.fingerprint == fingerprint)
    }

    fn set(&self, fingerprint: u64) -> usize {
        fingerprint as usize & (self.sets.len() - 1)
    }
}

fn place(service: Option<u8>) -> u8 {
    service.map_or(0, |number| number.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    const WHO: u64 = 1 << 63 | 77;
    const BASELINE: Baseline =
        Baseline { alpha: 0.1, warm_up: 8, floor_packets_per_s: 10.0, floor_bytes_per_s: 1000.0 };

    /// An entry that has counted so many bytes, in packets of a hundred.
    fn counted(fingerprint: u64, bytes: u32) -> Hot {
        Hot { fingerprint, bytes, packets: bytes / 100, ..Hot::FREE }
    }

    #[test]
    fn a_row_is_two_to_a_cache_line() {
        assert_eq!(size_of::<Pair>(), 32);
    }

    #[test]
    fn each_service_learns_its_own_volume() {
        let mut pairs = Pairs::new(64);
        pairs.begin(WHO, Some(3), (500.0, 9, 12, 1), 100, Tick(1));
        pairs.turn(WHO, Some(4), 100, Tick(1));
        pairs.turn(WHO, Some(3), 1100, Tick(2));
        pairs.turn(WHO, Some(4), 1600, Tick(3));
        let mut hours = Hours::new();
        pairs.close(&counted(WHO, 3600), 1.0, &BASELINE, &mut hours);
        let of =
            |pairs: &Pairs, service| *pairs.of(WHO).find(|pair| pair.service() == Some(service)).unwrap();
        let (first, second) = (of(&pairs, 3), of(&pairs, 4));
        // 100 + 500 of 500; 1000 + 2000 of nothing.
        assert_eq!((first.samples, first.destination, first.deviation), (10, 12, 51));
        assert!((first.mean - 510.0).abs() < 1e-3 && second.mean == 3000.0, "{first:?} {second:?}");
        assert_eq!((second.samples, second.deviation), (1, 0), "what is learnt first is no deviation");
        let taught = |service| hours.lesson(Some(service)).rates();
        assert_eq!((taught(3).bytes_per_s, taught(4).bytes_per_s), (600.0, 3000.0));
        assert_eq!((taught(3).packets_per_s, taught(4).packets_per_s), (6.0, 30.0));
        pairs.forget(WHO);
        assert_eq!(pairs.of(WHO).count(), 0);
    }

    #[test]
    fn who_was_away_longest_makes_room() {
        let mut pairs = Pairs::new(8);
        for service in 0..9 {
            pairs.turn(WHO, Some(service), 0, Tick(u64::from(service)));
        }
        let services: Vec<_> = pairs.of(WHO).filter_map(Pair::service).collect();
        assert!(
            services.len() == PAIRS_MAX && !services.contains(&0) && pairs.forgotten() == 1,
            "{services:?}"
        );
    }

    proptest! {
        #![proptest_config(Config { cases: 128, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() })]

        /// A map that is told of every packet knows the same bytes, whatever comes in which order.
        #[test]
        fn accounts_are_those_of_a_map(packets in proptest::collection::vec((0..3u64, 0..4u8, 1..5000u32, 0..12u8), 1..200)) {
            let mut pairs = Pairs::new(1024);
            let mut model: BTreeMap<(u64, u8), u64> = BTreeMap::new();
            let mut counted = [0u32; 3];
            for (who, service, bytes, ends) in packets {
                let fingerprint = 1 << 63 | who;
                pairs.turn(fingerprint, service.checked_sub(1), counted[who as usize], Tick(1));
                counted[who as usize] += bytes;
                *model.entry((who, service)).or_default() += u64::from(bytes);
                for ((owner, service), bytes) in &model {
                    let row = pairs.of(1 << 63 | owner).find(|pair| pair.service == *service).unwrap();
                    prop_assert_eq!(u64::from(row.bytes(counted[*owner as usize])), *bytes);
                }
                if ends == 0 {
                    let hot = Hot { fingerprint, bytes: counted[who as usize], ..Hot::FREE };
                    pairs.close(&hot, 1.0, &BASELINE, &mut Hours::new());
                    counted[who as usize] = 0;
                    model.iter_mut().filter(|((owner, _), _)| *owner == who).for_each(|(_, bytes)| *bytes = 0);
                }
            }
        }
    }
}
