//! What the first stage finds out about every packet of a batch, before any is judged.
//!
//! Always holds: a lane is `plain` only if the general way ([`Worker::judge`]) would come to look at the standing
//! of exactly one source for it and at one conversation, so that the short way may do the same.

use repute_model::{Address, BATCH, Link, Packet, Source};
use repute_reputation::{Sought, prefetch};
use repute_wire::Outline;

use super::{Facing, Worker, parse};
use crate::Batch;
use crate::classify::comes_from_reflector;

/// One batch, stage by stage.
#[derive(Debug)]
pub struct Lanes {
    /// What the headers said.
    pub lane: [Lane; BATCH],
    /// The one source that each packet is about.
    pub sought: [Sought; BATCH],
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// The address on the owner side.
    pub subject: Address,
    /// The address on the other side.
    pub other: Address,
    /// What names its conversation with the source; see [`repute_reputation::Secret::talk`].
    pub talk: u32,
    /// Source and destination port.
    pub ports: u32,
    /// Length on the wire.
    pub wire_len: u32,
    /// What kind it is.
    pub kind: Kind,
}

/// What decides about the way that a packet takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind(u8);

impl Kind {
    /// The general way.
    const GENERAL: Self = Self(0);
    /// The short way may judge it.
    const PLAIN: Self = Self(1);
    /// It is UDP.
    const DATAGRAM: Self = Self(2);
    /// It is to the source in place of from it.
    const BACK: Self = Self(4);

    const fn when(self, holds: bool) -> u8 {
        if holds { self.0 } else { 0 }
    }

    pub const fn is_plain(self) -> bool {
        self.0 & Self::PLAIN.0 != 0
    }

    pub const fn is_datagram(self) -> bool {
        self.0 & Self::DATAGRAM.0 != 0
    }

    pub const fn is_back(self) -> bool {
        self.0 & Self::BACK.0 != 0
    }
}

impl Lane {
    /// Whether only an answer looks like it.
    #[inline(always)]
    pub fn is_answer(&self) -> bool {
        self.kind.is_datagram() && comes_from_reflector(self.ports)
    }

    const EMPTY: Self =
        Self { subject: Address(0), other: Address(0), talk: 0, ports: 0, wire_len: 0, kind: Kind::GENERAL };
}

impl Lanes {
    pub const fn new() -> Self {
        Self { lane: [Lane::EMPTY; BATCH], sought: [Sought::NOBODY; BATCH] }
    }
}

/// IP protocol number of UDP.
const UDP: u8 = 17;

impl<P: Packet> Worker<P> {
    /// Reads the outlines of a batch, hands over what is not this worker's, and looks up the rest together.
    #[inline(always)]
    pub(super) fn look(&mut self, batch: &mut Batch<P>) {
        batch.prefetch();
        let one_way = batch.port().map(|port| self.view.facing(port));
        let counts_crowds = self.view.counts_crowds && !batch.taken;
        let mut bytes = 0;
        for i in 0..batch.len().min(BATCH) {
            let packet = &batch.packets[i];
            let facing = one_way.unwrap_or_else(|| self.view.facing(batch.ports[i]));
            let wire_len = packet.wire_len();
            bytes += u64::from(wire_len);
            let outline = match packet.link() {
                Link::Ethernet if facing != Facing::Both => Outline::of(packet.bytes(), wire_len),
                _ => None,
            };
            let (lane, key) = match outline {
                Some(outline) if outline.is_v4 => self.outlined::<true>(outline, facing),
                Some(outline) => self.outlined::<false>(outline, facing),
                None => self.uncommon(packet, batch.ports[i]),
            };
            // From registers: what was stored a moment ago in halves would be waited for as a whole.
            if counts_crowds && key != 0 && !lane.kind.is_back() {
                self.crowd.note(lane.other, wire_len);
            }
            batch.lanes.lane[i] = Lane { wire_len, ..lane };
            batch.lanes.sought[i].key = key;
        }
        batch.bytes = bytes;
        self.hand_over(batch);
        let len = batch.len().min(BATCH);
        self.shard.seek(&mut batch.lanes.sought[..len]);
        if !self.policy.lists.is_empty() {
            self.fetch_listings(&batch.lanes, len, self.is_revalidating());
        }
    }

    /// Whether there may be entries that keep something of an older policy: the sweep has not been round yet.
    #[inline]
    fn is_revalidating(&self) -> bool {
        self.now.since(self.installed) <= u64::from(self.limits.sweep_ms)
    }

    /// Asks the CPU for what the lists say of strangers, or of everybody.
    #[inline]
    fn fetch_listings(&self, lanes: &Lanes, len: usize, everybody: bool) {
        for (lane, sought) in lanes.lane[..len].iter().zip(&lanes.sought) {
            if everybody || sought.is_missing() {
                let located = self.policy.lists.locate(lane.subject);
                if let Some(line) = self.policy.lists.first_line(located) {
                    prefetch(line);
                }
            }
        }
    }

    #[inline(always)]
    fn outlined<const V4: bool>(&self, outline: Outline, facing: Facing) -> (Lane, u64) {
        let address = |address: Address| if V4 { Address::v4(address.0 as u32) } else { address };
        let (src, dst) = (address(outline.src), address(outline.dst));
        let back = facing == Facing::Receivers;
        let (subject, other) = if back { (dst, src) } else { (src, dst) };
        let ends = if back { outline.ports.rotate_left(16) } else { outline.ports };
        let source = Source::masked(subject, V4, &self.view.masks);
        let key = source.map_or(0, |source| self.shard.key(source));
        let plain = outline.goes_on && key != 0 && !(self.view.protects && self.protects(outline));
        let datagram = outline.protocol == UDP;
        let kind = Kind(Kind::PLAIN.when(plain) | Kind::DATAGRAM.when(datagram) | Kind::BACK.when(back));
        let talk = self.shard.talk(key, other, outline.protocol, ends);
        (Lane { subject, other, talk, ports: outline.ports, wire_len: 0, kind }, key)
    }

    #[inline(never)]
    fn protects(&self, outline: Outline) -> bool {
        let (sport, dport) = (outline.sport(), outline.dport());
        self.policy.protect.covers(outline.src, outline.dst, outline.protocol, sport, dport)
    }

    /// A packet of uncommon shape, or where either address may be the source, takes the general way; its source
    /// is fetched all the same.
    #[inline(never)]
    fn uncommon(&self, packet: &P, port: u8) -> (Lane, u64) {
        let parsed = parse(packet);
        if !parsed.has_addresses() {
            return (Lane::EMPTY, 0);
        }
        let (source, other, kind) = match self.owned(&parsed, self.wires[usize::from(port)].role) {
            (Some(source), _) => (source, parsed.dst, Kind::GENERAL),
            (None, Some(source)) => (source, parsed.src, Kind::BACK),
            (None, None) => return (Lane::EMPTY, 0),
        };
        (Lane { subject: source.first(), other, kind, ..Lane::EMPTY }, self.shard.key(source))
    }
}
