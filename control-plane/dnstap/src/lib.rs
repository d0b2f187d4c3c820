//! DNS messages for whoever listens in: dnstap over Frame Streams, to a unix socket or by TCP.
//!
//! ```text
//! worker ── ring of Tapped ──┐
//! worker ── ring of Tapped ──┴─► Sink: record (protobuf) ─► frame ─► fstrm_capture, dnstap-ldns, …
//! ```
//!
//! The daemon makes a tap for every worker and starts one [`Sink`] with the other ends. The sink connects, as dnstap senders do,
//! and agrees with the receiver on the content type before it sends anything.
//!
//! **What always holds:** nothing here makes a worker wait. While nobody listens the rings fill, and what has no room there is
//! counted by the workers. A receiver that is slow, hangs up or speaks another protocol is left, and tried again after a while.
#![forbid(unsafe_code)]

mod frames;
mod record;
mod sink;
mod wall;

pub use frames::CONTENT_TYPE;
pub use record::Role;
pub use sink::{Counts, Sink, SinkConfig, Target};
