//! What happened to one destination: seven counters that are always added, compared and kept together.
//!
//! Used by rows, sketch and totals. Always holds: a counter stops at its maximum and never wraps.

use super::Happening;

/// Seven counters: `u32` for the time between two ticks, `u64` for a life. The default is nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Counts<T> {
    /// Packets to it.
    pub packets: T,
    /// Their bytes on the wire.
    pub bytes: T,
    /// Connections asked for.
    pub syns: T,
    /// Handshakes completed and first answers used.
    pub completions: T,
    /// Packets of sources without an entry before.
    pub strangers: T,
    /// Answers nobody asked for.
    pub unasked: T,
    /// Fragments.
    pub fragments: T,
}

impl<T: Copy> Counts<T> {
    /// Counter by counter.
    #[inline(always)]
    pub(super) fn with<U: Copy, V>(self, other: Counts<U>, f: impl Fn(T, U) -> V) -> Counts<V> {
        Counts {
            packets: f(self.packets, other.packets),
            bytes: f(self.bytes, other.bytes),
            syns: f(self.syns, other.syns),
            completions: f(self.completions, other.completions),
            strangers: f(self.strangers, other.strangers),
            unasked: f(self.unasked, other.unasked),
            fragments: f(self.fragments, other.fragments),
        }
    }
}

impl Counts<u32> {
    /// One packet of `bytes` bytes.
    pub fn of(what: Happening, bytes: u32) -> Self {
        let mut one = Self::default();
        one.note(what, bytes);
        one
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
        let one = |fact: Happening| u32::from(what.0 & fact.0 != 0);
        self.syns = self.syns.saturating_add(one(Happening::SYN));
        self.completions = self.completions.saturating_add(one(Happening::COMPLETED));
        self.strangers = self.strangers.saturating_add(one(Happening::STRANGER));
        self.unasked = self.unasked.saturating_add(one(Happening::UNASKED));
        self.fragments = self.fragments.saturating_add(one(Happening::FRAGMENT));
    }

    /// The sum.
    #[inline(always)]
    pub fn plus(self, more: Self) -> Self {
        self.with(more, u32::saturating_add)
    }
}

impl Counts<u64> {
    /// The sum.
    pub fn plus<N: Copy + Into<u64>>(self, more: Counts<N>) -> Self {
        self.with(more, |here, more| here.saturating_add(more.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_its_own_counter() {
        let facts = [
            Happening::SYN,
            Happening::COMPLETED,
            Happening::STRANGER,
            Happening::UNASKED,
            Happening::FRAGMENT,
        ];
        for (i, fact) in facts.into_iter().enumerate() {
            let c = Counts::of(fact, 60);
            let got = [c.syns, c.completions, c.strangers, c.unasked, c.fragments];
            assert_eq!(got, std::array::from_fn(|j| u32::from(i == j)));
            assert_eq!((c.packets, c.bytes), (1, 60));
        }
        let all = Counts::of(Happening::ALL, 0);
        assert_eq!((all.syns, all.fragments), (1, 1));
        assert_eq!(facts.into_iter().fold(Happening::NOTHING, |a, b| a | b), Happening::ALL);
    }

    #[test]
    fn counters_stop_at_their_maximum() {
        let nearly = Counts { bytes: u32::MAX - 10, ..Counts::of(Happening::NOTHING, 0) };
        let sum = nearly.plus(Counts::of(Happening::SYN, 60));
        assert_eq!((sum.packets, sum.bytes, sum.syns), (2, u32::MAX, 1));
        let total = Counts::<u64>::default().plus(sum).plus(sum);
        assert_eq!(total.bytes, 2 * u64::from(u32::MAX));
    }
}
