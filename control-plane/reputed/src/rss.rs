//! What receive-side scaling (RSS) of a port is worth: a hint, tested before it is believed.
//!
//! Workers own sources, and a port should hash the owner's address alone, so that a packet arrives where its
//! source is owned. What a driver accepts and what a port does are two things: the [`SelfTest`] compares the
//! first packets with the same hash in software. A wrong hint costs hand-overs and nothing else.

mod deal;
mod outcome;
mod probe;
mod self_test;
#[cfg(test)]
mod soft_nic;
#[cfg(test)]
mod tests;
mod trial;

use repute_model::toeplitz::Flow;
use repute_wire::Parsed;

pub use deal::{Deal, hashes, owner_end};
pub use outcome::{Absence, Fault, Hint, Outcome};
pub use probe::{Probe, probes};
pub use self_test::{Claim, SelfTest};
pub use trial::{Candidate, Trial};

/// What RSS can see of a packet; `None` where there are no addresses. Fragments have no ports: the first ones
/// are hashed like the rest.
pub fn flow(parsed: &Parsed) -> Option<Flow> {
    let whole = parsed.frag_off == 0 && !parsed.frag_more();
    let ports = (parsed.has_ports() && whole).then_some((parsed.sport, parsed.dport));
    parsed.has_addresses().then_some(Flow { src: parsed.src, dst: parsed.dst, ports })
}
