//! What a source's band does to one packet: stopped, held back, or passed.
//!
//! Called by the general way. Always holds: a packet that is held has a ticket in [`Worker::tickets`], in the
//! order of the batch, and a packet without a way out gets none.

use repute_model::{Packet, Reason, Treatment, Verdict};
use repute_reputation::{Act, Departure, Exchange, Flags, Pace, Part, Refused, Slot, conforms};

use super::Worker;
use crate::shaper::{Ticket, Turn};

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It goes on.
    Pass,
    /// It is dropped.
    Stop(Reason),
    /// It goes on later; its ticket waits for [`Worker::send`].
    Hold(Reason),
    /// It is answered by a request to prove something.
    Challenge(Reason),
    /// It is answered in place of whom was asked.
    Answer(Reason),
}

impl Fate {
    /// How a judgement says it.
    pub const fn verdict(self) -> (Verdict, Option<Reason>) {
        match self {
            Self::Pass => (Verdict::Forward, None),
            Self::Stop(reason) => (Verdict::Drop, Some(reason)),
            Self::Hold(reason) => (Verdict::Queue, Some(reason)),
            Self::Challenge(reason) => (Verdict::Challenge, Some(reason)),
            Self::Answer(reason) => (Verdict::Answer, Some(reason)),
        }
    }

    pub(super) fn of(turn: Result<Turn, Reason>, held: Reason, keep: impl FnOnce(Ticket)) -> Self {
        match turn {
            Ok(Turn::Now) => Self::Pass,
            Ok(Turn::Later(ticket)) => {
                keep(ticket);
                Self::Hold(held)
            }
            Err(reason) => Self::Stop(reason),
        }
    }
}

impl<P: Packet> Worker<P> {
    /// Applies a treatment to a packet of a known source.
    pub(super) fn treat(
        &mut self,
        slot: Slot,
        exchange: &Exchange,
        wire_len: u32,
        treatment: &Treatment,
        part: Part,
    ) -> Fate {
        if treatment.reset && matches!(exchange.act, Act::Segment { .. }) {
            self.resets.mark(self.turn);
            return Fate::Stop(Reason::ConnectionReset);
        }
        if treatment.drop {
            let listed = self.shard.hot(slot).flags.has(Flags::LISTED);
            return Fate::Stop(if listed { Reason::Listed } else { Reason::Standing });
        }
        if let Some(reason) = self.meter(slot, wire_len, treatment, part) {
            return Fate::Stop(reason);
        }
        if treatment.block_new && self.shard.is_new(exchange) {
            return Fate::Stop(Reason::BlockNew);
        }
        match treatment.queue_new {
            Some(rate) if exchange.act == Act::Syn => match self.queue_new(slot, exchange, rate) {
                Fate::Pass => self.queue_part(slot, wire_len, treatment, part),
                fate => fate,
            },
            _ => self.queue_part(slot, wire_len, treatment, part),
        }
    }

    fn meter(&mut self, slot: Slot, wire_len: u32, treatment: &Treatment, part: Part) -> Option<Reason> {
        let meter = treatment.meter.as_ref()?;
        let now = self.now;
        let (packets, bytes) = match part {
            Part::Excess(place) => self.excesses.times(place),
            Part::Whole | Part::Rest => {
                let hot = self.shard.hot_mut(slot);
                (&mut hot.tat_packets, &mut hot.tat_bytes)
            }
        };
        match conforms(meter, now, wire_len, packets, bytes) {
            Ok(()) => None,
            Err(Refused::Packets) => Some(Reason::MeterPackets),
            Err(Refused::Bytes) => Some(Reason::MeterBytes),
        }
    }

    fn queue_part(&mut self, slot: Slot, wire_len: u32, treatment: &Treatment, part: Part) -> Fate {
        match (&treatment.queue, part) {
            (Some(meter), Part::Excess(place)) => self.queue_excess(slot, place, wire_len, meter),
            (meter, _) => self.queue(slot, wire_len, meter.as_ref().map(Pace::of).as_ref()),
        }
    }

    /// Holds back what would begin a connection until its band may begin one more.
    fn queue_new(&mut self, slot: Slot, x: &Exchange, rate: u32) -> Fate {
        let hot = self.shard.hot(slot);
        let ports = u32::from(x.sport) << 16 | u32::from(x.dport);
        let talk = self.shard.talk(hot.fingerprint, x.dst, x.protocol, ports);
        let key = hot.fingerprint.rotate_left(32) ^ u64::from(talk);
        let turn = self.connections.reserve(self.now, hot.band, rate, key);
        let tickets = &mut self.tickets;
        Fate::of(turn, Reason::ConnectionQueued, |ticket| tickets.push(Waiting::Connection(ticket)))
    }

    /// Holds back what is above the rate, and whatever follows a packet of its source that is held.
    #[inline]
    pub(super) fn queue(&mut self, slot: Slot, wire_len: u32, pace: Option<&Pace>) -> Fate {
        let (now, hot) = (self.now, self.shard.hot_mut(slot));
        let may_hold = hot.flags.has(Flags::HELD);
        let leaves = match pace {
            Some(pace) => pace.departure(now, wire_len, hot.tat_packets, hot.tat_bytes),
            None if may_hold => {
                Departure { at: now.nanos(), tat_packets: hot.tat_packets, tat_bytes: hot.tat_bytes }
            }
            None => return Fate::Pass,
        };
        // Most sources that are shaped hold nothing, and then need not be looked for among those that do.
        let turn = match may_hold || leaves.at > now.nanos() {
            true => self.shaper.reserve(now, hot.fingerprint, leaves.at),
            false => Ok(Turn::Now),
        };
        // Who may go at once holds nothing.
        hot.flags.set(Flags::HELD, matches!(turn, Ok(Turn::Later(_))) || may_hold && turn.is_err());
        if turn.is_ok() {
            (hot.tat_packets, hot.tat_bytes) = (leaves.tat_packets, leaves.tat_bytes);
        }
        let tickets = &mut self.tickets;
        Fate::of(turn, Reason::Shaped, |ticket| tickets.push(Waiting::Packet(ticket)))
    }
}

/// A ticket and the queue that gave it.
#[derive(Debug)]
pub enum Waiting {
    /// The shaper.
    Packet(Ticket),
    /// The queue of new connections.
    Connection(Ticket),
}
