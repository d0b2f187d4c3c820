//! How much more fails than is usual: one number for one kind of flood of one crowd.
//!
//! A one-sided cumulative sum (Page 1954): what is opened and not completed in time, or comes unasked, adds to the
//! excess; time takes away what is usual. Openings wait for their completion first, so that who is only slow is no
//! failure, and a crowd of newcomers that all complete is none.
//!
//! Called by [`super::watch`]. Always holds: time acts in whole steps of [`STEP_MS`], so that what happens within
//! one does not depend on how often it is told; the excess never exceeds twice its limit, so that a flood of any
//! size is over soon after it ends.

use repute_model::{CrowdNumbers, CrowdState};

/// One step of time.
pub(super) const STEP_MS: u64 = 96;
/// Steps that an opening waits for its completion: 288 to 384 ms, more than most round trips.
const PATIENCE: usize = 4;
/// So many openings that wait, beyond four times what is completed in a second, make a flood without waiting.
const AT_ONCE: f32 = 2048.0;
/// What is usual is learnt over a minute, and counts twice.
const LEARN: f32 = STEP_MS as f32 / 60_000.0;
const USUAL: f32 = 2.0;
/// However bad the usual is, it excuses no more than so many times the least drift.
const USUAL_MAX: f32 = 16.0;
/// Rates are those of about a second.
const RATE: f32 = STEP_MS as f32 / 1000.0;
/// Steps without much of an excess before a flood is over (5 s), and in recovery before it is calm (30 s).
const FLOOD_STEPS: u32 = (5000 / STEP_MS) as u32;
const RECOVERY_STEPS: u32 = (30_000 / STEP_MS) as u32;
/// A gap of more steps than this (6 s) begins anew.
const GAP: u64 = 64;

/// What makes a flood.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Need {
    /// Failures per second that it takes without an excess, at least.
    pub drift: f32,
    /// The excess that makes a flood.
    pub limit: f32,
}

/// What is counted of one kind of flood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    /// Openings that wait, by the step in which they came.
    waiting: [u32; PATIENCE],
    /// Of the step under way: failures that need not wait, openings, completions.
    failed: u32,
    opened: u32,
    completed: u32,
    excess: f32,
    /// Failures per second while it is calm.
    usual: f32,
    /// Completions per second while it is calm.
    useful: f32,
    /// Of about the last second, per second.
    opened_per_s: f32,
    completed_per_s: f32,
    state: CrowdState,
    /// Steps in this state, saturating; in flood those since there was much of an excess.
    steps: u32,
}

impl Gauge {
    pub const NEW: Self = Self {
        waiting: [0; PATIENCE],
        failed: 0,
        opened: 0,
        completed: 0,
        excess: 0.0,
        usual: 0.0,
        useful: 0.0,
        opened_per_s: 0.0,
        completed_per_s: 0.0,
        state: CrowdState::Calm,
        steps: 0,
    };

    /// Openings that wait to be completed, and completions, which count for those that have waited longest.
    pub fn open(&mut self, step: u64, opened: u32, completed: u32) {
        self.opened = self.opened.saturating_add(opened);
        self.completed = self.completed.saturating_add(completed);
        let newest = step as usize % PATIENCE;
        self.waiting[newest] = self.waiting[newest].saturating_add(opened);
        let mut left = completed;
        for age in (0..PATIENCE).rev() {
            let waiting = &mut self.waiting[(newest + PATIENCE - age) % PATIENCE];
            let taken = left.min(*waiting);
            *waiting -= taken;
            left -= taken;
        }
        self.excess = (self.excess - left as f32).max(0.0);
    }

    /// Failures that nothing can complete.
    pub fn fail(&mut self, times: u32) {
        self.opened = self.opened.saturating_add(times);
        self.failed = self.failed.saturating_add(times);
    }

    /// Takes out what a part of it has added, as of the same step.
    pub fn spare(&mut self, part: &Self) {
        for (waiting, &gone) in self.waiting.iter_mut().zip(&part.waiting) {
            *waiting = waiting.saturating_sub(gone);
        }
        self.failed = self.failed.saturating_sub(part.failed);
        self.excess = (self.excess - part.excess).max(0.0);
    }

