//! A small count that fades: 8.8 fixed point, saturating.

use crate::step;

/// Evidence counted in 1/256, 0..256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(transparent)]
pub struct Tally(u16);

impl Tally {
    /// Nothing counted.
    pub const ZERO: Self = Self(0);
    /// One whole event in [`Tally::add`]'s unit.
    pub const ONE: u16 = 256;

    /// Counts `parts` 256ths, up to the maximum.
    #[inline]
    pub fn add(&mut self, parts: u16) {
        self.0 = self.0.saturating_add(parts);
    }

    /// The same; whether it has come to another step.
    #[inline]
    #[must_use]
    pub fn climb(&mut self, parts: u16) -> bool {
        let before = *self;
        self.add(parts);
        step::is_crossed(before.0.into(), self.0.into())
    }

    /// Takes `parts` 256ths back, down to nothing.
    #[inline]
    pub fn take(&mut self, parts: u16) {
        self.0 = self.0.saturating_sub(parts);
    }

    /// Keeps only `share` (0..1) of the count; rounds down, so that every count reaches zero.
    pub fn fade(&mut self, share: f64) {
        self.0 = (f64::from(self.0) * share) as u16;
    }

    /// The largest count that is no more than so many events.
    pub fn at_most(events: f64) -> Self {
        Self((events * f64::from(Self::ONE)) as u16)
    }

    /// The count in events.
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }

    /// The count in 256ths.
    pub const fn parts(self) -> u16 {
        self.0
    }

    /// So many 256ths.
    pub const fn of_parts(parts: u16) -> Self {
        Self(parts)
    }

    /// Whether nothing is left.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbs_with_each_of_the_first_and_then_by_eighths() {
        let mut tally = Tally::ZERO;
        let climbed = |tally: &mut Tally, times| (0..times).filter(|_| tally.climb(Tally::ONE)).count();
        assert_eq!(climbed(&mut tally, 15), 15);
        assert_eq!(climbed(&mut tally, 112), 24);
        assert_eq!(tally.get(), 127.0);
        assert_eq!(climbed(&mut tally, 1_000), 8);
        assert!(!tally.climb(Tally::ONE));
    }

    #[test]
    fn saturates_and_fades_to_nothing() {
        let mut tally = Tally::ZERO;
        for _ in 0..1000 {
            tally.add(Tally::ONE);
        }
        assert_eq!(tally.get(), 65_535.0 / 256.0);
        tally.take(u16::MAX);
        assert!(tally.is_zero());
        tally.add(Tally::ONE / 2);
        assert_eq!(tally.get(), 0.5);
        for _ in 0..200 {
            tally.fade(0.98);
        }
        assert!(tally.is_zero());
    }
}
