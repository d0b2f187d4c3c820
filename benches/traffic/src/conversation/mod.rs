//! One TCP connection as it passes the wire: sequence numbers, acknowledgements, round trips and losses are
//! consistent in time order.
//!
//! Called by every component that speaks TCP properly. Times are those at the wire: an end answers its `delay_us`
//! after the packet passed. What always holds: an acknowledgement never covers octets that have not passed
//! before, and each direction's octets are contiguous.

mod parties;

pub use parties::{End, Manner, Party};

use crate::{
    event::{Sink, Tag},
    net::{
        protocol,
        tcp::{self, Segment, flag},
    },
    rng::Rng,
};

#[derive(Clone, Debug)]
struct State {
    end: End,
    tag: Tag,
    next: u32,
    clock: u32,
    echo: u32,
    window: u16,
    scale: u8,
}

/// A connection under way.
#[derive(Clone, Debug)]
pub struct Conversation {
    ends: [State; 2],
    manner: Manner,
    burst: usize,
    /// When the last packet passed, microseconds since the start of the capture.
    pub now_us: u64,
}

/// Segments in flight at first (RFC 6928) and at most.
const BURST_FIRST: usize = 10;
const BURST_MAX: usize = 64;
/// Least retransmission timeout of Linux.
const RTO_MIN_US: u64 = 200_000;

impl Conversation {
    /// A connection that will start at this time.
    pub fn new(client: End, server: End, manner: Manner, now_us: u64, rng: &mut Rng) -> Self {
        let mut state = |end, tag| State {
            end,
            tag,
            next: rng.word(),
            clock: rng.word(),
            echo: 0,
            window: rng.pick(&[64_240, 65_535, 29_200]),
            scale: rng.pick(&[7, 8, 9]),
        };
        let answer = manner.tag.answer();
        let ends = [state(client, manner.tag.clone()), state(server, answer)];
        Self { ends, manner, burst: BURST_FIRST, now_us }
    }

    /// SYN, SYN-ACK, ACK.
    pub fn connect(&mut self, out: &mut Sink) {
        self.call(out);
        self.now_us += self.delay(Party::Server);
        self.synchronise(Party::Server, flag::SYN | flag::ACK, out);
        self.ends[Party::Server as usize].next = self.next(Party::Server).wrapping_add(1);
        self.now_us += self.delay(Party::Client);
        self.empty(Party::Client, flag::ACK, self.now_us, out);
    }

    /// The SYN alone.
    pub fn call(&mut self, out: &mut Sink) {
        self.synchronise(Party::Client, flag::SYN, out);
        self.ends[Party::Client as usize].next = self.next(Party::Client).wrapping_add(1);
    }

    /// So many SYNs that nobody hears, each repeated after twice the time, the first after a second (RFC 6298 §2);
    /// [`Conversation::connect`] then sends the one that gets through.
    pub fn call_lost(&mut self, count: u32, out: &mut Sink) {
        for attempt in 0..count {
            self.synchronise(Party::Client, flag::SYN, out);
            self.now_us += 1_000_000 << attempt;
        }
    }

    /// The server refuses the SYN that has just passed (RFC 9293 §3.10.7.1).
    pub fn refuse(&mut self, out: &mut Sink) {
        self.now_us += self.delay(Party::Server);
        let ack = self.next(Party::Client);
        let segment = Segment { ack, flags: flag::RST | flag::ACK, ..Segment::default() };
        self.emit(Party::Server, segment, self.now_us, out);
    }

    /// Nobody speaks for a while.
    pub fn idle(&mut self, us: u64) {
        self.now_us += us;
    }

    /// `from` sends these octets, the other end acknowledges them; slow start as RFC 6928 and RFC 5681.
    pub fn transfer(&mut self, from: Party, data: &[u8], rng: &mut Rng, out: &mut Sink) {
        let mss = self.payload_max();
        let mut rest = data;
        while !rest.is_empty() {
            if rest.len() < data.len() {
                self.now_us += self.delay(from);
            }
            let (round, later) = rest.split_at(rest.len().min(self.burst * mss));
            self.round(from, round, rng, out);
            self.burst = (self.burst * 2).min(BURST_MAX);
            rest = later;
        }
    }

    /// `from` sends these octets at once and nobody waits for the acknowledgement.
    pub fn shout(&mut self, from: Party, data: &[u8], out: &mut Sink) {
        for piece in data.chunks(self.payload_max()) {
            self.data(from, self.next(from), piece, self.now_us, out);
            self.ends[from as usize].next = self.next(from).wrapping_add(piece.len() as u32);
            self.now_us += self.manner.gap_us;
        }
    }

    /// FIN from `first`, FIN-ACK from the other end, the last ACK.
    pub fn close(&mut self, first: Party, out: &mut Sink) {
        for party in [first, first.other()] {
            self.empty(party, flag::FIN | flag::ACK, self.now_us, out);
            self.ends[party as usize].next = self.next(party).wrapping_add(1);
            self.now_us += self.delay(party.other());
        }
        self.empty(first, flag::ACK, self.now_us, out);
    }

    /// RST from this end.
    pub fn reset(&mut self, by: Party, out: &mut Sink) {
        let segment = Segment { seq: self.next(by), flags: flag::RST, ..Segment::default() };
        self.emit(by, segment, self.now_us, out);
    }

    /// A keep-alive probe (RFC 1122 §4.2.3.6) and its answer.
    pub fn keep_alive(&mut self, from: Party, out: &mut Sink) {
        let seq = self.next(from).wrapping_sub(1);
        self.acknowledge(from, seq, self.next(from.other()), None, self.now_us, out);
        self.now_us += self.delay(from.other());
        self.empty(from.other(), flag::ACK, self.now_us, out);
    }

