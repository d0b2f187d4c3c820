//! What the tests of the store share: sources by number, and what a store holds as plain maps.

#![allow(clippy::unwrap_used)] // helpers of tests are tests
#![allow(dead_code)] // not every test needs all of it

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use repute_model::{Address, Band, Score, Source, Width};
use repute_store::{Explained, ExplainedTerm, Limits, Opened, SourceRecord, Store};

/// A moment, so many ms after an arbitrary begin.
pub fn at(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_790_000_000_000 + ms)
}

/// Every third one is IPv6.
pub fn source(number: u32) -> Source {
    let address = if number.is_multiple_of(3) {
        Address((0x2001_0db8_u128 << 96) | (u128::from(number) << 64))
    } else {
        Address::v4(0x0a00_0000 + number)
    };
    Source::of(address, Width::OUTSIDE).unwrap()
}

/// What a source was like in a round.
pub fn record(number: u32, round: u32) -> SourceRecord {
    SourceRecord {
        score: Score::new((number.wrapping_mul(31).wrapping_add(round) % 10_001) as u16),
        band: Band::from_index((number % 5) as u8),
        packets_mean: round as f32,
        samples: (round % 256) as u8,
        service: number.is_multiple_of(2).then_some((number % 255) as u8),
        tallies: [round as u16; 6],
        ..SourceRecord::new(source(number), at(u64::from(round)))
    }
}

pub fn explained(number: u32, ms: u64) -> Explained {
    let terms = vec![ExplainedTerm { factor: Cow::Borrowed("rate"), value: 0.5, weight: 0.25 }];
    let (score, band) = (Score::new(5000), Band::Neutral);
    let treatment = Cow::Borrowed("log+meter");
    Explained { source: source(number), at: at(ms), score, band, treatment, policy_version: 7, terms }
}

/// Opens a store that has to be sound.
pub fn open(folder: &Path, limits: Limits) -> Store {
    let Opened { store, set_aside } = Store::open(folder, limits, at(0)).unwrap();
    assert_eq!(set_aside, None);
    store
}

/// Every source that is restored; each must come once.
pub fn sources(store: &Store) -> BTreeMap<Source, SourceRecord> {
    let mut found = BTreeMap::new();
    for restored in store.restore_sources(at(0)).unwrap() {
        let record = restored.unwrap().record;
        assert_eq!(found.insert(record.source, record), None, "{} came twice", record.source);
    }
    found
}

/// Writes a whole round of these sources.
pub fn write_round(store: &Store, numbers: impl IntoIterator<Item = u32>, round: u32) {
    let records: Vec<_> = numbers.into_iter().map(|number| record(number, round)).collect();
    let mut open = store.begin_round(at(u64::from(round))).unwrap();
    for batch in records.chunks(repute_store::BATCH_MAX) {
        open.add(batch, at(u64::from(round))).unwrap();
    }
    open.finish().unwrap();
}

/// xorshift64*: the same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % bound
    }
}
