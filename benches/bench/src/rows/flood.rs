//! Rows B8 and B8b: a full table, and nothing but sources that nobody has ever seen.

use anyhow::ensure;

use super::against::{MILLION, acquaint, difference, measure, settle, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::{Plain, Way};
use crate::lists::with_feed;
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::subject::{Subject, limits};

pub fn b8(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let mut road = bench.road(&[Traffic::Udp])?;
    let mut subject = flooded(bench, &mut road)?;
    measure(bench, &mut road, &mut subject, Way::SwapMacs)
}

/// The same against B3.
pub fn b8b(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let mut road = bench.road(&[Traffic::Udp])?;
    let clients = bench.clients(MILLION);
    let mut calm = warm(bench, &mut road, clients, uniform(clients))?;
    let mut flooded = flooded(bench, &mut road)?;
    let mut plain = Plain::new(Way::Send);
    let mut uniform = Plain::stamped(Way::Send, uniform(clients));
    let mut strangers = Plain::stamped(Way::Send, Stamp::v4(Draw::strangers()));
    let costs = bench
        .slices
        .compare(&mut road, &mut [&mut plain, &mut uniform, &mut strangers, &mut calm, &mut flooded])?;
    calm.check()?;
    flooded.check()?;
    road.tally()?;
    let without_generator = |worker: usize, generator: usize| {
        difference(&costs.of(worker), &difference(&costs.of(generator), &costs.of(0)))
    };
    Ok(Outcome::compared(&without_generator(4, 2), &without_generator(3, 1)))
}

/// A worker with a full table and a feed that names none of those who send.
fn flooded(bench: &Bench, road: &mut Road) -> anyhow::Result<Subject> {
    let clients = bench.clients(MILLION);
    let policy = with_feed(policy::forward()?, clients);
    let stamp = Stamp::v4(Draw::sequence(clients));
    let mut subject = Subject::new(policy, limits(clients), road.ports(), stamp, bench.cycles);
    acquaint(bench, road, &mut subject, clients)?;
    subject.stamp = Stamp::v4(Draw::strangers());
    let before = subject.account().strangers;
    settle(bench, road, &mut subject)?;
    ensure!(subject.account().strangers > before, "no stranger was seen");
    Ok(subject)
}
