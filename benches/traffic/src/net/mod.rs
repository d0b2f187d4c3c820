//! Encoding of frames: Ethernet II, IPv4/IPv6, TCP, UDP, ICMP, with right lengths and checksums.
//!
//! Components build packets through a [`Host`], the IP identity of one machine; nothing here draws random numbers.

pub mod checksum;
pub mod datagram;
mod host;
pub mod tcp;

pub use host::{Host, Packet};

/// IP protocol numbers (IANA).
pub mod protocol {
    /// ICMP (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
}
