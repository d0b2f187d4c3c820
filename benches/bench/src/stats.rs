//! Order statistics of samples that are not normally distributed.
//!
//! Called by everything that reports a number. Empty input gives NaN, which no floor is ever below.

use repute_traffic::rng::Rng;

/// A middle with the range in which eight of ten samples lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// 10th percentile.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub high: f64,
}

impl Spread {
    /// Of these samples, in any order.
    pub fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self { low: quantile(&sorted, 0.1), median: quantile(&sorted, 0.5), high: quantile(&sorted, 0.9) }
    }
}

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2_000;

/// The median with its 95 % interval (percentile bootstrap; Efron 1979) in place of the percentiles: how sure the
/// median is, not how far the samples lie apart.
pub fn bootstrap(samples: &[f64]) -> Spread {
    let mut rng = Rng::new(0xb007, 0);
    let resampled = |_| {
        let drawn: Vec<_> = (0..samples.len()).map(|_| rng.pick(samples)).collect();
        median(&drawn)
    };
    let mut medians: Vec<_> = (0..RESAMPLES).map(resampled).collect();
    medians.sort_by(f64::total_cmp);
    Spread { low: quantile(&medians, 0.025), median: median(samples), high: quantile(&medians, 0.975) }
}

/// The median of these samples, in any order.
pub fn median(samples: &[f64]) -> f64 {
    Spread::of(samples).median
}

/// The `q`-th quantile (0..=1) of sorted samples, interpolated.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = q * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_do_not_need_order() {
        let spread = Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(spread, Spread { low: 1.4, median: 3.0, high: 4.6 });
        assert_eq!(median(&[2.0, 1.0]), 1.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_bootstrap_is_surer_than_its_samples() {
        let samples: Vec<_> = (0..200).map(|i| f64::from(i % 20)).collect();
        let (spread, sure) = (Spread::of(&samples), bootstrap(&samples));
        assert_eq!(spread.median, sure.median);
        assert!(sure.low > spread.low && sure.high < spread.high, "{sure:?} {spread:?}");
        assert!(sure.low <= sure.median && sure.median <= sure.high);
    }
}
