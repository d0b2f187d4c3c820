//! The Toeplitz hash of receive-side scaling (RSS), in software.
//!
//! As Microsoft's RSS specification defines it and NICs compute it: every set bit of the input adds
//! (XORs) the 32 bits of the key that begin at its position. Called by [`crate::Owners`] for every packet, so
//! that the owner in software is the queue of the hardware, and by the self-test at start-up.
//!
//! Always holds: the hash is linear and its key may become known, so it spreads work and is never the
//! index of a table.

mod input;
mod key;
mod reta;
mod spread;

pub use input::{End, Flow, Input};
pub use key::{Key, KeyError};
pub use reta::{Reta, RetaError};
pub use spread::Spread;

use crate::Address;

/// The hash with one key, as a table per byte of input: 36 KiB for a key of 40 bytes, of which an IPv4
/// address touches 4 and an IPv6 address 16.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toeplitz {
    /// By position of the byte, then by its value.
    rows: Box<[[u32; 256]]>,
}

impl Toeplitz {
    /// The hash with this key.
    pub fn new(key: &Key) -> Self {
        Self { rows: (0..key.input_max()).map(|byte| row(key, byte)).collect() }
    }

    /// The hash of `input`, as many bytes as [`Key::input_max`] says; what is behind them does not count.
    pub fn hash(&self, input: &[u8]) -> u32 {
        self.rows.iter().zip(input).fold(0, |hash, (row, &byte)| hash ^ row[usize::from(byte)])
    }

    /// The hash of one address alone, in network order. Zeros add nothing, so half of a /64 is left out.
    #[inline]
    pub fn address(&self, address: Address) -> u32 {
        let Address(bits) = address;
        match (address.is_v4(), bits as u64) {
            (true, _) => self.fixed((bits as u32).to_be_bytes()),
            (false, 0) => self.fixed(((bits >> 64) as u64).to_be_bytes()),
            (false, _) => self.fixed(bits.to_be_bytes()),
        }
    }

    /// As [`Self::hash`], for a length the compiler knows; every key is long enough for 16 bytes.
    #[inline(always)]
    fn fixed<const BYTES: usize>(&self, input: [u8; BYTES]) -> u32 {
        let Some(rows) = self.rows.first_chunk::<BYTES>() else { return 0 };
        let mut hash = 0;
        for (row, byte) in rows.iter().zip(input) {
            hash ^= row[usize::from(byte)];
        }
        hash
    }
}

/// What each value of the input byte at this position adds.
fn row(key: &Key, byte: usize) -> [u32; 256] {
    let windows: [u32; 8] = std::array::from_fn(|bit| key.window(8 * byte + bit));
    std::array::from_fn(|value| {
        let set = (0..8).filter(|bit| value & (0x80 >> bit) != 0);
        set.fold(0, |sum, bit| sum ^ windows[bit])
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// The key of the verification suite in Microsoft's specification.
    const SUITE: [u8; 40] = [
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0,
        0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42,
        0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    ];

    fn suite() -> Toeplitz {
        Toeplitz::new(&Key::new(&SUITE).unwrap())
    }

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    /// The definition, bit by bit: a shift register of 32 bits is fed with the key.
    fn plain(key: &[u8], input: &[u8]) -> u32 {
        let mut register = u32::from_be_bytes([key[0], key[1], key[2], key[3]]);
        let mut hash = 0;
        for (i, byte) in input.iter().enumerate() {
            for bit in (0..8).rev() {
                if byte >> bit & 1 == 1 {
                    hash ^= register;
                }
                let next = key.get(i + 4).map_or(0, |k| k >> bit & 1);
                register = register << 1 | u32::from(next);
            }
        }
        hash
    }

    #[test]
    fn published_vectors() {
        let flow = |src, dst, sport, dport| Flow {
            src: address(src),
            dst: address(dst),
            ports: Some((sport, dport)),
        };
        let v4 = flow("66.9.149.187", "161.142.100.80", 2794, 1766);
        let v6 = flow("3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766);
        for (flow, addresses, ports) in [(v4, 0x323e_8fc2, 0x51cc_c178), (v6, 0x2cc1_8cd5, 0x4020_7d3d)] {
            assert_eq!(suite().hash(&Input::Addresses.bytes(&flow)), addresses);
            assert_eq!(suite().hash(&Input::AddressesPorts.bytes(&flow)), ports);
        }
    }

    /// Own vectors for one address alone, which no published suite has.
    #[test]
    fn source_only_vectors() {
        for (source, hash) in [
            ("66.9.149.187", 0x0e48_b9de),
            ("199.92.111.2", 0x7c40_61d0),
            ("24.19.198.95", 0x5ddc_f863),
            ("3ffe:2501:200:1fff::7", 0x8831_5caa),
            ("3ffe:501:8:0:260:97ff:fe40:efab", 0x4680_a9c3),
        ] {
            assert_eq!(suite().address(address(source)), hash, "{source}");
        }
    }

    #[test]
    fn tables_agree_with_the_definition() {
        let mut state = 1u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        for len in [40, 52].into_iter().cycle().take(20) {
            let bytes: Vec<u8> = (0..len).map(|_| byte()).collect();
            let key = Key::new(&bytes).unwrap();
            let toeplitz = Toeplitz::new(&key);
            for input in 0..=key.input_max() {
                let input: Vec<u8> = (0..input).map(|_| byte()).collect();
                assert_eq!(toeplitz.hash(&input), plain(&bytes, &input));
            }
            let bits: [u8; 16] = std::array::from_fn(|_| byte());
            let v4 = Address::v4(u32::from_be_bytes([bits[0], bits[1], bits[2], bits[3]]));
            assert_eq!(toeplitz.address(Address(u128::from_be_bytes(bits))), plain(&bytes, &bits));
            assert_eq!(toeplitz.address(v4), plain(&bytes, &bits[..4]));
            let half = Address(u128::from_be_bytes(bits) & u128::MAX << 64);
            assert_eq!(toeplitz.address(half), plain(&bytes, &bits[..8]));
        }
    }

    #[test]
    fn a_symmetric_key_is_blind_for_direction() {
        let toeplitz = Toeplitz::new(&Key::symmetric(40).unwrap());
        let there =
            Flow { src: address("192.0.2.1"), dst: address("198.51.100.7"), ports: Some((4711, 443)) };
        let back = Flow { src: there.dst, dst: there.src, ports: Some((443, 4711)) };
        for input in [Input::Addresses, Input::AddressesPorts] {
            assert_eq!(toeplitz.hash(&input.bytes(&there)), toeplitz.hash(&input.bytes(&back)));
        }
        assert_ne!(toeplitz.address(there.src), toeplitz.address(there.dst));
    }
}
