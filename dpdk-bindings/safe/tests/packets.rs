//! Making, changing and copying packets.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{boot, pool};
use dpdk::{Burst, Checksum, Mbuf};

/// A packet of two segments: a capture frame that is longer than an mbuf.
fn two_segments(eal: &dpdk::Eal, pool: &dpdk::MbufPool) -> Mbuf {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.pcap");
    common::write_pcap(&file, &common::frames([3000]));
    let port = common::started(eal, &format!("net_pcap0,rx_pcap={}", file.display()), pool);
    let mut burst = Burst::new();
    assert_eq!(port.take_rx(0).unwrap().recv(&mut burst), 1);
    burst.pop().unwrap()
}

#[test]
fn packets_are_made_changed_and_copied() {
    let eal = boot(128);
    let (main, mirror) = (pool(&eal, "main", 255), pool(&eal, "mirror", 63));

    let mut packet = main.alloc().unwrap();
    assert_eq!((packet.data().len(), packet.wire_len(), packet.segments()), (0, 0, 1));
    assert_eq!((packet.headroom(), packet.tailroom()), (128, 2048));
    assert_eq!((packet.port_id(), packet.timestamp_us(), packet.rss_hash()), (u16::MAX, None, None));
    assert_eq!((packet.ip_checksum(), packet.l4_checksum()), (Checksum::Unknown, Checksum::Unknown));

    // Growing shows zeros, never what an earlier packet left.
    assert!(packet.resize(100));
    packet.data_mut().unwrap().fill(0xaa);
    assert!(packet.resize(10) && packet.resize(100));
    assert!(packet.data()[..10].iter().all(|&byte| byte == 0xaa));
    assert!(packet.data()[10..].iter().all(|&byte| byte == 0));
    assert!(packet.resize(2048) && !packet.resize(2049));
    assert_eq!((packet.data().len(), packet.wire_len(), packet.tailroom()), (2048, 2048, 0));

    // What stands at the end gives way to something else, as far as there is room.
    assert!(packet.resize(10) && packet.replace_end(4, &[0xbb; 8]));
    assert_eq!(packet.data(), [[0xaa; 4].as_slice(), &[0xbb; 8]].concat());
    assert!(packet.replace_end(12, &[0xcc; 2036]) && !packet.replace_end(12, &[0; 2037]));
    assert_eq!((packet.wire_len(), packet.data()[2047]), (2048, 0xcc));
    assert!(packet.replace_end(3, &[]) && !packet.replace_end(4, &[1]));
    assert_eq!((packet.data(), packet.wire_len()), ([0xaa; 3].as_slice(), 3));
    assert!(packet.replace_end(3, &[0xaa; 7]));

    // Headers come and go at the front.
    assert!(packet.resize(10) && packet.prepend(4));
    assert_eq!(packet.data(), [[0; 4].as_slice(), &[0xaa; 10]].concat());
    assert!(packet.trim_front(6) && !packet.trim_front(9));
    assert_eq!((packet.data(), packet.wire_len()), ([0xaa; 8].as_slice(), 8));
    assert_eq!(packet.headroom(), 130);
    assert!(packet.prepend(130) && !packet.prepend(1));

    // A copy is the other pool's, cut, and independent.
    let mut copy = mirror.copy_prefix(&packet, 64).unwrap();
    assert_eq!(copy.data(), &packet.data()[..64]);
    copy.data_mut().unwrap().fill(1);
    assert_eq!(packet.data()[0], 0);
    assert_eq!((main.in_use(), mirror.in_use()), (1, 1));

    // Scattered packets can be read and copied whole, not reshaped.
    let mut long = two_segments(&eal, &main);
    assert_eq!((long.segments(), long.wire_len(), long.data().len()), (2, 3000, 2048));
    assert!(!long.resize(10) && !long.replace_end(1, &[1]) && !long.prepend(1) && !long.trim_front(1));
    let bytes: Vec<u8> = long.chunks().flatten().copied().collect();
    assert_eq!(bytes, common::frames([3000])[0].bytes);
    let whole = mirror.copy_prefix(&long, u32::MAX).unwrap();
    assert_eq!((whole.wire_len(), whole.timestamp_us()), (3000, long.timestamp_us()));
    assert_eq!(main.in_use(), 3);
    drop((packet, copy, long, whole));

    // Bulk allocation is all or nothing.
    let mut burst = Burst::new();
    assert!(mirror.alloc_bulk(&mut burst, 40));
    assert!(!mirror.alloc_bulk(&mut burst, 25), "no room in the burst");
    let mut second = Burst::new();
    assert!(!mirror.alloc_bulk(&mut second, 24), "only 23 are left");
    assert!(mirror.alloc_bulk(&mut second, 23) && mirror.alloc().is_none());
    assert!(mirror.copy_prefix(&burst[0], 1).is_none());
    burst.drain(..).take(3).for_each(drop);
    drop((burst, second));
    assert_eq!((main.in_use(), mirror.in_use()), (0, 0));
}
