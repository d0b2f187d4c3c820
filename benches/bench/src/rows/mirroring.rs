//! Row B12: one packet in a thousand is copied to a mirror port, against the same path without.

use anyhow::ensure;
use repute_engine::MirrorSetup;
use repute_model::Policy;

use super::against::{MILLION, acquaint, difference, settle, uniform};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::{Plain, Way};
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::stats::bootstrap;
use crate::subject::{Around, Subject, limits};

/// One packet in so many of each band.
const ONE_IN: u64 = 1_000;
/// Copies are only allowed where there is somebody to take them.
const PORTS: &str = "[ports.outside]\nrole = \"outside\"\n[ports.inside]\nrole = \"inside\"\n\
                     [ports.tap]\nrole = \"mirror\"\n[mirror]\nport = \"tap\"\n";
/// The listener's port.
const MIRROR: MirrorSetup = MirrorSetup { port: 1, bytes: 128, bytes_per_s: 1_250_000_000, tunnel: None };

pub fn b12(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(MILLION);
    let mut road = bench.road_with_listener(Traffic::Udp)?;
    let mirror = Some(MIRROR);
    let mut mirrored = judged(bench, &mut road, mirroring()?, mirror, clients)?;
    let mut unmirrored = judged(bench, &mut road, policy::forward()?, None, clients)?;
    let before = *mirrored.account();
    let mut plain = Plain::new(Way::Send);
    let mut stamped = Plain::stamped(Way::Send, uniform(clients));
    let costs =
        bench.slices.compare(&mut road, &mut [&mut plain, &mut stamped, &mut unmirrored, &mut mirrored])?;
    unmirrored.check()?;
    mirrored.check()?;
    road.tally()?;
    let after = *mirrored.account();
    let copies = after.ports[1].mirrored - before.ports[1].mirrored;
    let received = after.ports[0].received - before.ports[0].received;
    ensure!(copies * ONE_IN * 2 > received, "only {copies} of {received} packets were copied");
    let generator = difference(&costs.of(1), &costs.of(0));
    let (ours, reference) = (difference(&costs.of(3), &generator), difference(&costs.of(2), &generator));
    let ratios: Vec<_> = reference.iter().zip(&ours).map(|(reference, ours)| reference / ours).collect();
    let outcome = Outcome::compared(&ours, &reference);
    let note = format!(
        "{copies} copies of {received} packets; the range is the 95 % bootstrap interval of the median"
    );
    Ok(Outcome { ratio: Some(bootstrap(&ratios)), ..outcome }.noted(note))
}

/// The policy that copies from every band.
fn mirroring() -> anyhow::Result<Policy> {
    let copied = format!("{{ mirror = {{ one_in = {ONE_IN} }} }}");
    policy::compile(&(policy::forward_text().replace("\"pass\"", &copied) + PORTS))
}

/// A worker that knows every client.
fn judged(
    bench: &Bench,
    road: &mut Road,
    policy: Policy,
    mirror: Option<MirrorSetup>,
    clients: u32,
) -> anyhow::Result<Subject> {
    let stamp = Stamp::v4(Draw::sequence(clients));
    let around = Around { mirror, ..Around::default() };
    let limits = limits(clients / 2 * 3);
    let mut subject = Subject::with(policy, limits, road.ports(), stamp, bench.cycles, around);
    acquaint(bench, road, &mut subject, clients)?;
    subject.stamp = uniform(clients);
    settle(bench, road, &mut subject)?;
    Ok(subject)
}
