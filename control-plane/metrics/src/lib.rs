//! What Prometheus sees of one box.
//!
//! Called by the daemon: it fills a [`BoxSnapshot`] whenever somebody scrapes ([`Probe`]), and serves `GET /metrics`
//! and `GET /healthz` on loopback ([`bind`], [`serve`]).
//!
//! ```
//! use repute_metrics::{BoxSnapshot, Format, render};
//!
//! let text = render(&BoxSnapshot::default(), Format::OpenMetrics);
//! assert!(text.ends_with("# EOF\n"));
//! ```
//!
//! **What always holds:** numbers are read when they are asked for and kept nowhere. Names follow the conventions of
//! Prometheus: base units, `_total` for what only grows, `_info` for what is known by labels. No address is ever a
//! label, lists are cut at [`LIST_MAX`], and no label value can break the text. Scrapers cost a bounded number of
//! connections, each for a bounded time.
#![forbid(unsafe_code)]

mod connection;
mod dns;
mod export;
mod family;
mod requests;
mod serve;
mod snapshot;
mod text;
mod worker;

pub use connection::{Bounded, CONNECTION_LIFE, CONNECTIONS_MAX, Mortal};
pub use dns::{DnsSnapshot, UpstreamSnapshot};
pub use export::LIST_MAX;
pub use family::LABEL_MAX;
pub use requests::{BOUNDS, RequestKey, RequestLatency, RequestSeries, SERIES_MAX};
pub use serve::{Health, Probe, ServeError, bind, router, serve};
pub use snapshot::{
    BoxSnapshot, Build, CrowdChanges, DnstapSnapshot, EventInput, EventSink, FeedSnapshot, GardenSnapshot,
    GeoSnapshot, Named, PolicyInForce, ServiceSnapshot, StoreSnapshot,
};
pub use text::{Format, render};
pub use worker::{PortSnapshot, WorkerSnapshot};
