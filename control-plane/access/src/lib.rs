//! Who may do what, and who did what.
//!
//! ```text
//! TLS  ── TlsIncoming ─ Peer ──┐                       ┌─ Bindings (identity → role)
//! unix ── UdsConnectInfo ──────┼─> Guard ── Access ────┼─ permissions (method → least role)
//! Bearer rpt_… ────────────────┘     │                 ├─ Keys (hashed, counted, revocable)
//!                                 Caller               └─ Rates (a token bucket each)
//!                                    └─> method ── Audit (chained, fsynced)
//! ```
//!
//! The daemon builds an [`Access`] and puts its [`Access::layer`] on both servers, the one on the unix socket and
//! the one on [`TlsIncoming`]. Methods find a [`Caller`] in their request's extensions and write what they
//! change to the [`Audit`]. [`pki`] makes certificates for labs; [`privileges`] is for the time after boot.
//!
//! ```no_run
//! # async fn example(routes: tonic::service::Routes) -> Result<(), Box<dyn std::error::Error>> {
//! # use repute_access::*;
//! # use std::{path::Path, sync::Arc, time::Duration};
//! # let (config, files) = (BindingsConfig::default(), TlsFiles {
//! #     certificate: "server.pem".into(), key: "server.key".into(), client_ca: "ca.pem".into(), crl: None });
//! let clock = Clock::system();
//! let keys = Arc::new(Keys::open(Path::new("/var/lib/repute/keys.toml"), clock.clone())?);
//! let bindings = Bindings::new(&config, rustix::process::getuid().as_raw()).map_err(|wrong| format!("{wrong:?}"))?;
//! let access = Access::new(bindings, keys, Rates::new(RateConfig::default())?);
//!
//! let live = LiveTls::open(files, clock)?;
//! tokio::spawn(Arc::clone(&live).watch(Duration::from_secs(5), |notice| println!("{notice:?}")));
//! let listener = tokio::net::TcpListener::bind("[::]:7443").await?;
//! let incoming = TlsIncoming::new(listener, live, TlsLimits::default());
//! let server = tonic::transport::Server::builder().layer(access.layer()).add_routes(routes);
//! server.serve_with_incoming(incoming).await?;
//! # Ok(())
//! # }
//! ```
//!
//! **Invariants:** deny by default: a method that the table does not name, an identity that is not bound, a client
//! without a certificate get nothing. Every table, queue and file has a maximum. Nothing here reaches a worker.
#![forbid(unsafe_code)]

mod access;
mod audit;
mod bindings;
mod caller;
mod clock;
mod files;
mod guard;
pub mod hex;
mod identity;
mod keys;
pub mod permissions;
pub mod pki;
pub mod privileges;
mod rate;
mod refusals;
mod role;
mod spiffe;
mod tls;

pub use access::{Access, AccessCounts, Refusal};
pub use audit::{
    Audit, AuditConfig, AuditCounts, AuditError, Broken, Change, Flaw, OBJECT_MAX, Outcome, VALUE_MAX,
    Verified, Who, verify, verify_all,
};
pub use bindings::{BINDINGS_MAX, Binding, Bindings, BindingsConfig, BindingsError, SocketConfig};
pub use caller::{Caller, Transport};
pub use clock::Clock;
pub use files::FileError;
pub use guard::{Guard, GuardLayer};
pub use identity::{COMMON_NAME_MAX, Identity, IdentityError};
pub use keys::{
    Grant, KEYS_MAX, KeyId, KeyInfo, KeyRefused, Keys, KeysError, LABEL_MAX, NewKey, Purpose, Secret,
};
pub use rate::{IDENTITIES_MAX, RateConfig, RateError, Rates};
pub use role::{Least, Role};
pub use spiffe::{SPIFFE_ID_MAX, SpiffeError, SpiffeId, TRUST_DOMAIN_MAX};
pub use tls::{
    LiveTls, Peer, TlsConnection, TlsCounts, TlsError, TlsFiles, TlsIncoming, TlsLimits, TlsNotice,
};
