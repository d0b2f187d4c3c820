//! Merges what all components emit into one stream ordered by time, holding only what is under way.
//!
//! A component works in steps (a connection, a probe, a flood packet); each step may emit packets at or after the
//! time it announced. The merge therefore releases a packet as soon as no component can still emit an earlier
//! one. What always holds: equal times keep the order of emission, so the stream is a function of plan and seed.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::event::{Event, Sink};

/// A component at work.
pub trait Activity {
    /// Earliest time of what the next step may emit, microseconds since the start; `None` when it has finished.
    fn next_us(&self) -> Option<u64>;

    /// Emits the next piece of work.
    fn step(&mut self, out: &mut Sink);
}

/// The merged stream; an iterator over the events before the end of the capture.
pub struct Merge {
    activities: Vec<Box<dyn Activity>>,
    pending: BinaryHeap<Reverse<Pending>>,
    sink: Sink,
    emitted: u64,
    end_us: u64,
}

struct Pending {
    event: Event,
    serial: u64,
}

impl Pending {
    fn key(&self) -> (u64, u64) {
        (self.event.time_us, self.serial)
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Merge {
    /// The stream of these components up to (and without) `end_us`.
    pub fn new(activities: Vec<Box<dyn Activity>>, end_us: u64) -> Self {
        Self { activities, pending: BinaryHeap::new(), sink: Sink::default(), emitted: 0, end_us }
    }

    /// The component whose next step comes first, with its time.
    fn first(&self) -> Option<(u64, usize)> {
        let times = self.activities.iter().enumerate();
        times.filter_map(|(index, activity)| Some((activity.next_us()?, index))).min()
    }

    fn step(&mut self, index: usize) {
        self.activities[index].step(&mut self.sink);
        for event in self.sink.events.drain(..).filter(|event| event.time_us < self.end_us) {
            self.pending.push(Reverse(Pending { event, serial: self.emitted }));
            self.emitted += 1;
        }
    }
}

impl Iterator for Merge {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while let Some((time, index)) = self.first().filter(|&(time, _)| time < self.end_us) {
            if self.pending.peek().is_some_and(|Reverse(pending)| pending.event.time_us < time) {
                break;
            }
            self.step(index);
        }
        self.pending.pop().map(|Reverse(pending)| pending.event)
    }
}

/// Who of a component's members acts next.
#[derive(Debug, Default)]
pub struct Agenda {
    entries: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Agenda {
    /// Member `who` acts at this time.
    pub fn add(&mut self, time_us: u64, who: u32) {
        self.entries.push(Reverse((time_us, who)));
    }

    /// When somebody acts next.
    pub fn next_us(&self) -> Option<u64> {
        self.entries.peek().map(|Reverse((time, _))| *time)
    }

    /// Takes the next one: time and member.
    pub fn take(&mut self) -> Option<(u64, u32)> {
        self.entries.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Tag,
        net::{Host, datagram},
    };

    /// Emits one packet now and one three steps later, every ten microseconds.
    struct Ticker {
        host: Host,
        now: u64,
    }

    impl Activity for Ticker {
        fn next_us(&self) -> Option<u64> {
            (self.now < 100).then_some(self.now)
        }

        fn step(&mut self, out: &mut Sink) {
            for late in [30, 0] {
                let packet =
                    datagram::send_udp(&mut self.host, crate::address::protected(1, false), [1, 2], &[]);
                out.push(self.now + late, packet, &Tag::benign());
            }
            self.now += 10;
        }
    }

    #[test]
    fn releases_everything_in_order_before_the_end() {
        let ticker = |number, now| -> Box<dyn Activity> {
            Box::new(Ticker { host: crate::address::protected_host(number, false, 0), now })
        };
        let events: Vec<Event> = Merge::new(vec![ticker(7, 5), ticker(8, 0)], 50).collect();
        let times: Vec<u64> = events.iter().map(|event| event.time_us).collect();
        assert_eq!(times, [0, 5, 10, 15, 20, 25, 30, 30, 35, 35, 40, 40, 45, 45]);
    }
}
