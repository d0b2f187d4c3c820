//! Connection queuing: what would begin a TCP connection waits until its band's rate lets it.
//!
//! Called by the worker as the shaper is: [reserve](ConnectionQueue::reserve) while it judges,
//! [hold](ConnectionQueue::hold) while it sends, [due](ConnectionQueue::due) once a tick. The sources of a
//! band share its rate; first come, first served. Underneath it is a shaper in which every connection is a
//! source of its own that may hold one packet.
//!
//! Always holds: within a band connections begin in order of arrival, and no faster than its rate (GCRA; what
//! one tick's rate allows may begin at once). The SYN that waits is the one that leaves: the same one sent
//! again meanwhile is refused as `connection-queued`, takes no place from others and does not begin a second
//! time. How long a SYN would wait is known when it comes, so none is held in vain.
//!
//! | limit | when it is reached |
//! |---|---|
//! | [`WAIT_MS_MAX`]: how long a SYN may wait | the SYN is refused as `queue-horizon` |
//! | `queue_connections`: SYNs held, of all bands | the SYN is refused as `connection-queue-full` |
//!
//! A band of r connections per second holds at most r times [`WAIT_MS_MAX`]: with room for the sum of these,
//! no band can take another one's place. A refused SYN costs its band nothing.

use repute_model::{Band, Limits, Meter, Reason, Tick};
use repute_reputation::departure;

use super::{Shaper, Ticket, Turn};

/// How long a SYN may wait, ms: by then its sender has sent it again after 1 s, and is about to once more
/// (RFC 6298: 1 s, doubling).
pub const WAIT_MS_MAX: u32 = 3_000;

/// The connections of one worker that wait to begin, with whatever it wants to know again when they do.
#[derive(Debug)]
pub struct ConnectionQueue<T> {
    shaper: Shaper<T>,
    /// GCRA arrival time of each band, ns.
    tats: [u64; Band::ALL.len()],
}

impl<T> ConnectionQueue<T> {
    /// A queue within `limits`, with all the memory it will ever need.
    pub fn new(limits: &Limits) -> Self {
        let limits = Limits {
            queue_packets: limits.queue_connections,
            queue_source: 1,
            queue_horizon_ms: WAIT_MS_MAX,
            ..*limits
        };
        Self { shaper: Shaper::new(&limits), tats: [0; Band::ALL.len()] }
    }

    /// Asks for the turn of a SYN that came at `now`; its band begins `rate` connections per second. `key` is
    /// a keyed hash of the connection (both addresses and ports).
    ///
    /// [`Self::due`] has had nothing more to give at `now`.
    ///
    /// # Errors
    /// [`Reason::ConnectionQueued`] if it waits already, else the limit that is reached:
    /// [`Reason::QueueHorizon`] or [`Reason::ConnectionQueueFull`]. Nothing has changed then.
    pub fn reserve(&mut self, now: Tick, band: Band, rate: u32, key: u64) -> Result<Turn, Reason> {
        let tat = &mut self.tats[band.index()];
        // With a burst of one, departures do not run backwards even when the rate changes meanwhile.
        let meter = Meter { packets_per_s: Some(rate), packet_burst: 1, bytes_per_s: None, byte_burst: 0 };
        let leaves = departure(&meter, now, 0, *tat, 0);
        let turn = self.shaper.reserve(now, key, leaves.at).map_err(|reason| match reason {
            Reason::QueueSource => Reason::ConnectionQueued,
            Reason::QueueFull => Reason::ConnectionQueueFull,
            other => other,
        })?;
        *tat = leaves.tat_packets;
        Ok(turn)
    }

    /// Takes a SYN in, in order of the tickets.
    pub fn hold(&mut self, ticket: Ticket, value: T) {
        self.shaper.hold(ticket, value);
    }

    /// The next SYN whose turn has come at `now`; `None` = no more.
    pub fn due(&mut self, now: Tick) -> Option<T> {
        self.shaper.due(now)
    }

