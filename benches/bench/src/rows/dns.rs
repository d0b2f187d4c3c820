//! Row B19: queries that the worker answers from its cache.

use anyhow::ensure;
use repute_model::Limits;

use super::against::{acquaint, measure, settle};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::Way;
use crate::policy;
use crate::row::Outcome;
use crate::stamp::{Draw, Ends, Stamp};
use crate::subject::{Subject, limits};

/// Requesters.
const CLIENTS: u32 = 10_000;

pub fn b19(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(CLIENTS);
    let limits =
        Limits { queries: 1 << 16, cache_answers: 1 << 16, cache_bytes: 16 << 20, ..limits(clients * 2) };
    let in_turn = Stamp { draw: Draw::sequence(clients), ends: Ends::Both };
    // First the server answers, by a port of its own.
    let mut both = bench.road(&[Traffic::Queries, Traffic::Answers])?;
    let mut subject = Subject::new(policy::cached()?, limits, both.ports(), in_turn, bench.cycles);
    acquaint(bench, &mut both, &mut subject, clients)?;
    both.tally()?;
    let mut road = bench.road(&[Traffic::Queries])?;
    subject.stamp = Stamp { draw: Draw::uniform(clients), ends: Ends::Both };
    settle(bench, &mut road, &mut subject)?;
    let before = subject.account().dns;
    let outcome = measure(bench, &mut road, &mut subject, Way::SwapMacs)?;
    let after = subject.account().dns;
    let asked: u64 = after.paths.iter().sum::<u64>() - before.paths.iter().sum::<u64>();
    let hits = after.cache.hits - before.cache.hits;
    ensure!(
        asked > 0 && hits * 100 >= asked * 99,
        "only {hits} of {asked} queries were answered from the cache"
    );
    Ok(outcome.noted(format!(
        "{hits} of {asked} queries answered from the cache of {} answers",
        after.cache_answers
    )))
}
