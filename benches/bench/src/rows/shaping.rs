//! Row B11: a tenth of the sources is shaped on the wheel, against the same path without.

use anyhow::ensure;
use repute_model::{Limits, Policy};

use super::against::{acquaint, difference, nudge, settle, uniform};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::{Plain, Way};
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::stats::median;
use crate::subject::{Subject, limits};

const CLIENTS: u32 = 100_000;
/// One in so many clients stands in the band that is shaped.
const SHAPED_ONE_IN: usize = 10;
/// From the prior to the middle of the poor band.
const POOR: i16 = -4_000;
/// The shaped rate in multiples of what a client sends: about half of its packets have to wait.
const HEADROOM: f64 = 2.0;
/// Packets that a worker may hold: fewer than the pool has to spare.
const HELD: u32 = 8_192;
/// In a thousand packets at least so many are held, or nothing was measured.
const HELD_PER_MILLE: u64 = 10;

pub fn b11(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(CLIENTS);
    let mut road = bench.road(&[Traffic::Udp])?;
    let mut unshaped = judged(bench, &mut road, policy::forward()?, clients)?;
    let cost = median(&bench.slices.compare(&mut road, &mut [&mut unshaped])?.of(0));
    let each = bench.cycles.hz() as f64 / cost / f64::from(clients);
    let mut shaped = judged(bench, &mut road, shaping((each * HEADROOM) as u32)?, clients)?;
    let before = *shaped.account();
    let mut plain = Plain::new(Way::Send);
    let mut stamped = Plain::stamped(Way::Send, uniform(clients));
    let costs =
        bench.slices.compare(&mut road, &mut [&mut plain, &mut stamped, &mut unshaped, &mut shaped])?;
    unshaped.check()?;
    shaped.check()?;
    road.tally()?;
    let after = *shaped.account();
    let received = after.ports[0].received - before.ports[0].received;
    let (queued, dropped) = (
        after.ports[0].queued - before.ports[0].queued,
        after.ports[0].dropped_total() - before.ports[0].dropped_total(),
    );
    ensure!(queued * 1_000 >= received * HELD_PER_MILLE, "only {queued} of {received} packets were held");
    let generator = difference(&costs.of(1), &costs.of(0));
    let outcome =
        Outcome::compared(&difference(&costs.of(3), &generator), &difference(&costs.of(2), &generator));
    let percent = |part: u64| part as f64 * 100.0 / received as f64;
    Ok(outcome.noted(format!(
        "{:.1} % of the packets held, {} at the end; {:.2} % dropped",
        percent(queued),
        after.held,
        percent(dropped)
    )))
}

/// The policy that shapes the poor band.
fn shaping(packets_per_s: u32) -> anyhow::Result<Policy> {
    let poor = format!("poor = {{ queue = {{ packets = \"{packets_per_s}pps\", packet_burst = 1 }} }}");
    policy::compile(&policy::forward_text().replace("poor = \"pass\"", &poor))
}

/// A worker that knows every client, a tenth of them as poor.
fn judged(bench: &Bench, road: &mut Road, policy: Policy, clients: u32) -> anyhow::Result<Subject> {
    let limits = Limits { queue_packets: HELD, ..limits(clients / 2 * 3) };
    let stamp = Stamp::v4(Draw::sequence(clients));
    let mut subject = Subject::new(policy, limits, road.ports(), stamp, bench.cycles);
    acquaint(bench, road, &mut subject, clients)?;
    subject.stamp = uniform(clients);
    nudge(bench, road, &mut subject, (0..clients).step_by(SHAPED_ONE_IN), POOR)?;
    settle(bench, road, &mut subject)?;
    Ok(subject)
}
