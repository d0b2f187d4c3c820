//! Unwanted traffic, and what the protected hosts answer to it.

mod carpet;
mod drift;
mod probe;
mod queries;
mod reflection;
mod scan;
mod syn_flood;
mod victim;

pub use carpet::Carpet;
pub use drift::Drift;
pub use queries::{Asks, Queries};
pub use reflection::{Amplifier, Reflection};
pub use scan::{Kind, Proto, Scan};
pub use syn_flood::SynFlood;

/// A steady beat: `count` packets, the first at `start_us`, `rate` per second.
#[derive(Clone, Debug)]
struct Beat {
    start_us: u64,
    rate: f64,
    count: u64,
    index: u64,
}

impl Beat {
    fn new(start_us: u64, duration_us: u64, rate: f64) -> Self {
        Self { start_us, rate, count: packets(rate, duration_us), index: 0 }
    }

    fn next_us(&self) -> Option<u64> {
        (self.index < self.count).then(|| self.start_us + (self.index as f64 * 1e6 / self.rate) as u64)
    }

    /// The next packet's time and number.
    fn take(&mut self) -> Option<(u64, u64)> {
        let time = self.next_us()?;
        self.index += 1;
        Some((time, self.index - 1))
    }
}

/// How many packets a rate makes in a time.
fn packets(rate: f64, duration_us: u64) -> u64 {
    (rate * duration_us as f64 / 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_has_its_rate_and_count() {
        let mut beat = Beat::new(1_000_000, 500_000, 8.0);
        let times: Vec<u64> = std::iter::from_fn(|| beat.take()).map(|(time, _)| time).collect();
        assert_eq!(times, [1_000_000, 1_125_000, 1_250_000, 1_375_000]);
        assert_eq!(beat.next_us(), None);
    }
}
