//! What the command line `repute` is made of; `main` only chooses among it.
//!
//! **Invariant:** everything here builds and runs on a machine without DPDK and without root.
#![forbid(unsafe_code)]

pub mod capture;
pub mod client;
pub mod dns;
pub mod inspect;
pub mod replay;
