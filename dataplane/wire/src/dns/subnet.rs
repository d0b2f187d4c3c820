//! Client subnet: on whose behalf a resolver asks (RFC 7871, 6).
//!
//! Read by `edns`. Always holds: the address has no bit set behind the source prefix.

use repute_model::Address;

use super::Malformed;

/// The network that an answer is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientSubnet {
    /// The first address of the network; of no family that is known it is `::`, with a prefix of 0.
    pub address: Address,
    /// Bits of the network that the asker tells: 0..=32 for IPv4, 0..=128 for IPv6. 0 says: nobody's.
    pub source: u8,
    /// Bits that the answer is valid for; 0 in queries.
    pub scope: u8,
}

const IPV4: u16 = 1;
const IPV6: u16 = 2;

impl ClientSubnet {
    /// The data of the option: what it begins with, and the bytes of the address, of which the first so many count.
    pub(crate) fn write(&self) -> ([u8; 4], [u8; 16], usize) {
        let (family, bits) =
            if self.address.is_v4() { (IPV4, self.address.0 << 96) } else { (IPV6, self.address.0) };
        let [a, b] = family.to_be_bytes();
        ([a, b, self.source, self.scope], bits.to_be_bytes(), usize::from(self.source).div_ceil(8).min(16))
    }

    /// Reads the data of the option.
    pub(crate) fn read(data: &[u8]) -> Result<Self, Malformed> {
        let (&[a, b, source, scope], bytes) = data.split_first_chunk().ok_or(Malformed::ClientSubnet)?;
        let bits_max = match u16::from_be_bytes([a, b]) {
            IPV4 => 32,
            IPV6 => 128,
            // Family 0 without a prefix: what clients send that want no subnet at all.
            0 if source == 0 => 0,
            _ => return Err(Malformed::ClientSubnet),
        };
        if source > bits_max || scope > bits_max || bytes.len() != usize::from(source).div_ceil(8) {
            return Err(Malformed::ClientSubnet);
        }
        let mut whole = [0; 16];
        let place = whole.get_mut(..bytes.len()).ok_or(Malformed::ClientSubnet)?;
        place.copy_from_slice(bytes);
        let bits = u128::from_be_bytes(whole);
        if bits.checked_shl(source.into()).unwrap_or(0) != 0 {
            return Err(Malformed::ClientSubnet);
        }
        let address = if bits_max == 32 { Address::v4((bits >> 96) as u32) } else { Address(bits) };
        Ok(Self { address, source, scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (data, address, source) in [
            (&[0, 1, 24, 0, 198, 51, 100][..], "198.51.100.0", 24),
            (&[0, 1, 25, 0, 198, 51, 100, 128], "198.51.100.128", 25),
            (&[0, 1, 0, 0], "0.0.0.0", 0),
            (&[0, 2, 32, 0, 0x20, 1, 0xd, 0xb8], "2001:db8::", 32),
            (&[0, 0, 0, 0], "::", 0),
        ] {
            let subnet = ClientSubnet::read(data).unwrap();
            assert_eq!((subnet.address.to_string().as_str(), subnet.source), (address, source));
            let (head, bytes, len) = subnet.write();
            let written = [&head[..], &bytes[..len]].concat();
            assert!(written == data || source == 0, "{written:?}");
        }
        let whole = [&[0, 2, 128, 0][..], &[0xff; 16]].concat();
        assert_eq!(ClientSubnet::read(&whole).unwrap().address, Address(u128::MAX));
    }

    #[test]
    fn what_is_none() {
        for data in [
            &[][..],
            &[0, 1, 24],
            &[0, 1, 24, 0, 198, 51],
            &[0, 1, 24, 0, 198, 51, 100, 0],
            &[0, 1, 23, 0, 198, 51, 101],
            &[0, 1, 33, 0, 1, 2, 3, 4, 128],
            &[0, 1, 24, 33, 198, 51, 100],
            &[0, 3, 8, 0, 1],
            &[0, 0, 8, 0, 1],
            &[0, 2, 129, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ] {
            assert_eq!(ClientSubnet::read(data), Err(Malformed::ClientSubnet), "{data:?}");
        }
    }
}
