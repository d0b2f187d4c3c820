//! Treatments that are for the excess only: which part of a source's traffic a packet belongs to, and what that gets.
//!
//! Called by the general way, where a source changes its band and for every packet of one whose treatment is narrowed.
//! Always holds: the excess is held to limits by arrival times and in a queue of its own, so that what it may not send the
//! rest may.

use repute_model::{Meter, Offence, Packet, Reason, Score, Tick, Treatment};
use repute_reputation::{
    Act, Change, Departure, ExcessPlace, Excesses, Exchange, Flags, Kind, Part, Rules, Shard, Slot, departure,
};

use super::treat::{Fate, Waiting};
use super::{Worker, rules};
use crate::shaper::Turn;

/// A destination stands badly below this.
const BAD: Score = Score::new(5_000);

/// Notes what moved a source into a worse band, where that is treated for its excess only.
pub(super) fn note_cause(
    excesses: &mut Excesses,
    shard: &Shard,
    rules: Rules<'_>,
    change: &Change,
    now: Tick,
) {
    let hot = shard.hot(change.slot);
    let narrowed = rules.profile.treatments[hot.band.index()].excess_only;
    if narrowed && hot.band > change.from {
        excesses.begin(hot.fingerprint, Offence::of(change.cause), now);
    }
}

impl<P: Packet> Worker<P> {
    /// The part that a packet belongs to, and what that gets.
    pub(super) fn narrow(
        &mut self,
        slot: Slot,
        x: &Exchange,
        wire_len: u32,
        treatment: Treatment,
    ) -> (Treatment, Part) {
        let hot = self.shard.hot(slot);
        let (band, known) = (hot.band, self.excesses.offence(hot.fingerprint));
        let Some((place, offence)) = known.filter(|_| treatment.excess_only) else {
            return (treatment, Part::Whole);
        };
        let offends = self.offends(x, offence);
        match self.excesses.part(place, &Kind::of(x, wire_len, offence), offends, self.now) {
            Part::Rest => {
                (rules(&self.policy).map_or(Treatment::PASS, |rules| rules.profile.rest(band)), Part::Rest)
            }
            part => (treatment, part),
        }
    }

    /// Whether a packet is one of those that a factor points to.
    fn offends(&mut self, x: &Exchange, offence: Offence) -> bool {
        match offence {
            Offence::Traffic => true,
            Offence::Openings => self.shard.is_new(x),
            Offence::Answers => {
                let answers = matches!(
                    x.act,
                    Act::SynAck | Act::Reset | Act::EchoReply | Act::Datagram { answer: true }
                );
                answers && !self.shard.is_known(x)
            }
            Offence::Errors => matches!(x.act, Act::Error { .. }),
            Offence::BadDestinations => self.policy.destination(x.dst) < BAD,
        }
    }

    /// Takes note of a packet of the rest that has passed: what nobody answers may be an excess of its own.
    pub(super) fn note_rest(&mut self, slot: Slot) {
        let hot = self.shard.hot(slot);
        if !hot.flags.has(Flags::ANSWERED) || hot.talk == 0 {
            self.excesses.stray(hot.fingerprint, self.now);
        }
    }

    /// Holds back what is above the rate of an excess, in a queue of its own.
    pub(super) fn queue_excess(
        &mut self,
        slot: Slot,
        place: ExcessPlace,
        wire_len: u32,
        meter: &Meter,
    ) -> Fate {
        // Fingerprints have their highest bit set.
        let key = self.shard.hot(slot).fingerprint & !(1 << 63);
        let (packets, bytes) = self.excesses.times(place);
        let Departure { at, tat_packets, tat_bytes } = departure(meter, self.now, wire_len, *packets, *bytes);
        let turn = match at > self.now.nanos() || self.shaper.holds(key) {
            true => self.shaper.reserve(self.now, key, at),
            false => Ok(Turn::Now),
        };
        if turn.is_ok() {
            (*packets, *bytes) = (tat_packets, tat_bytes);
        }
        let tickets = &mut self.tickets;
        Fate::of(turn, Reason::Shaped, |ticket| tickets.push(Waiting::Packet(ticket)))
    }
}
