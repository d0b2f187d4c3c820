//! Holding packets back until their time has come: earliest departure times on a timing wheel (Carousel:
//! Scalable Traffic Shaping at End Hosts, SIGCOMM 2017).
//!
//! Called by the worker: once a tick, before anything else, it takes out what is [due](Shaper::due); for a
//! packet whose treatment says `queue` it asks for a [turn](Shaper::reserve) while it judges, and lets the
//! shaper [hold](Shaper::hold) the packet while it sends. In between the place is kept, so that a verdict
//! stands. New connections that wait for their band's rate have a queue of their own, [`ConnectionQueue`].
//!
//! ```text
//! judge: departure(meter, tat) → reserve → now | later, by a ticket | refused, by a reason
//! send:                                          └─ hold(ticket, packet)
//! tick:                                                  └─ due(now) … until none
//! ```
//!
//! Always holds:
//! * Nobody overtakes himself. While a source holds packets, each further one leaves at its own departure
//!   time or with the last one held, whichever is later, and within a tick in order of arrival; also when a
//!   new policy or band gives it another rate meanwhile, or its entry is given up: order hangs on what is
//!   held alone.
//! * A packet leaves in the first tick that does not begin before its departure time: never early, and later
//!   by less than one tick (1 ms) plus the breath it waits for. Since departure times follow GCRA, the rate
//!   is kept however late single packets leave.
//! * What was handed over comes out once, by `due` or `drain`; the limits count a packet from its turn on.
//!
//! | limit | when it is reached |
//! |---|---|
//! | `queue_horizon_ms`: how long a packet may wait | the packet is refused as `queue-horizon` |
//! | `queue_source`: packets that one source may hold | its packet is refused as `queue-source` |
//! | `queue_packets`: packets held altogether | the packet is refused as `queue-full` |
//! | lanes: sources that hold packets | cannot fill up: each holds a packet at least |
//!
//! A refused packet costs its source nothing. The worker never asks for packets that keep a network alive.

mod bitmap;
mod connections;
mod keys;
mod wheel;

pub use connections::{ConnectionQueue, WAIT_MS_MAX};
pub use wheel::{Place, Wheel};

use arrayvec::ArrayVec;
use keys::Keys;
use repute_model::{Limits, Reason, Tick};

/// So many packets are taken out together: a whole block, of which all are fetched.
const AT_ONCE: usize = wheel::BLOCK;

/// A packet that waits, and its way.
#[derive(Debug)]
pub struct Held<P> {
    /// The packet; `None` = it went on, and in shadow mode its place is kept.
    pub packet: Option<P>,
    /// The port it came in by.
    pub port_in: u8,
    /// The port it will leave by.
    pub port_out: u8,
}

/// When a packet may go.
#[derive(Debug)]
pub enum Turn {
    /// At once.
    Now,
    /// When the ticket's tick has come.
    Later(Ticket),
}

/// The right to hold one packet, with the shaper that gave it. A ticket that is not used keeps its place for
/// good: look before you [`Shaper::reserve`] whether the packet has a way out.
#[derive(Debug)]
#[must_use = "a ticket that is never used keeps its place for good"]
pub struct Ticket {
    place: Place,
    at: Tick,
    source: u64,
}

impl Ticket {
    /// The tick in which the packet will leave.
    pub fn departure(&self) -> Tick {
        self.at
    }
}

/// What is known of a source while it holds packets: eight bytes, so that four lanes share a cache line with their keys.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// When the last of them leaves, low bits of the tick.
    last: u32,
    /// How many there are.
    held: u32,
}

impl Lane {
    /// When the last of them leaves; `now` if there are none. No horizon is as long as half of what 32 bits count.
    fn last(self, now: Tick) -> Tick {
        let ahead = if self.held == 0 { 0 } else { self.last.wrapping_sub(now.low()) as i32 };
        Tick(now.0.saturating_add_signed(ahead.into()))
    }
}

#[derive(Debug)]
struct Queued<T> {
    source: u64,
    value: T,
}

