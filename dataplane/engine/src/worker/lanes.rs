//! What the first stages find out about every packet of a batch, before any is judged.
//!
//! Stage by stage over the whole batch, so that each is a short loop of which the processor has several packets under
//! way: read the outlines, hand over, make the keys and fetch the index, note the crowds meanwhile, fetch the entries,
//! name the conversations meanwhile. Always holds: a lane is `plain` only if the general way ([`Worker::judge`]) would
//! come to look at the standing of exactly one source for it and at one conversation, so that the short way may do
//! the same.

mod fetch;
mod kind;
mod seek;

use fetch::Opening;
pub use fetch::ones;
pub use kind::Kind;
use repute_memory::equal_bytes;
use repute_model::{Address, BATCH, Link, Listing, Located, Masks, Packet, Source};
use repute_reputation::{AHEAD, Act, Exchange, Place, Sought};
use repute_wire::{Outline, Outlines};

use super::turns::below;
use super::{Facing, Worker, parse};
use crate::Batch;
use crate::classify::comes_from_reflector;

/// One batch, a lane a packet.
#[derive(Debug)]
pub struct Lanes {
    /// What the headers of frames are.
    outlines: Outlines,
    /// Addresses of lanes that are not wide: the one on the owner side in the upper half, the other one in the lower.
    ends: [u64; BATCH],
    /// The same of wide lanes.
    wide: [[Address; 2]; BATCH],
    /// Source and destination port.
    ports: [u32; BATCH],
    /// Lengths on the wire.
    wire_len: [u32; BATCH],
    /// What kinds they are.
    kind: [Kind; BATCH],
    /// What names each conversation with its source; see [`repute_reputation::Secret::talk`].
    talk: [u32; BATCH],
    /// Where their destinations' crowds are counted, if they are.
    place: [Place; BATCH],
    /// The one source that each packet is about.
    sought: [Sought; BATCH],
    /// Where the lists speak of sources that were not found, and what they say.
    located: [Located; BATCH],
    listed: [Option<Listing>; BATCH],
    /// Which lanes are dropped already because a list denies their sources, a bit each.
    denied: u64,
    /// Which lanes are of sources that had no entry, and which the short way may judge by their senders; a bit each.
    strangers: u64,
    sent: u64,
    /// The conversations have their names; a batch of nothing but strangers does without.
    named: bool,
    /// What begins with packets from the owner side, in a batch for which that was asked.
    openings: [Opening; BATCH],
    opens: bool,
    /// Every lane is from a source, and none is wide.
    narrow: bool,
}

impl Lanes {
    pub const fn new() -> Self {
        let nobody = [Address(0); 2];
        Self {
            outlines: Outlines::new(),
            ends: [0; BATCH],
            wide: [nobody; BATCH],
            ports: [0; BATCH],
            wire_len: [0; BATCH],
            kind: [Kind::NOBODY; BATCH],
            talk: [0; BATCH],
            place: [Place::NONE; BATCH],
            sought: [Sought::NOBODY; BATCH],
            located: [Located::NOWHERE; BATCH],
            listed: [None; BATCH],
            denied: 0,
            strangers: 0,
            sent: 0,
            named: false,
            openings: [Opening::NONE; BATCH],
            opens: false,
            narrow: false,
        }
    }

    #[inline(always)]
    pub const fn kind(&self, i: usize) -> Kind {
        self.kind[i]
    }

    #[inline(always)]
    pub const fn talk(&self, i: usize) -> u32 {
        self.talk[i]
    }

    #[inline(always)]
    pub const fn wire_len(&self, i: usize) -> u32 {
        self.wire_len[i]
    }

    #[inline(always)]
    pub const fn sought(&self, i: usize) -> &Sought {
        &self.sought[i]
    }

    /// The one whose turn comes soon after that of packet `i`; behind the last one come those that were.
    #[inline(always)]
    pub const fn soon(&self, i: usize) -> &Sought {
        &self.sought[(i + AHEAD) % BATCH]
    }

