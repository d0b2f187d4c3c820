//! Writes one metric after the other, each with its help, its type and its unit.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::requests::{BOUNDS, RequestSeries};

/// Characters of a label value at most; the rest is cut off.
pub const LABEL_MAX: usize = 128;

/// A sample's labels: names are ours, values may be anybody's.
pub(crate) type Labels<'a> = Vec<(&'static str, &'a str)>;

/// What a metric is called and what it means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// Without `repute_` in front and without unit and `_total` behind.
    pub name: &'static str,
    /// Base unit, or what is counted; empty = none.
    pub unit: &'static str,
    /// One sentence for people.
    pub help: &'static str,
}

/// The text under way.
pub(crate) struct Families<'a>(DescriptorEncoder<'a>);

impl<'a> Families<'a> {
    pub const fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// What only grows.
    pub fn counter<'l>(
        &mut self,
        about: About,
        samples: impl IntoIterator<Item = (Labels<'l>, u64)>,
    ) -> fmt::Result {
        let unit = unit(about);
        let mut metric =
            self.0.encode_descriptor(about.name, about.help, unit.as_ref(), MetricType::Counter)?;
        for (labels, value) in samples {
            sample(&mut metric, labels, |metric| metric.encode_counter::<NoLabelSet, _, u64>(&value, None))?;
        }
        Ok(())
    }

    /// What goes up and down.
    pub fn gauge<'l>(
        &mut self,
        about: About,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) -> fmt::Result {
        let unit = unit(about);
        let mut metric =
            self.0.encode_descriptor(about.name, about.help, unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in samples {
            sample(&mut metric, labels, |metric| metric.encode_gauge(&value))?;
        }
        Ok(())
    }

    /// What is known by its labels alone.
    pub fn info(&mut self, about: About, labels: Labels) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(about.name, about.help, None, MetricType::Info)?;
        metric.encode_info(&cut(labels))
    }

    /// Durations by bucket.
    pub fn histogram<'l>(
        &mut self,
        about: About,
        samples: impl IntoIterator<Item = (Labels<'l>, &'l RequestSeries)>,
    ) -> fmt::Result {
        let unit = unit(about);
        let mut metric =
            self.0.encode_descriptor(about.name, about.help, unit.as_ref(), MetricType::Histogram)?;
        for (labels, series) in samples {
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(series.counts).collect();
            let count = series.counts.iter().sum();
            sample(&mut metric, labels, |metric| {
                metric.encode_histogram::<NoLabelSet>(series.sum_s, count, &buckets, None)
            })?;
        }
        Ok(())
    }
}

/// Writes one sample; without labels there are no empty braces.
fn sample(
    metric: &mut MetricEncoder,
    labels: Labels,
    write: impl FnOnce(&mut MetricEncoder) -> fmt::Result,
) -> fmt::Result {
    if labels.is_empty() { write(metric) } else { write(&mut metric.encode_family(&cut(labels))?) }
}

fn unit(about: About) -> Option<Unit> {
    (!about.unit.is_empty()).then(|| Unit::Other(about.unit.to_owned()))
}

fn cut(labels: Labels) -> Vec<(&'static str, String)> {
    labels.into_iter().map(|(name, value)| (name, value.chars().take(LABEL_MAX).collect())).collect()
}

/// Seconds since 1970; `None` where that cannot be said.
pub(crate) fn seconds(time: Option<SystemTime>) -> Option<f64> {
    Some(time?.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}
