//! Rows B15 and B23: two workers on two cores against one, and handing over against not handing over.

use std::cell::RefCell;

use anyhow::{Context, ensure};
use dpdk::Mbuf;
use repute_engine::Team;
use repute_engine::handover::{Peers, mesh};
use repute_model::{Address, Limits, Owners, Reason, Source, Width};

use super::against::{MILLION, settle, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::policy;
use crate::ring::Ring;
use crate::road::Road;
use crate::row::Outcome;
use crate::second::{Alone, Second, Together};
use crate::stamp::{Draw, Stamp, client};
use crate::subject::{Around, Subject, limits};

const WORKERS: u16 = 2;

pub fn b15(bench: &mut Bench) -> anyhow::Result<Outcome> {
    // Each worker owns half of the sources, as two shards do.
    let clients = bench.clients(MILLION / 2);
    let (mut first_road, mut second_road) = (bench.road(&[Traffic::Udp])?, bench.road(&[Traffic::Udp])?);
    let first = RefCell::new(warm(bench, &mut first_road, clients, uniform(clients))?);
    let second = warm(bench, &mut second_road, clients, uniform(clients))?;
    let second = on_other_core(bench, second, second_road)?;
    let mut together = Together { first: &first, second: &second, other_stamp: false };
    let costs = bench.slices.compare(&mut first_road, &mut [&mut Alone(&first), &mut together])?;
    let (mut second, second_road) = second.finish()?;
    check(&mut first.borrow_mut(), &first_road)?;
    check(&mut second, &second_road)?;
    let outcome = Outcome::compared(&costs.of(1), &costs.of(0));
    Ok(outcome.noted(format!("{clients} sources each; {} rounds dropped", costs.dropped)))
}

pub fn b23(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients: Vec<_> = (0..bench.clients(MILLION)).collect();
    let slots = usize::try_from(Limits::DEFAULT.hand_over)?;
    let mut ways = mesh(WORKERS, slots).into_iter();
    let (mut first_road, mut second_road) = (bench.road(&[Traffic::Udp])?, bench.road(&[Traffic::Udp])?);
    let first = member(bench, &mut first_road, &clients, 0, ways.next().context("no way out")?)?;
    let second = member(bench, &mut second_road, &clients, 1, ways.next().context("no way out")?)?;
    let first = RefCell::new(first);
    let second = on_other_core(bench, second, second_road)?;
    let mut kept = Together { first: &first, second: &second, other_stamp: false };
    let mut handed = Together { first: &first, second: &second, other_stamp: true };
    let costs = bench.slices.compare(&mut first_road, &mut [&mut kept, &mut handed])?;
    let (mut second, second_road) = second.finish()?;
    check(&mut first.borrow_mut(), &first_road)?;
    check(&mut second, &second_road)?;
    let total = first.borrow_mut().account().plus(second.account());
    let (given, refused) = (total.ports[0].handed, total.ports[0].dropped[Reason::HandOverFull.index()]);
    ensure!(given > 0, "nothing was handed over");
    // Half of what comes is another's. What a full ring refuses was received and is not delivered.
    let delivered = 1.0 - refused as f64 / (2 * (given + refused)) as f64;
    let ours: Vec<_> = costs.of(1).iter().map(|cost| cost / delivered).collect();
    let outcome = Outcome::compared(&ours, &costs.of(0));
    Ok(outcome.noted(format!(
        "{given} packets handed over; {refused} found a ring of {slots} full and count as not delivered"
    )))
}

/// A worker that knows the clients it owns. It draws among them, and with its other stamp among all.
fn member(
    bench: &Bench,
    road: &mut Road,
    clients: &[u32],
    number: u16,
    peers: Peers<Mbuf>,
) -> anyhow::Result<Subject> {
    let owners = Owners::Hash { workers: WORKERS };
    let owned: Vec<u32> =
        clients.iter().copied().filter(|&client| owner(&owners, client) == number).collect();
    let limits = limits(u32::try_from(owned.len())? / 2 * 3);
    let in_order = Stamp::v4(Draw::Drawn(Ring::in_order(&owned)));
    let around = Around { team: Some(Team { owners, peers }), ..Around::default() };
    let policy = policy::forward()?;
    let mut subject = Subject::with(policy, limits, road.ports(), in_order, bench.cycles, around);
    bench.slices.run_packets(road, &mut subject, owned.len() as u64);
    subject.stamp = Stamp::v4(Draw::Drawn(Ring::among(&owned)));
    settle(bench, road, &mut subject)?;
    subject.other_stamp = Some(Stamp::v4(Draw::Drawn(Ring::among(clients))));
    Ok(subject)
}

fn owner(owners: &Owners, number: u32) -> u16 {
    Source::of(Address::v4(client(number)), Width::OUTSIDE).map_or(0, |source| owners.owner(source))
}

fn on_other_core(bench: &Bench, subject: Subject, road: Road) -> anyhow::Result<Second> {
    let core = *bench.cores.get(1).context("two cores are needed")?;
    Second::start(&bench.eal, bench.cycles, core, subject, road)
}

fn check(subject: &mut Subject, road: &Road) -> anyhow::Result<()> {
    subject.check()?;
    road.tally().map(drop)
}