    #[inline(always)]
    pub const fn listed(&self, i: usize) -> Option<Listing> {
        self.listed[i]
    }

    #[inline(always)]
    pub const fn denied(&self) -> u64 {
        self.denied
    }

    #[inline(always)]
    pub const fn strangers(&self) -> u64 {
        self.strangers
    }

    #[inline(always)]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    #[inline(always)]
    pub const fn is_named(&self) -> bool {
        self.named
    }

    #[inline(always)]
    pub const fn place(&self, i: usize) -> Place {
        self.place[i]
    }

    /// What packet `i` from the owner side begins, if that was found out for the whole batch.
    #[inline(always)]
    pub fn opening(&self, i: usize) -> Option<&Opening> {
        self.opens.then_some(&self.openings[i])
    }

    /// The address on the owner side.
    #[inline(always)]
    pub const fn subject(&self, i: usize) -> Address {
        self.subject_of::<false>(i)
    }

    /// The same; `NARROW` where that is known of all lanes.
    #[inline(always)]
    const fn subject_of<const NARROW: bool>(&self, i: usize) -> Address {
        if !NARROW && self.kind[i].has(Kind::WIDE) {
            self.wide[i][0]
        } else {
            Address::v4((self.ends[i] >> 32) as u32)
        }
    }

    /// The address on the other side.
    #[inline(always)]
    pub const fn other(&self, i: usize) -> Address {
        self.other_of::<false>(i)
    }

    /// The same; `NARROW` where that is known of all lanes.
    #[inline(always)]
    const fn other_of<const NARROW: bool>(&self, i: usize) -> Address {
        other_of::<NARROW>(&self.kind, &self.ends, &self.wide, i)
    }

    /// Whether only an answer looks like it.
    #[inline(always)]
    pub fn is_answer(&self, i: usize) -> bool {
        self.kind[i].has(Kind::DATAGRAM) && comes_from_reflector(self.ports[i])
    }

    /// What a plain packet from the owner side does: a segment of a connection, or a datagram. Whether a segment
    /// carries anything is not known here.
    pub fn exchange(&self, i: usize) -> Exchange {
        let datagram = self.kind[i].has(Kind::DATAGRAM);
        Exchange {
            src: self.subject(i),
            dst: self.other(i),
            protocol: if datagram { UDP } else { TCP },
            sport: (self.ports[i] >> 16) as u16,
            dport: self.ports[i] as u16,
            act: match datagram {
                true => Act::Datagram { answer: self.is_answer(i) },
                false => Act::Segment { data: false, fin: false },
            },
            seq: 0,
            ack: 0,
            datagram: None,
            make: 0,
        }
    }

    /// Whether every lane is from a source, and none is wide.
    #[inline(always)]
    pub const fn is_narrow(&self) -> bool {
        self.narrow
    }

    /// The source that it is about; `NARROW` where all lanes are.
    #[inline(always)]
    pub fn source_of<const NARROW: bool>(&self, i: usize, masks: &Masks) -> Option<Source> {
        if NARROW {
            return Some(Source::host_v4((self.ends[i] >> 32) as u32, masks));
        }
        let subject = self.subject(i);
        let source = Source::masked(subject, subject.is_v4(), masks);
        if self.kind[i].has(Kind::SOURCE) { source } else { None }
    }

    /// Leaves to others what goes to one of these ports of the other side, or comes from there.
    #[inline(never)]
    fn set_apart(&mut self, len: usize, service: &[u16; 4]) {
        for (kind, ports) in self.kind.iter_mut().zip(&self.ports).take(len) {
            let there = (if kind.is_back() { ports >> 16 } else { *ports }) as u16;
            // All are compared: most often none is there, and four branches cost more.
            if service.iter().fold(false, |found, port| found | (*port == there)) {
                let asks = kind.is_plainly_sent() && kind.has(Kind::DATAGRAM);
                *kind = kind.with(Kind::QUERY, asks).without(Kind::PLAIN);
            }
        }
    }

