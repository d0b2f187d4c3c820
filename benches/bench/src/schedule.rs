//! A receive ring that fills by the clock: what a worker loses and how long packets wait when it does not keep up.
//!
//! Packets become due by a schedule on the time stamp counter, at a share of what the worker was measured to carry.
//! The ring is a number: packets due and not yet taken. What finds it full is lost, as on a NIC. What always holds:
//! a window in which the thread was switched out, or around which the host was slow, does not count.

use repute_model::{BATCH, Command};

use crate::bench::Bench;
use crate::road::Road;
use crate::subject::Subject;

/// Slots of the ring.
const RING: u64 = 4096;
/// An undisturbed window is waited for so long, in windows and at least so many seconds.
const WINDOWS: u64 = 50;
const SECONDS: u64 = 10;

/// One burst: when the oldest of its packets was due, how many, and when the breath was over.
#[derive(Clone, Copy, Debug)]
pub struct Breath {
    /// Counter value at which the first packet was due.
    pub due: u64,
    /// Packets.
    pub packets: u32,
    /// Cycles that the breath took.
    pub cycles: u64,
    /// Counter value at which they had been sent.
    pub sent: u64,
}

/// One window.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Every burst with packets, in order.
    pub breaths: Vec<Breath>,
    /// Cycles of the longest breath, with packets or without.
    pub longest: u64,
    /// Packets that found the ring full.
    pub lost: u64,
}

/// When packets are due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Cycles from one packet to the next.
    pub interval: f64,
    /// Length of a window in cycles.
    pub length: u64,
    /// What receiving and sending alone cost at most while the capacity was measured.
    pub calm_frame: f64,
}

impl Schedule {
    /// An undisturbed window. A tenth into it the worker gets what `command` made before. None when the machine is
    /// too busy for one.
    ///
    /// # Errors
    /// The command ring is full, or the thread's counters cannot be read.
    pub fn window(
        &self,
        bench: &Bench,
        road: &mut Road,
        subject: &mut Subject,
        mut command: impl FnMut() -> Option<Command>,
    ) -> anyhow::Result<Option<Window>> {
        let begin = bench.cycles.now();
        let patience = (self.length * WINDOWS).max(bench.cycles.hz() * SECONDS);
        while bench.cycles.now() - begin < patience {
            subject.reports().for_each(drop);
            if !bench.slices.is_calm(road, self.calm_frame)? {
                continue;
            }
            let before = bench.slices.switches()?;
            let window = self.run(bench, road, subject, command())?;
            if bench.slices.switches()? == before && bench.slices.is_calm(road, self.calm_frame)? {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    fn run(
        &self,
        bench: &Bench,
        road: &mut Road,
        subject: &mut Subject,
        mut command: Option<Command>,
    ) -> anyhow::Result<Window> {
        let expected = self.length as f64 / self.interval;
        let mut window = Window { breaths: Vec::with_capacity(expected as usize + 1), ..Window::default() };
        let begin = bench.cycles.now();
        let mut ring = Ring { interval: self.interval, begin, taken: 0, lost: 0 };
        let mut now = begin;
        subject.resume(begin);
        while now - begin < self.length {
            if now - begin > self.length / 10
                && let Some(command) = command.take()
            {
                subject.tell(command)?;
            }
            let (due, packets) = ring.take(now);
            subject.burst_of(road, now, packets as usize);
            let sent = bench.cycles.now();
            window.longest = window.longest.max(sent - now);
            if packets > 0 {
                window.breaths.push(Breath { due, packets, cycles: sent - now, sent });
            }
            now = sent;
        }
        subject.pause(now);
        window.lost = ring.lost;
        Ok(window)
    }
}

/// The ring, as numbers.
#[derive(Debug)]
struct Ring {
    interval: f64,
    begin: u64,
    taken: u64,
    lost: u64,
}

impl Ring {
    /// Takes up to a burst of what is due at `now`: when the first of them was due, and how many.
    fn take(&mut self, now: u64) -> (u64, u32) {
        let due = ((now - self.begin) as f64 / self.interval) as u64;
        let waiting = due - self.taken - self.lost;
        self.lost += waiting.saturating_sub(RING);
        let packets = waiting.min(RING).min(BATCH as u64);
        let first = self.begin + ((self.taken + self.lost) as f64 * self.interval) as u64;
        self.taken += packets;
        (first, packets as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_due_by_the_clock() {
        let mut ring = Ring { interval: 10.0, begin: 1000, taken: 0, lost: 0 };
        assert_eq!(ring.take(1005), (1000, 0));
        assert_eq!(ring.take(1035), (1000, 3));
        assert_eq!(ring.take(1040), (1030, 1));
        assert_eq!(ring.take(2000), (1040, 64));
    }

    #[test]
    fn a_full_ring_loses_what_comes() {
        let mut ring = Ring { interval: 1.0, begin: 0, taken: 0, lost: 0 };
        ring.take(RING + 100);
        assert_eq!(ring.lost, 100);
        // 64 were taken: there is room for as many.
        ring.take(RING + 164);
        assert_eq!(ring.lost, 100);
        ring.take(RING + 64 + 164 + 1);
        assert_eq!(ring.lost, 101);
    }
}
