//! Mbufs and a worker's ways out behind the engine's traits: headers put before packets, and copies.
mod common;

use dpdk::{Cycles, Ways};
use repute_model::{Io, Packet};

#[test]
fn copies_are_the_other_pools_and_take_headers() {
    let eal = common::boot(64);
    let (main, copies) = (common::pool(&eal, "packets", 63), common::pool(&eal, "copies", 1));
    let mut packet = main.alloc().unwrap();
    assert!(packet.resize(100));
    packet.data_mut().unwrap().fill(7);

    let mut without = Ways::new(Vec::new(), Cycles::new(&eal));
    assert!(without.copy(&packet, 64).is_none());
    let (earlier, later) = (without.cycles(), without.cycles());
    assert!(earlier > 0 && earlier <= later);

    let mut ways = without.with_copies(copies.clone());
    let mut copy = ways.copy(&packet, 64).unwrap();
    assert!(ways.copy(&packet, 64).is_none(), "the pool is empty");
    assert_eq!((copy.bytes(), copy.wire_len()), ([7; 64].as_slice(), 64));
    assert_eq!((main.in_use(), copies.in_use()), (1, 1));

    // The head room is 128 bytes.
    assert!(Packet::prepend(&mut copy, &[1, 2, 3]));
    assert_eq!((&copy.bytes()[..5], copy.wire_len()), ([1, 2, 3, 7, 7].as_slice(), 67));
    assert!(!Packet::prepend(&mut copy, &[9; 126]) && !Packet::prepend(&mut copy, &vec![9; 1 << 16]));
    assert_eq!((copy.wire_len(), packet.data()), (67, [7; 100].as_slice()));
    drop((packet, copy));
    assert_eq!((main.in_use(), copies.in_use()), (0, 0));
}
