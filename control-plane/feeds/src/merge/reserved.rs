//! Space that no public list should name: IANA's special-purpose registries (RFC 6890, as of 2024), multicast and
//! what is reserved.

use repute_model::Address;

const fn v4(a: u8, b: u8, c: u8, len: u8) -> (Address, u8) {
    (Address::v4(u32::from_be_bytes([a, b, c, 0])), 96 + len)
}

const fn v6(first: u16, second: u16, len: u8) -> (Address, u8) {
    (Address((first as u128) << 112 | (second as u128) << 96), len)
}

/// First addresses and lengths (128-bit scale).
pub const RESERVED: &[(Address, u8)] = &[
    v4(0, 0, 0, 8),        // this network (RFC 791)
    v4(10, 0, 0, 8),       // private (RFC 1918)
    v4(100, 64, 0, 10),    // shared, behind carriers' NAT (RFC 6598)
    v4(127, 0, 0, 8),      // loopback (RFC 1122)
    v4(169, 254, 0, 16),   // link-local (RFC 3927)
    v4(172, 16, 0, 12),    // private (RFC 1918)
    v4(192, 0, 0, 24),     // protocol assignments (RFC 6890)
    v4(192, 0, 2, 24),     // documentation (RFC 5737)
    v4(192, 88, 99, 24),   // 6to4 relays, deprecated (RFC 7526)
    v4(192, 168, 0, 16),   // private (RFC 1918)
    v4(198, 18, 0, 15),    // benchmarks (RFC 2544)
    v4(198, 51, 100, 24),  // documentation (RFC 5737)
    v4(203, 0, 113, 24),   // documentation (RFC 5737)
    v4(224, 0, 0, 3),      // multicast (RFC 5771), reserved (RFC 1112), broadcast (RFC 919)
    (Address(0), 127),     // unspecified and loopback (RFC 4291)
    v6(0x0100, 0, 64),     // discard only (RFC 6666)
    v6(0x2001, 0xdb8, 32), // documentation (RFC 3849)
    v6(0x3fff, 0, 20),     // documentation (RFC 9637)
    v6(0x5f00, 0, 16),     // segment routing identifiers (RFC 9602)
    v6(0xfc00, 0, 7),      // unique local (RFC 4193)
    v6(0xfe80, 0, 10),     // link-local (RFC 4291)
    v6(0xff00, 0, 8),      // multicast (RFC 4291)
];
