//! What the devices say of themselves: DPDK is started, every port attached, asked, and let go.
//!
//! Called with `--attach` only: it takes a port away from whoever has it, for a moment.

use std::time::Duration;

use dpdk::{
    Device, DeviceInfo, Driver, Eal, EalArgs, Link, MbufPool, PoolArgs, Port, PortConfig, PortError, Rss,
    RssHash,
};

use super::finding::{About, Finding, Topic};
use super::needs::{Needs, PortNeed};

/// Packets of the pool: more than a queue has descriptors.
const MBUFS: u32 = 4095;
/// MiB for EAL: the pool, rings and drivers.
const MEMORY_MB: u32 = 96;
/// How often a card is asked for its link until it has one, and the pause in between: 5 s.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// The one finding of a run without `--attach`.
pub fn skipped() -> Finding {
    About::new(Topic::Device, "devices")
        .note("not asked: queues, RSS, offloads and links of the devices are unknown")
        .way_out("add --attach, as root, while nobody needs the ports")
}

/// Asks the device of every port.
pub fn check(needs: &Needs) -> Vec<Finding> {
    let about = About::new(Topic::Device, "DPDK");
    let args = EalArgs {
        memory_mb: MEMORY_MB,
        pci: needs.has_pci(),
        log_sink: |line| tracing::debug!(target: "dpdk", "{line}"),
        ..EalArgs::default()
    };
    let eal = match Eal::init(args) {
        Ok(eal) => eal,
        Err(error) => return vec![about.refused(&error)],
    };
    let pool = match MbufPool::new(&eal, &PoolArgs::new("preflight", MBUFS)) {
        Ok(pool) => pool,
        Err(error) => return vec![about.refused(&error)],
    };
    let started = about.ok(format!("{} starts", Eal::version()));
    let each = needs.ports.iter().flat_map(|port| one(&eal, &pool, port, needs.workers));
    std::iter::once(started).chain(each).collect()
}

fn one(eal: &Eal, pool: &MbufPool, need: &PortNeed, workers: u16) -> Vec<Finding> {
    let about = need.about(Topic::Device);
    if need.spec.driver() == Driver::Pcap {
        return vec![about.note("not attached: that would empty the files that it writes to")];
    }
    let device = match Device::attach(eal, need.spec.clone()) {
        Ok(device) => device,
        Err(error) => return vec![about.refused(&error)],
    };
    let config = PortConfig {
        rss: Some(Rss { hash: RssHash::Source, key: None }),
        mtu: (need.mtu != 1500).then_some(need.mtu),
        ..PortConfig::default()
    };
    let mut findings = offers(&about, device.info(), need, workers);
    findings.push(offloads(&about, &config, device.info()));
    match configured(device, &config, pool, need.spec.driver() == Driver::Pci) {
        Ok((hash, state)) => {
            findings.extend([rss(&about, hash, workers), link(&about, need.spec.driver(), state)])
        }
        Err(error) => findings.push(about.refused(&error)),
    }
    findings
}

/// Starts the port, waits for its link, and lets it go.
fn configured(
    device: Device,
    config: &PortConfig,
    pool: &MbufPool,
    waits: bool,
) -> Result<(Option<RssHash>, Link), PortError> {
    let mut port = Port::configure(device, config, &[pool])?;
    port.start()?;
    let mut link = port.link()?;
    for _ in 0..if waits { TRIES } else { 0 } {
        if link.up {
            break;
        }
        std::thread::sleep(PAUSE);
        link = port.link()?;
    }
    let hash = port.rss();
    port.close()?;
    Ok((hash, link))
}

/// Queues and MTU.
fn offers(about: &About, info: &DeviceInfo, need: &PortNeed, workers: u16) -> Vec<Finding> {
    let (rx, tx) = (info.max_rx_queues, info.max_tx_queues);
    let seen = format!("{}: {rx} receive and {tx} transmit queues", info.driver);
    let queues = match () {
        () if tx < workers || rx < need.rx_queues => about.problem(
            format!("{seen}; {workers} workers need {} and {workers}", need.rx_queues),
            "lower [workers] count, or give the device more queues (net_af_packet: qpairs=, net_af_xdp: queue_count=)",
        ),
        () if rx < workers => about.warning(
            format!("{seen}: {workers} workers cannot each read one of their own"),
            "some workers get their packets from others; a card with more queues spares that",
        ),
        () => about.ok(seen),
    };
    let (least, most) = (info.min_mtu, info.max_mtu);
    let mtu = if (least..=most).contains(&need.mtu) {
        about.ok(format!("MTU {} of {least} to {most}", need.mtu))
    } else {
        about.problem(
            format!("MTU {}, but {least} to {most} is what it can do", need.mtu),
            "change mtu of its pair",
        )
    };
    vec![queues, mtu]
}

