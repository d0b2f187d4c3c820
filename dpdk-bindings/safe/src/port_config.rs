//! What a port is configured with, and its translation for a given device.
//!
//! Called by the boot code from the product's config, and by [`crate::Port::configure`]. Offloads are wishes: what the
//! device lacks is left out. Never asked for: LRO (it glues packets together), VLAN stripping (it changes bytes),
//! timestamps, and the fast free of mbufs (packets of several pools share a queue).

use dpdk_sys::{
    DPDK_MQ_RX_NONE, DPDK_MQ_RX_RSS, DPDK_RSS_IP, DPDK_RSS_L3_DST_ONLY, DPDK_RSS_L3_SRC_ONLY,
    DPDK_RX_OFFLOAD_CHECKSUM, DPDK_RX_OFFLOAD_RSS_HASH, DPDK_RX_OFFLOAD_SCATTER, DPDK_TX_OFFLOAD_MULTI_SEGS,
    rte_eth_conf, rte_eth_rss_conf,
};

use crate::device::DeviceInfo;

/// Which addresses RSS hashes to spread packets over the receive queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RssHash {
    /// Source and destination address, no ports.
    Addresses,
    /// The source address alone.
    Source,
    /// The destination address alone.
    Destination,
}

impl RssHash {
    fn bits(self) -> u64 {
        match self {
            Self::Addresses => DPDK_RSS_IP,
            Self::Source => DPDK_RSS_IP | DPDK_RSS_L3_SRC_ONLY,
            Self::Destination => DPDK_RSS_IP | DPDK_RSS_L3_DST_ONLY,
        }
    }
}

/// Receive side scaling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rss {
    /// What is hashed.
    pub hash: RssHash,
    /// The Toeplitz key, of the device's length; none: the driver's own.
    pub key: Option<Vec<u8>>,
}

/// The configuration of a port. `PortConfig::default()` is one queue each way, promiscuous, checksums checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// Receive queues, one per worker.
    pub rx_queues: u16,
    /// Transmit queues, one per worker.
    pub tx_queues: u16,
    /// Descriptors per receive queue; rounded to what the device can do.
    pub rx_descriptors: u16,
    /// Descriptors per transmit queue; rounded to what the device can do.
    pub tx_descriptors: u16,
    /// MTU in bytes, without Ethernet header; none: 1500, or less where the device has less.
    pub mtu: Option<u16>,
    /// Receive frames for any address: a bump in the wire must.
    pub promiscuous: bool,
    /// Receive all multicast frames.
    pub all_multicast: bool,
    /// Let the port check IP and L4 checksums.
    pub rx_checksum: bool,
    /// Spread packets over the receive queues.
    pub rss: Option<Rss>,
}

impl Default for PortConfig {
    fn default() -> Self {
        Self {
            rx_queues: 1,
            tx_queues: 1,
            rx_descriptors: 1024,
            tx_descriptors: 1024,
            mtu: None,
            promiscuous: true,
            all_multicast: true,
            rx_checksum: true,
            rss: None,
        }
    }
}

impl PortConfig {
    /// What is wrong with this configuration for such a device, other than queue counts.
    pub(crate) fn fault(&self, info: &DeviceInfo) -> Option<String> {
        if self.rx_queues == 0 && self.tx_queues == 0 {
            return Some("no queue in either direction; way out: at least one".to_owned());
        }
        if let Some(mtu) = self.mtu.filter(|&mtu| mtu < info.min_mtu || mtu > info.max_mtu) {
            let (min, max) = (info.min_mtu, info.max_mtu);
            return Some(format!("MTU {mtu} is out of the device's range; way out: {min} to {max} bytes"));
        }
        let key_len = self.rss.as_ref()?.key.as_ref()?.len();
        let wrong = info.rss_key_len != 0 && key_len != usize::from(info.rss_key_len);
        wrong
            .then(|| format!("the RSS key has {key_len} bytes; way out: a key of {} bytes", info.rss_key_len))
    }

    /// The RSS fields that the device will hash, as DPDK's bits; 0: no RSS.
    pub(crate) fn rss_fields(&self, info: &DeviceInfo) -> u64 {
        let wanted = self.rss.as_ref().map_or(0, |rss| rss.hash.bits());
        let fields = wanted & info.rss_fields;
        if fields & DPDK_RSS_IP == 0 { 0 } else { fields }
    }

    /// The hash that is in effect with these fields: a device that cannot hash one address hashes both.
    pub(crate) fn effective_hash(fields: u64) -> Option<RssHash> {
        match (fields & DPDK_RSS_IP, fields & DPDK_RSS_L3_SRC_ONLY, fields & DPDK_RSS_L3_DST_ONLY) {
            (0, ..) => None,
            (_, 0, 0) => Some(RssHash::Addresses),
            (_, _, 0) => Some(RssHash::Source),
            _ => Some(RssHash::Destination),
        }
    }