    /// Takes everything out, due or not, in order of departure: before the end.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.shaper.drain()
    }

    /// How many connections wait.
    pub fn held(&self) -> u32 {
        self.shaper.held()
    }

    /// The tick in which the next one begins.
    pub fn next(&self) -> Option<Tick> {
        self.shaper.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tick = Tick(5_000);

    /// A queue at [`NOW`].
    fn queue(limits: &Limits) -> ConnectionQueue<u64> {
        let mut queue = ConnectionQueue::new(limits);
        assert_eq!(queue.due(NOW), None);
        queue
    }

    /// Asks at `now` and holds the connection by its key; the tick in which it begins.
    fn offer(
        queue: &mut ConnectionQueue<u64>,
        now: Tick,
        band: Band,
        rate: u32,
        key: u64,
    ) -> Result<u64, Reason> {
        Ok(match queue.reserve(now, band, rate, key)? {
            Turn::Now => now.0,
            Turn::Later(ticket) => {
                let at = ticket.departure().0;
                queue.hold(ticket, key);
                at
            }
        })
    }

    #[test]
    fn a_band_begins_its_rate_in_order_of_arrival() {
        let mut queue = queue(&Limits::DEFAULT);
        let at: Vec<_> = (1..=5).map(|key| offer(&mut queue, NOW, Band::Poor, 100, key)).collect();
        assert_eq!(at, [5_000, 5_010, 5_020, 5_030, 5_040].map(Ok));
        assert_eq!(offer(&mut queue, NOW, Band::Neutral, 100, 6), Ok(5_000));
        // Ten times the rate from here on: behind the others all the same.
        assert_eq!(offer(&mut queue, NOW, Band::Poor, 1_000, 7), Ok(5_050));
        let begun: Vec<_> = std::iter::from_fn(|| queue.due(Tick(5_030))).collect();
        assert_eq!(begun, [2, 3, 4]);
        assert_eq!((queue.held(), queue.next()), (2, Some(Tick(5_040))));
        assert_eq!(queue.drain().collect::<Vec<_>>(), [5, 7]);
    }

    #[test]
    fn what_waits_already_is_not_held_twice() {
        let mut queue = queue(&Limits::DEFAULT);
        for (key, at) in [(1, 5_000), (2, 6_000), (3, 7_000), (4, 8_000)] {
            assert_eq!(offer(&mut queue, NOW, Band::Poor, 1, key), Ok(at));
        }
        assert_eq!(offer(&mut queue, NOW, Band::Poor, 1, 3), Err(Reason::ConnectionQueued));
        // Another band, whose turn would be at once: still the same connection.
        assert_eq!(offer(&mut queue, NOW, Band::Good, 1, 3), Err(Reason::ConnectionQueued));
        assert_eq!(offer(&mut queue, NOW, Band::Good, 1, 5), Ok(5_000));
        assert_eq!(offer(&mut queue, NOW, Band::Poor, 1, 6), Err(Reason::QueueHorizon));
        assert_eq!(queue.due(Tick(6_000)), Some(2));
        assert_eq!(queue.due(Tick(6_000)), None);
        assert_eq!(offer(&mut queue, Tick(6_000), Band::Poor, 1, 2), Ok(9_000));
    }

    #[test]
    fn a_full_queue_refuses_and_charges_nobody() {
        let mut queue = queue(&Limits { queue_connections: 2, ..Limits::DEFAULT });
        for (key, at) in
            [(1, Ok(5_000)), (2, Ok(5_100)), (3, Ok(5_200)), (4, Err(Reason::ConnectionQueueFull))]
        {
            assert_eq!(offer(&mut queue, NOW, Band::Malicious, 10, key), at);
        }
        assert_eq!(queue.due(Tick(5_100)), Some(2));
        assert_eq!(queue.due(Tick(5_100)), None);
        assert_eq!(offer(&mut queue, Tick(5_100), Band::Malicious, 10, 4), Ok(5_300));
    }
}
