//! Rows B13 and B18: what packets feel while a worker works near its capacity.

use std::fmt;

use anyhow::Context;
use repute_model::{Command, Policy};

use super::against::{MILLION, revisit, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::lists::{FEED, read, rules, text};
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::schedule::{Breath, Schedule};
use crate::stats::Spread;
use crate::subject::Subject;

/// Windows with and without an installation, of which the calmest count.
const WINDOWS: usize = 5;
/// More of them where all of these lost packets: a host that stops the guest loses some too.
const WINDOWS_MAX: usize = 15;
/// Length of a window with an installation, in ms: sources are looked up again while traffic flows.
const INSTALL_MS: u64 = 100;
/// Length of a window for latencies, in ms.
const LATENCY_MS: u64 = 10;
/// Rules of the policy that is installed.
const RULES: u32 = 10_000;
const BUSY: &str = "the machine is too busy: no window was undisturbed; end what else runs and try again";

pub fn b13(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let (count, prefixes) = (bench.clients(RULES), bench.clients(FEED));
    let rules = policy::compile(&(policy::forward_text() + &rules(count)))?;
    let feed = read(policy::forward()?, &text(prefixes))?;
    let mut load = Load::new(bench, 0.9)?;
    let by_rules = installing(bench, &mut load, &rules)?;
    let by_feed = installing(bench, &mut load, &feed)?;
    load.subject.check()?;
    let note =
        format!("{count} rules: {by_rules}; {prefixes} prefixes: {by_feed}; aim +10 µs, least of {WINDOWS}");
    Ok(Outcome::reported((by_rules.lost + by_feed.lost) as f64, None, note))
}

/// What installing a policy under load did.
struct Installing {
    /// Packets lost with an installation, in the calmest window.
    lost: u64,
    /// The same without.
    lost_without: u64,
    /// Longest breath with it, in µs, in the calmest window.
    with_us: f64,
    /// The same without.
    without_us: f64,
}

impl fmt::Display for Installing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, lost_without, with_us, without_us } = self;
        let more = with_us - without_us;
        write!(
            f,
            "{lost} lost and {lost_without} without, longest breath {with_us:.1} µs with and {without_us:.1} µs without ({more:+.1})"
        )
    }
}

/// Installs a policy again and again, in windows that alternate with others in which nothing happens.
fn installing(bench: &Bench, load: &mut Load, policy: &Policy) -> anyhow::Result<Installing> {
    let schedule = load.schedule(bench, INSTALL_MS);
    let Load { road, subject, .. } = load;
    let mut version = subject.account().policy_version;
    let mut install = || {
        version += 1;
        Some(Command::Install(Box::new(Policy { version, edition: version, ..policy.clone() })))
    };
    let (mut without, mut with) = (u64::MAX, u64::MAX);
    let (mut lost_without, mut lost) = (u64::MAX, u64::MAX);
    for count in 0..WINDOWS_MAX {
        if count >= WINDOWS && lost == 0 {
            break;
        }
        // What the last installation brought about is over: every source was revisited.
        revisit(bench, road, subject)?;
        let window = schedule.window(bench, road, subject, || None)?.context(BUSY)?;
        without = without.min(window.longest);
        lost_without = lost_without.min(window.lost);
        let window = schedule.window(bench, road, subject, &mut install)?.context(BUSY)?;
        with = with.min(window.longest);
        // What the installation costs, it costs each time.
        lost = lost.min(window.lost);
        subject.ensure_installed()?;
    }
    let us = |cycles| bench.cycles.to_ns(cycles) as f64 / 1e3;
    Ok(Installing { lost, lost_without, with_us: us(with), without_us: us(without) })
}

pub fn b18(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let mut load = Load::new(bench, 0.5)?;
    let schedule = load.schedule(bench, LATENCY_MS);
    let mut waits = Vec::new();
    let mut breaths = Vec::new();
    for _ in 0..WINDOWS * 4 {
        let Load { road, subject, .. } = &mut load;
        let window = schedule.window(bench, road, subject, || None)?.context(BUSY)?;
        waits.extend(window.breaths.iter().flat_map(|breath| waited(breath, load.interval)));
        breaths.extend(window.breaths.iter().map(|breath| breath.cycles as f64));
    }
    load.subject.check()?;
    let p99 = percentile(&mut waits, 99);
    let mut at = |p| percentile(&mut waits, p);
    let spread = Spread { low: at(10), median: at(50), high: at(90) };
    let breath = crate::stats::median(&breaths);
    Ok(Outcome::reported(
        p99,
        Some(spread),
        format!(
            "p99 of {} packets: {:.1} µs, or {:.1} breaths of {breath:.0} cycles; median {:.0} cycles",
            waits.len(),
            bench.cycles.to_ns(p99 as u64) as f64 / 1e3,
            p99 / breath,
            spread.median
        ),
    ))
}

/// How long the packets of a burst were in the box, in cycles.
fn waited(breath: &Breath, interval: f64) -> impl Iterator<Item = f64> {
    let oldest = (breath.sent - breath.due) as f64;
    (0..breath.packets).map(move |k| oldest - f64::from(k) * interval)
}

/// The `p`-th percentile; orders the samples.
fn percentile(samples: &mut [f64], p: usize) -> f64 {
    let at = samples.len() * p / 100;
    if samples.is_empty() { f64::NAN } else { *samples.select_nth_unstable_by(at, f64::total_cmp).1 }
}

/// A worker that knows a million sources, and the interval between packets at a share of its capacity.
struct Load {
    road: Road,
    subject: Subject,
    interval: f64,
    calm_frame: f64,
}

impl Load {
    /// Packets in windows of so many ms.
    fn schedule(&self, bench: &Bench, ms: u64) -> Schedule {
        let Self { interval, calm_frame, .. } = *self;
        Schedule { interval, calm_frame, length: bench.cycles.hz() / 1000 * ms }
    }

    fn new(bench: &mut Bench, share: f64) -> anyhow::Result<Self> {
        let clients = bench.clients(MILLION);
        let mut road = bench.road(&[Traffic::Udp])?;
        let mut subject = warm(bench, &mut road, clients, uniform(clients))?;
        let costs = bench.slices.compare(&mut road, &mut [&mut subject])?;
        // The dear end of what was measured, so that the schedule stays below capacity when the machine is slow.
        let cost = Spread::of(&costs.of(0)).high;
        Ok(Self { road, subject, interval: cost / share, calm_frame: costs.calm_frame() })
    }
}