    /// Which of the offloads that this configuration wishes for the device lacks, in words; RSS is not among them.
    #[must_use]
    pub fn missing_offloads(&self, info: &DeviceInfo) -> Vec<&'static str> {
        let checksum = if self.rx_checksum { DPDK_RX_OFFLOAD_CHECKSUM } else { 0 };
        let wishes = [
            ("checking of received checksums", checksum, info.rx_offloads),
            ("reception into several buffers", DPDK_RX_OFFLOAD_SCATTER, info.rx_offloads),
            ("sending from several buffers", DPDK_TX_OFFLOAD_MULTI_SEGS, info.tx_offloads),
        ];
        wishes.iter().filter(|(_, wish, offered)| wish & offered != *wish).map(|(name, ..)| *name).collect()
    }

    /// DPDK's structure. `key` is the RSS key to point to and must outlive the use of the result.
    pub(crate) fn to_raw(&self, info: &DeviceInfo, key: &mut [u8]) -> rte_eth_conf {
        let fields = self.rss_fields(info);
        let checksum = if self.rx_checksum { DPDK_RX_OFFLOAD_CHECKSUM } else { 0 };
        let hash = if fields == 0 { 0 } else { DPDK_RX_OFFLOAD_RSS_HASH };
        let mut raw = rte_eth_conf::default();
        raw.rxmode.mq_mode = if fields == 0 { DPDK_MQ_RX_NONE } else { DPDK_MQ_RX_RSS };
        raw.rxmode.mtu = self.mtu.map_or(0, u32::from);
        raw.rxmode.offloads = (checksum | hash | DPDK_RX_OFFLOAD_SCATTER) & info.rx_offloads;
        raw.txmode.offloads = DPDK_TX_OFFLOAD_MULTI_SEGS & info.tx_offloads;
        raw.rx_adv_conf.rss_conf = rss_conf(fields, key);
        raw
    }
}

fn rss_conf(fields: u64, key: &mut [u8]) -> rte_eth_rss_conf {
    let mut raw = rte_eth_rss_conf { rss_hf: fields, ..Default::default() };
    if let (false, Ok(len)) = (key.is_empty(), u8::try_from(key.len())) {
        raw.rss_key = key.as_mut_ptr();
        raw.rss_key_len = len;
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(rx_offloads: u64, rss_fields: u64) -> DeviceInfo {
        DeviceInfo {
            driver: "test".to_owned(),
            socket: None,
            max_rx_queues: 4,
            max_tx_queues: 4,
            min_mtu: 68,
            max_mtu: 9000,
            rx_offloads,
            tx_offloads: 0,
            rss_fields,
            rss_key_len: 40,
            reta_size: 128,
        }
    }

    fn rss(hash: RssHash, key: Option<Vec<u8>>) -> PortConfig {
        PortConfig { rss: Some(Rss { hash, key }), ..PortConfig::default() }
    }

    #[test]
    fn offloads_are_masked_by_the_device() {
        let raw = PortConfig::default().to_raw(&device(0, 0), &mut []);
        assert_eq!((raw.rxmode.offloads, raw.txmode.offloads), (0, 0));
        let raw = PortConfig::default().to_raw(&device(u64::MAX, 0), &mut []);
        assert_eq!(raw.rxmode.offloads, DPDK_RX_OFFLOAD_CHECKSUM | DPDK_RX_OFFLOAD_SCATTER);
        assert_eq!(raw.rxmode.mq_mode, DPDK_MQ_RX_NONE);
    }

    #[test]
    fn lacking_offloads_are_named() {
        let config = PortConfig::default();
        let some = device(DPDK_RX_OFFLOAD_CHECKSUM, 0);
        let missing = ["reception into several buffers", "sending from several buffers"];
        assert_eq!(config.missing_offloads(&some), missing);
        assert_eq!(config.missing_offloads(&device(0, 0)).len(), 3);
        let all = DeviceInfo { tx_offloads: u64::MAX, ..device(u64::MAX, 0) };
        assert!(config.missing_offloads(&all).is_empty());
        let careless = PortConfig { rx_checksum: false, ..config };
        assert_eq!(careless.missing_offloads(&some), missing);
    }

    #[test]
    fn rss_falls_back_to_what_the_device_hashes() {
        let config = rss(RssHash::Source, None);
        let effective = |fields| PortConfig::effective_hash(config.rss_fields(&device(0, fields)));
        assert_eq!(effective(u64::MAX), Some(RssHash::Source));
        assert_eq!(effective(DPDK_RSS_IP), Some(RssHash::Addresses));
        assert_eq!(effective(DPDK_RSS_L3_SRC_ONLY), None);
    }

    #[test]
    fn key_reaches_the_structure() {
        let mut key = vec![0x6d; 40];
        let raw = rss(RssHash::Addresses, Some(key.clone())).to_raw(&device(0, u64::MAX), &mut key);
        let conf = raw.rx_adv_conf.rss_conf;
        assert_eq!((conf.rss_key.cast_const(), conf.rss_key_len), (key.as_ptr(), 40));
        assert_eq!(conf.rss_hf, DPDK_RSS_IP);
    }

    #[test]
    fn faults_say_what_would_be_right() {
        let info = device(0, 0);
        let none = PortConfig { rx_queues: 0, tx_queues: 0, ..PortConfig::default() };
        assert!(none.fault(&info).unwrap().contains("at least one"));
        let jumbo = PortConfig { mtu: Some(9001), ..PortConfig::default() };
        assert!(jumbo.fault(&info).unwrap().contains("68 to 9000"));
        assert!(rss(RssHash::Source, Some(vec![0; 52])).fault(&info).unwrap().contains("40 bytes"));
        assert_eq!(rss(RssHash::Source, Some(vec![0; 40])).fault(&info), None);
        assert_eq!(PortConfig::default().fault(&info), None);
    }
}
