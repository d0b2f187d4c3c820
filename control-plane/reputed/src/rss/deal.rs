//! What ports are asked to hash, and by which sources are dealt to workers.
//!
//! Made at boot, once all devices are attached and before they are configured. Always holds: all ports that hash
//! the owner's address alone agree about every source, because they share one key and one table: a longer key
//! begins as a shorter one does, and a larger table repeats a smaller one.

use std::sync::Arc;

use dpdk::{DeviceInfo, Port, Rss, RssHash};
use repute_model::toeplitz::{End, Input, Key, Reta, Spread};
use repute_model::{Owners, Width};
use repute_policy::Role;

/// Entries of the table where no device names a size.
const RETA_SIZE: usize = 128;
/// Bytes of the longest key; NICs know 40 and 52.
const KEY_BYTES: usize = 52;

/// The key and the table of a box.
#[derive(Debug)]
pub struct Deal {
    key: Key,
    spread: Arc<Spread>,
    width: Width,
}

impl Deal {
    /// A deal between so many workers, for sources of this width, that suits these devices.
    ///
    /// # Errors
    /// Never for the sizes chosen here.
    pub fn new<'a>(
        seed: u64,
        workers: u16,
        width: Width,
        devices: impl Iterator<Item = &'a DeviceInfo>,
    ) -> anyhow::Result<Self> {
        let sizes = devices.map(|info| usize::from(info.reta_size)).filter(|&size| size > 0);
        let size = sizes.min().unwrap_or(RETA_SIZE).min(Reta::MAX);
        let reta = Reta::even(1 << size.ilog2(), workers)?;
        let key = Key::new(&noise(seed))?.for_sources(width, reta.index_bits().max(1));
        let spread = Arc::new(Spread::new(&key, reta));
        Ok(Self { key, spread, width })
    }

    /// What a port is asked to hash: the address of its packets that is the owner's. A device that can do less hashes
    /// what it can.
    pub fn ask(&self, end: End, info: &DeviceInfo) -> Rss {
        let hash = match end {
            End::Source => RssHash::Source,
            End::Destination => RssHash::Destination,
        };
        // Of a length that no NIC is known to have, the driver's own key has to do.
        let len = if info.rss_key_len == 0 { 40 } else { usize::from(info.rss_key_len) };
        let key = [40, KEY_BYTES].contains(&len).then(|| self.key.bytes()[..len].to_vec());
        Rss { hash, key }
    }

    /// Gives a started port the table; whether its packets now arrive where their source is owned, as far as the
    /// driver says.
    pub fn give(&self, port: &Port, end: End) -> bool {
        if hashes(port) != Some(Input::Only(end)) || port.info().reta_size == 0 {
            return false;
        }
        let given = port.set_reta(self.spread.reta());
        given.inspect_err(|error| tracing::warn!("{error}; packets are handed over instead")).is_ok()
    }

    /// How sources are dealt: by the hash of the ports where one of them hashes the owner's address alone.
    pub fn owners(&self, workers: u16, any_port_follows: bool) -> Owners {
        if workers > 1 && any_port_follows {
            Owners::Toeplitz(Arc::clone(&self.spread))
        } else {
            Owners::Hash { workers }
        }
    }

    /// The hash and the table.
    pub fn spread(&self) -> &Spread {
        &self.spread
    }

    /// How wide a source is on the owner side.
    pub fn width(&self) -> Width {
        self.width
    }
}

/// What a port says it hashes.
pub fn hashes(port: &Port) -> Option<Input> {
    Some(match port.rss()? {
        RssHash::Addresses => Input::Addresses,
        RssHash::Source => Input::Only(End::Source),
        RssHash::Destination => Input::Only(End::Destination),
    })
}

/// Which address of a port's packets is the owner's, where the source is owned outside (`ingress`) or inside; `None`:
/// the port carries both sides, and it depends on the packet.
pub fn owner_end(role: Role, ingress: bool) -> Option<End> {
    match (role, ingress) {
        (Role::Both, _) => None,
        (Role::Outside, true) | (Role::Inside, false) => Some(End::Source),
        (Role::Outside, false) | (Role::Inside, true) => Some(End::Destination),
    }
}

/// Key bytes from a seed: SplitMix64.
fn noise(seed: u64) -> [u8; KEY_BYTES] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use repute_model::{Address, Source};

    fn device(reta_size: u16, rss_key_len: u8) -> DeviceInfo {
        DeviceInfo {
            driver: "net_test".to_owned(),
            socket: None,
            max_rx_queues: 4,
            max_tx_queues: 4,
            min_mtu: 68,
            max_mtu: 1500,
            rx_offloads: 0,
            tx_offloads: 0,
            rss_fields: 0,
            rss_key_len,
            reta_size,
        }
    }

    #[test]
    fn devices_of_all_sizes_agree_about_every_source() {
        let devices = [device(512, 52), device(128, 40), device(0, 0)];
        let deal = Deal::new(7, 3, Width::OUTSIDE, devices.iter()).unwrap();
        assert_eq!(deal.spread().reta().size(), 128, "the smallest table there is");
        let owners = deal.owners(3, true);
        for info in &devices {
            let rss = deal.ask(End::Source, info);
            let key = Key::new(&rss.key.unwrap()).unwrap();
            assert!(info.rss_key_len == 0 || key.bytes().len() == usize::from(info.rss_key_len));
            let there = Spread::new(&key, deal.spread().reta().clone());
            for host in 0..500u128 {
                let address = Address(0x2001_0db8 << 96 | host << 64 | (host * 77));
                let source = Source::of(address, deal.width()).unwrap();
                assert_eq!(there.queue(address), owners.owner(source));
            }
        }
    }

    #[test]
    fn odd_sizes_have_an_answer() {
        let odd = Deal::new(7, 2, Width::OUTSIDE, [device(100, 10)].iter()).unwrap();
        assert_eq!(odd.spread().reta().size(), 64);
        assert_eq!(
            odd.ask(End::Destination, &device(100, 10)),
            Rss { hash: RssHash::Destination, key: None }
        );
        let none = Deal::new(7, 2, Width::OUTSIDE, std::iter::empty()).unwrap();
        assert_eq!(none.spread().reta().size(), RETA_SIZE);
        assert_eq!(none.owners(2, false), Owners::Hash { workers: 2 });
        assert_eq!(none.owners(1, true), Owners::Hash { workers: 1 });
    }

    #[test]
    fn the_owner_is_the_far_end_outside_and_the_near_end_inside() {
        assert_eq!(owner_end(Role::Outside, true), Some(End::Source));
        assert_eq!(owner_end(Role::Inside, true), Some(End::Destination));
        assert_eq!(owner_end(Role::Inside, false), Some(End::Source));
        assert_eq!(owner_end(Role::Outside, false), Some(End::Destination));
        assert_eq!(owner_end(Role::Both, true), None);
    }
}