/// The packets that one worker holds back, with whatever it wants to know again when they leave.
#[derive(Debug)]
pub struct Shaper<T> {
    wheel: Wheel<Queued<T>>,
    /// What was taken out of it because it is due, the first one last.
    ready: ArrayVec<Queued<T>, AT_ONCE>,
    lanes: Keys<Lane>,
    source_max: u32,
    horizon_ms: u64,
}

impl<T> Shaper<T> {
    /// A shaper within `limits`, with all the memory it will ever need: 80 to 130 bytes for each packet that
    /// may be held, beside its buffer, and some 80 for each tick of the horizon.
    pub fn new(limits: &Limits) -> Self {
        let wheel = Wheel::new(limits.queue_horizon_ms, limits.queue_packets);
        Self {
            horizon_ms: u64::from(limits.queue_horizon_ms).min(wheel.reach()),
            ready: ArrayVec::new(),
            lanes: Keys::new(limits.queue_packets),
            source_max: limits.queue_source,
            wheel,
        }
    }

    /// Asks the CPU for what is known of a source that may hold packets.
    #[inline(always)]
    pub fn fetch(&self, source: u64) {
        self.lanes.fetch(source);
    }

    /// Asks for the turn of a packet that came at `now`: `source` is the fingerprint of who sent it (a keyed
    /// hash), `departure_ns` its earliest departure time ([`repute_reputation::departure`]).
    ///
    /// [`Self::due`] has had nothing more to give at `now`.
    ///
    /// # Errors
    /// The limit that is reached: [`Reason::QueueSource`], [`Reason::QueueHorizon`] or [`Reason::QueueFull`],
    /// in this order. Nothing has changed then; the caller charges the source for packets with a turn only.
    #[inline]
    pub fn reserve(&mut self, now: Tick, source: u64, departure_ns: u64) -> Result<Turn, Reason> {
        debug_assert!(self.wheel.is_past(now), "what is due leaves first");
        let entry = self.lanes.entry(source);
        let lane = entry.get().unwrap_or_default();
        let at = first_tick(departure_ns).max(lane.last(now));
        if at <= now {
            return Ok(Turn::Now);
        }
        if lane.held >= self.source_max {
            return Err(Reason::QueueSource);
        }
        if at.since(now) > self.horizon_ms {
            return Err(Reason::QueueHorizon);
        }
        let place = self.wheel.reserve().ok_or(Reason::QueueFull)?;
        self.wheel.fetch(&place, at);
        entry.set(Lane { last: at.low(), held: lane.held + 1 });
        Ok(Turn::Later(Ticket { place, at, source }))
    }

    /// Takes a packet in, in order of the tickets.
    #[inline(always)]
    pub fn hold(&mut self, ticket: Ticket, value: T) {
        let Ticket { place, at, source } = ticket;
        self.wheel.fill(place, at, Queued { source, value });
    }

    /// The next packet that leaves at `now` or should have left before; `None` = no more.
    #[inline]
    pub fn due(&mut self, now: Tick) -> Option<T> {
        if self.ready.is_empty() {
            self.take_due(now);
        }
        let queued = self.ready.pop()?;
        Some(self.leave(queued))
    }

    /// Takes out the next few that are due. Their lanes lie where keys put them: they come together.
    fn take_due(&mut self, now: Tick) {
        while !self.ready.is_full()
            && let Some(next) = self.wheel.pop_due(now)
        {
            self.lanes.fetch(next.source);
            self.ready.push(next);
        }
        self.ready.reverse();
    }

    /// Takes everything out, due or not, in order of departure: before the end.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| {
            let queued = self.ready.pop().or_else(|| self.wheel.pop())?;
            Some(self.leave(queued))
        })
    }

    /// Whether a source holds packets: then it may not overtake them.
    #[inline(always)]
    pub fn holds(&self, source: u64) -> bool {
        self.lanes.get(source).is_some()
    }

    /// How many packets are held.
    pub fn held(&self) -> u32 {
        self.wheel.len() + self.ready.len() as u32
    }

    /// The tick in which the next one leaves.
    pub fn next(&self) -> Option<Tick> {
        self.wheel.next()
    }

    fn leave(&mut self, queued: Queued<T>) -> T {
        let entry = self.lanes.entry(queued.source);
        match entry.get() {
            Some(lane) if lane.held > 1 => entry.set(Lane { held: lane.held - 1, ..lane }),
            _ => entry.remove(),
        }
        queued.value
    }
}

