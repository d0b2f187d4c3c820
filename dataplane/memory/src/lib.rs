//! Memory that is read at random by millions of packets a second: flat tables on huge pages, and cache lines fetched
//! ahead of their use.
//!
//! Under everything that a worker looks up: the shard's tables and the prefix tables of a policy. A random access to a
//! table on 4 KiB pages costs a page walk on top of the cache miss. The only crate of the data plane with unsafe code,
//! for things that the language has no safe words for.
#![deny(unsafe_code)] // but for line.rs and table.rs

mod line;
mod table;

pub use line::{equal_bytes, prefetch};
pub use table::{Pages, Table};
