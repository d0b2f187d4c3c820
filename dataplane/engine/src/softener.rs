//! TCP connections that begin slowly: what their suspicious end is told of the other one's receive window.
//!
//! Asked by `worker/soften.rs` for segments of softened sources and to them. A connection is remembered from its first SYN
//! on, in a set-associative table: only there is said how windows are scaled (RFC 7323, 2.2), and only what was small from
//! the beginning may stay small. Always holds:
//!
//! * The right edge of the window (RFC 9293, 3.8.6) never moves to the left because of the box: from the handshake on every
//!   window is the smaller of the receiver's own and one and the same number, whose edge moves with the acknowledgements.
//! * Where a connection is not remembered (it was there before its source was suspected, its handshake went another way, or
//!   it was forgotten), its windows stay as they are. To forget one gives its sender more, never less.
//! * A window is no smaller than one segment and one unit of its scale.

use repute_memory::Table;
use repute_model::{Soften, Tick};
use repute_wire::Handshake;

const WAYS: usize = 4;
/// Where a SYN names no largest segment (RFC 9293, 3.7.1; the one of IPv6 is larger).
const MSS_UNSAID: u16 = 536;

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Stage {
    /// The softened end has asked: `edge` is what the answer acknowledges at least.
    Asked,
    /// The softened end was asked: `edge` is what its answer acknowledges.
    Invited,
    /// The round trip under way ends when `edge` is acknowledged.
    Begun,
}

/// One connection, seen from its softened end.
#[derive(Clone, Copy, Debug)]
struct Connection {
    /// Which; 0 = free.
    tag: u32,
    /// A sequence number; see [`Stage`].
    edge: u32,
    /// Low bits of the tick at which it was last moved on.
    at: u32,
    /// What its windows are at most, in units of `1 << shift`.
    window: u16,
    /// By how much its windows are shifted, once the handshake is over.
    shift: u8,
    /// Round trips to go.
    left: u8,
    stage: Stage,
    /// Whether whoever asked offered to scale windows.
    scales: bool,
}

impl Connection {
    const FREE: Self =
        Self { tag: 0, edge: 0, at: 0, window: 0, shift: 0, left: 0, stage: Stage::Asked, scales: false };

    /// Bytes that may be under way.
    const fn bytes(&self) -> u32 {
        (self.window as u32) << self.shift
    }

    /// Sets the window: as many whole units of its scale as fit into the segments that may be under way.
    fn allow(&mut self, soften: &Soften, said: &Handshake, shift: u8) {
        let mss = said.mss.unwrap_or(MSS_UNSAID).min(soften.mss);
        let payload = if said.timestamps { mss.saturating_sub(Handshake::TIMESTAMPS) } else { mss };
        let least = u32::from(payload).max(1).div_ceil(1 << shift);
        let units = (u32::from(soften.segments) * u32::from(payload)) >> shift;
        self.window = u16::try_from(units.max(least)).unwrap_or(u16::MAX);
        (self.shift, self.left) = (shift, soften.round_trips);
    }

    /// The same window without a scale, as handshakes write it (RFC 7323, 2.2).
    fn unscaled(&self) -> u16 {
        u16::try_from(self.bytes()).unwrap_or(u16::MAX)
    }
}

/// The connections that are softened now.
#[derive(Debug)]
pub struct Softener {
    sets: Table<[Connection; WAYS]>,
    live: u32,
    forgotten: u64,
}

impl Softener {
    /// Room for so many connections, a power of two.
    pub fn new(connections: u32) -> Self {
        let sets = (connections as usize / WAYS).next_power_of_two();
        Self { sets: Table::new(sets, [Connection::FREE; WAYS]), live: 0, forgotten: 0 }
    }

    /// How many there are.
    pub const fn live(&self) -> u32 {
        self.live
    }

    /// How many made room for others before their time.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    /// Whether a connection is softened.
    pub fn holds(&self, key: u64) -> bool {
        let (set, tag) = self.place(key);
        self.sets[set].iter().any(|one| one.tag == tag)
    }

    /// The softened end asks: its SYN, which the answer acknowledges up to `end` at least.
    pub fn asks(&mut self, key: u64, said: &Handshake, end: u32, now: Tick) {
        let one = self.insert(key, now);
        (one.stage, one.edge, one.scales) = (Stage::Asked, end, said.shift.is_some());
    }

