//! The whole product between real peers: curl, wrk, ping and hping3 on one side, nginx and a kernel on the
//! other, `reputed` on the wire between them, in the network namespaces that `scripts/lab` builds.
//!
//! Needs root and the test packages of `scripts/setup`; otherwise every test says what is missing and does
//! nothing. Loads are bounded in time and count, nothing leaves the machine, no latency is asserted.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod alerts;
mod browser;
mod dns;
mod dnstap;
mod egress;
mod endpoint;
mod feeds;
mod flood;
mod garden;
mod mirror;
mod network;
mod policy;
mod restart;
mod shaping;
mod soften;
mod state;
mod support;
mod traffic;
mod workers;