fn offloads(about: &About, config: &PortConfig, info: &DeviceInfo) -> Finding {
    let missing = config.missing_offloads(info);
    if missing.is_empty() {
        return about.ok("has every offload that is used");
    }
    about.note(format!("lacks {}: done in software, or done without", missing.join(", ")))
}

/// Workers own sources: a hash of the source alone brings its packets to one worker.
fn rss(about: &About, hash: Option<RssHash>, workers: u16) -> Finding {
    let seen = match hash {
        Some(RssHash::Source | RssHash::Destination) => return about.ok("RSS can hash one address alone"),
        Some(RssHash::Addresses) => "RSS hashes both addresses only",
        None => "has no RSS",
    };
    if workers < 2 {
        return about.note(format!("{seen}; one worker needs none"));
    }
    about.warning(
        format!("{seen}: packets of one source come to several workers, which hand them over to its owner"),
        "fewer workers, or a card whose RSS hashes the source alone",
    )
}

fn link(about: &About, driver: Driver, link: Link) -> Finding {
    if !link.up {
        let is_memif = driver == Driver::Memif;
        let way_out = if is_memif { "start its peer" } else { "check cable, transceiver and the other end" };
        return about.warning("has no link", way_out);
    }
    let speed = link.speed_mbps.map_or("unknown speed".to_owned(), |mbps| format!("{mbps} Mb/s"));
    if !link.full_duplex {
        return about.warning(format!("link up, {speed}, half duplex"), "switch on negotiation at both ends");
    }
    about.ok(format!("link up, {speed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::needs;
    use crate::preflight::finding::Level;

    fn info(rx: u16, tx: u16) -> DeviceInfo {
        DeviceInfo {
            driver: "net_test".to_owned(),
            socket: None,
            max_rx_queues: rx,
            max_tx_queues: tx,
            min_mtu: 68,
            max_mtu: 1500,
            rx_offloads: 0,
            tx_offloads: 0,
            rss_fields: 0,
            rss_key_len: 0,
            reta_size: 0,
        }
    }

    fn about() -> About {
        About::new(Topic::Device, "outside")
    }

    #[test]
    fn queues_are_compared_with_workers() {
        let port = &needs(&[("a", "net_null0")]).ports[0];
        let level = |rx, tx, workers| offers(&about(), &info(rx, tx), port, workers)[0].level;
        assert_eq!(level(4, 4, 4), Level::Ok);
        assert_eq!(level(1, 4, 4), Level::Warning);
        assert_eq!(level(4, 1, 4), Level::Problem);
        assert_eq!(level(0, 1, 1), Level::Problem);
        let jumbo = PortNeed { mtu: 9000, ..port.clone() };
        assert_eq!(offers(&about(), &info(1, 1), &jumbo, 1)[1].level, Level::Problem);
    }

    #[test]
    fn a_hash_of_both_addresses_matters_to_several_workers() {
        let level = |hash, workers| rss(&about(), hash, workers).level;
        assert_eq!(level(Some(RssHash::Source), 4), Level::Ok);
        assert_eq!(level(Some(RssHash::Addresses), 4), Level::Warning);
        assert_eq!(level(None, 2), Level::Warning);
        assert_eq!(level(None, 1), Level::Note);
    }

    #[test]
    fn links_and_offloads() {
        let state = |up, full_duplex| {
            link(&about(), Driver::Pci, Link { up, speed_mbps: Some(10_000), full_duplex }).level
        };
        assert_eq!(
            [state(true, true), state(true, false), state(false, true)],
            [Level::Ok, Level::Warning, Level::Warning]
        );
        let missing = offloads(&about(), &PortConfig::default(), &info(1, 1));
        assert_eq!((missing.level, missing.finding.contains("checksum")), (Level::Note, true), "{missing:?}");
    }
}
