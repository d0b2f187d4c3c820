//! How long breaths took: the worker's own measure of whether it keeps up.

use dpdk::Cycles;
use hdrhistogram::Histogram;

/// Longer ones count as this: ten seconds.
const LONGEST_NS: u64 = 10_000_000_000;

/// Times from one look at the clock to the next in which packets came, in ns. Recording does not allocate.
#[derive(Debug)]
pub struct Breaths {
    times: Histogram<u64>,
    cycles: Cycles,
}

impl Breaths {
    /// Nothing measured yet; two significant digits.
    ///
    /// # Errors
    /// Bounds that the histogram does not take.
    pub fn new(cycles: Cycles) -> anyhow::Result<Self> {
        Ok(Self { times: Histogram::new_with_bounds(1, LONGEST_NS, 2)?, cycles })
    }

    /// Notes a breath of so many cycles; how many ns that is.
    pub fn note(&mut self, cycles: u64) -> u64 {
        let ns = self.cycles.to_ns(cycles);
        self.times.saturating_record(ns);
        ns
    }
}

impl std::fmt::Display for Breaths {
    /// One line: how many, median, 99th percentile and longest in µs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = |ns: u64| ns as f64 / 1e3;
        write!(
            f,
            "{} breaths with packets; median {:.1} µs, p99 {:.1} µs, longest {:.1} µs",
            self.times.len(),
            us(self.times.value_at_quantile(0.5)),
            us(self.times.value_at_quantile(0.99)),
            us(self.times.max())
        )
    }
}