    /// Ends the steps before `step`; `last` is the one that was under way.
    pub fn pass(&mut self, last: u64, step: u64, need: &Need) {
        if step.saturating_sub(last) > GAP {
            let Self { usual, useful, state, steps, .. } = *self;
            *self = Self { usual, useful, state, steps: steps.saturating_add(GAP as u32), ..Self::NEW };
            return;
        }
        for ended in last..step {
            let oldest = (ended + 1) as usize % PATIENCE;
            let failed = std::mem::take(&mut self.waiting[oldest]).saturating_add(self.failed);
            self.end_step(failed as f32, need);
        }
    }

    fn end_step(&mut self, failed: f32, need: &Need) {
        let seconds = STEP_MS as f32 / 1000.0;
        self.opened_per_s += (self.opened as f32 / seconds - self.opened_per_s) * RATE;
        self.completed_per_s += (self.completed as f32 / seconds - self.completed_per_s) * RATE;
        (self.failed, self.opened, self.completed) = (0, 0, 0);
        let drift = self.drift(need);
        self.excess = (self.excess + failed - drift * seconds).clamp(0.0, 2.0 * need.limit);
        if self.state == CrowdState::Calm {
            // What begins a flood is not to become what is usual.
            let failures = (failed / seconds).min(USUAL_MAX * need.drift / USUAL);
            self.usual += (failures - self.usual) * LEARN;
            self.useful += (self.completed_per_s - self.useful) * LEARN;
        }
        self.steps = self.steps.saturating_add(1);
    }

    fn drift(&self, need: &Need) -> f32 {
        need.drift.max((USUAL * self.usual).min(USUAL_MAX * need.drift))
    }

    /// Moves on to the state that follows from the excess; the state it left, if it did.
    pub fn settle(&mut self, need: Option<&Need>) -> Option<CrowdState> {
        let from = self.state;
        let to = need.map_or(CrowdState::Calm, |need| self.next(need));
        (self.state, self.steps) = (to, if to == from { self.steps } else { 0 });
        (to != from).then_some(from)
    }

    fn next(&mut self, need: &Need) -> CrowdState {
        use CrowdState::{Calm, Flood, Recovering, Suspect};
        let waits: u32 = self.waiting.iter().fold(0, |all, &one| all.saturating_add(one));
        // Shortly after a flood the next one is not waited for: some come in pulses, each shorter than any patience.
        let at_once = if self.state == Recovering { need.limit } else { AT_ONCE };
        if waits as f32 > at_once + 4.0 * self.completed_per_s.max(self.completed as f32) {
            self.excess = self.excess.max(need.limit);
        }
        let share = self.excess / need.limit;
        if share >= 0.25 && self.state == Flood {
            self.steps = 0;
        }
        match self.state {
            _ if share >= 1.0 => Flood,
            Flood if share < 0.25 && self.steps >= FLOOD_STEPS => Recovering,
            Recovering if share >= 0.5 => Flood,
            Recovering if self.steps >= RECOVERY_STEPS => Calm,
            Calm if share >= 0.5 => Suspect,
            Suspect if share < 0.25 => Calm,
            same => same,
        }
    }

    pub const fn state(&self) -> CrowdState {
        self.state
    }

    /// Completions per second while it was calm: what strangers may have together in a flood hangs on it.
    pub const fn useful(&self) -> f32 {
        self.useful
    }

    /// How much goes on: who does little makes room for others.
    pub fn activity(&self) -> f32 {
        self.opened_per_s + self.excess
    }

    /// Openings per second beyond a share of them, less those that are completed.
    pub fn rest_per_s(&self, share: f32) -> f32 {
        (self.opened_per_s * (1.0 - share) - self.completed_per_s).max(0.0)
    }

