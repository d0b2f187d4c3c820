//! DPDK's own hash table with a line of values per key: the reference of row B17.
//!
//! The one file of this crate with unsafe code: calls into the C shim of `native/rte_hash.c`. What always holds: the
//! table lives as long as its owner, is used by one thread, and is given whole bursts of keys.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use anyhow::{Context, ensure};
use dpdk::{BURST_MAX, Eal};

/// A key: any address, as the table that it is compared with has them.
pub type Key = [u8; 16];

/// The C side's table.
#[repr(C)]
struct Raw {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn bench_table_new(entries: u32) -> *mut Raw;
    fn bench_table_free(table: *mut Raw);
    fn bench_table_add(table: *mut Raw, key: *const u8) -> i32;
    fn bench_table_count(table: *mut Raw, keys: *const u8, count: u32) -> u32;
}

/// A table of so many keys.
#[derive(Debug)]
pub struct RteTable {
    raw: NonNull<Raw>,
}

impl RteTable {
    /// An empty table.
    ///
    /// # Errors
    /// DPDK has too little memory.
    pub fn new(_: &Eal, entries: u32) -> anyhow::Result<Self> {
        // SAFETY: EAL runs; the result is checked.
        let raw = unsafe { bench_table_new(entries) };
        let raw =
            NonNull::new(raw).context("DPDK has no memory for its hash table; give it more huge pages")?;
        Ok(Self { raw })
    }

    /// Adds a key.
    ///
    /// # Errors
    /// The table is full.
    pub fn add(&mut self, key: &Key) -> anyhow::Result<()> {
        // SAFETY: the table lives, and the key has the bytes that it was made for.
        let position = unsafe { bench_table_add(self.raw.as_ptr(), key.as_ptr()) };
        ensure!(position >= 0, "DPDK's hash table is full");
        Ok(())
    }

    /// Looks up a burst of keys and counts one for each that is there; how many were.
    pub fn count(&mut self, keys: &[Key; BURST_MAX]) -> u32 {
        // SAFETY: the table lives and is borrowed mutably; the array holds as many keys as are said.
        unsafe { bench_table_count(self.raw.as_ptr(), keys.as_ptr().cast(), BURST_MAX as u32) }
    }
}

impl Drop for RteTable {
    fn drop(&mut self) {
        // SAFETY: the table lives until here.
        unsafe { bench_table_free(self.raw.as_ptr()) }
    }
}
