//! What a running port can be told: where its hashes lead, and whether it has a link.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{attach, boot, pool};
use dpdk::{Port, PortConfig, PortError, Rss, RssHash, Step};
use repute_model::toeplitz::Reta;

#[test]
fn redirection_tables_and_links() {
    let eal = boot(64);
    let pool = pool(&eal, "main", 2047);
    let device = attach(&eal, "net_null0");
    let size = usize::from(device.info().reta_size);
    assert!(size > 0, "the driver plays RSS: {:?}", device.info());
    let rss = Rss { hash: RssHash::Source, key: Some(vec![0x6d; 40]) };
    let config = PortConfig { rx_queues: 2, tx_queues: 2, rss: Some(rss), ..PortConfig::default() };
    let mut port = Port::configure(device, &config, &[&pool]).unwrap();
    port.start().unwrap();
    // Smaller than the device's own, and much larger.
    for entries in [2, size, Reta::MAX] {
        port.set_reta(&Reta::even(entries, 2).unwrap()).unwrap();
    }

    assert!(port.link().unwrap().up);
    let refused = port.set_link(false).unwrap_err();
    assert!(matches!(refused, PortError::Refused { step: Step::Link, .. }), "{refused:?}");
    assert!(refused.to_string().contains("way out: leave the link alone"), "{refused}");

    let spec = "net_ring0";
    let without = Port::configure(attach(&eal, spec), &PortConfig::default(), &[&pool]).unwrap();
    let refused = without.set_reta(&Reta::even(128, 1).unwrap()).unwrap_err();
    assert!(matches!(refused, PortError::Refused { step: Step::Reta, .. }), "{refused:?}");
}