    /// The softened end is asked, by a SYN whose answer acknowledges up to `end`; what the window of that SYN is at most.
    pub fn is_asked(&mut self, key: u64, soften: &Soften, said: &Handshake, end: u32, now: Tick) -> u16 {
        let one = self.insert(key, now);
        (one.stage, one.edge, one.scales) = (Stage::Invited, end, said.shift.is_some());
        one.allow(soften, said, said.shift.unwrap_or(0));
        one.unscaled()
    }

    /// The softened end accepts: its SYN-ACK, which acknowledges `ack`, and behind which its data begins at `next`.
    pub fn accepts(&mut self, key: u64, said: &Handshake, ack: u32, next: u32, now: Tick) {
        let Some(one) = self.get(key).filter(|one| one.stage == Stage::Invited && one.edge == ack) else {
            return;
        };
        if said.shift.is_none() {
            (one.window, one.shift) = (one.unscaled(), 0);
        }
        (one.stage, one.edge, one.at) = (Stage::Begun, next.wrapping_add(one.bytes()), now.low());
    }

    /// The softened end is accepted, by a SYN-ACK that acknowledges `ack`; what the window of that is at most.
    pub fn is_accepted(
        &mut self,
        key: u64,
        soften: &Soften,
        said: &Handshake,
        ack: u32,
        now: Tick,
    ) -> Option<u16> {
        let one = self.get(key)?;
        match one.stage {
            // A SYN may carry data, which may be acknowledged with it (RFC 7413).
            Stage::Asked if ack.wrapping_sub(one.edge) <= u32::from(u16::MAX) => {
                let shift = said.shift.filter(|_| one.scales).unwrap_or(0);
                one.allow(soften, said, shift);
                (one.stage, one.edge, one.at) = (Stage::Begun, ack.wrapping_add(one.bytes()), now.low());
            }
            // The same once more.
            Stage::Begun => {}
            Stage::Asked | Stage::Invited => return None,
        }
        Some(one.unscaled())
    }

    /// The other end acknowledges `ack`; what the window field of its segment is at most. A round trip is over when all
    /// that might be sent in it is acknowledged; after the last one the connection is forgotten.
    pub fn acknowledges(&mut self, key: u64, ack: u32, now: Tick) -> Option<u16> {
        let one = self.get(key).filter(|one| one.stage == Stage::Begun)?;
        one.at = now.low();
        if ack.wrapping_sub(one.edge).cast_signed() < 0 {
            return Some(one.window);
        }
        one.left = one.left.saturating_sub(1);
        if one.left == 0 {
            self.forget(key);
            return None;
        }
        one.edge = ack.wrapping_add(one.bytes());
        Some(one.window)
    }

    /// A connection has ended, or its source is not softened any more; whether it was remembered.
    pub fn forget(&mut self, key: u64) -> bool {
        let Some(one) = self.get(key) else { return false };
        *one = Connection::FREE;
        self.live -= 1;
        true
    }

    fn get(&mut self, key: u64) -> Option<&mut Connection> {
        let (set, tag) = self.place(key);
        self.sets[set].iter_mut().find(|one| one.tag == tag)
    }

    /// A place for a connection that begins: its own, a free one, or that of the one that was still for the longest time.
    fn insert(&mut self, key: u64, now: Tick) -> &mut Connection {
        let (set, tag) = self.place(key);
        let set = &mut self.sets[set];
        let worth = |one: &Connection| match one.tag {
            0 => (1, u32::MAX),
            own if own == tag => (0, 0),
            _ => (2, u32::MAX - now.low().wrapping_sub(one.at)),
        };
        let way = (0..WAYS).min_by_key(|&way| worth(&set[way])).unwrap_or(0);
        let one = &mut set[way];
        self.live += u32::from(one.tag == 0);
        self.forgotten += u64::from(one.tag != 0 && one.tag != tag);
        *one = Connection { tag, at: now.low(), ..Connection::FREE };
        one
    }

