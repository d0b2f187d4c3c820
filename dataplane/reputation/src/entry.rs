//! The state of one source: a hot line that every packet touches and a warm part for sweep and events.

use repute_model::{Address, Band, Factor, Model, Score};

use crate::{Ewma, Tally, step};

/// Bits about a source that packets ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u8);

impl Flags {
    /// An allow list names it.
    pub const ALLOWED: Self = Self(1);
    /// A deny list names it.
    pub const LISTED: Self = Self(2);
    /// The conversation in [`Hot::talk`] has been answered.
    pub const ANSWERED: Self = Self(4);
    /// It has been answered and has gone on talking at least once.
    pub const PROVEN: Self = Self(8);
    /// Packets of it may be held back: whoever finds none takes it away.
    pub const HELD: Self = Self(16);
    /// It has proved that it receives what is sent to it: nobody has forged its address.
    pub const VERIFIED: Self = Self(32);
    /// What comes back in the conversation in [`Hot::talk`] has to be looked at: it may have to be softened.
    pub const SOFTENED: Self = Self(64);
    /// It is in several services: [`crate::Pairs`] knows what it does in each.
    pub const SEVERAL: Self = Self(128);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets or clears the bits of `other`.
    pub const fn set(&mut self, other: Self, on: bool) {
        if on {
            self.0 |= other.0;
        } else {
            self.0 &= !other.0;
        }
    }
}

/// What packets of a source may do by its hot line alone, and the edition of the policy that this, and what else is
/// kept of it (lists, service), was worked out under.
///
/// Closed whenever that may have changed; opened by the engine, which knows what the treatment of a band means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shortcut(u16);

impl Shortcut {
    /// The bits that say what; those above are the lowest ones of the edition.
    const WHAT: u16 = 7;
    /// As far from an edition as another can be.
    const FAR: u64 = 1 << 12;
    /// The longest span of [`is_since`](Self::is_since).
    pub const SPAN_MAX: u16 = 1 << 11;

    /// Nothing is known yet under this edition.
    pub const fn closed(edition: u64) -> Self {
        Self((edition as u16) << 3)
    }

    /// They pass, and nothing else is done.
    pub const fn passes(edition: u64) -> Self {
        Self(Self::closed(edition).0 | 1)
    }

    /// They are dropped, all of them.
    pub const fn drops(edition: u64) -> Self {
        Self(Self::closed(edition).0 | 2)
    }

    /// They pass, and some are copied.
    pub const fn copies(edition: u64) -> Self {
        Self(Self::closed(edition).0 | 3)
    }

    /// They pass at a rate, and wait above it.
    pub const fn queues(edition: u64) -> Self {
        Self(Self::closed(edition).0 | 4)
    }

    /// They pass under this edition by what lists said before it.
    pub const fn lingers(edition: u64) -> Self {
        Self::passes(edition ^ Self::FAR)
    }

    /// Whether what is kept is of this edition.
    pub const fn is_of(self, edition: u64) -> bool {
        self.0 & !Self::WHAT == Self::closed(edition).0
    }

    /// Whether it says what `latest` does, of its edition or of one of `span` right before that; at most
    /// [`SPAN_MAX`](Self::SPAN_MAX).
    #[inline(always)]
    pub const fn is_since(self, latest: Self, span: u16) -> bool {
        // Where it says something else, that becomes the highest bits.
        latest.0.wrapping_sub(self.0).rotate_right(3) <= span
    }

    /// By how many editions `other` is older.
    pub const fn ahead_of(self, other: Self) -> u16 {
        self.0.wrapping_sub(other.0) >> 3
    }

    /// The same edition, and nothing known.
    pub const fn close(&mut self) {
        self.0 &= !Self::WHAT;
    }
}

/// One cache line: what every packet of a source reads and writes.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C, align(64))]
pub struct Hot {
    /// Keyed hash of the source and its domain; 0 = free.
    pub fingerprint: u64,
    /// GCRA arrival time of packets, ns.
    pub tat_packets: u64,
    /// GCRA arrival time of bytes, ns.
    pub tat_bytes: u64,
    /// Packets in the window under way, which is too short for a worker to receive 2^32 of them: these counts do not stop.
    pub packets: u32,
    /// Bytes in the window under way, saturating.
    pub bytes: u32,
    /// Those of them that nobody answered or asked for.
    pub unanswered: u32,
    /// Tick of the last packet, low 32 bits.
    pub last_seen: u32,
    /// Tag of the conversation that the last packet belonged to: while it lasts, nothing is looked up. 0 where each
    /// packet has to be looked at.
    pub talk: u32,
    /// What its packets may do without being asked anything else.
    pub shortcut: Shortcut,
    /// TCP connections begun in the window under way.
    pub syns: u16,
    /// Connections opened and not yet used.
    pub open: Tally,
    /// Connections used.
    pub used: Tally,
    /// Different hosts that refused or failed.
    pub destinations: Tally,
    /// Different ports of hosts that had failed before.
    pub ports: Tally,
    /// ICMP errors that quote nothing.
    pub icmp_errors: Tally,
    /// Answers nobody asked for.
    pub unsolicited: Tally,
    /// The stored score.
    pub score: Score,
    /// The band it stands in.
    pub band: Band,
    /// What packets ask for.
    pub flags: Flags,
}

