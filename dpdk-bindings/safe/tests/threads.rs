//! Workers on threads of their own: affinity, registration, packets that change threads.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::path::Path;
use std::thread;

use common::{boot, pool, started};
use dpdk::{Burst, Cycles, WorkerThread};

/// The CPUs that the calling thread may use.
fn affinity() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    status.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap().to_owned()
}

const PACKETS: usize = 10_000;

#[test]
fn packets_change_threads_and_none_is_lost() {
    let before = affinity();
    let eal = boot(128);
    assert_eq!(affinity(), before, "EAL must not pin its caller");
    assert_eq!(thread::spawn(affinity).join().unwrap(), before, "nor threads born later");

    let folder = format!("dpdk/repute-{}", std::process::id());
    assert!(
        ["/run", "/tmp"].iter().all(|root| !Path::new(root).join(&folder).exists()),
        "nothing stays on disk"
    );

    let pool = pool(&eal, "main", 4095);
    let port = started(&eal, "net_ring0", &pool);
    let (mut rx, mut tx) = (port.take_rx(0).unwrap(), port.take_tx(0).unwrap());
    let (sender_eal, sender_pool) = (eal.clone(), pool.clone());

    let sender = thread::spawn(move || {
        let _worker = WorkerThread::register(&sender_eal).unwrap();
        let twice = WorkerThread::register(&sender_eal).unwrap_err();
        assert!(twice.to_string().contains("way out"), "{twice}");
        let (mut burst, mut sent) = (Burst::new(), 0);
        while sent < PACKETS {
            if burst.is_empty() && !sender_pool.alloc_bulk(&mut burst, 40.min(PACKETS - sent)) {
                thread::yield_now();
            }
            sent += tx.send(&mut burst);
        }
    });
    let receiver = thread::spawn(move || {
        let _worker = WorkerThread::register(&eal).unwrap();
        let clock = Cycles::new(&eal);
        let (start, mut burst, mut received) = (clock.now(), Burst::new(), 0);
        while received < PACKETS {
            if rx.recv(&mut burst) == 0 {
                thread::yield_now();
            }
            received += dpdk::free(&mut burst);
        }
        assert!(clock.hz() > 1_000_000 && clock.now() > start);
        received
    });
    sender.join().unwrap();
    assert_eq!(receiver.join().unwrap(), PACKETS);

    let stats = port.stats().unwrap();
    assert_eq!((stats.ipackets, stats.opackets), (PACKETS as u64, PACKETS as u64));
    port.close().unwrap();
    assert_eq!(
        (pool.in_use(), pool.available()),
        (0, pool.capacity()),
        "caches of ended threads count as free"
    );
}
