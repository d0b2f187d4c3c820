//! The control plane's end of the rings, and the gRPC API over it.
//!
//! ```text
//! gRPC (unix socket, TLS) ─ access ─┐                         ┌─ ring ─ worker 0
//!              SIGHUP, the daemon ──┴─> Hub ─ jobs ─> actor ──┼─ ring ─ worker 1
//!                                        (history, ledger)    └─ …
//! ```
//!
//! The daemon builds a [`Hub`] from its [`WorkerLink`]s and hands it to [`serve`]; everything else, its own
//! reload included, asks the hub.
//!
//! **Invariants:** a question never blocks and never waits longer than [`ANSWER_WITHIN`]: a full ring or a
//! worker that does not answer is an error that names the worker. A panic in a request ends that request
//! alone. Every queue, history and table here has a maximum. Proto types stay in `rpc`.
#![forbid(unsafe_code)]

mod actor;
mod apply;
mod audit;
mod consistency;
mod crowds;
mod crowdsec;
mod dns;
mod error;
mod events;
mod fading;
mod feeds;
mod garden;
mod geo;
mod history;
mod honeypots;
mod hours;
mod hub;
mod inspected;
mod keep;
mod ledger;
mod list;
mod lookups;
mod lured;
mod numbers;
mod packet_log;
mod post;
mod record;
mod rpc;
mod security;
mod serve;
mod services;
mod socket;
mod source;
mod status;
mod timed;

pub use apply::{Applied, ApplyRequest, RollbackRequest};
pub use consistency::{Cost, NUDGE as GEO_NUDGE, Sighting};
pub use crowds::{CROWD_CHANGES_MAX, CrowdCounts, CrowdEvent};
pub use crowdsec::{Crowdsec, CrowdsecError, KeysError};
pub use dns::DnsTop;
pub use error::HubError;
pub use events::EventRoom;
pub use feeds::FeedView;
pub use garden::PASS;
pub use geo::{Places, open as open_geo};
pub use history::{FIRST_VERSION, HISTORY_MAX, VersionInfo, VersionState, version_at_start};
pub use honeypots::{HONEYPOT_TTL_MAX, Honeypot};
pub use hours::HourView;
pub use hub::{ANSWER_WITHIN, Answered, Hub, Loaded};
pub use inspected::InspectionHit;
pub use keep::{KeepError, Keeper, PAST_AT_ONCE, Revived, WallClock, past};
pub use ledger::{ACTIVE_MAX, Limit, LimitChange, LimitCursor, LimitEvent, PAST_MAX};
pub use list::{PAGE_MAX, Page, PageToken};
pub use post::WorkerLink;
pub use repute_proto::{default_socket, is_root};
pub use security::{Security, TlsDoor};
pub use serve::{ServeError, serve, serve_secured};
pub use services::ServiceView;
pub use socket::SocketError;
pub use status::{BoxInfo, PortInfo, PortRss, StatusView, WorkerView};