    /// Which lanes the short way may judge by their senders.
    #[inline(always)]
    fn plainly_sent(&self) -> u64 {
        let (kinds, _) = self.kind.as_chunks::<16>();
        let ways = kinds.iter().rev().map(|kinds| equal_bytes(&kinds.map(Kind::way), Kind::PLAINLY_SENT));
        ways.fold(0, |all, some| all << 16 | u64::from(some))
    }

    /// Moves a lane that was read to another place.
    pub fn keep(&mut self, to: usize, from: usize) {
        self.ends[to] = self.ends[from];
        self.wide[to] = self.wide[from];
        self.ports[to] = self.ports[from];
        self.wire_len[to] = self.wire_len[from];
        self.kind[to] = self.kind[from];
    }
}

/// The address on the other side of lane `i`, by the fields that tell it; `NARROW` where no lane is wide.
#[inline(always)]
const fn other_of<const NARROW: bool>(
    kind: &[Kind; BATCH],
    ends: &[u64; BATCH],
    wide: &[[Address; 2]; BATCH],
    i: usize,
) -> Address {
    if !NARROW && kind[i].has(Kind::WIDE) { wide[i][1] } else { Address::v4(ends[i] as u32) }
}

impl<P: Packet> Worker<P> {
    /// Reads the outlines of a batch, hands over what is not this worker's, and looks up the rest together.
    #[inline(always)]
    pub(super) fn look(&mut self, batch: &mut Batch<P>) {
        batch.prefetch();
        self.read(batch);
        let counts_crowds = self.view.counts_crowds && !batch.taken;
        if batch.taken {
            // Counted where it was received: what is known of places is of another batch.
            batch.lanes.place = [Place::NONE; BATCH];
        }
        if self.team.is_some() {
            self.hand_over(batch, counts_crowds);
        }
        let len = batch.len().min(BATCH);
        let all = below(len);
        if batch.lanes.narrow {
            self.find_out::<true>(batch, counts_crowds, all);
        } else {
            self.find_out::<false>(batch, counts_crowds, all);
        }
        batch.lanes.sent = batch.lanes.plainly_sent() & all;
        if self.view.repeats {
            self.fetch_queries(&batch.packets, &batch.lanes);
        }
        // Where many conversations begin, they are expected to in the next batch.
        let opens = std::mem::take(&mut self.begun) as usize * 4 > len;
        batch.lanes.opens = opens;
        if opens {
            self.fetch_openings(&mut batch.lanes, len);
        }
    }

    /// What the headers say. Most batches come in by one port, and most of their packets have the most common shape.
    #[inline(always)]
    fn read(&self, batch: &mut Batch<P>) {
        batch.lanes.narrow = false;
        self.read_outlines(batch);
        if let Some(ports) = self.view.service {
            batch.lanes.set_apart(batch.packets.len().min(BATCH), &ports);
        }
    }

    #[inline(always)]
    fn read_outlines(&self, batch: &mut Batch<P>) {
        match batch.port().map(|port| self.view.facing(port)) {
            Some(facing) if facing != Facing::Both && batch.begins_common() => {
                batch.bytes = self.read_common(batch, facing == Facing::Receivers);
            }
            one_way => {
                for i in 0..batch.len().min(BATCH) {
                    let facing = one_way.unwrap_or_else(|| self.view.facing(batch.ports[i]));
                    self.read_one(batch, i, facing);
                }
                batch.bytes = batch.lanes.wire_len[..batch.len()].iter().map(|&len| u64::from(len)).sum();
            }
        }
    }