/// Unanswered packets between two looks at the score at least (a power of two), and as many as take the count to another
/// [`step`], so that a flood is not scored all the time.
const LOOK_EVERY: u32 = 32;

/// Asked of a count of unanswered packets that is a multiple of [`LOOK_EVERY`].
#[cold]
const fn is_time_to_look(unanswered: u32) -> bool {
    step::is_crossed(unanswered - 1, unanswered)
}

/// Touched by sweep and events only; same index as its hot line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Warm {
    /// First address of the source.
    pub address: Address,
    /// Packets per second.
    pub packets: Ewma,
    /// Mean bytes per second.
    pub bytes_mean: f32,
    /// Tick of the last visit by the sweep or an event, low 32 bits.
    pub visited: u32,
    /// Tick at which the window under way began, low 32 bits.
    pub window: u32,
    /// Tick at which the band was entered, low 32 bits.
    pub band_since: u32,
    /// Mitigations so far, fading.
    pub mitigations: u8,
    /// Windows learnt, saturating.
    pub samples: u8,
    /// Service number + 1; 0 = none.
    pub service: u8,
    /// How bad the destinations were, 0..=255, as a moving mean that fades.
    pub destination: u8,
    /// What inspection has found.
    pub hits: Tally,
    /// How far its last window with traffic was from its mean volume, 0..=255 for 0 to as much as that and more.
    pub deviation: u8,
    /// What `destination` was when the score was last looked at.
    pub scored: u8,
}

impl Warm {
    /// Nothing learnt.
    pub const NEW: Self = Self {
        address: Address(0),
        packets: Ewma { mean: 0.0, variance: 0.0 },
        bytes_mean: 0.0,
        visited: 0,
        window: 0,
        band_since: 0,
        mitigations: 0,
        samples: 0,
        service: 0,
        destination: 0,
        hits: Tally::ZERO,
        deviation: 0,
        scored: 0,
    };

    /// The number of the service that it was first seen in.
    pub fn service(&self) -> Option<u8> {
        self.service.checked_sub(1)
    }

    /// Whether anything is counted against the source here.
    #[inline]
    pub const fn has_evidence(&self) -> bool {
        self.destination > 0 || !self.hits.is_zero()
    }

    /// Whether destinations have become worse by a step since the score was last looked at.
    #[inline]
    pub const fn is_to_be_scored(&self) -> bool {
        self.destination > self.scored && step::is_crossed(self.scored as u32, self.destination as u32)
    }

    /// Lets that fade to `share` of itself: whoever may talk to nobody any more is not bad for ever. E13's formula takes
    /// destinations as they were last.
    pub fn fade(&mut self, share: f64, model: Model) {
        self.hits.fade(share);
        if model != Model::EgressInterval {
            self.destination = (f64::from(self.destination) * share) as u8;
        }
    }

    /// Forgets what was counted against the source.
    pub const fn forgive(&mut self) {
        (self.mitigations, self.destination, self.hits) = (0, 0, Tally::ZERO);
    }

    /// Badness of the destinations, 0..1.
    pub fn destination_badness(&self) -> f64 {
        f64::from(self.destination) / 255.0
    }
}

impl Hot {
    /// A free entry.
    pub const FREE: Self = Self {
        fingerprint: 0,
        tat_packets: 0,
        tat_bytes: 0,
        packets: 0,
        bytes: 0,
        unanswered: 0,
        last_seen: 0,
        talk: 0,
        shortcut: Shortcut(0),
        syns: 0,
        open: Tally::ZERO,
        used: Tally::ZERO,
        destinations: Tally::ZERO,
        ports: Tally::ZERO,
        icmp_errors: Tally::ZERO,
        unsolicited: Tally::ZERO,
        score: Score::MIN,
        band: Band::Good,
        flags: Flags(0),
    };

    /// Every tally, with the factor it is evidence for, where it is evidence by itself.
    pub const fn tallies(&self) -> [(Option<Factor>, Tally); 6] {
        [
            (None, self.open),
            (None, self.used),
            (Some(Factor::Destinations), self.destinations),
            (Some(Factor::Ports), self.ports),
            (Some(Factor::IcmpErrors), self.icmp_errors),
            (Some(Factor::Unsolicited), self.unsolicited),
        ]
    }

    /// Whether every tally is zero.
    #[inline]
    pub fn has_no_evidence(&self) -> bool {
        self.tallies().iter().all(|(_, tally)| tally.is_zero())
    }

