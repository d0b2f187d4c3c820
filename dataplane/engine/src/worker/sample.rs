//! Which strangers are looked at closely where most of them get no entry.
//!
//! To look at one means to look for what was asked of it, in memory that is seldom at hand. While there are few, all are
//! looked at; in a flood of them about [`LOOKS`] in a tick, each of which then counts for the others. Used by both ways
//! that a packet may take. Always holds: who is looked at hangs on keys and on what the ticks before brought, so that
//! nobody outside can choose to be overlooked.

/// So many are looked at in a tick, give or take a half, once there are more.
const LOOKS: u32 = 64;
/// One in 2^15 at least is looked at, so that what it counts for fits in sixteen bits.
const SHIFT_MAX: u32 = 15;

/// One stranger in a power of two.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Which power.
    shift: u32,
    /// Strangers in the tick under way.
    met: u32,
}

impl Sample {
    /// Everybody, until there are too many.
    pub const ALL: Self = Self { shift: 0, met: 0 };

    /// Takes note of one more stranger by its key; whether it is looked at.
    #[inline(always)]
    pub const fn takes(&mut self, key: u64) -> bool {
        self.met = self.met.saturating_add(1);
        (key >> 40) & ((1 << self.shift) - 1) == 0
    }

    /// For how many strangers one stands that is looked at.
    pub const fn times(&self) -> u16 {
        1 << self.shift
    }

    /// Ends a tick: the next one is taken to bring as many.
    pub const fn tick(&mut self) {
        let bits = u32::BITS - (self.met / LOOKS).leading_zeros();
        self.shift = if bits < SHIFT_MAX { bits } else { SHIFT_MAX };
        self.met = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u64) -> u64 {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i << 40
    }

    #[test]
    fn few_are_all_looked_at_and_many_stand_for_as_many_as_there_are() {
        let mut sample = Sample::ALL;
        for many in [10u64, 63, 64, 1000, 50_000, 10_000_000] {
            (0..many).for_each(|i| _ = sample.takes(key(i)));
            sample.tick();
            let looked = (0..many).filter(|&i| sample.takes(key(i))).count() as u64;
            let counted = looked * u64::from(sample.times());
            assert!(looked <= 2 * u64::from(LOOKS) || sample.times() == 1 << SHIFT_MAX, "{looked} of {many}");
            assert!(counted.abs_diff(many) <= many / 3, "{counted} for {many}");
            sample.tick();
        }
    }

    #[test]
    fn after_a_quiet_tick_everybody_is_looked_at() {
        let mut sample = Sample::ALL;
        (0..100_000).for_each(|i| _ = sample.takes(key(i)));
        sample.tick();
        assert!(sample.times() > 1);
        sample.tick();
        assert_eq!(sample.times(), 1);
    }
}
