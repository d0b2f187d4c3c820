//! How RSS spreads addresses over queues: a hash and a redirection table.
//!
//! Fixed at boot, shared by every worker through [`crate::Owners`]; read only.

use super::{Key, Reta, Toeplitz};
use crate::Address;

/// A key and a table, ready to be asked per packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spread {
    toeplitz: Toeplitz,
    reta: Reta,
}

impl Spread {
    /// What ports with this key and this table do.
    pub fn new(key: &Key, reta: Reta) -> Self {
        Self { toeplitz: Toeplitz::new(key), reta }
    }

    /// The queue of packets that are hashed over this address alone.
    #[inline]
    pub fn queue(&self, address: Address) -> u16 {
        self.reta.queue(self.toeplitz.address(address))
    }

    /// The hash.
    pub fn toeplitz(&self) -> &Toeplitz {
        &self.toeplitz
    }

    /// The table.
    pub fn reta(&self) -> &Reta {
        &self.reta
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Width;

    /// Any bytes: a linear congruential generator.
    fn noise(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed | 1), |x| {
            Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .map(|x| x ^ x >> 31)
        .skip(4)
    }

    fn spread(seed: u64, width: Width, size: usize, queues: u16) -> Spread {
        let bytes: Vec<u8> = noise(seed).take(40).map(|x| (x >> 40) as u8).collect();
        let reta = Reta::even(size, queues).unwrap();
        Spread::new(&Key::new(&bytes).unwrap().for_sources(width, reta.index_bits()), reta)
    }

    #[test]
    fn all_addresses_of_a_source_meet_one_entry() {
        for (v4, v6, size) in
            [(32, 64, 128), (32, 64, 2048), (24, 48, 512), (16, 128, 64), (8, 16, 256), (24, 32, 512)]
        {
            let spread = spread(u64::from(v6), Width { v4, v6 }, size, 4);
            let mask = spread.reta.size() as u32 - 1;
            let index = |address| spread.toeplitz.address(address) & mask;
            for (high, low) in noise(7).zip(noise(99)).take(500) {
                let whole = u128::from(high) << 64 | u128::from(low);
                let first = Address(whole & u128::MAX << (128 - u32::from(v6)));
                assert_eq!(index(Address(whole)), index(first), "/{v6}");
                let first = Address::v4(high as u32 & u32::MAX << (32 - u32::from(v4)));
                assert_eq!(index(Address::v4(high as u32)), index(first), "/{v4}");
            }
        }
    }

    #[test]
    fn neighbours_are_spread_over_all_workers() {
        for seed in 0..50 {
            let (size, queues) = (512, 2);
            let spread = spread(seed, Width::OUTSIDE, size, queues);
            let mut counts = [[0; 2]; 2];
            for i in 0..256u32 {
                let v6 = Address(0x2001_0db8 << 96 | u128::from(i) << 64);
                counts[0][usize::from(spread.queue(Address::v4(0xc000_0200 + i)))] += 1;
                counts[1][usize::from(spread.queue(v6))] += 1;
            }
            assert_eq!(counts, [[128; 2]; 2], "seed {seed}");
        }
    }

    #[test]
    fn strangers_are_spread_evenly() {
        let spread = spread(5, Width::OUTSIDE, 512, 3);
        let mut counts = [[0u32; 3]; 2];
        for x in noise(3).take(30_000) {
            counts[0][usize::from(spread.queue(Address::v4((x >> 16) as u32)))] += 1;
            counts[1][usize::from(spread.queue(Address(u128::from(x) << 64)))] += 1;
        }
        assert!(counts.as_flattened().iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
