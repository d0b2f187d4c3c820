//! The vocabulary of repute: the words that every other room speaks.
//!
//! What crosses the rings between control plane and workers is defined here, and nothing else: plain
//! values, no I/O, no clock, no allocation on any path a worker takes.
//!
//! **Invariant:** this crate depends on no other crate of the workspace.
#![forbid(unsafe_code)]

mod address;
mod band;
mod command;
mod crowd;
mod dns;
mod dns_look;
mod domain_name;
mod domains;
mod effect;
mod endpoint;
mod excess;
mod explanation;
mod factor;
mod homes;
mod hour;
mod inspection;
mod judgement;
mod lured;
mod malformed_dns;
mod named;
mod owners;
mod packet;
mod passed;
mod policy;
mod prefix;
mod protect;
mod reason;
mod report;
mod rpz;
mod score;
mod side;
mod source;
mod standing;
mod state;
mod system_look;
mod tapped;
mod tick;
pub mod toeplitz;
mod treatment;
mod usual;

pub use address::Address;
pub use band::{Band, Dwell, Thresholds};
pub use command::{Command, Filter, Token};
pub use crowd::{
    CrowdChange, CrowdNumbers, CrowdRules, CrowdState, Flood, Floods, Spread, Symmetry, SynAnswer,
};
pub use dns::{Block, CacheRules, Decision, Dns, Path, Proof, Redirect, SameRate, Subdomains};
pub use dns_look::{Asking, DomainRow, FlatName, KeptLook, NameLook, RequesterRow, TopLook};
pub use domain_name::{DomainName, DomainNameError};
pub use domains::DomainTable;
pub use effect::Effect;
pub use endpoint::{Check, Endpoint, Origin, Upstream, UpstreamChange};
pub use excess::{Excess, Offence, SizeClass};
pub use explanation::{Explanation, HELD_UP, PAIRS, Rule, SourceRow, Term};
pub use factor::{Factor, Ramp, Weighting};
pub use homes::{Home, Homes};
pub use hour::Hour;
pub use inspection::{Ends, Finding, Hit, Inspected, Inspection, Promise, Signature, Signatures};
pub use judgement::{Judgement, Verdict};
pub use lured::Lured;
pub use owners::{Owners, owner};
pub use packet::{BATCH, Io, Link, Outbox, Packet};
pub use passed::Passed;
pub use policy::{Baseline, Limits, Model, Policy, Profile, Service};
pub use prefix::{Listing, Located, Prefix, PrefixError, PrefixTable};
pub use protect::{PortRule, Protect};
pub use reason::Reason;
pub use report::{BandChange, LogLine, Mitigation, Report};
pub use rpz::{
    LocalData, LocalDataBuilder, LocalRecord, Rpz, RpzAction, RpzEffect, RpzMatch, RpzRules, RpzRuling,
    RpzTrigger, RpzZone,
};
pub use score::Score;
pub use side::{Direction, Side, Sides};
pub use source::{Masks, Source, Width};
pub use standing::{Habit, PairStanding, RollUp, Standing};
pub use state::{RESTORE_MAX, SNAPSHOT_MAX, SourceState};
pub use system_look::{Spreading, SystemLook};
pub use tapped::{Leg, TAPPED_MAX, Tapped};
pub use tick::Tick;
pub use treatment::{Measures, Meter, Sampling, Soften, Treatment};
pub use usual::{AtThisHour, HourTerms, Lesson, Rates, Usuals};
