//! Who owns a packet: unsent ones stay with the sender, freed ones go to their own pool, queues have one holder.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{boot, pool, started};
use dpdk::{BURST_MAX, Burst, MbufPool, PortError};

fn numbered(pool: &MbufPool, numbers: std::ops::Range<u16>) -> Burst {
    let mut burst = Burst::new();
    assert!(pool.alloc_bulk(&mut burst, numbers.len()));
    for (packet, number) in burst.iter_mut().zip(numbers) {
        assert!(packet.resize(60));
        packet.data_mut().unwrap()[..2].copy_from_slice(&number.to_be_bytes());
    }
    burst
}

fn numbers(burst: &Burst) -> Vec<u16> {
    burst.iter().map(|packet| u16::from_be_bytes([packet.data()[0], packet.data()[1]])).collect()
}

/// Where the next few packets of a pool have their data, in order of place; they are given back.
fn next_few(pool: &MbufPool) -> Vec<usize> {
    let mut places: Vec<_> =
        numbered(pool, 0..7).iter().map(|packet| packet.data().as_ptr().addr()).collect();
    places.sort_unstable();
    places
}

#[test]
fn packets_and_queues_have_one_owner() {
    let eal = boot(128);
    let (one, two) = (pool(&eal, "one", 2047), pool(&eal, "two", 2047));
    // A ring: what is sent is received, up to what the ring holds.
    let mut port = started(&eal, "net_ring0", &one);

    let mut rx = port.take_rx(0).unwrap();
    let mut tx = port.take_tx(0).unwrap();
    assert!(matches!(port.take_rx(0), Err(PortError::QueueTaken { queue: 0, .. })));
    assert!(matches!(port.take_tx(7), Err(PortError::NoSuchQueue { queue: 7, .. })));
    assert!(matches!(port.stop(), Err(PortError::QueuesInUse { count: 2, .. })));

    // Fill the ring until it refuses.
    let mut sent = 0;
    let left = loop {
        let mut burst = numbered(&one, sent..sent + BURST_MAX as u16);
        sent += tx.send(&mut burst) as u16;
        if !burst.is_empty() {
            break burst;
        }
    };
    assert_eq!(numbers(&left), (sent..sent + left.len() as u16).collect::<Vec<_>>());
    assert_eq!(one.in_use() as usize, sent as usize + left.len());
    let mut left = left;
    assert_eq!(tx.send(&mut left), 0);
    drop(left);
    assert_eq!(one.in_use(), u32::from(sent));
    assert_eq!(port.stats().unwrap().opackets, u64::from(sent));

    // What was sent comes back, in order; recv fills a burst that is not empty.
    let mut received = Vec::new();
    let mut burst = numbered(&two, 0..3);
    while rx.recv(&mut burst) > 0 {
        received.extend(numbers(&burst).split_off(if received.is_empty() { 3 } else { 0 }));
        dpdk::free(&mut burst);
    }
    assert_eq!(received, (0..sent).collect::<Vec<_>>());
    assert_eq!((one.in_use(), two.in_use()), (0, 0));

    // Bulk freeing sorts by pool.
    let mut mixed = Burst::new();
    for _ in 0..BURST_MAX / 2 {
        mixed.push(one.alloc().unwrap());
        mixed.push(two.alloc().unwrap());
    }
    assert!(mixed.is_full());
    assert!(mixed.try_push(one.alloc().unwrap()).is_err());
    assert_eq!((one.in_use(), two.in_use()), (32, 32));
    assert_eq!(dpdk::free(&mut mixed), BURST_MAX);
    assert_eq!((one.available(), two.available()), (one.capacity(), two.capacity()));

    // What was freed last is handed out first, also where no thread keeps anything at hand.
    let twice = || (next_few(&one), next_few(&one));
    let (before, after) = std::thread::scope(|scope| scope.spawn(twice).join()).unwrap();
    assert_eq!(before, after);

    // A queue that is given back can be taken again; the device outlives its port while a queue is held.
    drop(rx);
    let mut rx = port.take_rx(0).unwrap();
    assert!(matches!(port.close(), Err(PortError::QueuesInUse { count: 2, .. })));
    let mut burst = numbered(&two, 0..5);
    assert_eq!(tx.send(&mut burst), 5);
    assert_eq!(rx.recv(&mut burst), 5);
    assert_eq!(numbers(&burst), [0, 1, 2, 3, 4]);
    drop((burst, rx, tx));
    assert_eq!((one.in_use(), two.in_use()), (0, 0));
    started(&eal, "net_ring0", &one).close().unwrap();
}
