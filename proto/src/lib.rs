//! The admin API `repute.v1`: messages, clients and servers, generated from `repute/v1/*.proto`.
//!
//! Used by the server, which converts at its boundary, and by the command line; `dnstap` by the sink for DNS messages. Messages serialise to
//! JSON with the field names of the `.proto` files; bands and states by their names in the config.
//!
//! **Invariant:** no other room sees these types.
#![forbid(unsafe_code)]

mod json;
mod place;

pub use place::{default_socket, is_root};

/// Package `repute.v1`. What every field means and its unit is said in the `.proto` files.
#[allow(missing_docs, unused_qualifications, clippy::all, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("repute.v1");
}

/// Package `dnstap`: what a sink for DNS messages writes. The `.proto` file says what every field means.
#[allow(missing_docs, unused_qualifications, clippy::all, reason = "generated")]
pub mod dnstap {
    tonic::include_proto!("dnstap");
}

/// The descriptors of the admin API's files, encoded as a `google.protobuf.FileDescriptorSet`: for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/repute.v1.bin"));

impl v1::Band {
    /// The name in config, API and CLI.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Neutral => "neutral",
            Self::Poor => "poor",
            Self::Malicious => "malicious",
        }
    }
}

impl v1::PolicyState {
    /// The name people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::InForce => "in force",
            Self::Installing => "installing",
            Self::Unconfirmed => "unconfirmed",
            Self::Replaced => "replaced",
            Self::RolledBack => "rolled back",
            Self::Expired => "expired",
        }
    }
}

impl v1::RuleKind {
    /// The name people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Allowed => "allowed",
            Self::Listed => "listed",
            Self::Band => "band",
            Self::Stranger => "stranger",
        }
    }
}

impl v1::MitigationChange {
    /// The name people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Began => "began",
            Self::Changed => "changed",
            Self::Ended => "ended",
            Self::Missed => "missed",
        }
    }
}
