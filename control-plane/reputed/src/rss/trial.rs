//! The self-tests of all ports, from boot until each of them has found something.
//!
//! A task of the control thread. What it finds goes to the log and into the status, and changes nothing: who owns
//! whom is fixed at boot.

use std::time::Duration;

use repute_server::{Hub, PortRss};
use tokio::time::{MissedTickBehavior, interval};

use super::probe::Samples;
use super::{Hint, Outcome, SelfTest};

/// Between two looks at what the workers have seen.
const POLL: Duration = Duration::from_millis(100);

/// A port under test.
#[derive(Debug)]
pub struct Candidate {
    /// Its name in the config.
    pub name: String,
    /// Its test; `None`: it carries both sides, and no hash of one address suits it.
    pub test: Option<SelfTest>,
}

/// All ports that carry packets, by number.
#[derive(Debug)]
pub struct Trial {
    candidates: Vec<Candidate>,
    /// Which of them have no outcome yet.
    open: Vec<usize>,
    samples: Samples,
}

impl Trial {
    /// A trial of these ports with what workers show.
    pub fn new(candidates: Vec<Candidate>, samples: Samples) -> Self {
        Self { open: (0..candidates.len()).collect(), candidates, samples }
    }

    /// Runs until every port has an outcome, which may be never: a port without traffic says nothing.
    pub async fn run(mut self, hub: Hub) {
        let mut tick = interval(POLL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.open.is_empty() {
            tick.tick().await;
            for (port, outcome) in self.step() {
                self.tell(port, &outcome);
                hub.found_rss(port, PortRss { hint: outcome.hint.name(), finding: outcome.to_string() });
            }
        }
    }

    /// Looks at what workers have shown; the outcomes that are new.
    fn step(&mut self) -> Vec<(usize, Outcome)> {
        let Self { candidates, open, samples } = self;
        samples.drain(|sample| {
            let candidate = candidates.get_mut(usize::from(sample.port));
            if let Some(test) = candidate.and_then(|candidate| candidate.test.as_mut()) {
                test.feed(&sample.flow, sample.queue, sample.hash);
            }
        });
        let mut found = Vec::new();
        open.retain(|&port| {
            let test = candidates[port].test.as_ref();
            let outcome = test.map_or(Some(Outcome::BOTH_SIDES), SelfTest::outcome);
            found.extend(outcome.map(|outcome| (port, outcome)));
            outcome.is_none()
        });
        found
    }

    fn tell(&self, port: usize, outcome: &Outcome) {
        let name = &self.candidates[port].name;
        match outcome.hint {
            Hint::Right | Hint::Absent(_) => tracing::info!("port {name}: {outcome}"),
            Hint::Wrong(_) => tracing::warn!("port {name}: {outcome}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use repute_model::toeplitz::{End, Flow, Key, Reta, Spread};
    use repute_model::{Address, Owners, Width};

    use super::*;
    use crate::rss::probe::{Sample, probes};
    use crate::rss::{Absence, Claim};

    /// Two workers, a port whose driver says nothing of hashes, one with a single queue, one for both sides.
    fn trial(samples: Samples) -> Trial {
        let test = |queues| {
            let claim = Claim { queues, hashes: None, owner: End::Source, width: Width::OUTSIDE };
            let spread = Spread::new(&Key::symmetric(40).unwrap(), Reta::even(128, 2).unwrap());
            SelfTest::new(claim, spread, Owners::Hash { workers: 2 })
        };
        let candidate = |(name, test): (&str, _)| Candidate { name: name.to_owned(), test };
        let all = [("outside", Some(test(2))), ("inside", Some(test(1))), ("both", None)];
        Trial::new(all.map(candidate).into(), samples)
    }

    #[test]
    fn ports_find_out_one_by_one() {
        let (mut probes, samples) = probes(2);
        let mut trial = trial(samples);
        let found = trial.step();
        let hints: Vec<_> = found.iter().map(|(port, outcome)| (*port, outcome.hint)).collect();
        assert_eq!(hints, [(1, Hint::Absent(Absence::OneQueue)), (2, Outcome::BOTH_SIDES.hint)]);
        assert!(trial.step().is_empty());
        for host in 0..64 {
            let flow = Flow { src: Address::v4(0x0a00_0000 + host), dst: Address::v4(1), ports: None };
            let queue = host as u16 % 2;
            probes[usize::from(queue)].push(Sample { port: 0, queue, flow, hash: None });
        }
        let found = trial.step();
        assert_eq!((found.len(), found[0].0), (1, 0));
        assert_eq!(found[0].1.hint, Hint::Absent(Absence::NotOffered));
        assert!(found[0].1.elsewhere > 10, "{:?}", found[0].1);
        assert!(trial.open.is_empty());
        assert!(probes[0].is_wanted());
        drop(trial);
        assert!(!probes[0].is_wanted(), "workers need not look any more");
    }
}
