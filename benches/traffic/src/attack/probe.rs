//! One probe of a scanner and what comes back.

use std::net::IpAddr;

use super::victim::{SynAck, Unreachable, syn_ack};
use crate::{
    address::{Reaction, number_of, protected_host, reaction},
    conversation::{Conversation, End, Manner, Party},
    event::{Sink, Tag},
    net::{
        Host,
        datagram::{echo, send_udp},
        protocol,
        tcp::{Segment, flag, mss_option},
    },
    payload,
    rng::Rng,
};

/// A scanner's next question.
#[derive(Debug)]
pub struct Probe<'a> {
    /// Who asks.
    pub source: &'a mut Host,
    /// Its port; the identifier of an echo request.
    pub sport: u16,
    /// Whom, perhaps beyond the protected network.
    pub target: IpAddr,
    /// Which port; the sequence number of an echo request.
    pub dport: u16,
    /// When the probe passes the wire, microseconds.
    pub time: u64,
    /// Round trip between wire and scanner, microseconds.
    pub delay_us: u64,
    /// What it is labelled.
    pub tag: &'a Tag,
}

impl Probe<'_> {
    /// A SYN scan probe (nmap -sS): SYN-ACK is met with RST.
    pub fn half_open(self, rng: &mut Rng, out: &mut Sink) {
        let options = mss_option(1460);
        let seq = rng.word();
        let (sport, dport) = (self.sport, self.dport);
        let call = Segment {
            sport,
            dport,
            seq,
            flags: flag::SYN,
            window: 1024,
            options: &options,
            ..Segment::default()
        };
        let syn = self.source.send(self.target, protocol::TCP, call.encode());
        out.push(self.time, syn.clone(), self.tag);
        let (answer, heard) = (self.tag.answer(), self.time + rng.between(150, 900));
        match self.reaction(protocol::TCP) {
            Reaction::Open => {
                syn_ack(&syn, &call, SynAck { at_us: heard, repeat: false }, &answer, rng, out);
                let rst = Segment {
                    sport,
                    dport,
                    seq: seq.wrapping_add(1),
                    flags: flag::RST,
                    ..Segment::default()
                };
                out.push(
                    heard + self.delay_us,
                    self.source.send(self.target, protocol::TCP, rst.encode()),
                    self.tag,
                );
            }
            Reaction::Closed => {
                let ack = seq.wrapping_add(1);
                let flags = flag::RST | flag::ACK;
                let rst = Segment { sport: dport, dport: sport, ack, flags, ..Segment::default() };
                let mut host = self.target_host(rng);
                out.push(heard, host.send(self.source.address, protocol::TCP, rst.encode()), &answer);
            }
            Reaction::Silent => {}
        }
    }

    /// A connect scan probe (nmap -sT) to a port that is open: the handshake is completed, then reset.
    pub fn connect(self, rng: &mut Rng, out: &mut Sink) {
        let client = End { host: self.source.clone(), port: self.sport, delay_us: self.delay_us };
        let server = End { host: self.target_host(rng), port: self.dport, delay_us: rng.between(150, 900) };
        let manner = Manner { loss: 0.0, gap_us: 100, tag: self.tag.clone() };
        let mut talk = Conversation::new(client, server, manner, self.time, rng);
        talk.connect(out);
        talk.idle(rng.between(100, 5_000));
        talk.reset(Party::Client, out);
    }

    /// Whether a connection to the target would be accepted.
    pub fn is_open(&self) -> bool {
        self.reaction(protocol::TCP) == Reaction::Open
    }

    /// A UDP probe with a payload that a service on that port understands.
    pub fn udp(self, unreachable: &mut Unreachable, rng: &mut Rng, out: &mut Sink) {
        let id = rng.half();
        let name = "version.bind";
        let data = match self.dport {
            53 => payload::dns_query(id, name, 16),
            123 => payload::ntp(3, rng),
            _ => id.to_be_bytes().to_vec(),
        };
        let packet = send_udp(self.source, self.target, [self.sport, self.dport], &data);
        out.push(self.time, packet.clone(), self.tag);
        let answer = self.tag.answer();
        match self.reaction(protocol::UDP) {
            Reaction::Open => {
                let said = if self.dport == 53 {
                    payload::dns_answer(id, name, 16, 5, 0, rng)
                } else {
                    payload::ntp(4, rng)
                };
                let mut host = self.target_host(rng);
                let reply = send_udp(&mut host, self.source.address, [self.dport, self.sport], &said);
                out.push(self.time + rng.between(150, 900), reply, &answer);
            }
            Reaction::Closed => unreachable.meet(&packet, self.dport, self.time, &answer, rng, out),
            Reaction::Silent => {}
        }
    }

    /// An echo request of a sweep.
    pub fn echo(self, rng: &mut Rng, out: &mut Sink) {
        let v6 = self.target.is_ipv6();
        let data = rng.bytes(8);
        let icmp = self.source.icmp();
        let request = echo(v6, false, self.sport, self.dport, &data);
        out.push(self.time, self.source.send(self.target, icmp, request), self.tag);
        if self.reaction(icmp) == Reaction::Open {
            let reply = echo(v6, true, self.sport, self.dport, &data);
            let mut host = self.target_host(rng);
            let heard = self.time + rng.between(100, 600);
            out.push(heard, host.send(self.source.address, icmp, reply), &self.tag.answer());
        }
    }

    fn reaction(&self, protocol: u8) -> Reaction {
        number_of(self.target).map_or(Reaction::Silent, |number| reaction(number, protocol, self.dport))
    }

    fn target_host(&self, rng: &mut Rng) -> Host {
        protected_host(number_of(self.target).unwrap_or_default(), self.target.is_ipv6(), rng.half())
    }
}
