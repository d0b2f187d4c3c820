//! Resets by which the box ends connections: both ends of each, at numbers that they accept.
//!
//! Asked by `worker/reset.rs`. A reset counts only at exactly the sequence number that its receiver expects next (RFC 5961,
//! 3.2). Whoever sent the segment at hand expects what it acknowledges; whom it is for expects its own number. Always holds:
//! the receiver of a connection's segments is reset once, and their sender once for each number that it acknowledges: data
//! may have been under way to it that was sent before its peer was reset; both are reset again if the connection goes on
//! for seconds. No more connections are ended in a tick than [`PER_TICK`]; segments of further ones are stopped all the
//! same, and their turn comes with the next one.

use arrayvec::ArrayVec;
use repute_model::{BATCH, Io, Outbox, Packet, Tick};
use repute_reputation::Recent;
use repute_wire::{Answer, Parsed, tcp};

/// Connections that are ended in a tick at most: both resets of all of them fit into one outbox.
const PER_TICK: u32 = BATCH as u32 / 2;
/// Numbers of connections that are remembered.
const REMEMBERED: u32 = 4096;
/// For how long a reset counts as made, in units of 400 ms: two seconds, then it may have been lost.
const AGAIN: u16 = 5;
/// Bytes of a packet that hold its headers: Ethernet, four tags, IPv6 and TCP without options.
const HEADERS_MAX: u32 = 128;

/// The two ends of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// Names its connection in this direction.
    pub connection: u64,
    /// Names the segment that its sender expects next.
    pub acknowledged: u64,
    /// The port that it came in by.
    pub sender: u8,
    /// The port that it would leave by.
    pub receiver: u8,
}

/// The resets of a worker.
#[derive(Debug)]
pub struct Resets<P> {
    /// Which packets of the batch under way belong to connections that are to be ended, a bit each.
    marked: u64,
    done: Recent,
    /// Resets that were made of the batch under way, and the ports that they leave by.
    made: ArrayVec<(u8, P), BATCH>,
    /// Connections that may still be ended in this tick.
    left: u32,
    withheld: u64,
}

impl<P: Packet> Resets<P> {
    /// Nothing was reset yet.
    pub fn new() -> Self {
        Self { marked: 0, done: Recent::new(REMEMBERED), made: ArrayVec::new(), left: PER_TICK, withheld: 0 }
    }

    /// A tick begins.
    pub const fn tick(&mut self) {
        self.left = PER_TICK;
    }

    /// Marks a packet of the batch under way.
    pub const fn mark(&mut self, i: usize) {
        self.marked |= 1 << i;
    }

    /// Takes the marks of the batch under way.
    pub const fn take_marks(&mut self) -> u64 {
        std::mem::replace(&mut self.marked, 0)
    }

    /// Resets that were due and not made: too many in one tick, no buffer for a copy, or headers that the box does not
    /// write.
    pub const fn withheld(&self) -> u64 {
        self.withheld
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.done.bytes()
    }

    /// Keeps of what was made what `keeps` says, asked with the port that each leaves by. The others are withheld, and go to
    /// `gone`.
    pub fn retain(&mut self, gone: &mut Outbox<P>, mut keeps: impl FnMut(u8, &mut P) -> bool) {
        for (port, mut reset) in self.made.take() {
            if keeps(port, &mut reset) {
                self.made.push((port, reset));
            } else {
                self.withheld += 1;
                gone.push(reset);
            }
        }
    }

    /// Takes what was made.
    pub fn made(&mut self) -> arrayvec::Drain<'_, (u8, P), BATCH> {
        self.made.drain(..)
    }

    /// Resets those ends of a segment's connection that were not reset at its numbers before.
    pub fn end<I: Io<Packet = P>>(&mut self, packet: &P, parsed: &Parsed, ends: Ends, now: Tick, io: &mut I) {
        let due = [(ends.connection, ends.receiver, true), (ends.acknowledged, ends.sender, false)]
            .map(|end| Some(end).filter(|&(key, ..)| !self.done.was_noted(key, now, 0, AGAIN)));
        let count = due.iter().flatten().count() as u64;
        if count == 0 || self.left == 0 {
            self.withheld += count;
            return;
        }
        self.left -= 1;
        for (key, port, on) in due.into_iter().flatten() {
            match reset(packet, parsed, on, io) {
                Some(reset) => {
                    self.made.push((port, reset));
                    self.done.note(key, now);
                }
                None => self.withheld += 1,
            }
        }
    }
}

/// A reset to whom a segment is for (`on`) or to who sent it. What is scattered is not written.
fn reset<I: Io>(packet: &I::Packet, parsed: &Parsed, on: bool, io: &mut I) -> Option<I::Packet> {
    let word = |at: usize| {
        let at = usize::from(parsed.l4_off) + at;
        packet.bytes().get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
    };
    let seq = if on { word(4)? } else { word(8)? };
    if packet.segments() > 1 || !Answer::fits(packet.bytes(), parsed) {
        return None;
    }
    let answer = Answer { seq, ack: 0, flags: tcp::RST, window: 0, mss: None };
    let mut copy = io.copy(packet, HEADERS_MAX)?;
    let written = copy.bytes_mut().and_then(|bytes| match on {
        true => answer.write_on(bytes, parsed),
        false => answer.write(bytes, parsed),
    });
    let done = written.is_some_and(|len| copy.resize(len as u32));
    if !done {
        io.free(&mut [copy].into_iter().collect());
        return None;
    }
    Some(copy)
}
