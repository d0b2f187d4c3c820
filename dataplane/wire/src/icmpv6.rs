//! ICMPv6 (RFC 4443) with neighbour discovery (RFC 4861) and listener discovery (RFC 2710, RFC 3810):
//! the numbers. The step itself is the one in `icmp`.
//!
//! Used by `class` and `quoted`. Always holds: types below 128 are errors and quote a packet.

/// IP protocol number.
pub const PROTOCOL: u8 = 58;

/// Destination unreachable.
pub const UNREACHABLE: u8 = 1;
/// Packet too big.
pub const PACKET_TOO_BIG: u8 = 2;
/// Echo request.
pub const ECHO: u8 = 128;
/// Echo reply.
pub const ECHO_REPLY: u8 = 129;

/// Whether messages of this type quote the packet that caused them.
pub const fn is_error(kind: u8) -> bool {
    kind < 128
}

/// Router and neighbour solicitation and advertisement, redirect.
pub const fn is_neighbour_discovery(kind: u8) -> bool {
    matches!(kind, 133..=137)
}

/// Multicast listener query, report and done, version 2 report.
pub const fn is_listener_discovery(kind: u8) -> bool {
    matches!(kind, 130..=132 | 143)
}
