//! Comparing on a noisy machine: contenders take turns in short slices, and disturbed slices do not count.
//!
//! A slice in which the thread was switched out is run again. A round begins and ends with a slice that only
//! receives and sends; a round where either costs more than [`CALM`] times the best of the run caught the machine
//! in a slow state, and is dropped. The best is a low percentile: a single lucky slice is no measure for the others.

use anyhow::{Context, ensure};
use dpdk::Cycles;

use crate::contender::{Contender, Plain, Way};
use crate::road::Road;
use crate::stats::quantile;
use crate::switches::Switches;

/// A frame slice may cost this much more than the cheapest one.
const CALM: f64 = 1.25;
/// Share of the rounds that may be better than the one that counts as the best.
const LUCKY: f64 = 0.05;
/// Attempts at one slice before the round is given up.
const ATTEMPTS: u32 = 25;
/// Rounds tried at most, in multiples of those wanted.
const PATIENCE: usize = 4;

/// How long a comparison takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Rounds that count.
    pub rounds: usize,
    /// Length of a slice in µs.
    pub slice_us: u64,
    /// Disturbed slices and slow rounds count as well: the numbers will mean nothing.
    pub any: bool,
}

/// Cycles per packet of one round.
#[derive(Clone, Debug)]
struct Round {
    /// The dearer one of the two slices around it.
    frame: f64,
    /// Mean of the two slices around it.
    rx_tx: f64,
    /// By contender.
    costs: Vec<f64>,
}

/// Cycles per packet, round by round.
#[derive(Clone, Debug)]
pub struct Costs {
    rounds: Vec<Round>,
    /// Rounds that were measured and do not count.
    pub dropped: usize,
}

impl Costs {
    /// What receiving and sending alone may cost for the machine to count as it was then.
    pub fn calm_frame(&self) -> f64 {
        best(self.rounds.iter()) * CALM
    }

    /// Receiving and sending alone.
    pub fn rx_tx(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.rx_tx).collect()
    }

    /// Of contender `i`, in the order they were given.
    pub fn of(&self, i: usize) -> Vec<f64> {
        self.rounds.iter().map(|round| round.costs[i]).collect()
    }
}

/// Runs slices on the calling thread.
#[derive(Debug)]
pub struct Slices {
    cycles: Cycles,
    switches: Switches,
    plan: Plan,
}

impl Slices {
    /// For the calling thread, which is pinned.
    ///
    /// # Errors
    /// `/proc` is not mounted.
    pub fn new(cycles: Cycles, plan: Plan) -> anyhow::Result<Self> {
        Ok(Self { cycles, switches: Switches::of_this_thread()?, plan })
    }

    /// Context switches of the measuring thread so far.
    ///
    /// # Errors
    /// `/proc` is gone.
    pub fn switches(&self) -> std::io::Result<u64> {
        self.switches.count()
    }

    /// Lets the contenders take turns.
    ///
    /// # Errors
    /// The machine is too busy for enough undisturbed rounds.
    pub fn compare(&self, road: &mut Road, contenders: &mut [&mut dyn Contender]) -> anyhow::Result<Costs> {
        let wanted = self.plan.rounds;
        let mut rounds = Vec::with_capacity(wanted);
        let mut tried = 0;
        let mut costs = Costs { rounds: Vec::new(), dropped: 0 };
        while costs.rounds.len() < wanted && tried < wanted * PATIENCE {
            while rounds.len() < wanted + costs.dropped && tried < wanted * PATIENCE {
                tried += 1;
                rounds.extend(self.round(road, contenders)?);
            }
            costs = calm(&rounds, if self.plan.any { f64::INFINITY } else { CALM });
        }
        let kept = costs.rounds.len();
        ensure!(
            kept * 2 >= wanted,
            "the machine is too busy: {kept} of {tried} rounds were undisturbed, {wanted} are needed; end what \
             else runs and try again"
        );
        Ok(costs)
    }

    /// One slice of every contender between two of receiving and sending; none when one was always disturbed.
    fn round(&self, road: &mut Road, contenders: &mut [&mut dyn Contender]) -> anyhow::Result<Option<Round>> {
        let mut plain = Plain::new(Way::Send);
        let Some(first) = self.slice(road, &mut plain)? else { return Ok(None) };
        let mut costs = Vec::with_capacity(contenders.len());
        for contender in contenders {
            let Some(cost) = self.slice(road, *contender)? else { return Ok(None) };
            costs.push(cost);
        }
        let Some(last) = self.slice(road, &mut plain)? else { return Ok(None) };
        Ok(Some(Round { frame: first.max(last), rx_tx: (first + last) / 2.0, costs }))
    }

