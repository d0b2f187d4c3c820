//! The CPU's time stamp counter as a clock: nanosecond steps for the price of one instruction.
//!
//! Called by the worker loop, once per burst. Counts the same on all cores of a machine with an invariant TSC.

use dpdk_sys::rte_get_tsc_hz;

use crate::Eal;

/// Reads the counter and converts its differences.
#[derive(Clone, Copy, Debug)]
pub struct Cycles {
    hz: u64,
}

impl Cycles {
    /// The counter with the frequency that EAL measured at its start.
    #[must_use]
    pub fn new(_: &Eal) -> Self {
        // SAFETY: EAL runs; the call returns a number.
        let hz = unsafe { rte_get_tsc_hz() };
        Self { hz: hz.max(1) }
    }

    /// The counter now. Not ordered against memory accesses: a burst's worth of blur.
    #[inline(always)]
    #[must_use]
    pub fn now(&self) -> u64 {
        // SAFETY: every x86-64 CPU has the instruction.
        unsafe { std::arch::x86_64::_rdtsc() }
    }

    /// Counts per second.
    #[must_use]
    pub fn hz(&self) -> u64 {
        self.hz
    }

    /// A difference of counts in nanoseconds; saturates after 584 years.
    #[inline]
    #[must_use]
    pub fn to_ns(&self, cycles: u64) -> u64 {
        let ns = u128::from(cycles) * 1_000_000_000 / u128::from(self.hz);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_neither_overflows_nor_loses_seconds() {
        let clock = Cycles { hz: 2_596_096_000 };
        assert_eq!(clock.to_ns(clock.hz()), 1_000_000_000);
        assert_eq!(clock.to_ns(clock.hz() * 86_400 * 365), 31_536_000_000_000_000);
        assert_eq!(Cycles { hz: 1 }.to_ns(u64::MAX), u64::MAX);
    }
}
