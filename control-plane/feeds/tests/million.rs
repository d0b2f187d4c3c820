//! A million prefixes from text to table: right, within the memory that is promised; how long it takes is printed.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::SystemTime;

use repute_feeds::{Format, Merged, Shape, Terms, import};
use repute_model::{Address, Listing};
use rustix::time::{ClockId, clock_gettime};

const COUNT: u32 = 1_000_000;

/// An odd factor makes a permutation: no two are the same, hardly any are neighbours.
fn host(n: u32) -> u32 {
    n.wrapping_mul(0x9e37_79b1)
}

/// Neither below 1.0.0.0 nor multicast or broadcast.
fn counts(n: &u32) -> bool {
    let first = host(*n) >> 24;
    first != 0 && first < 224
}

/// What this thread has used of the CPU, in ms.
fn cpu_ms() -> i64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec * 1000 + used.tv_nsec / 1_000_000
}

#[test]
fn a_million_hosts() {
    let mut text = String::from("# a million\n");
    (0..COUNT).filter(counts).for_each(|n| writeln!(text, "{}", Ipv4Addr::from_bits(host(n))).unwrap());
    let now = SystemTime::UNIX_EPOCH;
    let started = cpu_ms();
    let import = import(Format::List, text.as_bytes(), &Terms::new("million", now)).unwrap();
    let read = cpu_ms() - started;
    let count = import.entries().len();
    let merged =
        Merged::new(&[("million".into(), Arc::new(import))], &Shape { reserved: true, inside: vec![] }, now);
    let both = cpu_ms() - started;
    println!("{count} hosts: read in {read} ms of CPU, joined after {both} ms, {} bytes", merged.bytes());
    assert_eq!(count, (0..COUNT).filter(counts).count());
    assert!(merged.bytes() <= count * (32 + 12) + (4 << 20), "{} bytes", merged.bytes());
    let cut: u64 = merged.cuts().map(|(_, cuts)| cuts.whole).sum();
    let listed = (0..COUNT).filter(|&n| merged.table().get(Address::v4(host(n))) == Some(Listing::Deny(100)));
    assert_eq!(listed.count(), count - cut as usize);
    assert_eq!(merged.who(Address::v4(host(1))).len(), 1);
}
