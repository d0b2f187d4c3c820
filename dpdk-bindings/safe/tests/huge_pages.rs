//! Huge pages, where the machine has some free.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{pool, started};
use dpdk::{Burst, Eal, EalArgs, EalError, HugePages};

#[test]
fn huge_pages_serve_a_pool_and_a_port() {
    let args =
        EalArgs { huge_pages: HugePages::Require, memory_mb: 64, log_sink: |_| {}, ..EalArgs::default() };
    let eal = match Eal::init(args) {
        Err(EalError::HugePages { free_mb, .. }) => {
            println!(
                "skipped: needs 64 MiB of free huge pages, there are {free_mb} (sysctl vm.nr_hugepages=32)"
            );
            return;
        }
        other => other.unwrap(),
    };
    assert!(eal.memory().is_huge());
    let pool = pool(&eal, "main", 8191);
    let port = started(&eal, "net_null0", &pool);
    let mut burst = Burst::new();
    assert!(port.take_rx(0).unwrap().recv(&mut burst) > 0);
    drop(burst);
    assert_eq!(pool.in_use(), 0);
}
