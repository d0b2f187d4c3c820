//! Linux interfaces as ports: two ends of a veth pair, in a network namespace of the test's own.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::process::Command;
use std::thread;

use common::{attach, boot, pool};
use dpdk::{Burst, Port, PortConfig};

const INSIDE: &str = "REPUTE_TEST_IN_NAMESPACE";

#[test]
fn frames_cross_a_veth_pair() {
    if std::env::var_os(INSIDE).is_some() {
        return cross();
    }
    let unshare = |command: &mut Command| command.env(INSIDE, "1").output();
    let makes_links = unshare(
        Command::new("unshare").args(["-n", "ip", "link", "add", "va", "type", "veth", "peer", "name", "vb"]),
    );
    if !makes_links.is_ok_and(|output| output.status.success()) {
        println!("skipped: needs root, unshare and ip to make a network namespace with a veth pair");
        return;
    }
    // The namespace ends with the process in it, so nothing is left behind.
    let mut command = Command::new("unshare");
    command.arg("-n").arg(std::env::current_exe().unwrap());
    let output = unshare(command.args(["--exact", "frames_cross_a_veth_pair", "--nocapture"])).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

fn ip(arguments: &str) {
    assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
}

fn cross() {
    // No IPv6: the kernel would add packets of its own.
    std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").unwrap();
    ip("link add wa type veth peer name wb");
    ip("link set wa up");
    ip("link set wb up");
    let eal = boot(128);
    let pool = pool(&eal, "main", 1023);
    let port = |spec| {
        let config = PortConfig { mtu: Some(1400), ..PortConfig::default() };
        let mut port = Port::configure(attach(&eal, spec), &config, &[&pool]).unwrap();
        port.start().unwrap();
        port
    };
    let (a, b) = (port("net_af_packet0,iface=wa"), port("net_af_packet1,iface=wb"));
    assert!(a.is_promiscuous());
    assert_eq!(a.mtu().unwrap(), 1400);
    let link = Command::new("ip").args(["link", "show", "wa"]).output().unwrap();
    assert!(String::from_utf8_lossy(&link.stdout).contains("mtu 1400"), "the interface has it too");
    dpdk::check_equal_mtu(&a, &b).unwrap();
    assert_ne!(a.mac().unwrap(), b.mac().unwrap());

    let (mut tx, mut rx) = (a.take_tx(0).unwrap(), b.take_rx(0).unwrap());
    let mut burst = Burst::new();
    assert!(pool.alloc_bulk(&mut burst, 20));
    for (packet, number) in burst.iter_mut().zip(0..) {
        assert!(packet.resize(200));
        packet.data_mut().unwrap().fill(number);
    }
    assert_eq!(tx.send(&mut burst), 20);
    // The kernel delivers in its own time: wait for as long as it takes, within reason.
    for _ in 0..1_000_000 {
        rx.recv(&mut burst);
        if burst.len() >= 20 {
            break;
        }
        thread::yield_now();
    }
    let numbers: Vec<u8> = burst.iter().map(|packet| packet.data()[0]).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<u8>>());
    assert!(burst.iter().all(|packet| packet.data().len() == 200 && packet.timestamp_us().is_none()));
    drop(burst);
    assert_eq!(pool.in_use(), 0);
    assert_eq!((a.stats().unwrap().opackets, b.stats().unwrap().ipackets), (20, 20));
}