/// The first tick that does not begin before a time in ns.
const fn first_tick(ns: u64) -> Tick {
    Tick(ns.div_ceil(Tick(1).nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { queue_packets: 4, queue_source: 3, queue_horizon_ms: 100, ..Limits::DEFAULT };

    /// Holds `value` until the tick of the answer; `None` = it goes at once.
    fn offer(
        shaper: &mut Shaper<u32>,
        now: u64,
        source: u64,
        ms: u64,
        value: u32,
    ) -> Result<Option<u64>, Reason> {
        Ok(match shaper.reserve(Tick(now), source, Tick(ms).nanos())? {
            Turn::Now => None,
            Turn::Later(ticket) => {
                let at = ticket.departure().0;
                shaper.hold(ticket, value);
                Some(at)
            }
        })
    }

    fn due(shaper: &mut Shaper<u32>, now: u64) -> Vec<u32> {
        std::iter::from_fn(|| shaper.due(Tick(now))).collect()
    }

    #[test]
    fn who_holds_packets_does_not_overtake_himself() {
        let mut shaper = Shaper::new(&LIMITS);
        assert_eq!(due(&mut shaper, 10), []);
        assert_eq!(offer(&mut shaper, 10, 1, 10, 0), Ok(None));
        assert_eq!(offer(&mut shaper, 10, 1, 20, 1), Ok(Some(20)));
        // The meter became faster: by itself this one could leave sooner, or at once.
        assert_eq!(offer(&mut shaper, 10, 1, 15, 2), Ok(Some(20)));
        assert_eq!(offer(&mut shaper, 10, 1, 10, 3), Ok(Some(20)));
        assert_eq!(offer(&mut shaper, 10, 2, 10, 4), Ok(None));
        assert_eq!(due(&mut shaper, 19), []);
        assert_eq!(due(&mut shaper, 20), [1, 2, 3]);
        assert_eq!(due(&mut shaper, 21), []);
        assert_eq!(offer(&mut shaper, 21, 1, 20, 5), Ok(None));
    }

    #[test]
    fn a_part_of_a_tick_waits_for_the_next_one() {
        let mut shaper = Shaper::new(&LIMITS);
        assert_eq!(due(&mut shaper, 10), []);
        for (ns, tick) in [(10_000_001, 11), (10_999_999, 11), (11_000_000, 11), (11_000_001, 12)] {
            let turn = shaper.reserve(Tick(10), ns, ns);
            assert!(matches!(turn, Ok(Turn::Later(ticket)) if ticket.departure() == Tick(tick)), "{ns}");
        }
    }

    #[test]
    fn every_limit_refuses_by_its_name_and_gives_way_again() {
        let mut shaper = Shaper::new(&LIMITS);
        assert_eq!(due(&mut shaper, 10), []);
        assert_eq!(offer(&mut shaper, 10, 1, 111, 0), Err(Reason::QueueHorizon));
        for value in 1..=3 {
            assert_eq!(offer(&mut shaper, 10, 1, 110, value), Ok(Some(110)));
        }
        assert_eq!(offer(&mut shaper, 10, 1, 111, 0), Err(Reason::QueueSource));
        assert_eq!(offer(&mut shaper, 10, 2, 111, 0), Err(Reason::QueueHorizon));
        assert_eq!(offer(&mut shaper, 10, 2, 30, 4), Ok(Some(30)));
        assert_eq!(offer(&mut shaper, 10, 3, 30, 0), Err(Reason::QueueFull));
        assert_eq!(due(&mut shaper, 30), [4]);
        assert_eq!(offer(&mut shaper, 30, 3, 31, 5), Ok(Some(31)));
        assert_eq!((shaper.held(), shaper.next()), (4, Some(Tick(31))));
        assert_eq!(shaper.drain().collect::<Vec<_>>(), [5, 1, 2, 3]);
        assert!(shaper.held() == 0 && shaper.lanes.len() == 0);
    }
}
