//! The keyed hash of the tables.
//!
//! A folded 64×64→128 bit multiply with a per-boot secret (the construction of wyhash and foldhash):
//! no CPU feature needed, and not linear, so that nobody outside can aim at one bucket.

use repute_model::{Address, Source};

/// Four words that nobody outside knows.
#[derive(Clone, Copy, Debug)]
pub struct Secret([u64; 4]);

impl Secret {
    /// Expands a seed; the daemon draws it at boot, tests and replay fix it.
    pub const fn from_seed(seed: u64) -> Self {
        let mut words = [0; 4];
        let mut state = seed;
        let mut i = 0;
        while i < 4 {
            // SplitMix64 (Steele, Lea, Flood 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            words[i] = (z ^ (z >> 31)) | 1;
            i += 1;
        }
        Self(words)
    }

    /// The fingerprint of a source in a domain (a VLAN or port pair); never 0, which marks free entries.
    #[inline]
    pub fn source(&self, source: Source, domain: u16) -> u64 {
        let bits = source.first().0;
        // IPv4 leaves the upper sixteen bits of the lower half to the domain. The address is in both factors: with
        // one constant factor the difference of two keys would tell where both go.
        let low = bits as u64 ^ u64::from(domain).rotate_left(48);
        let first = fold(low ^ self.0[0], low.swap_bytes() ^ (bits >> 64) as u64 ^ self.0[1]);
        let key = if source.first().is_v4() {
            first
        } else {
            fold(first ^ self.0[2], first.rotate_left(29) ^ self.0[3])
        };
        key | 1 << 63
    }

    /// The key of a conversation.
    #[inline]
    pub fn conversation(&self, c: &Conversation) -> u64 {
        self.conversation_between(self.asker(c.asker), self.asked(c.asked), c.protocol, c.port)
    }

    /// The same, of two addresses that were hashed before: several conversations may have them in common.
    #[inline]
    pub(crate) fn conversation_between(&self, asker: u64, asked: u64, protocol: u8, port: u16) -> u64 {
        let ports = u64::from(protocol) << 16 | u64::from(port);
        fold(asker ^ self.0[3] ^ ports, asked.rotate_left(32) ^ self.0[0])
    }

    /// What an address adds to the keys of conversations in which it asks.
    #[inline]
    pub(crate) fn asker(&self, address: Address) -> u64 {
        fold(address.0 as u64 ^ self.0[0], (address.0 >> 64) as u64 ^ self.0[1])
    }

    /// What an address adds to the keys of conversations in which it is asked.
    #[inline]
    pub(crate) fn asked(&self, address: Address) -> u64 {
        fold(address.0 as u64 ^ self.0[2], (address.0 >> 64) as u64 ^ self.0[3])
    }

    /// What stays the same, in both directions, while the source with `key` talks from the same port (upper half
    /// of `ports`) with the same port (lower half) of the same address; never 0.
    #[inline(always)]
    pub fn talk(&self, key: u64, other: Address, protocol: u8, ports: u32) -> u32 {
        let ends = u64::from(protocol) << 32 | u64::from(ports);
        let there = other.0 as u64 ^ ((other.0 >> 64) as u64).rotate_left(23);
        (fold(key ^ self.0[0] ^ ends.rotate_left(16), there ^ self.0[3]) as u32).max(1)
    }

    /// A number for what two addresses have in common.
    #[inline]
    pub fn pair(&self, from: Address, to: Address, what: u64) -> u64 {
        let a = fold(from.0 as u64 ^ self.0[2], (from.0 >> 64) as u64 ^ self.0[0]);
        let b = fold(to.0 as u64 ^ self.0[3], (to.0 >> 64) as u64 ^ self.0[1]);
        fold(a ^ what, b.rotate_left(32) ^ self.0[2])
    }

    /// A number for what two numbers of this secret have in common.
    #[inline]
    pub fn both(&self, one: u64, other: u64) -> u64 {
        fold(one ^ self.0[2], other.rotate_left(32) ^ self.0[3])
    }

    /// A number for a string of bytes, such as a domain name.
    #[inline]
    pub fn bytes(&self, bytes: &[u8]) -> u64 {
        let (pairs, rest) = bytes.as_chunks::<16>();
        // Some of the bytes twice in place of some zeros: what is left over is read at once.
        let last = bytes.last_chunk().copied().unwrap_or_else(|| {
            let mut short = [0; 16];
            short.iter_mut().zip(rest).for_each(|(place, &byte)| *place = byte);
            short
        });
        // What went before is in both factors, so that no word of a string is multiplied with a constant.
        let behind = |hash: u64, pair: &[u8; 16]| {
            let pair = u128::from_le_bytes(*pair);
            let (one, other) = (pair as u64, (pair >> 64) as u64);
            fold(hash ^ one ^ self.0[1], hash.rotate_left(32) ^ other ^ self.0[2])
        };
        let begin = self.0[0] ^ (bytes.len() as u64).rotate_left(48);
        behind(pairs.iter().fold(begin, behind), &last)
    }

    /// A number for an address, for small side tables.
    #[inline]
    pub fn address(&self, address: Address) -> u64 {
        fold(address.0 as u64 ^ self.0[1], (address.0 >> 64) as u64 ^ self.0[2])
    }
}

/// Who asks whom for what: the unit of "asked for".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conversation {
    /// Who spoke first.
    pub asker: Address,
    /// Who should answer.
    pub asked: Address,
    /// IP protocol number.
    pub protocol: u8,
    /// The port that was asked, 0 where the protocol has none.
    pub port: u16,
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use repute_model::Width;

    #[test]
    fn secret_and_domain_change_everything() {
        let source = Source::of(Address::v4(0x0102_0304), Width::OUTSIDE).unwrap();
        let (a, b) = (Secret::from_seed(1), Secret::from_seed(2));
        assert_ne!(a.source(source, 0), b.source(source, 0));
        assert_ne!(a.source(source, 0), a.source(source, 7));
        assert_eq!(a.source(source, 7), a.source(source, 7));
    }

    #[test]
    fn neighbours_spread_over_low_bits() {
        let secret = Secret::from_seed(42);
        let mut counts = [0u32; 256];
        for i in 0..65_536 {
            let source = Source::of(Address::v4(0x0a00_0001 + i), Width::OUTSIDE).unwrap();
            counts[secret.source(source, 0) as usize & 255] += 1;
        }
        assert!(counts.iter().all(|&c| (150..370).contains(&c)), "{counts:?}");
    }

    #[test]
    fn every_byte_and_the_length_of_a_string_matter() {
        let secret = Secret::from_seed(7);
        let text = *b"sixteen bytes...";
        let mut seen = vec![secret.bytes(&text)];
        for at in 0..text.len() {
            let mut other = text;
            other[at] ^= 1;
            seen.extend([secret.bytes(&other), secret.bytes(&text[..at])]);
        }
        seen.extend([secret.bytes(&[0; 16]), secret.bytes(&[0; 17]), Secret::from_seed(8).bytes(&text)]);
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn direction_and_port_matter() {
        let secret = Secret::from_seed(3);
        let there = Conversation { asker: Address::v4(1), asked: Address::v4(2), protocol: 6, port: 80 };
        let back = Conversation { asker: Address::v4(2), asked: Address::v4(1), ..there };
        let other = Conversation { port: 81, ..there };
        assert_ne!(secret.conversation(&there), secret.conversation(&back));
        assert_ne!(secret.conversation(&there), secret.conversation(&other));
    }
}
