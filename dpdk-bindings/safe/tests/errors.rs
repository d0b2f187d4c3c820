//! Every error names the port or pool, what was wrong, and a way out.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{attach, boot, pool};
use dpdk::{
    Device, Direction, Eal, EalArgs, EalError, MbufPool, PoolArgs, PoolError, Port, PortConfig, PortError,
    PortSpec,
};

#[track_caller]
fn says(error: impl std::error::Error, parts: &[&str]) {
    let text = error.to_string();
    println!("{text}");
    for part in parts.iter().chain(&["way out"]) {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

fn refused(eal: &Eal, spec: &str) -> PortError {
    Device::attach(eal, PortSpec::parse(spec).unwrap()).unwrap_err()
}

#[test]
fn errors_name_the_place_and_a_way_out() {
    let eal = boot(64);
    assert!(!eal.memory().is_huge());
    assert!(eal.memory_note().contains("64 MiB of 4 KiB pages"), "{}", eal.memory_note());
    assert!(Eal::version().starts_with("DPDK "), "{}", Eal::version());
    let again = Eal::init(EalArgs::default()).unwrap_err();
    assert!(matches!(again, EalError::AlreadyStarted));
    says(again, &["already started"]);

    devices(&eal);
    pools(&eal);
    let pool = pool(&eal, "main", 511);
    configurations(&eal, &pool);
    mtus(&eal, &pool);
}

fn devices(eal: &Eal) {
    says(refused(eal, "net_nosuch0"), &["port net_nosuch0", "failed to parse device", "driver's name"]);
    says(
        refused(eal, "net_pcap0,rx_pcap=/nonexistent/in.pcap"),
        &["port net_pcap0", "/nonexistent/in.pcap", "No such file"],
    );
    says(refused(eal, "net_pcap1,wrong_key=1"), &["port net_pcap1", "wrong_key"]);
    says(refused(eal, "net_af_packet0,iface=nosuchif"), &["port net_af_packet0", "nosuchif"]);
    says(refused(eal, "0000:01:00.0"), &["port 0000:01:00.0", "vfio-pci"]);

    // A failed name is free for the next attempt, a taken one is not until its device has gone.
    let device = attach(eal, "net_null0,size=128");
    says(refused(eal, "net_null0"), &["port net_null0", "attached already"]);
    drop(device);
    assert_eq!(attach(eal, "net_null0").name(), "net_null0");
}

fn pools(eal: &Eal) {
    let error = MbufPool::new(eal, &PoolArgs::new("big", 262_143)).unwrap_err();
    assert!(matches!(error, PoolError::Memory { .. }), "{error:?}");
    says(error, &["pool \"big\"", "262143 packets", "592 MiB", "64 MiB of ordinary pages", "memory_mb"]);
    let _first = pool(eal, "twice", 63);
    says(MbufPool::new(eal, &PoolArgs::new("twice", 63)).unwrap_err(), &["pool \"twice\"", "its own name"]);
}

fn configurations(eal: &Eal, pool: &MbufPool) {
    let configure = |name: &str, config: &PortConfig| Port::configure(attach(eal, name), config, &[pool]);
    let many = PortConfig { rx_queues: 3, ..PortConfig::default() };
    let error = configure("net_ring1", &PortConfig { rx_queues: 2000, ..many }).unwrap_err();
    assert!(
        matches!(error, PortError::TooManyQueues { direction: Direction::Rx, asked: 2000, .. }),
        "{error:?}"
    );
    says(error, &["port net_ring1", "2000 receive queues"]);
    let none = PortConfig { rx_queues: 0, tx_queues: 0, ..PortConfig::default() };
    says(configure("net_null0", &none).unwrap_err(), &["port net_null0", "no queue"]);
    let no_pool = Port::configure(attach(eal, "net_null0"), &PortConfig::default(), &[]).unwrap_err();
    says(no_pool, &["port net_null0", "no pool"]);

    let port = configure("net_null0", &PortConfig::default()).unwrap();
    says(port.take_rx(0).unwrap_err(), &["port net_null0", "not started"]);

    let file = tempfile::tempdir().unwrap();
    let out = file.path().join("missing/out.pcap");
    let spec = format!("net_pcap0,rx_iface=lo,tx_pcap={}", out.display());
    says(refused(eal, &spec), &["port net_pcap0", "out.pcap"]);
}

fn mtus(eal: &Eal, pool: &MbufPool) {
    let with_mtu = |name: &str, mtu| {
        let config = PortConfig { mtu: Some(mtu), ..PortConfig::default() };
        Port::configure(attach(eal, name), &config, &[pool]).unwrap()
    };
    let (a, b) = (with_mtu("net_null0", 1500), with_mtu("net_null1", 1400));
    let error = dpdk::check_equal_mtu(&a, &b).unwrap_err();
    assert!(matches!(error, PortError::UnequalMtu { mtu_a: 1500, mtu_b: 1400, .. }), "{error:?}");
    says(error, &["net_null0", "1500", "net_null1", "1400"]);
    drop(b);
    dpdk::check_equal_mtu(&a, &with_mtu("net_null1", 1500)).unwrap();
}
