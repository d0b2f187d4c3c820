//! From a snapshot to metrics.
//!
//! `ports.rs`, `workers.rs`, `services.rs` and `dns.rs` have the data plane, table by table; `control.rs` what the control
//! plane does.

mod control;
mod dns;
mod ports;
mod services;
mod workers;

use std::collections::HashSet;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::BoxSnapshot;
use crate::family::{About, Families, LABEL_MAX};

/// Elements of a list (services, feeds, sinks, inputs) that are shown at most; what is left out is counted.
pub const LIST_MAX: usize = 256;

/// A snapshot that the text encoder reads.
#[derive(Debug)]
pub(crate) struct Exported(pub BoxSnapshot);

const LEFT_OUT: About = About {
    name: "metrics_left_out",
    unit: "elements",
    help: "Services, feeds, sinks and inputs that are not shown: their list is too long or their name is not unique.",
};

impl Collector for Exported {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut families = Families::new(encoder);
        ports::export(&self.0.workers, &mut families)?;
        workers::export(&self.0.workers, &mut families)?;
        dns::export(&self.0.workers, &mut families)?;
        dns::upstreams(&self.0.upstreams, &mut families)?;
        let left_out = services::export(&self.0, &mut families)? + control::export(&self.0, &mut families)?;
        families.gauge(LEFT_OUT, [(vec![], left_out as f64)])
    }
}

/// The elements that can be shown: the first of every name, up to [`LIST_MAX`]. Two series of the same labels would
/// make Prometheus refuse everything.
fn shown<T>(list: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let mut names = HashSet::new();
    let is_new = |element: &&T| names.insert(name(element).chars().take(LABEL_MAX).collect::<String>());
    list.iter().filter(is_new).take(LIST_MAX).collect()
}
