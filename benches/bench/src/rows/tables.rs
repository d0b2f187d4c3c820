//! Rows B14, B16 and B17: the tables themselves: from text to live, memory, and look-ups without packets.

use anyhow::ensure;
use repute_model::{Command, Limits, Policy};
use rustix::time::{ClockId, clock_gettime};

use super::against::{MILLION, acquaint, difference, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::keys::{DrawsAlone, OwnTable, Rte};
use crate::lists::{FEED, read, text};
use crate::memory::resident_bytes;
use crate::policy;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::stats::{Spread, median};
use crate::subject::{Subject, limits};

/// Feeds read for one number.
const FEEDS: u64 = 5;
/// Own time within which a worker takes a policy: two ticks.
const TAKE_MS: u64 = 2;

pub fn b14(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(100_000);
    let text = text(bench.clients(FEED));
    let mut road = bench.road(&[Traffic::Udp])?;
    let mut subject = warm(bench, &mut road, clients, uniform(clients))?;
    let mut seconds = Vec::new();
    for version in 2..2 + FEEDS {
        let before = cpu_seconds();
        let policy = Policy { version, edition: version, ..read(policy::forward()?, &text)? };
        subject.tell(Command::Install(Box::new(policy)))?;
        bench.slices.run_ms(&mut road, &mut subject, TAKE_MS)?;
        seconds.push(cpu_seconds() - before);
        ensure!(subject.account().policy_version == version, "the worker did not take the policy in time");
    }
    let spread = Spread::of(&seconds);
    let lines = text.lines().count();
    let note =
        format!("{lines} lines; one worker, which forwards meanwhile: {TAKE_MS} ms of it are counted too");
    Ok(Outcome::reported(spread.median, Some(spread), note))
}

pub fn b16(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(MILLION);
    let mut road = bench.road(&[Traffic::Udp])?;
    let policy = policy::forward()?;
    let before = resident_bytes()?;
    let stamp = Stamp::v4(Draw::sequence(clients));
    let mut subject = Subject::new(policy, limits(clients), road.ports(), stamp, bench.cycles);
    acquaint(bench, &mut road, &mut subject, clients)?;
    let grown = resident_bytes()?.saturating_sub(before);
    let (tracked, tables) = (subject.account().tracked, subject.account().memory_bytes);
    subject.check()?;
    let Limits { contacts, .. } = limits(clients);
    Ok(Outcome::reported(
        grown as f64 / tracked as f64,
        None,
        format!(
            "{grown} bytes resident for {tracked} sources, of which the tables are {tables}, with room for {contacts} \
             remembered requests"
        ),
    ))
}

pub fn b17(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let keys = bench.clients(MILLION);
    let mut road = bench.road(&[Traffic::Udp])?;
    let mut own = OwnTable::new(keys, &limits(keys / 2 * 3), &policy::forward()?)?;
    let mut rte = Rte::new(&bench.eal, keys)?;
    let mut draws = DrawsAlone::new(keys);
    let costs = bench.slices.compare(&mut road, &mut [&mut draws, &mut rte, &mut own])?;
    let draws = costs.of(0);
    let outcome = Outcome::compared(&difference(&costs.of(2), &draws), &difference(&costs.of(1), &draws));
    Ok(outcome.noted(format!(
        "keys of 16 bytes in bursts of 64; drawing them, {:.1}, is subtracted",
        median(&draws)
    )))
}

/// CPU time of this thread.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
