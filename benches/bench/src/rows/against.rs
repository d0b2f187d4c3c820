//! What most rows do: a worker against the same packets without one, the generator stage subtracted from both.

use anyhow::ensure;

use crate::bench::Bench;
use crate::contender::{Plain, Way};
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::stamp::{Draw, Ends, Stamp};
use crate::stats::median;
use crate::subject::{Subject, limits};

/// A million: a power of two, as Zipf's ring needs it.
pub const MILLION: u32 = 1 << 20;
/// Own time that a worker runs before it is measured: windows have closed, and bands have settled.
const SETTLE_MS: u64 = 1_200;
/// Share of the clients, in percent, that must have an entry before a row begins.
const KNOWN_PERCENT: u64 = 99;

/// Measures a worker, with the stamp that it is to be measured with, against one that forwards (`Way::SwapMacs`) or
/// only receives (`Way::Free`).
///
/// # Errors
/// The machine is too busy, or counters do not add up.
pub fn measure(bench: &Bench, road: &mut Road, subject: &mut Subject, way: Way) -> anyhow::Result<Outcome> {
    let stamp = subject.stamp.clone();
    let base = if way == Way::Free { Way::Free } else { Way::Send };
    let mut plain = Plain::new(base);
    let mut stamped = Plain::stamped(base, stamp.clone());
    let mut reference = Plain::stamped(way, stamp);
    let costs = bench.slices.compare(road, &mut [&mut plain, &mut stamped, &mut reference, subject])?;
    subject.check()?;
    road.tally()?;
    let generator = difference(&costs.of(1), &costs.of(0));
    let outcome =
        Outcome::compared(&difference(&costs.of(3), &generator), &difference(&costs.of(2), &generator));
    let tracked = subject.account().tracked;
    Ok(outcome.noted(format!(
        "rx+tx {:.1}, generator {:.1} (subtracted), {tracked} sources tracked, {} rounds dropped",
        median(&costs.rx_tx()),
        median(&generator),
        costs.dropped
    )))
}

/// Costs round by round without those of something else.
pub fn difference(costs: &[f64], less: &[f64]) -> Vec<f64> {
    costs.iter().zip(less).map(|(cost, less)| cost - less).collect()
}

/// A worker that lets everything pass, knows so many clients, and has settled.
///
/// # Errors
/// Some got no entry.
pub fn warm(bench: &Bench, road: &mut Road, clients: u32, measured: Stamp) -> anyhow::Result<Subject> {
    let stamp = Stamp { draw: Draw::sequence(clients), ends: measured.ends };
    let limits = limits(clients / 2 * 3);
    let mut subject = Subject::new(policy::forward()?, limits, road.ports(), stamp, bench.cycles);
    acquaint(bench, road, &mut subject, clients)?;
    subject.stamp = measured;
    settle(bench, road, &mut subject)?;
    Ok(subject)
}

/// Shows a worker every client until it knows them.
///
/// # Errors
/// Some got no entry.
pub fn acquaint(bench: &Bench, road: &mut Road, subject: &mut Subject, clients: u32) -> anyhow::Result<()> {
    let wanted = u64::from(clients) * KNOWN_PERCENT / 100;
    // Under pressure a source gets its entry on a later sighting.
    for _ in 0..4 {
        bench.slices.run_packets(road, subject, u64::from(clients));
        if subject.account().tracked >= wanted {
            return Ok(());
        }
    }
    let tracked = subject.account().tracked;
    ensure!(tracked >= wanted, "only {tracked} of {clients} sources got an entry");
    Ok(())
}

/// Lets a worker run until nothing changes any more.
///
/// # Errors
/// No packet comes.
pub fn settle(bench: &Bench, road: &mut Road, subject: &mut Subject) -> anyhow::Result<()> {
    bench.slices.run_ms(road, subject, bench.ms(SETTLE_MS))
}

/// IPv4 clients, each as likely as the other.
pub const fn uniform(clients: u32) -> Stamp {
    Stamp { draw: Draw::uniform(clients), ends: Ends::V4 }
}
