//! EAL with the PCI bus: nothing is touched that is not attached by name.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use dpdk::{Device, Eal, EalArgs, HugePages, PortSpec};

#[test]
fn cards_are_attached_by_address_only() {
    let args = EalArgs {
        huge_pages: HugePages::None,
        memory_mb: 64,
        pci: true,
        log_sink: |_| {},
        ..EalArgs::default()
    };
    let eal = Eal::init(args).unwrap();
    let missing = PortSpec::parse("7f:1f.7").unwrap();
    let error = Device::attach(&eal, missing).unwrap_err().to_string();
    for part in ["port 0000:7f:1f.7", "Cannot find device", "way out: bind the card to vfio-pci"] {
        assert!(error.contains(part), "{error}");
    }
    // The bus beside the virtual devices.
    assert_eq!(common::attach(&eal, "net_null0").id(), 0, "no other port came into being");
}
