//! The worker loop on the machine's clock: poll, breathe, and rest when there is nothing to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dpdk::{Cycles, Mbuf};
use repute_engine::{Batch, Worker};
use repute_model::Tick;
use repute_policy::Idle;

use crate::breaths::Breaths;
use crate::io::Queues;

/// Empty rounds before an adaptive worker rests.
const PATIENCE: u32 = 512;
/// How long it rests: the delay that the first packet after silence may see.
const REST: Duration = Duration::from_micros(100);
/// Empty rounds after the stop signal until nothing is in flight any more.
const DRAINED: u32 = 64;
/// Rounds after the stop signal at most: a flood does not keep the process from ending.
const DRAIN_MAX: u32 = 4096;

/// Runs until `stop`, then takes what still waits at the ports.
///
/// # Errors
/// Only before the first packet: the measure of breaths cannot be set up.
pub fn run(
    mut worker: Worker<Mbuf>,
    mut queues: Queues,
    cycles: Cycles,
    idle: Idle,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let clock = Clock::new(cycles);
    let mut round =
        Round { batch: Batch::new(), last: clock.start, busy: false, clock, breaths: Breaths::new(cycles)? };
    let mut empty = 0;
    while !stop.load(Ordering::Relaxed) {
        if round.go(&mut worker, &mut queues) {
            empty = 0;
        } else {
            empty += 1;
            if idle == Idle::Adaptive && empty > PATIENCE {
                std::thread::sleep(REST);
            }
        }
    }
    let mut quiet = 0;
    for _ in 0..DRAIN_MAX {
        quiet = if round.go(&mut worker, &mut queues) { 0 } else { quiet + 1 };
        if quiet == DRAINED {
            break;
        }
    }
    worker.publish();
    tracing::info!("worker 0: {}", round.breaths);
    Ok(())
}

struct Round {
    batch: Batch<Mbuf>,
    clock: Clock,
    /// The counter at the last look at the clock.
    last: u64,
    /// Whether the burst before brought packets.
    busy: bool,
    breaths: Breaths,
}

impl Round {
    /// One burst from every port; whether anything came.
    fn go(&mut self, worker: &mut Worker<Mbuf>, queues: &mut Queues) -> bool {
        let mut any = false;
        for port in 0..queues.rx.len() {
            let received = queues.receive(port as u8, &mut self.batch) > 0;
            // The one look at the clock of this burst: it ends the breath before and begins this one.
            let now = self.clock.cycles.now();
            if self.busy {
                self.breaths.note(now.saturating_sub(self.last));
            }
            (self.last, self.busy) = (now, received);
            worker.breathe(self.clock.tick(now), &mut self.batch, &mut queues.out);
            any |= received;
        }
        any
    }
}

/// Ticks since the start, from the time stamp counter.
struct Clock {
    cycles: Cycles,
    start: u64,
    per_tick: u64,
}

impl Clock {
    fn new(cycles: Cycles) -> Self {
        Self { cycles, start: cycles.now(), per_tick: (cycles.hz() / 1000).max(1) }
    }

    /// The tick of a counter value; the first one is 1.
    fn tick(&self, now: u64) -> Tick {
        Tick(now.saturating_sub(self.start) / self.per_tick + 1)
    }
}
