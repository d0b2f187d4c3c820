//! Events about the box itself.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::admin::severities;
use super::{Happening, Severity};

severities! {
    Started = Notice,
    Stopping = Warning,
    WorkerLagging = Critical,
    WorkerRecovered = Notice,
    ReportsLost = Warning,
    EventsLost = Warning,
    SinkFailed = Error,
    SinkRecovered = Notice,
}

/// The box has started.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Started {
    /// Version of the product.
    pub version: String,
    /// SHA-256 over the validated config, 64 hexadecimal digits.
    pub digest: String,
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the box has started with repute {}", self.version)
    }
}

/// The box is about to stop.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Stopping {
    /// For how long it has run, in ms.
    pub uptime_ms: u64,
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the box stops after {} ms", self.uptime_ms)
    }
}

/// A worker has not moved for a while.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct WorkerLagging {
    /// Which one.
    pub worker: u16,
    /// For how long, in ms.
    pub silent_ms: u64,
}

impl fmt::Display for WorkerLagging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} has not moved for {} ms", self.worker, self.silent_ms)
    }
}

/// A lagging worker moves again.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct WorkerRecovered {
    /// Which one.
    pub worker: u16,
    /// For how long it did not, in ms.
    pub silent_ms: u64,
}

impl fmt::Display for WorkerRecovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} moves again after {} ms", self.worker, self.silent_ms)
    }
}

/// The link of a port went up or down.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct PortLink {
    /// The port's name.
    pub port: String,
    /// Whether it is up now.
    pub up: bool,
}

impl Happening for PortLink {
    fn severity(&self) -> Severity {
        if self.up { Severity::Notice } else { Severity::Error }
    }
}

impl fmt::Display for PortLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link of port {} is {}", self.port, if self.up { "up" } else { "down" })
    }
}

/// An upstream that queries go on to came up or went down.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct UpstreamChanged {
    /// Its address, with its port where that is not 53.
    pub upstream: String,
    /// Whether it is up now.
    pub up: bool,
    /// How many upstreams are up now.
    pub left: u8,
}

impl Happening for UpstreamChanged {
    fn severity(&self) -> Severity {
        match self {
            Self { up: true, .. } => Severity::Notice,
            Self { left: 0, .. } => Severity::Critical,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for UpstreamChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { upstream, up, left } = self;
        write!(f, "upstream {upstream} is {}; {left} are up", if *up { "up" } else { "down" })
    }
}

/// Workers had no room for reports.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ReportsLost {
    /// Which worker.
    pub worker: u16,
    /// How many reports since the last such event.
    pub lost: u64,
}

impl fmt::Display for ReportsLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} had no room for {} reports", self.worker, self.lost)
    }
}

/// A sink was too slow and missed events; it takes them again.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct EventsLost {
    /// Its name.
    pub sink: String,
    /// How many events it missed since the last such event.
    pub lost: u64,
}

impl fmt::Display for EventsLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sink {} was too slow and missed {} events", self.sink, self.lost)
    }
}

/// A sink cannot deliver.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct SinkFailed {
    /// Its name.
    pub sink: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for SinkFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sink {} cannot deliver: {}", self.sink, self.reason)
    }
}

/// A sink delivers again.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct SinkRecovered {
    /// Its name.
    pub sink: String,
    /// Events that it had taken and could not deliver.
    pub lost: u64,
}

impl fmt::Display for SinkRecovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sink {} delivers again; {} events were not delivered", self.sink, self.lost)
    }
}
