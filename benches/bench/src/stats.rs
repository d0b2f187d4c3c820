//! Order statistics of samples that are not normally distributed.
//!
//! Called by everything that reports a number. Empty input gives NaN, which no floor is ever below.

/// A middle with the range in which eight of ten samples lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// 10th percentile.
    pub p10: f64,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub p90: f64,
}

impl Spread {
    /// Of these samples, in any order.
    pub fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self { p10: quantile(&sorted, 0.1), median: quantile(&sorted, 0.5), p90: quantile(&sorted, 0.9) }
    }
}

/// The median of these samples, in any order.
pub fn median(samples: &[f64]) -> f64 {
    Spread::of(samples).median
}

/// The `q`-th quantile (0..=1) of sorted samples, interpolated.
fn quantile(sorted: &[f64], q: f64) -> f64 {
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
        assert_eq!(spread, Spread { p10: 1.4, median: 3.0, p90: 4.6 });
        assert_eq!(median(&[2.0, 1.0]), 1.5);
        assert!(median(&[]).is_nan());
    }
}
