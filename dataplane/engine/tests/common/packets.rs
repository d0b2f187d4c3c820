//! One table of packets and of what becomes of each: the specification by example.
//!
//! `tests/suite/packet_table.rs` judges every row, `benches/packet_table.rs` measures it, and the fuzzer begins
//! with it. Rows about somebody's standing are a product: family × tag × kind × sender. Always holds: a row means
//! what it says under [`policy`] once [`introduce`] has made the senders known.

pub mod bytes;

use repute_model::{Address, Command, Factor, Policy, Reason, Source, Token, Verdict, Width};

use super::frame::{
    ACK, FIN, Frame, Ip, PSH, RST, SYN, fragment, fragment6, tcp, tcp6, udp, udp6, unreachable, unreachable6,
};
use super::rig::Rig;
use super::{INSIDE, OUTSIDE};
use bytes::{CONTROL, MALFORMED};

/// Who talks with the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// Stands as well as can be.
    Good,
    /// Stands as badly as can be.
    Bad,
    /// A deny list names it.
    Listed,
    /// Nobody has seen it before.
    Stranger,
}

impl Sender {
    pub const ALL: [Self; 4] = [Self::Good, Self::Bad, Self::Listed, Self::Stranger];

    const fn name(self) -> &'static str {
        match self {
            Self::Good => "known good",
            Self::Bad => "known bad",
            Self::Listed => "listed",
            Self::Stranger => "stranger",
        }
    }

    /// What becomes of its packets, whatever they are.
    const fn fate(self) -> (Verdict, Option<Reason>) {
        match self {
            Self::Good | Self::Stranger => (Verdict::Forward, None),
            Self::Bad => (Verdict::Drop, Some(Reason::Standing)),
            Self::Listed => (Verdict::Drop, Some(Reason::Listed)),
        }
    }

    /// The address of number `n` of them, below 2^20.
    const fn v4(self, n: u32) -> Ip {
        [20 + self as u8, (n >> 16) as u8, (n >> 8) as u8, n as u8]
    }

    /// The same in IPv6: each has a /64 of its own.
    const fn v6(self, n: u32) -> u128 {
        (0x2001_0db8 << 96) | (self as u128 + 1) << 92 | (n as u128) << 64 | 1
    }

    /// What adds up to the standing that is meant, from the prior.
    const fn nudge(self) -> Option<i16> {
        match self {
            Self::Good => Some(10_000),
            Self::Bad => Some(-10_000),
            Self::Listed | Self::Stranger => None,
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Datagram,
    Segment { flags: u8, data: usize },
    Fragment,
    Error,
}

const KINDS: [(&str, Kind); 8] = [
    ("UDP", Kind::Datagram),
    ("SYN", Kind::Segment { flags: SYN, data: 0 }),
    ("ACK", Kind::Segment { flags: ACK, data: 0 }),
    ("data", Kind::Segment { flags: ACK | PSH, data: 100 }),
    ("FIN", Kind::Segment { flags: FIN | ACK, data: 0 }),
    ("RST", Kind::Segment { flags: RST, data: 0 }),
    ("fragment", Kind::Fragment),
    ("ICMP error", Kind::Error),
];

/// What a conversation is made of, in order, and whether it is the server's turn.
const CONVERSATION: [(Kind, bool); 7] = [
    (Kind::Segment { flags: SYN, data: 0 }, false),
    (Kind::Segment { flags: SYN | ACK, data: 0 }, true),
    (Kind::Segment { flags: ACK, data: 0 }, false),
    (Kind::Segment { flags: ACK | PSH, data: 100 }, false),
    (Kind::Segment { flags: ACK | PSH, data: 100 }, true),
    (Kind::Datagram, false),
    (Kind::Datagram, true),
];

const SERVER: Ip = [10, 0, 0, 80];
const SERVER6: u128 = 0xfd77 << 112 | 80;
const PORTS: (u16, u16) = (40_000, 443);
const VLAN: u16 = 100;

/// How the packets of one row are made.
#[derive(Clone, Copy, Debug)]
enum Make {
    Bytes(&'static bytes::Case),
    Shape { v6: bool, tagged: bool, kind: Kind, sender: Sender, back: bool },
}

/// One row: packets of one kind, and what becomes of them.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    /// The port they come in by.
    pub port: u8,
    pub fate: (Verdict, Option<Reason>),
    make: Make,
}

impl Row {
    /// The packet of number `n` of the row's senders; 0 is the one that is known.
    pub fn frame(&self, n: u32) -> Frame {
        match self.make {
            Make::Bytes(case) => case.frame(),
            Make::Shape { v6, tagged, kind, sender, back } => {
                let frame =
                    if v6 { over_v6(sender.v6(n), kind, back) } else { over_v4(sender.v4(n), kind, back) };
                if tagged { frame.tagged(VLAN) } else { frame }
            }
        }
    }

    /// Whether each of its packets has another sender.
    pub fn is_of_strangers(&self) -> bool {
        matches!(self.make, Make::Shape { sender: Sender::Stranger, back: false, .. })
    }
}

fn over_v4(client: Ip, kind: Kind, back: bool) -> Frame {
    let (client, server) = ((client, PORTS.0), (SERVER, PORTS.1));
    let (src, dst) = if back { (server, client) } else { (client, server) };
    match kind {
        Kind::Datagram => udp(src, dst, 18),
        Kind::Segment { flags, data } => tcp(src, dst, flags, data),
        Kind::Fragment => fragment(src.0, dst.0),
        Kind::Error => unreachable(src.0, dst.0, &udp(dst, src, 18)),
    }
}

fn over_v6(client: u128, kind: Kind, back: bool) -> Frame {
    let (client, server) = ((client, PORTS.0), (SERVER6, PORTS.1));
    let (src, dst) = if back { (server, client) } else { (client, server) };
    let packet = match kind {
        Kind::Datagram => udp6(src, dst, 18),
        Kind::Segment { flags, data } => tcp6(src, dst, flags, data),
        Kind::Fragment => fragment6(src.0, dst.0),
        Kind::Error => unreachable6(src.0, dst.0, &udp6(dst, src, 18)),
    };
    packet.framed()
}

/// Every row.
pub fn table() -> Vec<Row> {
    let row = |name: String, port, fate, make| Row { name, port, fate, make };
    let mut rows = Vec::new();
    for (family, tagged) in [(4, false), (4, true), (6, false), (6, true)] {
        let vlan = if tagged { " in a VLAN" } else { "" };
        for (kind_name, kind) in KINDS {
            let shape = |sender, back| Make::Shape { v6: family == 6, tagged, kind, sender, back };
            for sender in Sender::ALL {
                let name = format!("IPv{family}{vlan}: {kind_name}, {}", sender.name());
                rows.push(row(name, OUTSIDE, sender.fate(), shape(sender, false)));
            }
            let name = format!("IPv{family}{vlan}: {kind_name}, to known good");
            rows.push(row(name, INSIDE, (Verdict::Forward, None), shape(Sender::Good, true)));
        }
    }
    let control = CONTROL.iter().map(|(_, case)| (case, (Verdict::Forward, None)));
    let malformed = MALFORMED.iter().map(|(reason, case)| (case, (Verdict::Drop, Some(*reason))));
    rows.extend(
        control.chain(malformed).map(|(case, fate)| row(case.name.into(), OUTSIDE, fate, Make::Bytes(case))),
    );
    rows
}

/// The policy that the table is written for: nobody's standing changes by what he sends.
pub fn policy() -> Policy {
    let text = "[protect]\ncontrol_packets_per_s = 100000000\n[lists]\ndeny = [\"22.0.0.0/8\", \"2001:db8:3000::/36\"]\n\
                [profiles.ingress]";
    let mut policy = super::policy(text);
    if let Some(profile) = &mut policy.ingress {
        for factor in Factor::ALL.iter().filter(|factor| **factor != Factor::Feed) {
            profile.factors[factor.index()].weight = 0.0;
        }
    }
    policy
}

/// Gives the senders of number 0 the standing that rows expect of them. The good ones have talked with the server,
/// and whom a row's packets are for has just said something that they go on with.
pub fn introduce(rig: &mut Rig, row: &Row) {
    for sender in Sender::ALL {
        let Some(delta) = sender.nudge() else { continue };
        for address in [Address::v4(u32::from_be_bytes(sender.v4(0))), Address(sender.v6(0))] {
            let Some(source) = Source::of(address, Width::OUTSIDE) else { continue };
            rig.tell(Command::Nudge { token: Token(0), source, delta, forgive: false });
        }
    }
    let mut say = |kind, back: bool| {
        rig.pass(0, (!back, over_v4(Sender::Good.v4(0), kind, back)));
        rig.pass(0, (!back, over_v6(Sender::Good.v6(0), kind, back)));
    };
    CONVERSATION.iter().for_each(|&(kind, back)| say(kind, back));
    match row.make {
        Make::Shape { kind: Kind::Datagram, back: true, .. } => say(Kind::Datagram, false),
        Make::Shape { back: true, .. } => say(Kind::Segment { flags: ACK, data: 0 }, false),
        _ => {}
    }
}
