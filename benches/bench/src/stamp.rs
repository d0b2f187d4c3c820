//! The generator stage: writes other ends into packets after they were received.
//!
//! Called by every contender of a row alike, and measured alone. What always holds: a client is a number, its
//! address follows from the number, and so does the server it talks to; known clients, strangers and listed
//! prefixes never overlap. No table is read but a ring of draws, which is read in order.

use dpdk::Mbuf;

use crate::ring::Ring;

/// Servers that clients talk to, each client to one.
const SERVERS: u32 = 64;
/// First address of clients: 16.0.0.0/4 has them all.
const CLIENTS: u32 = 16 << 24;
/// First address of the listed: 64.0.0.0/6 has them all.
const LISTED: u32 = 64 << 24;
/// Addresses from one listed prefix to the next, so that no two of them are one range.
const LISTED_STEP: u32 = 64;
/// Sources never seen before: 128.0.0.0/3, more than a run can send.
const STRANGERS: u32 = 128 << 24;
const STRANGERS_BITS: u32 = 29;
/// Servers: 198.18.0.0/26.
const SERVER: u32 = (198 << 24) | (18 << 16);
/// Offset of the IPv4 source address, behind which the destination stands.
const V4_AT: usize = 14 + 12;
/// Offset of the IPv6 source address.
const V6_AT: usize = 14 + 8;
/// Offset of the last byte of the IPv6 destination.
const V6_SERVER_AT: usize = 14 + 39;
/// First half of the first IPv6 client's address.
const CLIENTS_V6: u64 = 0x2a00_0000_0000_0000;
/// Offset of the TCP flags over IPv4.
const TCP_FLAGS_AT: usize = 14 + 20 + 13;

/// Who sends, in which order.
#[derive(Clone, Debug)]
pub enum Draw {
    /// Clients 0, 1, 2, … and again, counted by port: for warming up.
    Sequence {
        /// The next one at each port.
        next: [u32; 2],
        /// How many there are.
        clients: u32,
    },
    /// Clients, each as likely as the other.
    Uniform {
        /// State of the generator.
        state: u64,
        /// How many there are.
        clients: u32,
    },
    /// Listed sources, each as likely as the other.
    Listed {
        /// State of the generator.
        state: u64,
        /// How many there are.
        sources: u32,
    },
    /// Clients as they were drawn beforehand.
    Drawn(Ring),
    /// Clients, each as likely as the other, to listed addresses, each as likely as the other.
    Pairs {
        /// State of the generator.
        state: u64,
        /// How many clients there are.
        clients: u32,
        /// How many listed addresses.
        others: u32,
    },
    /// Nobody twice.
    Strangers {
        /// Packets so far.
        sent: u32,
    },
}

impl Draw {
    /// Every client in turn, from the first.
    pub const fn sequence(clients: u32) -> Self {
        Self::Sequence { next: [0; 2], clients }
    }

    /// Clients drawn independently.
    pub const fn uniform(clients: u32) -> Self {
        Self::Uniform { state: 0x9e37_79b9_7f4a_7c15, clients }
    }

    /// Listed sources drawn independently.
    pub const fn listed(sources: u32) -> Self {
        Self::Listed { state: 0x9e37_79b9_7f4a_7c15, sources }
    }

    /// Clients to listed addresses, drawn independently.
    pub const fn pairs(clients: u32, others: u32) -> Self {
        Self::Pairs { state: 0x9e37_79b9_7f4a_7c15, clients, others }
    }

    /// Nobody twice.
    pub const fn strangers() -> Self {
        Self::Strangers { sent: 0 }
    }
}

/// What is written where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// IPv4 source and destination of packets to servers.
    V4,
    /// IPv4 addresses: on port 0 packets to servers, on port 1 their answers.
    Both,
    /// IPv6 source and last byte of the destination of packets to servers.
    V6,
    /// TCP over IPv4: on port 0 packets to servers, on port 1 their answers.
    Tcp {
        /// The flags of packets by port.
        flags: [u8; 2],
    },
}

/// The generator stage.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Who sends.
    pub draw: Draw,
    /// Where it is written.
    pub ends: Ends,
}

impl Stamp {
    /// IPv4 sources in this order.
    pub const fn v4(draw: Draw) -> Self {
        Self { draw, ends: Ends::V4 }
    }

