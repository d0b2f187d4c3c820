//! The worker loop on the machine's clock: poll, breathe, and rest when there is nothing to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dpdk::Cycles;
use repute_engine::{Batch, Worker};
use repute_model::Tick;
use repute_policy::Idle;

use crate::io::{Frame, Queues};

/// Empty rounds before an adaptive worker rests.
const PATIENCE: u32 = 512;
/// How long it rests: the delay that the first packet after silence may see.
const REST: Duration = Duration::from_micros(100);
/// Empty rounds after the stop signal until nothing is in flight any more.
const DRAINED: u32 = 64;
/// Rounds after the stop signal at most: a flood does not keep the process from ending.
const DRAIN_MAX: u32 = 4096;

/// Runs until `stop`, then takes what still waits at the ports.
pub fn run(mut worker: Worker<Frame>, mut queues: Queues, cycles: Cycles, idle: Idle, stop: &AtomicBool) {
    let mut round = Round { batch: Batch::new(), clock: Clock::new(cycles) };
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
}

struct Round {
    batch: Batch<Frame>,
    clock: Clock,
}

impl Round {
    /// One burst from every port; whether anything came.
    fn go(&mut self, worker: &mut Worker<Frame>, queues: &mut Queues) -> bool {
        let mut any = false;
        for port in 0..queues.rx.len() {
            any |= queues.receive(port as u8, &mut self.batch) > 0;
            worker.breathe(self.clock.tick(), &mut self.batch, &mut queues.out);
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

    /// The first tick is 1.
    fn tick(&self) -> Tick {
        Tick(self.cycles.now().saturating_sub(self.start) / self.per_tick + 1)
    }
}