    /// Lets every tally fade to `share` of itself.
    pub fn fade(&mut self, share: f64) {
        for tally in [
            &mut self.open,
            &mut self.used,
            &mut self.destinations,
            &mut self.ports,
            &mut self.icmp_errors,
            &mut self.unsolicited,
        ] {
            tally.fade(share);
        }
    }

    /// Whether its last packet belonged to this conversation, and that has been answered.
    #[inline(always)]
    pub const fn is_answered_in(&self, talk: u32) -> bool {
        self.talk == talk && self.flags.has(Flags::ANSWERED)
    }

    /// The same, and what comes back in it needs no look.
    #[inline(always)]
    pub const fn is_plainly_answered_in(&self, talk: u32) -> bool {
        let flags = self.flags.0 & (Flags::ANSWERED.0 | Flags::SOFTENED.0);
        self.talk == talk && flags == Flags::ANSWERED.0
    }

    /// Takes note of a packet if it goes on with the conversation that the source was last seen in. `talk` names the
    /// packet's own ([`crate::Shard::talk`]); as many packets without an answer as `calm` mean nothing. `Some` = nothing
    /// else has to be noted, and whether it is time to look at the score.
    #[inline(always)]
    pub fn goes_on(&mut self, talk: u32, calm: u32) -> Option<bool> {
        self.would_go_on(talk).then(|| self.go_on(calm))
    }

    /// Whether [`goes_on`](Self::goes_on) would take note of a packet.
    #[inline(always)]
    pub const fn would_go_on(&self, talk: u32) -> bool {
        self.talk == talk
    }

    /// Takes note of a packet of which that is known.
    #[inline(always)]
    pub fn go_on(&mut self, calm: u32) -> bool {
        !self.flags.has(Flags::ANSWERED) && self.goes_unanswered(calm)
    }

    /// One more packet that nobody answered; `true` when it is time to look at the score: not before there are more
    /// than `calm`.
    #[inline(always)]
    pub const fn goes_unanswered(&mut self, calm: u32) -> bool {
        let looks = !self.goes_on_unlooked(calm);
        self.unanswered += looks as u32;
        looks
    }

    /// The same, but where it is time to look at the score: then nothing is noted, and it is `false`.
    #[inline(always)]
    pub const fn goes_on_unlooked(&mut self, calm: u32) -> bool {
        let next = self.unanswered.wrapping_add(1);
        let looks = next & (LOOK_EVERY - 1) == 0 && next > calm && is_time_to_look(next);
        if !looks {
            self.unanswered = next;
        }
        !looks
    }

    /// Counts one packet of `wire_len` bytes at `now` (low bits of the tick).
    #[inline(always)]
    pub const fn count(&mut self, wire_len: u32, now: u32) {
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.saturating_add(wire_len);
        self.last_seen = now;
    }

    /// Counts a connection that is begun; whether their number has come to another step.
    pub const fn begins_connection(&mut self) -> bool {
        let before = self.syns;
        self.syns = before.saturating_add(1);
        step::is_crossed(before as u32, self.syns as u32)
    }

    /// Begins to count anew.
    pub const fn begin_window(&mut self) {
        (self.packets, self.bytes, self.unanswered, self.syns) = (0, 0, 0, 0);
    }

    /// Forgets what was counted against the source.
    pub fn forgive(&mut self) {
        self.fade(0.0);
        (self.unanswered, self.syns) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_what_the_hot_path_counts_on() {
        assert_eq!(size_of::<Hot>(), 64);
        assert_eq!(align_of::<Hot>(), 64);
        assert_eq!(size_of::<Warm>(), 48);
    }

    #[test]
    fn a_shortcut_is_told_by_what_it_says_and_how_old_it_is() {
        // Also where the bits of an edition begin anew.
        for edition in [5, (1 << 13) + 1] {
            let latest = Shortcut::passes(edition);
            for (age, within) in [(0, true), (1, true), (3, true), (4, false), (2_000, false)] {
                let older = Shortcut::passes(edition.wrapping_sub(age));
                assert_eq!(older.is_since(latest, 3), within, "{age}");
                assert_eq!(u64::from(latest.ahead_of(older)), age);
            }
            assert!(latest.is_since(latest, 0) && !Shortcut::passes(edition - 1).is_since(latest, 0));
            assert!(!Shortcut::passes(edition + 1).is_since(latest, 3), "one that is newer");
            for other in [Shortcut::drops, Shortcut::copies, Shortcut::queues, Shortcut::closed] {
                assert!((0..5).all(|age| !other(edition - age).is_since(latest, Shortcut::SPAN_MAX)));
            }
            assert!(!Shortcut::lingers(edition).is_since(latest, Shortcut::SPAN_MAX));
        }
    }

    #[test]
    fn flags_are_independent() {
        let mut flags = Flags::default();
        flags.set(Flags::ALLOWED, true);
        flags.set(Flags::ANSWERED, true);
        flags.set(Flags::ALLOWED, false);
        assert!(flags.has(Flags::ANSWERED) && !flags.has(Flags::ALLOWED) && !flags.has(Flags::LISTED));
    }
}
