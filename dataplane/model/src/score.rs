//! The one axis of the product: 0 (no trust) to 10 000 (full trust).

use std::fmt;

/// A standing, 0..=10 000; 10 000 = fully trusted.
///
/// Models compute in `f64`; only what is stored or shown is quantised, half to even, to 1/10 000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Score(u16);

impl Score {
    /// Fully trusted.
    pub const MAX: Self = Self(10_000);
    /// Not trusted at all.
    pub const MIN: Self = Self(0);

    /// A score from its integer form; larger values are clamped to 10 000.
    pub const fn new(value: u16) -> Self {
        if value > 10_000 { Self::MAX } else { Self(value) }
    }

    /// Quantises a model's result (0..1, 1 = good) half to even; outside values are clamped, NaN is 0.
    pub fn from_unit(value: f64) -> Self {
        Self((value.clamp(0.0, 1.0) * 10_000.0).round_ties_even() as u16)
    }

    /// The score as 0..=10 000.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The score as 0..1, 1 = good (the scale of E13).
    pub fn unit(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// The view of P3 and P11: 0 (trusted) to 100 (suspicious).
    pub fn suspicion(self) -> f64 {
        100.0 - f64::from(self.0) / 100.0
    }

    /// The score moved by `delta` points of 1/10 000, clamped to the axis.
    #[must_use]
    pub fn nudged(self, delta: i16) -> Self {
        Self((i32::from(self.0) + i32::from(delta)).clamp(0, 10_000) as u16)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantises_half_to_even() {
        assert_eq!(Score::from_unit(0.617_5).get(), 6175);
        assert_eq!(Score::from_unit(0.000_25).get(), 2);
        assert_eq!(Score::from_unit(0.000_35).get(), 4);
        assert_eq!(Score::from_unit(-1.0).get(), 0);
        assert_eq!(Score::from_unit(1.5).get(), 10_000);
        assert_eq!(Score::from_unit(f64::NAN).get(), 0);
    }

    #[test]
    fn suspicion_is_a_view() {
        assert_eq!(Score::new(4870).suspicion(), 51.3);
        assert_eq!(Score::MAX.suspicion(), 0.0);
    }

    #[test]
    fn nudges_stay_on_the_axis() {
        assert_eq!(Score::new(100).nudged(-500), Score::MIN);
        assert_eq!(Score::new(9_900).nudged(500), Score::MAX);
    }
}