    /// One burst with its acknowledgements; at most one segment of it is lost.
    fn round(&mut self, from: Party, round: &[u8], rng: &mut Rng, out: &mut Sink) {
        let (to, mss, base) = (from.other(), self.payload_max(), self.next(from));
        let count = round.len().div_ceil(mss);
        let lost =
            (rng.chance(self.manner.loss * count as f64)).then(|| rng.between(0, count as u64 - 1) as usize);
        // Lost before the wire the first copy is never seen, lost behind it both are.
        let lost_before = rng.chance(0.5);
        let mut time = self.now_us;
        let mut last_ack = time;
        // A burst leaves before its acknowledgements arrive, so all of it echoes what was heard before.
        let echo = self.ends[from as usize].echo;
        for (index, piece) in round.chunks(mss).enumerate() {
            let seq = base.wrapping_add((index * mss) as u32);
            if lost != Some(index) || !lost_before {
                let latest = std::mem::replace(&mut self.ends[from as usize].echo, echo);
                self.data(from, seq, piece, time, out);
                self.ends[from as usize].echo = latest;
            }
            let end = seq.wrapping_add(piece.len() as u32);
            let heard = time + self.delay(to);
            match lost {
                Some(hole) if index > hole => {
                    let edge = base.wrapping_add((hole * mss) as u32);
                    let sack = [base.wrapping_add(((hole + 1) * mss) as u32), end];
                    self.acknowledge(to, self.next(to), edge, Some(sack), heard, out);
                    last_ack = heard;
                }
                Some(hole) if index == hole => {}
                _ if index % 2 == 1 || index + 1 == count => {
                    self.acknowledge(to, self.next(to), end, None, heard, out);
                    last_ack = heard;
                }
                _ => {}
            }
            time += self.manner.gap_us;
        }
        self.ends[from as usize].next = base.wrapping_add(round.len() as u32);
        if let Some(hole) = lost {
            let duplicates = count - hole - 1;
            let wait = self.delay(from) + if duplicates >= 3 { 0 } else { RTO_MIN_US };
            let again = last_ack.max(time) + wait;
            let piece = round.chunks(mss).nth(hole).unwrap_or_default();
            self.data(from, base.wrapping_add((hole * mss) as u32), piece, again, out);
            last_ack = again + self.delay(to);
            self.empty(to, flag::ACK, last_ack, out);
        }
        self.now_us = last_ack;
    }

    fn synchronise(&mut self, from: Party, flags: u8, out: &mut Sink) {
        let mss = if self.ends[0].end.host.address.is_ipv6() { 1440 } else { 1460 };
        let time = self.now_us;
        let stamps = self.stamps(from, time);
        let options = tcp::syn_options(mss, stamps, self.ends[from as usize].scale);
        let ack = if flags & flag::ACK != 0 { self.next(from.other()) } else { 0 };
        let segment = Segment { seq: self.next(from), ack, flags, options: &options, ..Segment::default() };
        self.emit(from, segment, time, out);
    }

    fn data(&mut self, from: Party, seq: u32, piece: &[u8], time: u64, out: &mut Sink) {
        let options = tcp::timestamp_option(self.stamps(from, time));
        let flags = flag::ACK | flag::PSH;
        let ack = self.next(from.other());
        self.emit(
            from,
            Segment { seq, ack, flags, options: &options, payload: piece, ..Segment::default() },
            time,
            out,
        );
    }

    fn empty(&mut self, from: Party, flags: u8, time: u64, out: &mut Sink) {
        let options = tcp::timestamp_option(self.stamps(from, time));
        let (seq, ack) = (self.next(from), self.next(from.other()));
        self.emit(from, Segment { seq, ack, flags, options: &options, ..Segment::default() }, time, out);
    }

    fn acknowledge(
        &mut self,
        from: Party,
        seq: u32,
        ack: u32,
        sack: Option<[u32; 2]>,
        time: u64,
        out: &mut Sink,
    ) {
        let mut options = tcp::timestamp_option(self.stamps(from, time));
        options.extend(sack.map(tcp::sack_option).unwrap_or_default());
        self.emit(
            from,
            Segment { seq, ack, flags: flag::ACK, options: &options, ..Segment::default() },
            time,
            out,
        );
    }

    fn emit(&mut self, from: Party, segment: Segment<'_>, time: u64, out: &mut Sink) {
        let (port, address) = (self.end(from.other()).port, self.end(from.other()).host.address);
        let state = &mut self.ends[from as usize];
        let scaled = if segment.flags & flag::SYN == 0 { 502 } else { state.window };
        let window = if segment.flags & flag::RST == 0 { scaled } else { 0 };
        let whole = Segment { sport: state.end.port, dport: port, window, ..segment };
        let packet = state.end.host.send(address, protocol::TCP, whole.encode());
        out.push(time, packet, &state.tag);
    }

    /// The sender's clock in milliseconds and what it last heard of the other's.
    fn stamps(&mut self, from: Party, time_us: u64) -> [u32; 2] {
        let state = &mut self.ends[from as usize];
        let value = state.clock.wrapping_add((time_us / 1000) as u32);
        let echo = state.echo;
        self.ends[from.other() as usize].echo = value;
        [value, echo]
    }

    fn payload_max(&self) -> usize {
        if self.ends[0].end.host.address.is_ipv6() { 1428 } else { 1448 }
    }

    fn end(&self, party: Party) -> &End {
        &self.ends[party as usize].end
    }

    fn next(&self, party: Party) -> u32 {
        self.ends[party as usize].next
    }

    fn delay(&self, party: Party) -> u64 {
        self.end(party).delay_us
    }
}