    /// Cycles per packet of one undisturbed slice.
    fn slice(&self, road: &mut Road, contender: &mut dyn Contender) -> anyhow::Result<Option<f64>> {
        for _ in 0..ATTEMPTS {
            let before = self.switches.count()?;
            let (cycles, packets) = self.run(road, contender, self.slice_cycles());
            let calm = self.plan.any || self.switches.count()? == before;
            if let (Some(packets), true) = (packets, calm) {
                ensure!(packets > 0, "no packet came in a whole slice");
                return Ok(Some(cycles as f64 / packets as f64));
            }
        }
        Ok(None)
    }

    fn slice_cycles(&self) -> u64 {
        self.cycles.hz() / 1_000_000 * self.plan.slice_us
    }

    /// Whether a slice of receiving and sending alone costs no more than this now.
    ///
    /// # Errors
    /// `/proc` is gone, or no packet came.
    pub fn is_calm(&self, road: &mut Road, calm_frame: f64) -> anyhow::Result<bool> {
        let cost = self.slice(road, &mut Plain::new(Way::Send))?;
        Ok(self.plan.any || cost.is_some_and(|cost| cost <= calm_frame))
    }

    /// Bursts for about so many cycles; what they took, and the packets in them unless others were disturbed.
    fn run(&self, road: &mut Road, contender: &mut dyn Contender, cycles: u64) -> (u64, Option<u64>) {
        let begin = self.cycles.now();
        contender.begin(begin);
        let (mut now, mut packets) = (begin, 0);
        while now - begin < cycles {
            packets += contender.burst(road, now) as u64;
            now = self.cycles.now();
        }
        (now - begin, contender.end(now).map(|others| packets + others))
    }

    /// Bursts until a contender has had so many packets.
    pub fn run_packets(&self, road: &mut Road, contender: &mut dyn Contender, wanted: u64) {
        let mut now = self.cycles.now();
        contender.begin(now);
        let mut packets = 0;
        while packets < wanted {
            packets += contender.burst(road, now) as u64;
            now = self.cycles.now();
        }
        contender.end(now);
    }

    /// Bursts for so many ms.
    pub fn run_ms(&self, road: &mut Road, contender: &mut dyn Contender, ms: u64) -> anyhow::Result<()> {
        let (_, packets) = self.run(road, contender, self.cycles.hz() / 1000 * ms);
        packets.filter(|&packets| packets > 0).map(|_| ()).context("no packet came")
    }
}

/// What receiving and sending cost where nothing slowed the machine down.
fn best<'a>(rounds: impl Iterator<Item = &'a Round>) -> f64 {
    let mut rx_tx: Vec<_> = rounds.map(|round| round.rx_tx).collect();
    rx_tx.sort_by(f64::total_cmp);
    quantile(&rx_tx, LUCKY)
}

/// The rounds that the machine did not slow down.
fn calm(rounds: &[Round], limit: f64) -> Costs {
    let best = best(rounds.iter());
    let kept: Vec<_> = rounds.iter().filter(|round| round.frame <= limit * best).cloned().collect();
    Costs { dropped: rounds.len() - kept.len(), rounds: kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_rounds_are_dropped() {
        let round = |first: f64, last: f64, cost| Round {
            frame: first.max(last),
            rx_tx: (first + last) / 2.0,
            costs: vec![cost],
        };
        let rounds = [round(30.0, 31.0, 60.0), round(30.0, 45.0, 70.0), round(46.0, 46.0, 90.0)];
        let costs = calm(&rounds, CALM);
        assert_eq!((costs.of(0), costs.dropped), (vec![60.0], 2));
    }

    #[test]
    fn one_lucky_round_does_not_drop_the_others() {
        let round = |rx_tx, cost| Round { frame: rx_tx, rx_tx, costs: vec![cost] };
        let mut rounds = vec![round(30.0, 60.0); 40];
        rounds[7] = round(20.0, 50.0);
        assert_eq!(calm(&rounds, CALM).dropped, 0);
    }
}
