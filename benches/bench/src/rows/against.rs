//! What most rows do: a worker against the same packets without one, the generator stage subtracted from both.

use anyhow::ensure;
use repute_model::{Address, Command, Source, Token, Width};

use crate::bench::Bench;
use crate::contender::{Plain, Way};
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::stamp::{Draw, Ends, Stamp, client};
use crate::stats::median;
use crate::subject::{Subject, limits};

/// A million: a power of two, as Zipf's ring needs it.
pub const MILLION: u32 = 1 << 20;
/// Own time that a worker runs beyond each whole sweep.
const SWEEP_MORE_MS: u64 = 50;
/// Sweeps until they keep their period.
const SWEEPS: u32 = 3;
/// Commands at a time: fewer than the ring has slots.
const AT_ONCE: usize = 128;
/// Own time in which a worker obeys that many.
const OBEY_MS: u64 = 20;
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

/// Lets a worker run until windows have closed, bands have settled, and the sweep goes round in its period: the
/// first round sees the table grow, and the second one the entries that the first one met early.
///
/// # Errors
/// No packet comes.
pub fn settle(bench: &Bench, road: &mut Road, subject: &mut Subject) -> anyhow::Result<()> {
    (0..SWEEPS).try_for_each(|_| revisit(bench, road, subject))
}

/// Lets a worker run until the sweep has visited every source.
///
/// # Errors
/// No packet comes.
pub fn revisit(bench: &Bench, road: &mut Road, subject: &mut Subject) -> anyhow::Result<()> {
    let whole = bench.ms(subject.sweep_ms() + SWEEP_MORE_MS);
    bench.slices.run_ms(road, subject, whole)
}

/// Moves the scores of clients by hand.
///
/// # Errors
/// The worker does not take the commands.
pub fn nudge(
    bench: &Bench,
    road: &mut Road,
    subject: &mut Subject,
    clients: impl Iterator<Item = u32>,
    delta: i16,
) -> anyhow::Result<()> {
    let clients: Vec<_> = clients.collect();
    for some in clients.chunks(AT_ONCE) {
        for &number in some {
            if let Some(source) = Source::of(Address::v4(client(number)), Width::OUTSIDE) {
                let token = Token(u64::from(number));
                subject.tell(Command::Nudge { token, source, delta, forgive: false })?;
            }
        }
        bench.slices.run_ms(road, subject, OBEY_MS)?;
    }
    Ok(())
}

/// IPv4 clients, each as likely as the other.
pub const fn uniform(clients: u32) -> Stamp {
    Stamp { draw: Draw::uniform(clients), ends: Ends::V4 }
}
