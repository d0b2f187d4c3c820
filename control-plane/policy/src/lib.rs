//! TOML text to validated config to compiled policy.
//!
//! ```text
//! text ────────── Config::parse ──> Checked ── compile ──> repute_model::Policy, to the workers
//! list files ──────┘    │             ├── limits, topology, service_names, to the daemon
//!                       └> Diagnostics └── diff, digest, to people
//! ```
//!
//! Called by the daemon, by the server (a policy that arrives over the API is text as well) and by the
//! command line, which checks and compares without either.
//!
//! **Invariants:** a [`Checked`] holds no mistake this crate knows of, and all that list files held when it was
//! parsed: they are read then and never again; compiling is pure and cannot fail; two texts of one meaning
//! have one digest; whatever the text, nothing here panics.
//!
//! ```
//! let checked = repute_policy::Config::parse("example", "[profiles.ingress]\nprior = 0.8")?;
//! assert_eq!(checked.compile(1).ingress.map(|profile| profile.prior.get()), Some(8000));
//! # Ok::<(), repute_policy::Diagnostics>(())
//! ```
#![forbid(unsafe_code)]

mod canon;
mod check;
mod checked;
mod compile;
pub mod config;
mod diagnostic;
mod diff;
mod entry;
mod files;
mod name_files;
mod nearest;
mod netset;
mod pairing;
mod patterns;
mod read;
mod schema;
mod tables;
mod topology;
pub mod value;
mod zone_files;

pub use checked::{Checked, TEXT_MAX};
pub use config::{Config, Idle, LinkRule};
pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics};
pub use diff::{Change, diff};
pub use files::{FILE_MAX, FILES_MAX, PREFIXES_MAX};
pub use name_files::NAMES_MAX;
pub use schema::json_schema;
pub use topology::{
    MirrorPort, Role, Topology, TopologyMirror, TopologyPort, TopologyVxlan, TopologyWorkers,
};
pub use zone_files::{ZONE_RECORDS_MAX, ZoneReport};

/// Every key with its default, unit and range, as a config file that can be used as it stands.
pub fn reference() -> &'static str {
    include_str!("../../../configs/reference.toml")
}
