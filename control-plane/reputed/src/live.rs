//! The worker loop on the machine's clock: take what others hand over, poll, breathe, and rest when there is nothing
//! to do.

use std::time::Duration;

use dpdk::{Cycles, Mbuf};
use repute_engine::handover::SLOTS_MAX;
use repute_engine::{Batch, Worker};
use repute_model::{BATCH, Tick};
use repute_policy::Idle;

use crate::breaths::Breaths;
use crate::crew::Member;
use crate::io::Queues;
use crate::rss::Probe;

/// Empty rounds before an adaptive worker rests.
const PATIENCE: u32 = 512;
/// How long it rests: the delay that the first packet after silence may see.
const REST: Duration = Duration::from_micros(100);
/// Empty rounds after the stop signal until nothing waits at the ports any more.
const DRAINED: u32 = 64;
/// Rounds after the stop signal at most: a flood does not keep the process from ending.
const DRAIN_MAX: u32 = 4096;
/// Batches of handed-over packets in a round at most: what a full ring holds. More would let a worker that gives
/// without end keep this one from its ports.
const HANDED_MAX: usize = SLOTS_MAX / BATCH;

/// What a worker's loop goes by.
pub struct Rhythm {
    /// The time stamp counter.
    pub cycles: Cycles,
    /// Its value at which time begins, for all workers.
    pub epoch: u64,
    /// What to do when there is nothing to do.
    pub idle: Idle,
    /// The way to the self-test of RSS.
    pub probe: Probe,
}

/// Runs until the crew is to stop; then takes what still waits at the ports and what others hand over, and sends
/// what is held back. How long breaths took.
///
/// # Errors
/// Only before the first packet: the measure of breaths cannot be set up.
pub fn run(
    worker: &mut Worker<Mbuf>,
    queues: &mut Queues,
    rhythm: Rhythm,
    member: &mut Member,
) -> anyhow::Result<Breaths> {
    let Rhythm { cycles, epoch, idle, probe } = rhythm;
    let clock = Clock::new(cycles, epoch);
    let mut round =
        Round { batch: Batch::new(), last: epoch, busy: false, clock, breaths: Breaths::new(cycles)?, probe };
    let mut empty = 0;
    while !member.crew().is_stopping() {
        if round.go(worker, queues) {
            empty = 0;
        } else {
            empty += 1;
            if idle == Idle::Adaptive && empty > PATIENCE {
                std::thread::sleep(REST);
            }
        }
    }
    round.drain(worker, queues, member);
    Ok(round.breaths)
}

struct Round {
    batch: Batch<Mbuf>,
    clock: Clock,
    /// The counter at the last look at the clock.
    last: u64,
    /// Whether the burst before brought packets.
    busy: bool,
    breaths: Breaths,
    probe: Probe,
}

impl Round {
    /// What others have handed over, then one burst from every port; whether anything came.
    fn go(&mut self, worker: &mut Worker<Mbuf>, queues: &mut Queues) -> bool {
        let mut any = self.take_handed(worker, queues);
        for entrance in &mut queues.rx {
            let received = entrance.receive(&mut self.batch) > 0;
            if received {
                self.probe.look(&self.batch);
            }
            any |= received;
            self.breathe(received, worker, &mut queues.out);
        }
        any
    }

    /// Whether others have handed anything over. Time moves on in any case: there may be no port to poll.
    fn take_handed(&mut self, worker: &mut Worker<Mbuf>, queues: &mut Queues) -> bool {
        for turn in 0..HANDED_MAX {
            let came = worker.take_handed(&mut self.batch) > 0;
            if came || queues.rx.is_empty() {
                self.breathe(came, worker, &mut queues.out);
            }
            if !came {
                return turn > 0;
            }
        }
        true
    }

    /// One look at the clock, which ends the breath before, and a breath.
    fn breathe(&mut self, busy: bool, worker: &mut Worker<Mbuf>, out: &mut dpdk::Ways) {
        let now = self.clock.cycles.now();
        if self.busy {
            worker.note_breath(self.breaths.note(now.saturating_sub(self.last)));
        }
        (self.last, self.busy) = (now, busy);
        worker.breathe(self.clock.tick(now), &mut self.batch, out);
    }

    /// The end: the ports first, then what other workers have found there for this one, then what was held back.
    fn drain(&mut self, worker: &mut Worker<Mbuf>, queues: &mut Queues, member: &mut Member) {
        let mut quiet = 0;
        for _ in 0..DRAIN_MAX {
            quiet = if self.go(worker, queues) { 0 } else { quiet + 1 };
            if quiet == DRAINED {
                break;
            }
        }
        member.stop_receiving();
        loop {
            // Asked before the look into the rings: what was handed over before the last one stopped is there.
            let is_last = member.crew().has_received_all();
            if !self.take_handed(worker, queues) {
                if is_last {
                    break;
                }
                std::thread::yield_now();
            }
        }
        worker.release_all(&mut queues.out);
    }
}

/// Ticks since time began, from the time stamp counter.
struct Clock {
    cycles: Cycles,
    epoch: u64,
    per_tick: u64,
}

impl Clock {
    fn new(cycles: Cycles, epoch: u64) -> Self {
        Self { cycles, epoch, per_tick: (cycles.hz() / 1000).max(1) }
    }

    /// The tick of a counter value; the first one is 1.
    fn tick(&self, now: u64) -> Tick {
        Tick(now.saturating_sub(self.epoch) / self.per_tick + 1)
    }
}
