//! What is kept of one source: 64 bytes, numbers of its entry that outlive a restart.
//!
//! Keyed by the address, never by a hash: the hash's seed is another one after every start.

use std::time::SystemTime;

use repute_model::{Address, Band, Score, Source};
use zerocopy::little_endian::{F32, U16, U32, U64, U128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::time::{from_ms, to_ms};

/// Yes-or-no knowledge about a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SourceFlags {
    /// An allow list named it.
    pub allowed: bool,
    /// A deny list named it.
    pub listed: bool,
    /// It was answered and went on talking.
    pub proven: bool,
}

impl SourceFlags {
    const fn bits(self) -> u8 {
        self.allowed as u8 | (self.listed as u8) << 1 | (self.proven as u8) << 2
    }

    const fn of(bits: u8) -> Self {
        Self { allowed: bits & 1 != 0, listed: bits & 2 != 0, proven: bits & 4 != 0 }
    }
}

/// One source as the sweep handed it out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SourceRecord {
    /// Who.
    pub source: Source,
    /// Standing.
    pub score: Score,
    /// The band it stood in.
    pub band: Band,
    /// What was known about it.
    pub flags: SourceFlags,
    /// Mean packets per second of its own baseline.
    pub packets_mean: f32,
    /// Variance of that.
    pub packets_variance: f32,
    /// Mean bytes per second.
    pub bytes_mean: f32,
    /// Windows learnt, saturating.
    pub samples: u8,
    /// Mitigations so far, fading.
    pub mitigations: u8,
    /// The service it belonged to, by number, 0..=254.
    pub service: Option<u8>,
    /// How bad its destinations were, 0..=255, as a moving mean.
    pub destination: u8,
    /// Fading counts in 1/256, in the order of the entry: open, used, destinations, ports, ICMP errors, unsolicited.
    pub tallies: [u16; 6],
    /// What inspection has found, fading, in 1/256.
    pub hits: u16,
    /// When its last packet came; stored in ms.
    pub last_seen: SystemTime,
}

impl SourceRecord {
    /// A source about which nothing is known but that it was seen: fully trusted, nothing learnt.
    pub const fn new(source: Source, last_seen: SystemTime) -> Self {
        Self {
            source,
            score: Score::MAX,
            band: Band::Excellent,
            flags: SourceFlags { allowed: false, listed: false, proven: false },
            packets_mean: 0.0,
            packets_variance: 0.0,
            bytes_mean: 0.0,
            samples: 0,
            mitigations: 0,
            service: None,
            destination: 0,
            tallies: [0; 6],
            hits: 0,
            last_seen,
        }
    }
}

/// A record as it stands in the file; the checksum is over all bytes before it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct StoredRecord {
    first: U128,
    len: u8,
    band: u8,
    flags: u8,
    samples: u8,
    mitigations: u8,
    /// Number + 1; 0 = none.
    service: u8,
    destination: u8,
    reserved: u8,
    hits: U16,
    score: U16,
    tallies: [U16; 6],
    packets_mean: F32,
    packets_variance: F32,
    bytes_mean: F32,
    last_seen_ms: U64,
    checksum: U32,
}

/// Bytes of a record in the file.
pub(crate) const RECORD_BYTES: usize = size_of::<StoredRecord>();

impl StoredRecord {
    pub fn of(record: &SourceRecord) -> Self {
        let mut stored = Self {
            first: record.source.first().0.into(),
            len: record.source.len128(),
            band: record.band.index() as u8,
            flags: record.flags.bits(),
            samples: record.samples,
            mitigations: record.mitigations,
            service: record.service.map_or(0, |service| service.saturating_add(1)),
            destination: record.destination,
            reserved: 0,
            hits: record.hits.into(),
            score: record.score.get().into(),
            tallies: record.tallies.map(U16::from),
            packets_mean: record.packets_mean.into(),
            packets_variance: record.packets_variance.into(),
            bytes_mean: record.bytes_mean.into(),
            last_seen_ms: to_ms(record.last_seen).into(),
            checksum: 0.into(),
        };
        stored.checksum = stored.sum().into();
        stored
    }

    /// Who; checked by [`StoredRecord::record`] only.
    pub fn key(&self) -> (u128, u8) {
        (self.first.get(), self.len)
    }

    /// The record, or `None` where the checksum is wrong or a value cannot be.
    pub fn record(&self) -> Option<SourceRecord> {
        if self.checksum.get() != self.sum() || self.len > 128 || self.score.get() > Score::MAX.get() {
            return None;
        }
        // A rate that is no number would poison every later mean.
        let rate = |rate: F32| if rate.get().is_finite() { rate.get().max(0.0) } else { 0.0 };
        Some(SourceRecord {
            source: Source::from_parts(Address(self.first.get()), self.len),
            score: Score::new(self.score.get()),
            band: Band::from_index(self.band),
            flags: SourceFlags::of(self.flags),
            packets_mean: rate(self.packets_mean),
            packets_variance: rate(self.packets_variance),
            bytes_mean: rate(self.bytes_mean),
            samples: self.samples,
            mitigations: self.mitigations,
            service: self.service.checked_sub(1),
            destination: self.destination,
            tallies: self.tallies.map(U16::get),
            hits: self.hits.get(),
            last_seen: from_ms(self.last_seen_ms.get()),
        })
    }

    fn sum(&self) -> u32 {
        crc32fast::hash(&self.as_bytes()[..RECORD_BYTES - size_of::<U32>()])
    }
}

/// For `#[serde(with)]`: a source as its first address and its length.
pub(crate) mod parts {
    use repute_model::{Address, Source};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(source: &Source, to: S) -> Result<S::Ok, S::Error> {
        (source.first().0, source.len128()).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Source, D::Error> {
        let (first, len) = <(u128, u8)>::deserialize(from)?;
        let too_long = || D::Error::custom(format!("a prefix of {len} bits"));
        (len <= 128).then(|| Source::from_parts(Address(first), len)).ok_or_else(too_long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SourceRecord {
        SourceRecord {
            score: Score::new(4321),
            band: Band::Neutral,
            flags: SourceFlags { allowed: false, listed: true, proven: true },
            packets_mean: 12.5,
            packets_variance: 3.25,
            bytes_mean: 9000.0,
            samples: 200,
            mitigations: 3,
            service: Some(254),
            destination: 17,
            tallies: [1, 2, 3, 4, 5, 65535],
            hits: 513,
            ..SourceRecord::new("2001:db8:0:1::/64".parse().unwrap(), from_ms(1_700_000_000_123))
        }
    }

    #[test]
    fn a_record_has_64_bytes_and_comes_back() {
        assert_eq!(RECORD_BYTES, 64);
        assert_eq!(StoredRecord::of(&sample()).record(), Some(sample()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = StoredRecord::of(&sample());
        for at in 0..RECORD_BYTES * 8 {
            let mut bad = bytes;
            bad.as_mut_bytes()[at / 8] ^= 1 << (at % 8);
            assert_eq!(bad.record(), None, "bit {at}");
        }
    }

    #[test]
    fn what_is_no_number_comes_back_as_nothing_learnt() {
        let odd = SourceRecord { packets_mean: f32::NAN, bytes_mean: -1.0, ..sample() };
        let back = StoredRecord::of(&odd).record().unwrap();
        assert_eq!((back.packets_mean, back.bytes_mean), (0.0, 0.0));
    }
}