    fn place(&self, key: u64) -> (usize, u32) {
        ((key >> 32) as usize & (self.sets.len() - 1), (key as u32).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOFTEN: Soften = Soften { segments: 10, mss: 1220, round_trips: 3 };
    const LINUX: Handshake = Handshake { mss: Some(1460), shift: Some(7), timestamps: true };
    const PLAIN: Handshake = Handshake { mss: None, shift: None, timestamps: false };
    const KEY: u64 = 7 << 32 | 9;

    /// A connection that its softened end has begun; the window of the SYN-ACK.
    fn begun(softener: &mut Softener, asks: &Handshake, answers: &Handshake) -> Option<u16> {
        softener.asks(KEY, asks, 101, Tick(1));
        softener.is_accepted(KEY, &SOFTEN, answers, 101, Tick(2))
    }

    #[test]
    fn as_many_segments_as_are_allowed_fit_into_the_window() {
        let mut softener = Softener::new(64);
        let first = begun(&mut softener, &LINUX, &LINUX).unwrap();
        assert_eq!(first, 10 * (1220 - 12) / 128 * 128, "whole units, and no eleventh segment");
        assert_eq!(softener.acknowledges(KEY, 101, Tick(3)), Some(first / 128));
    }

    #[test]
    fn the_scale_counts_where_both_ends_offer_it() {
        for (asks, answers) in [(PLAIN, LINUX), (LINUX, PLAIN), (PLAIN, PLAIN)] {
            let mut softener = Softener::new(64);
            let first = begun(&mut softener, &asks, &answers).unwrap();
            assert_eq!(softener.acknowledges(KEY, 101, Tick(3)), Some(first), "{asks:?} {answers:?}");
        }
        let mut softener = Softener::new(64);
        let first = softener.is_asked(KEY, &SOFTEN, &LINUX, 501, Tick(1));
        softener.accepts(KEY, &PLAIN, 501, 1001, Tick(2));
        assert_eq!(softener.acknowledges(KEY, 1001, Tick(3)), Some(first));
        softener.is_asked(KEY, &SOFTEN, &LINUX, 501, Tick(1));
        softener.accepts(KEY, &LINUX, 501, 1001, Tick(2));
        assert_eq!(softener.acknowledges(KEY, 1001, Tick(3)), Some(first / 128));
    }

    #[test]
    fn a_window_holds_one_segment_and_one_unit_at_least() {
        let coarse = Handshake { shift: Some(14), ..LINUX };
        let one = Soften { segments: 1, mss: 9000, round_trips: 1 };
        for (soften, field, unscaled) in [(SOFTEN, 1, 16_384), (one, 1, 16_384)] {
            let mut softener = Softener::new(64);
            softener.asks(KEY, &coarse, 101, Tick(1));
            assert_eq!(softener.is_accepted(KEY, &soften, &coarse, 101, Tick(2)), Some(unscaled));
            assert_eq!(softener.acknowledges(KEY, 101, Tick(3)), Some(field));
        }
    }

    #[test]
    fn a_round_trip_is_over_when_all_that_was_allowed_is_acknowledged() {
        let mut softener = Softener::new(64);
        let window = u32::from(begun(&mut softener, &PLAIN, &PLAIN).unwrap());
        assert_eq!(window, 5360);
        let mut ack = 101;
        for _ in 0..2 {
            for _ in 0..10 {
                assert!(softener.acknowledges(KEY, ack, Tick(3)).is_some());
                ack += 536;
            }
        }
        assert!(softener.acknowledges(KEY, ack, Tick(3)).is_some());
        assert!(softener.acknowledges(KEY, ack + 5359, Tick(3)).is_some());
        assert_eq!(softener.acknowledges(KEY, ack + 5360, Tick(3)), None, "three round trips are over");
        assert_eq!((softener.live(), softener.holds(KEY)), (0, false));
    }

    #[test]
    fn what_did_not_begin_here_is_left_alone() {
        let mut softener = Softener::new(64);
        assert_eq!(softener.acknowledges(KEY, 101, Tick(1)), None);
        assert_eq!(softener.is_accepted(KEY, &SOFTEN, &LINUX, 101, Tick(1)), None);
        softener.asks(KEY, &LINUX, 101, Tick(1));
        assert_eq!(
            softener.is_accepted(KEY, &SOFTEN, &LINUX, 99, Tick(2)),
            None,
            "the answer to another SYN"
        );
        assert_eq!(softener.acknowledges(KEY, 101, Tick(3)), None, "no answer was seen");
        assert_eq!(
            softener.is_accepted(KEY, &SOFTEN, &LINUX, 501, Tick(4)),
            Some(12_032),
            "with data in the SYN"
        );
    }

    #[test]
    fn whoever_was_still_for_the_longest_time_makes_room() {
        let mut softener = Softener::new(4);
        for key in 1..=4 {
            softener.asks(key, &PLAIN, 1, Tick(key));
        }
        softener.is_accepted(1, &SOFTEN, &PLAIN, 1, Tick(9));
        softener.asks(5, &PLAIN, 1, Tick(10));
        assert!(softener.holds(1) && !softener.holds(2));
        assert_eq!((softener.live(), softener.forgotten()), (4, 1));
        assert!(softener.forget(5) && !softener.forget(5));
        assert_eq!(softener.live(), 3);
    }
}
