//! Raw bindings to the installed libdpdk (22.11 or newer): what C says, and nothing more.
//!
//! Called by the `dpdk` crate alone, which gives these functions their types, owners and errors. Names that start
//! with `rte_` are DPDK's; names that start with `dpdk_` or `DPDK_` come from `native/wrapper.h`: shims for DPDK's
//! inline functions and constants for its macros. A shim is called once per burst, never once per packet of a burst;
//! what is read per packet is read inline by [`mbuf`].

pub mod mbuf;

/// The generated part.
#[allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unused_qualifications,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

pub use bindings::*;