    /// Writes the ends of packets that came in by `port`.
    #[inline]
    pub fn apply(&mut self, port: u8, packets: &mut [Mbuf]) {
        let ends = self.ends;
        match &mut self.draw {
            Draw::Sequence { next, clients } => {
                let next = &mut next[usize::from(port)];
                each(ends, port, packets, || {
                    let client = *next;
                    *next = if client + 1 == *clients { 0 } else { client + 1 };
                    CLIENTS + client
                });
            }
            Draw::Uniform { state, clients } => {
                each(ends, port, packets, || CLIENTS + draw(state, *clients));
            }
            Draw::Listed { state, sources } => {
                each(ends, port, packets, || listed(draw(state, *sources)));
            }
            Draw::Pairs { state, clients, others } => {
                for bytes in packets.iter_mut().filter_map(Mbuf::data_mut) {
                    write_v4(bytes, CLIENTS + draw(state, *clients), listed(draw(state, *others)));
                }
            }
            Draw::Drawn(ring) => each(ends, port, packets, || CLIENTS + ring.next()),
            Draw::Strangers { sent } => each(ends, port, packets, || {
                *sent = sent.wrapping_add(1);
                stranger(*sent)
            }),
        }
    }
}

/// A number below `below`, by Knuth's MMIX generator, of whose state the upper half is used.
#[inline]
pub const fn draw(state: &mut u64, below: u32) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (((*state >> 32) * below as u64) >> 32) as u32
}

/// The address of client number `client`.
pub const fn client(client: u32) -> u32 {
    CLIENTS + client
}

/// The first address of listed prefix number `n`.
pub const fn listed(n: u32) -> u32 {
    LISTED + n * LISTED_STEP
}

/// A bijection of the low bits: the addresses of strangers are as scattered as those of a spoofed flood.
#[inline]
const fn stranger(n: u32) -> u32 {
    STRANGERS | (n.wrapping_mul(0x9e37_79b1) & ((1 << STRANGERS_BITS) - 1))
}

#[inline]
fn each(ends: Ends, port: u8, packets: &mut [Mbuf], mut source: impl FnMut() -> u32) {
    for packet in packets {
        // A packet of net_pcap is owned by nobody else.
        let Some(bytes) = packet.data_mut() else { continue };
        let source = source();
        match ends {
            Ends::V4 => write_v4(bytes, source, server(source)),
            Ends::V6 => write_v6(bytes, source),
            Ends::Both => write_both(bytes, port, source),
            Ends::Tcp { flags } => {
                bytes[TCP_FLAGS_AT] = flags[usize::from(port)];
                write_both(bytes, port, source);
            }
        }
    }
}

/// Whom a source talks to.
#[inline]
const fn server(source: u32) -> u32 {
    SERVER | (source % SERVERS)
}

#[inline]
fn write_v4(bytes: &mut [u8], source: u32, destination: u32) {
    let both = (u64::from(source) << 32) | u64::from(destination);
    bytes[V4_AT..V4_AT + 8].copy_from_slice(&both.to_be_bytes());
}

#[inline]
fn write_both(bytes: &mut [u8], port: u8, client: u32) {
    match port {
        0 => write_v4(bytes, client, server(client)),
        _ => write_v4(bytes, server(client), client),
    }
}

#[inline]
fn write_v6(bytes: &mut [u8], source: u32) {
    let network = CLIENTS_V6 + u64::from(source);
    bytes[V6_AT..V6_AT + 8].copy_from_slice(&network.to_be_bytes());
    bytes[V6_SERVER_AT] = (source % SERVERS) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn strangers_are_new_and_apart_from_clients() {
        let some: BTreeSet<_> = (0..100_000).map(stranger).collect();
        assert_eq!(some.len(), 100_000);
        assert!(some.iter().all(|&address| address >> 24 >= 128 && address >> 24 < 160));
        assert!(client(16 << 20) < LISTED && listed(1 << 20) < STRANGERS);
    }

    #[test]
    fn addresses_stand_where_they_belong() {
        let mut frame = [0; 64];
        write_v4(&mut frame, 0x1000_0007, server(0x1000_0007));
        assert_eq!(frame[26..34], [16, 0, 0, 7, 198, 18, 0, 7]);
        write_v6(&mut frame, 0x1000_0001);
        assert_eq!(frame[22..30], [0x2a, 0, 0, 0, 16, 0, 0, 1]);
        assert_eq!(frame[53], 1);
    }
}
