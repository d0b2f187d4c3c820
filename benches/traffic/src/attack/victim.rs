//! How protected hosts answer unwanted packets: with the limits that real stacks have.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
};

use crate::{
    address::{Reaction, number_of, protected_host, reaction},
    event::{Sink, Tag},
    net::{
        Packet,
        datagram::port_unreachable,
        protocol,
        tcp::{Segment, flag, mss_option},
    },
    rng::Rng,
};

/// The least time between two port-unreachable messages of one host to one peer (Linux `icmp_ratelimit`).
const UNREACHABLE_EVERY_US: u64 = 1_000_000;
/// SYN-ACKs are repeated after these times; then the half-open connection is given up.
const SYN_ACK_AGAIN_US: [u64; 2] = [1_000_000, 3_000_000];
const HALF_OPEN_US: u64 = 7_000_000;

/// Sends port-unreachable messages at the rate real hosts do.
#[derive(Debug, Default)]
pub struct Unreachable {
    /// When this host may next tell this peer.
    allowed_us: BTreeMap<(IpAddr, IpAddr), u64>,
}

impl Unreachable {
    /// What the addressed host says to a UDP packet to a port where nobody listens.
    pub fn meet(
        &mut self,
        offender: &Packet,
        dport: u16,
        time: u64,
        tag: &Tag,
        rng: &mut Rng,
        out: &mut Sink,
    ) {
        let Some(number) = number_of(offender.dst) else { return };
        if reaction(number, protocol::UDP, dport) != Reaction::Closed {
            return;
        }
        let allowed = self.allowed_us.entry((offender.dst, offender.src)).or_insert(0);
        if time < *allowed {
            return;
        }
        *allowed = time + UNREACHABLE_EVERY_US;
        let mut host = protected_host(number, offender.dst.is_ipv6(), rng.half());
        out.push(time + rng.between(100, 600), port_unreachable(&mut host, offender), tag);
    }
}

/// The queue of half-open connections of a listening server.
#[derive(Debug)]
pub struct Backlog {
    limit: usize,
    /// When each one is given up, earliest first.
    expire_us: VecDeque<u64>,
}

impl Backlog {
    /// An empty queue of this length.
    pub fn new(limit: u32) -> Self {
        Self { limit: limit as usize, expire_us: VecDeque::new() }
    }

    /// Takes a SYN that passed at this time; false when the queue is full and the SYN is ignored.
    pub fn admit(&mut self, time: u64) -> bool {
        while self.expire_us.front().is_some_and(|&expiry| expiry <= time) {
            self.expire_us.pop_front();
        }
        let room = self.expire_us.len() < self.limit;
        if room {
            self.expire_us.push_back(time + HALF_OPEN_US);
        }
        room
    }
}

/// The SYN-ACK to a SYN that passed at `time`, and its repetitions when the client says no more.
pub fn syn_ack(syn: &Packet, call: &Segment<'_>, times: SynAck, tag: &Tag, rng: &mut Rng, out: &mut Sink) {
    let Some(number) = number_of(syn.dst) else { return };
    let mut host = protected_host(number, syn.dst.is_ipv6(), rng.half());
    let options = mss_option(1460);
    let segment = Segment {
        sport: call.dport,
        dport: call.sport,
        seq: rng.word(),
        ack: call.seq.wrapping_add(1),
        flags: flag::SYN | flag::ACK,
        window: 65_160,
        options: &options,
        payload: &[],
    };
    let again = if times.repeat { &SYN_ACK_AGAIN_US[..] } else { &[] };
    for wait in [0].iter().chain(again) {
        out.push(times.at_us + wait, host.send(syn.src, protocol::TCP, segment.encode()), tag);
        // A repetition gets a new flow label (RFC 6437, Linux "rethink txhash").
        host.id = host.id.wrapping_add(1);
    }
}

/// When a server sends its SYN-ACK.
#[derive(Clone, Copy, Debug)]
pub struct SynAck {
    /// The first one, microseconds.
    pub at_us: u64,
    /// Whether nobody answers, so that it is repeated.
    pub repeat: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_backlog_admits_again_after_expiry() {
        let mut backlog = Backlog::new(2);
        assert_eq!([0, 10, 20].map(|time| backlog.admit(time)), [true, true, false]);
        assert!(backlog.admit(HALF_OPEN_US));
        assert!(!backlog.admit(HALF_OPEN_US + 1));
    }
}
