//! Two capture ports and a wire between them: bytes, lengths, time stamps, counters, and no packet lost or leaked.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{attach, boot, frames, pool, read_pcap, started, write_pcap};
use dpdk::{BURST_MAX, Burst, Port, PortConfig};

#[test]
fn packets_cross_from_one_capture_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // 150 frames are three bursts; the last one needs two mbufs.
    let packets = frames((0..149).map(|n| 60 + n * 9).chain([3000]));
    write_pcap(&path("in.pcap"), &packets);
    write_pcap(&path("none.pcap"), &[]);

    let eal = boot(128);
    let pool = pool(&eal, "main", 2047);
    let spec = |name: &str, rx: &str, tx: &str| {
        format!("{name},rx_pcap={},tx_pcap={}", path(rx).display(), path(tx).display())
    };
    let mut inside = started(&eal, &spec("net_pcap0", "in.pcap", "back.pcap"), &pool);
    let mut outside = started(&eal, &spec("net_pcap1", "none.pcap", "out.pcap"), &pool);
    assert_eq!(inside.info().driver, "net_pcap");
    assert!(inside.link().unwrap().up);
    dpdk::check_equal_mtu(&inside, &outside).unwrap();

    let (mut rx, mut tx) = (inside.take_rx(0).unwrap(), outside.take_tx(0).unwrap());
    let mut burst = Burst::new();
    let mut seen = 0;
    while rx.recv(&mut burst) > 0 {
        for packet in burst.iter() {
            let expected = &packets[seen];
            assert_eq!(packet.wire_len() as usize, expected.bytes.len());
            assert_eq!(packet.timestamp_us(), Some(expected.at_us));
            assert_eq!(packet.port_id(), inside.id());
            assert_eq!(packet.chunks().collect::<Vec<_>>().concat(), expected.bytes);
            assert_eq!(packet.segments(), if expected.bytes.len() > 2048 { 2 } else { 1 });
            assert!(!packet.is_shared());
            seen += 1;
        }
        let offered = burst.len();
        assert_eq!(tx.send(&mut burst), offered);
        assert!(burst.is_empty());
    }
    assert_eq!(seen, packets.len());

    let bytes: u64 = packets.iter().map(|packet| packet.bytes.len() as u64).sum();
    let (received, sent) = (inside.stats().unwrap(), outside.stats().unwrap());
    assert_eq!((received.ipackets, received.ibytes), (150, bytes));
    assert_eq!((sent.opackets, sent.obytes), (150, bytes));
    assert_eq!((received.imissed, received.ierrors, received.rx_nombuf, sent.oerrors), (0, 0, 0, 0));

    drop((rx, tx));
    inside.stop().unwrap();
    outside.stop().unwrap();
    inside.close().unwrap();
    outside.close().unwrap();
    let written = read_pcap(&path("out.pcap"));
    assert!(written.iter().eq(packets.iter().map(|packet| &packet.bytes)));
    assert_eq!((pool.in_use(), pool.available()), (0, pool.capacity()));

    receive_only_ports_have_as_many_transmit_queues(&eal, &pool, &path("in.pcap"));
}

/// And several captures are several receive queues.
fn receive_only_ports_have_as_many_transmit_queues(
    eal: &dpdk::Eal,
    pool: &dpdk::MbufPool,
    capture: &std::path::Path,
) {
    let file = capture.display();
    let device = attach(eal, &format!("net_pcap2,rx_pcap={file},rx_pcap={file}"));
    assert_eq!((device.info().max_rx_queues, device.info().max_tx_queues), (2, 2));
    let config = PortConfig { rx_queues: 2, tx_queues: 2, ..PortConfig::default() };
    let mut port = Port::configure(device, &config, &[pool]).unwrap();
    port.start().unwrap();
    let mut burst = Burst::new();
    for queue in 0..2 {
        assert_eq!(port.take_rx(queue).unwrap().recv(&mut burst), BURST_MAX);
        assert_eq!(burst.drain(..).count(), BURST_MAX);
    }
    port.close().unwrap();
    assert_eq!(pool.in_use(), 0);
}