    /// Reads a batch all of whose packets are from the owner side, or all to it (`back`). How many bytes it has.
    #[inline(never)]
    fn read_common(&self, batch: &mut Batch<P>, back: bool) -> u64 {
        let len = batch.len().min(BATCH);
        let mut bytes = 0;
        for (i, packet) in batch.packets.iter().enumerate().take(BATCH) {
            let wire_len = packet.wire_len();
            let frame = if packet.link() == Link::Ethernet { packet.bytes() } else { &[] };
            bytes += u64::from(wire_len);
            batch.lanes.wire_len[i] = wire_len;
            batch.lanes.outlines.read(i, frame, wire_len);
        }
        batch.lanes.outlines.work_out();
        let turn = if back { 32 } else { 0 };
        let common = Kind::SOURCE.with(Kind::BACK, back);
        let mut all = true;
        for i in 0..len {
            let lanes = &mut batch.lanes;
            let shape = lanes.outlines.shape(i);
            lanes.ends[i] = lanes.outlines.ends(i).rotate_left(turn);
            lanes.ports[i] = lanes.outlines.ports(i);
            lanes.kind[i] =
                common.with(Kind::PLAIN, shape.goes_on()).with(Kind::DATAGRAM, shape.is_datagram());
            all &= shape.is_common();
        }
        batch.lanes.narrow = all && !back;
        if !all || self.view.protects {
            self.read_uncommon(batch, if back { Facing::Receivers } else { Facing::Senders });
        }
        bytes
    }

    /// Reads what is left of such a batch, one by one.
    #[inline(never)]
    fn read_uncommon(&self, batch: &mut Batch<P>, facing: Facing) {
        for i in 0..batch.len().min(BATCH) {
            if self.view.protects || !batch.lanes.outlines.shape(i).is_common() {
                self.read_one(batch, i, facing);
            }
        }
    }

    #[inline(always)]
    fn read_one(&self, batch: &mut Batch<P>, i: usize, facing: Facing) {
        let packet = &batch.packets[i];
        let wire_len = packet.wire_len();
        batch.lanes.wire_len[i] = wire_len;
        let outline = match packet.link() {
            Link::Ethernet if facing != Facing::Both => Outline::of(packet.bytes(), wire_len),
            _ => None,
        };
        match outline {
            Some(outline) => self.outlined(&outline, facing, &mut batch.lanes, i),
            None => self.uncommon(packet, batch.ports[i], &mut batch.lanes, i),
        }
    }

    #[inline(always)]
    fn outlined(&self, outline: &Outline, facing: Facing, lanes: &mut Lanes, i: usize) {
        let back = facing == Facing::Receivers;
        let (subject, other) = if back { (outline.dst, outline.src) } else { (outline.src, outline.dst) };
        let somebody = Source::masked(subject, outline.is_v4, &self.view.masks).is_some();
        let plain = somebody && outline.goes_on && !(self.view.protects && self.protects(outline));
        lanes.ports[i] = outline.ports;
        lanes.kind[i] = Kind::NOBODY
            .with(Kind::SOURCE, somebody)
            .with(Kind::PLAIN, plain)
            .with(Kind::DATAGRAM, outline.protocol == UDP)
            .with(Kind::BACK, back)
            .with(Kind::WIDE, !outline.is_v4);
        if outline.is_v4 {
            lanes.ends[i] = u64::from(subject.0 as u32) << 32 | u64::from(other.0 as u32);
        } else {
            lanes.wide[i] = [subject, other];
        }
    }

    #[inline(never)]
    fn protects(&self, outline: &Outline) -> bool {
        let (sport, dport) = (outline.sport(), outline.dport());
        self.policy.protect.covers(outline.src, outline.dst, outline.protocol, sport, dport)
    }

    /// A packet of uncommon shape, or where either address may be the source, takes the general way; its source
    /// is fetched all the same.
    #[inline(never)]
    fn uncommon(&self, packet: &P, port: u8, lanes: &mut Lanes, i: usize) {
        let parsed = parse(packet);
        let role = self.wires[usize::from(port)].role;
        let owned = if parsed.has_addresses() { self.owned(&parsed, role) } else { (None, None) };
        let general = Kind::SOURCE.with(Kind::WIDE, true);
        (lanes.kind[i], lanes.wide[i]) = match owned {
            (Some(source), _) => (general, [source.first(), parsed.dst]),
            (None, Some(source)) => (general.with(Kind::BACK, true), [source.first(), parsed.src]),
            (None, None) => (Kind::NOBODY, [Address(0); 2]),
        };
    }
}

/// IP protocol numbers.
const UDP: u8 = 17;
const TCP: u8 = 6;
