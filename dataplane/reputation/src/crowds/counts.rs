//! What happened to one destination: packets, bytes and facts that are always added, compared and kept together.
//!
//! Used by rows, sketch, totals and watch. Always holds: a counter stops at its maximum and never wraps.

use super::{Fact, Happening};

/// What happened between two ticks: 28 bytes, so that a row is one cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Counts {
    /// Packets to it.
    pub packets: u32,
    /// Their bytes on the wire.
    pub bytes: u32,
    /// Facts about them, by [`Fact`].
    facts: [u16; Fact::COUNT],
}

/// What happened in a life, or in a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// Packets to it.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    facts: [u64; Fact::COUNT],
}

impl Counts {
    /// One packet of `bytes` bytes.
    pub fn of(what: Happening, bytes: u32) -> Self {
        let mut one = Self::default();
        one.note(what, bytes);
        one
    }

    /// Facts alone, about a packet that was counted before.
    pub fn facts(what: Happening) -> Self {
        let mut none = Self::default();
        none.mark(what);
        none
    }

    /// A fact that holds for several packets.
    pub fn times(fact: Fact, times: u16) -> Self {
        let mut none = Self::default();
        none.facts[fact as usize] = times;
        none
    }

    /// How often a fact was noted.
    #[inline]
    pub const fn get(&self, fact: Fact) -> u16 {
        self.facts[fact as usize]
    }

    /// Whether no fact was noted.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.facts == [0; Fact::COUNT]
    }

    /// Counts a packet of `bytes` bytes. Most packets are nothing out of the ordinary and touch two counters.
    #[inline(always)]
    pub fn note(&mut self, what: Happening, bytes: u32) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if what != Happening::NOTHING {
            self.mark(what);
        }
    }

    /// Notes facts about a packet that was counted before.
    #[inline(always)]
    pub fn mark(&mut self, what: Happening) {
        for (i, count) in self.facts.iter_mut().enumerate() {
            *count = count.saturating_add(what.0 >> i & 1);
        }
    }

    /// Notes one fact about such a packet.
    #[inline(always)]
    pub const fn mark_one(&mut self, fact: Fact) {
        let count = &mut self.facts[fact as usize];
        *count = count.saturating_add(1);
    }

    /// The sum.
    #[inline(always)]
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        self.with(more, u32::saturating_add, u16::saturating_add)
    }

    /// Counter by counter, the wide ones by `wide`, facts by `narrow`.
    #[inline(always)]
    pub(super) fn with(
        self,
        other: Self,
        wide: impl Fn(u32, u32) -> u32,
        narrow: impl Fn(u16, u16) -> u16,
    ) -> Self {
        Self {
            packets: wide(self.packets, other.packets),
            bytes: wide(self.bytes, other.bytes),
            facts: std::array::from_fn(|i| narrow(self.facts[i], other.facts[i])),
        }
    }
}

impl Sums {
    /// How often a fact was noted.
    #[inline]
    pub const fn get(&self, fact: Fact) -> u64 {
        self.facts[fact as usize]
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, more: Counts) -> Self {
        self.with(more.into(), u64::saturating_add)
    }

    /// Takes out as much as counts can hold: all of it but for the largest sums.
    pub(super) fn take(&mut self) -> Counts {
        let counts = Counts {
            packets: self.packets.try_into().unwrap_or(u32::MAX),
            bytes: self.bytes.try_into().unwrap_or(u32::MAX),
            facts: self.facts.map(|times| times.try_into().unwrap_or(u16::MAX)),
        };
        *self = self.with(counts.into(), u64::saturating_sub);
        counts
    }

    /// Counter by counter.
    #[must_use]
    pub fn with(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            packets: f(self.packets, other.packets),
            bytes: f(self.bytes, other.bytes),
            facts: std::array::from_fn(|i| f(self.facts[i], other.facts[i])),
        }
    }
}

impl From<Counts> for Sums {
    fn from(counts: Counts) -> Self {
        Self {
            packets: counts.packets.into(),
            bytes: counts.bytes.into(),
            facts: counts.facts.map(u64::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: [Fact; Fact::COUNT] = [
        Fact::Stranger,
        Fact::Syn,
        Fact::Shaken,
        Fact::Request,
        Fact::Replied,
        Fact::Segment,
        Fact::Continued,
        Fact::Unasked,
        Fact::Fragment,
        Fact::Heard,
    ];

    #[test]
    fn every_fact_has_its_own_counter() {
        for fact in FACTS {
            let counts = Counts::of(fact.into(), 60);
            let got = FACTS.map(|other| counts.get(other));
            assert_eq!(got, FACTS.map(|other| u16::from(other == fact)));
            assert_eq!((counts.packets, counts.bytes), (1, 60));
            assert!(!counts.is_plain());
            let mut marked = Counts::of(Happening::NOTHING, 60);
            marked.mark_one(fact);
            assert_eq!(marked, counts);
        }
        let all = Counts::of(Happening::ALL, 0);
        assert!(FACTS.iter().all(|&fact| all.get(fact) == 1));
        assert_eq!(FACTS.iter().fold(Happening::NOTHING, |all, &fact| all | fact.into()), Happening::ALL);
    }

    #[test]
    fn counters_stop_at_their_maximum() {
        let nearly = Counts { bytes: u32::MAX - 10, ..Counts::of(Happening::NOTHING, 0) };
        let sum = nearly.plus(Counts::of(Fact::Syn.into(), 60));
        assert_eq!((sum.packets, sum.bytes, sum.get(Fact::Syn)), (2, u32::MAX, 1));
        let total = Sums::default().plus(sum).plus(sum);
        assert_eq!((total.bytes, total.get(Fact::Syn)), (2 * u64::from(u32::MAX), 2));
        let mut full = Counts::default();
        (0..70_000).for_each(|_| full.mark(Fact::Heard.into()));
        assert_eq!(full.get(Fact::Heard), u16::MAX);
    }
}
