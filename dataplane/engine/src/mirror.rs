//! The mirror: sampled, truncated copies of packets on their way to whoever listens, through VXLAN if he is far.
//!
//! The worker asks [`Mirror::picks`] about every packet whose treatment mirrors, hands the picked ones to
//! [`Mirror::copy`] before they leave, and sends the outbox at the end of the breath. What always holds: a copy has
//! memory of its own, so a mirror port that stands still costs copies and never packets; copies leave no faster than
//! the mirror's rate, their tunnel headers included; what was picked is in the outbox or counted as withheld.

use repute_model::{Address, Band, Io, Link, Meter, Outbox, Packet, Sampling, Tick};
use repute_reputation::{Secret, conforms};
use repute_wire::vxlan::Tunnel;
use repute_wire::{Parsed, parse_ethernet};

/// Where copies go, and how much of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MirrorSetup {
    /// Number of the mirror port among the worker's ways out.
    pub port: u8,
    /// Bytes of a packet that are copied at most. With a tunnel's overhead they fit into a frame of the port and,
    /// without it, into one buffer of the pool of copies: a tunnel does not carry what is scattered.
    pub bytes: u32,
    /// Bytes that leave per second, tunnel headers included; at least 1. What the rate allows in one tick, and one
    /// copy more, may leave at once.
    pub bytes_per_s: u64,
    /// What carries the copies; `None` = they leave as they came.
    pub tunnel: Option<Tunnel>,
}

/// The mirror of a worker; one that is off does nothing and counts nothing.
#[derive(Debug)]
pub struct Mirror<P> {
    on: Option<Copies<P>>,
}

#[derive(Debug)]
struct Copies<P> {
    setup: MirrorSetup,
    /// GCRA arrival time of bytes, ns.
    tat: u64,
    /// Packets of each band since the last one that its number picked.
    since: [u32; Band::ALL.len()],
    outbox: Outbox<P>,
    withheld: u64,
}

impl<P: Packet> Mirror<P> {
    /// A mirror that has copied nothing yet; `None` = off.
    pub fn new(setup: Option<MirrorSetup>) -> Self {
        let copies =
            |setup| Copies { setup, tat: 0, since: Default::default(), outbox: Outbox::new(), withheld: 0 };
        Self { on: setup.map(copies) }
    }

    /// Whether anything is ever copied.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Whether a packet is to be copied: the `nth` of its source in its window (from 1) and one of those that `band`
    /// samples like this. Every `one_in`-th packet of a band is, beginning with the `one_in`-th, and so are the
    /// `first` of each source.
    #[inline]
    pub fn picks(&mut self, band: Band, sampling: &Sampling, nth: u32) -> bool {
        let Some(on) = &mut self.on else { return false };
        let since = &mut on.since[band.index()];
        // Never more than `one_in` of the policy before: there it begins anew.
        *since += 1;
        if *since >= sampling.one_in {
            *since = 0;
            return true;
        }
        nth <= sampling.first
    }

    /// Puts a copy of a packet into the outbox. It is withheld where the outbox is full, the rate is spent, the pool
    /// of copies is empty, or the tunnel cannot carry it: a bare IP packet, or one without room for the headers.
    pub fn copy<I: Io<Packet = P>>(&mut self, packet: &P, now: Tick, io: &mut I) {
        if let Some(on) = &mut self.on
            && on.add(packet, now, io).is_none()
        {
            on.withheld += 1;
        }
    }

    /// The number of the mirror port and what waits for it; `None` when off.
    pub fn outbox(&mut self) -> Option<(u8, &mut Outbox<P>)> {
        self.on.as_mut().map(|on| (on.setup.port, &mut on.outbox))
    }

    /// Packets that were picked and not copied.
    pub fn withheld(&self) -> u64 {
        self.on.as_ref().map_or(0, |on| on.withheld)
    }
}

impl<P: Packet> Copies<P> {
    /// `None` = withheld, and nothing is charged.
    fn add<I: Io<Packet = P>>(&mut self, packet: &P, now: Tick, io: &mut I) -> Option<()> {
        if self.outbox.is_full() {
            return None;
        }
        let tat = self.charged(packet.wire_len(), now)?;
        let mut copy = io.copy(packet, self.setup.bytes)?;
        if let Some(tunnel) = &self.setup.tunnel {
            encapsulate(packet, &mut copy, tunnel)?;
        }
        self.outbox.push(copy);
        self.tat = tat;
        Some(())
    }

    /// The arrival time once a copy of a packet so long has left, if it may leave now.
    fn charged(&self, wire_len: u32, now: Tick) -> Option<u64> {
        let MirrorSetup { bytes, bytes_per_s, tunnel, .. } = self.setup;
        let len = wire_len.min(bytes) + tunnel.map_or(0, |tunnel| tunnel.overhead());
        // A tick's share alone would lose what is left of a tick when the next copy does not fit into it.
        let byte_burst = bytes_per_s.div_ceil(1_000) + u64::from(len);
        let meter =
            Meter { packets_per_s: None, packet_burst: 0, bytes_per_s: Some(bytes_per_s), byte_burst };
        let (mut packets, mut tat) = (0, self.tat);
        conforms(&meter, now, len, &mut packets, &mut tat).ok()?;
        Some(tat)
    }
}

/// Puts the tunnel's headers before the copy of a packet, whose own headers tell the flow even where the copy is
/// shorter.
fn encapsulate<P: Packet>(packet: &P, copy: &mut P, tunnel: &Tunnel) -> Option<()> {
    if packet.link() != Link::Ethernet {
        return None;
    }
    let flow = flow(&parse_ethernet(packet.bytes(), packet.wire_len()));
    let headers = tunnel.headers(copy.bytes(), flow)?;
    copy.prepend(headers.as_bytes()).then_some(())
}

/// Fixed, so that all workers send the copies of a connection alike; nothing of the box depends on it.
const SPREAD: Secret = Secret::from_seed(0);

/// The same for all packets of a connection in both directions, and for all fragments of a packet, so that whoever
/// spreads copies by it keeps together what belongs together.
fn flow(packet: &Parsed) -> u64 {
    let is_whole = packet.frag_off == 0 && !packet.frag_more();
    let end = |address: Address, port: u16| {
        let port = if is_whole { port } else { 0 };
        let place = u64::from(packet.protocol) << 16 | u64::from(port);
        SPREAD.address(Address(address.0 ^ u128::from(place) << 64))
    };
    end(packet.src, packet.sport).wrapping_add(end(packet.dst, packet.dport))
}
