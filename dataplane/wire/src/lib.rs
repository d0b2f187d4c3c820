//! Packet headers read in place: one protocol one file, no allocation, no copy, no panic.
//!
//! [`parse_ethernet`] and [`parse_ip`] walk the outermost headers of a packet and give back one flat
//! [`Parsed`] of 64 bytes, made to lie in an array per batch. The engine calls them for every packet
//! of a burst; `repute inspect` prints the same value through [`Columns`].
//!
//! A packet may be shorter in memory than it was on the wire (a capture with a snap length). Running
//! out of *captured* bytes is not an error: what is there is read and [`Parsed::is_cut`] says so. A header
//! that promises more than the *wire* carried is malformed: [`Parsed::error`] names why, and whatever
//! was read before the break stays readable.
//!
//! **Invariants:** no function here panics, allocates or loops without a bound, on any bytes and any
//! `wire_len`; nothing is read beyond the given slice; checksums are not judged.
//!
//! ```
//! let mut packet = vec![
//!     0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2, // IPv4
//!     0xc0, 0, 0, 53, 0, 8, 0, 0, // UDP to port 53, no payload
//! ];
//! let parsed = repute_wire::parse_ip(&packet, 28);
//! assert_eq!((parsed.l4, parsed.dport, parsed.error), (repute_wire::L4::Udp, 53, None));
//!
//! packet[25] = 7; // a UDP length shorter than its own header
//! let parsed = repute_wire::parse_ip(&packet, 28);
//! assert_eq!(parsed.error, Some(repute_model::Reason::UdpLength));
//! ```
#![forbid(unsafe_code)]

pub mod arp;
pub mod checksum;
pub mod dns;
pub mod ethernet;
pub mod icmp;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod ipv6_ext;
pub mod llc;
pub mod tcp;
pub mod tcp_options;
pub mod udp;
pub mod vlan;
pub mod vxlan;

mod answer;
mod class;
mod columns;
mod datagram;
mod echo;
mod neighbour;
mod outline;
mod outlines;
mod parsed;
pub mod promise;
mod quoted;
mod readdress;
mod soften;
mod transport;
mod walk;

pub use answer::Answer;
pub use class::Class;
pub use columns::Columns;
pub use datagram::{Datagram, make_datagram};
pub use echo::{answer_echo, is_echo};
pub use neighbour::Neighbour;
pub use outline::Outline;
pub use outlines::{Outlines, Shape};
pub use parsed::{L2, L3, L4, Parsed};
pub use quoted::{Quoted, quoted};
pub use readdress::{Readdressed, is_plain};
pub use soften::{Handshake, Softened};
pub use walk::{parse_ethernet, parse_ip};