    pub fn numbers(&self, need: &Need, heard: bool) -> CrowdNumbers {
        CrowdNumbers {
            excess: self.excess.into(),
            limit: need.limit.into(),
            per_s: self.opened_per_s.into(),
            completed_per_s: self.completed_per_s.into(),
            usual_per_s: self.drift(need).into(),
            heard,
            senders: None,
            narrow: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need { drift: 3.0, limit: 12.0 };

    /// A gauge and its time.
    struct Rig {
        gauge: Gauge,
        ms: u64,
        /// Completions on their way: when they come.
        later: Vec<u64>,
    }

    impl Rig {
        fn new() -> Self {
            Self { gauge: Gauge::NEW, ms: 0, later: Vec::new() }
        }

        /// Runs for `ms` with so many openings per second, of which a share is completed after a round trip; when
        /// it was first in flood, if ever.
        fn run(&mut self, ms: u64, per_s: u64, completed: f64, round_trip: u64) -> Option<u64> {
            let (begin, mut flood, mut owed) = (self.ms, None, 0.0);
            for at in begin..begin + ms {
                self.gauge.pass(at.saturating_sub(1) / STEP_MS, at / STEP_MS, &NEED);
                let opened = ((at - begin + 1) * per_s / 1000 - (at - begin) * per_s / 1000) as u32;
                owed += f64::from(opened) * completed;
                while owed >= 1.0 {
                    self.later.push(at + round_trip);
                    owed -= 1.0;
                }
                let due = self.later.iter().filter(|&&when| when <= at).count() as u32;
                self.later.retain(|&when| when > at);
                self.gauge.open(at / STEP_MS, opened, due);
                self.gauge.settle(Some(&NEED));
                if self.gauge.state() == CrowdState::Flood && flood.is_none() {
                    flood = Some(at - begin);
                }
            }
            self.ms = begin + ms;
            flood
        }
    }

    #[test]
    fn a_slow_flood_is_seen_within_a_second_and_a_half_and_a_fast_one_at_once() {
        for (per_s, within) in [(20, 1500), (200, 600), (5_000, 600), (200_000, 20)] {
            let flood = Rig::new().run(3_000, per_s, 0.0, 0).unwrap();
            assert!(flood <= within, "{per_s}/s: {flood} ms");
        }
    }

    #[test]
    fn a_crowd_that_completes_is_no_flood_however_large() {
        let mut rig = Rig::new();
        assert_eq!(rig.run(30_000, 20, 1.0, 80), None);
        assert_eq!(rig.run(10_000, 2_000, 1.0, 250), None);
        assert_eq!(rig.gauge.state(), CrowdState::Calm);
    }

    #[test]
    fn noise_that_was_always_there_is_usual() {
        let mut rig = Rig::new();
        assert_eq!(rig.run(60_000, 2, 0.0, 0), None);
        assert_eq!(rig.run(60_000, 50, 0.96, 60), None);
    }

    #[test]
    fn pulses_are_one_flood() {
        let mut rig = Rig::new();
        rig.run(10_000, 20, 1.0, 80);
        assert!(rig.run(400, 2_000, 0.0, 0).unwrap() > 280, "the first one is waited for");
        for _ in 0..3 {
            rig.run(15_600, 20, 1.0, 80);
            assert_eq!(rig.gauge.state(), CrowdState::Recovering);
            let again = rig.run(400, 2_000, 0.0, 0).unwrap();
            assert!(again < 100, "{again} ms");
        }
        // Some more newcomers who complete are none.
        rig.run(15_600, 20, 1.0, 80);
        assert_eq!(rig.gauge.state(), CrowdState::Recovering);
        assert_eq!(rig.run(1_000, 100, 1.0, 80), None);
    }

    #[test]
    fn out_slowly_and_in_again_fast() {
        let mut rig = Rig::new();
        rig.run(10_000, 5_000, 0.0, 0).unwrap();
        rig.run(4_000, 0, 0.0, 0);
        assert_eq!(rig.gauge.state(), CrowdState::Flood);
        rig.run(10_000, 0, 0.0, 0);
        assert_eq!(rig.gauge.state(), CrowdState::Recovering);
        let again = rig.run(3_000, 20, 0.0, 0).unwrap();
        assert!(again < 1_000, "{again} ms");
        rig.run(60_000, 0, 0.0, 0);
        assert_eq!(rig.gauge.state(), CrowdState::Calm);
    }
}
