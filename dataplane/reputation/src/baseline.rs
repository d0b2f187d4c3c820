//! What is normal for one source: exponentially weighted mean and variance.

use repute_model::Baseline;

use crate::Ordinary;

/// EWMA mean and variance (West 1979, incremental form) of one rate.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Ewma {
    /// Mean of the rate.
    pub mean: f32,
    /// Variance of the rate.
    pub variance: f32,
}

/// A window further above the mean than this many deviations teaches the baseline no more than this
/// many: nobody can raise his own normal quickly.
const WINSOR: f64 = 3.0;

impl Ewma {
    /// Learns one window; `samples` windows were learnt before.
    pub fn learn(&mut self, rate: f64, samples: u8, baseline: &Baseline, floor: f64) {
        if samples == 0 {
            *self = Self { mean: rate as f32, variance: 0.0 };
            return;
        }
        let mean = f64::from(self.mean);
        let warm = samples >= baseline.warm_up;
        let most = mean + WINSOR * self.deviation(floor);
        let rate = if warm { rate.min(most) } else { rate };
        let step = rate - mean;
        // Early windows count like a plain average, later ones by alpha.
        let alpha = baseline.alpha.max(1.0 / (f64::from(samples) + 1.0));
        self.mean = (mean + alpha * step) as f32;
        self.variance = ((1.0 - alpha) * (f64::from(self.variance) + alpha * step * step)) as f32;
    }

    /// Standard deviation, at least the floor and a tenth of the mean.
    pub fn deviation(&self, floor: f64) -> f64 {
        f64::from(self.variance).sqrt().max(floor).max(0.1 * f64::from(self.mean))
    }

    /// How many deviations `rate` lies above what is ordinary: the mean, or what is usual for the hour ([`Ordinary::of`]); 0
    /// below it or below the floor.
    pub fn above(&self, rate: f64, usual: Option<f32>, floor: f64) -> f64 {
        if rate <= floor {
            return 0.0;
        }
        let Ordinary { to, spread, .. } = Ordinary::of(f64::from(self.mean), usual, floor);
        ((rate - to) / self.deviation(floor).max(spread)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: Baseline =
        Baseline { alpha: 0.1, warm_up: 8, floor_packets_per_s: 10.0, floor_bytes_per_s: 1000.0 };

    fn learnt(rates: &[f64]) -> Ewma {
        let mut ewma = Ewma::default();
        for (i, &rate) in rates.iter().enumerate() {
            ewma.learn(rate, i as u8, &BASELINE, 10.0);
        }
        ewma
    }

    #[test]
    fn a_steady_rate_is_its_own_mean() {
        let ewma = learnt(&[50.0; 100]);
        assert_eq!((ewma.mean, ewma.variance), (50.0, 0.0));
        assert_eq!(ewma.above(50.0, None, 10.0), 0.0);
        assert_eq!(ewma.above(150.0, None, 10.0), 10.0);
    }

    #[test]
    fn variance_follows_the_spread() {
        let rates: Vec<f64> = (0..200).map(|i| if i % 2 == 0 { 40.0 } else { 160.0 }).collect();
        let ewma = learnt(&rates);
        assert!((f64::from(ewma.mean) - 100.0).abs() < 10.0, "{ewma:?}");
        assert!((ewma.deviation(10.0) - 60.0).abs() < 8.0, "{ewma:?}");
    }

    #[test]
    fn a_burst_cannot_buy_a_new_normal() {
        let mut ewma = learnt(&[50.0; 50]);
        ewma.learn(100_000.0, 50, &BASELINE, 10.0);
        assert!(ewma.mean < 55.0, "{ewma:?}");
    }

    #[test]
    fn below_the_floor_nothing_deviates() {
        assert_eq!(learnt(&[1.0; 20]).above(9.0, None, 10.0), 0.0);
    }

    #[test]
    fn what_is_usual_at_the_hour_is_no_deviation() {
        let ewma = learnt(&[50.0; 100]);
        assert!(ewma.above(2000.0, None, 10.0) > 100.0);
        assert_eq!(ewma.above(2000.0, Some(2000.0), 10.0), 0.0);
        assert_eq!(ewma.above(4000.0, Some(2000.0), 10.0), 2.0);
        // What was its own for a while, and is nowhere near what is usual now.
        let busy = learnt(&[2000.0; 100]);
        assert_eq!(busy.above(2000.0, None, 10.0), 0.0);
        assert_eq!(busy.above(2000.0, Some(100.0), 10.0), 3.0);
    }
}
