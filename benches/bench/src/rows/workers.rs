//! Rows B15 and B23: two workers on two cores against one, and handing over against not handing over.

use std::cell::RefCell;

use anyhow::{Context, ensure};
use repute_engine::handover::{SLOTS_MAX as SLOTS, mesh};
use repute_engine::{Account, Team, crowd_mesh};
use repute_model::{Address, Limits, Owners, Reason, Source, Width};

use super::against::{MILLION, settle, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::policy;
use crate::ring::Ring;
use crate::road::Road;
use crate::row::Outcome;
use crate::second::{Second, Together};
use crate::stamp::{Draw, Stamp, client};
use crate::subject::{Around, Subject, limits};

const WORKERS: u16 = 2;
/// Keys the leader's sums of the crowds.
const SEED: u64 = 0x7465_616d;

pub fn b15(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(MILLION);
    let mut pair = Pair::new(bench, clients)?;
    // As many sources as each of the two has: what is compared is the second core, not a smaller table.
    let mut alone = warm(bench, &mut pair.road, clients / 2, uniform(clients / 2))?;
    let mut together = Together { first: &pair.first, second: &pair.second, other_stamp: false };
    let costs = bench.slices.compare(&mut pair.road, &mut [&mut alone, &mut together])?;
    alone.check()?;
    let total = pair.finish()?;
    ensure!(total.ports[0].handed == 0, "{} packets were handed over", total.ports[0].handed);
    let outcome = Outcome::compared(&costs.of(1), &costs.of(0));
    Ok(outcome.noted(format!("{} sources each; {} rounds dropped", clients / 2, costs.dropped)))
}

pub fn b23(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(MILLION);
    let mut pair = Pair::new(bench, clients)?;
    let mut kept = Together { first: &pair.first, second: &pair.second, other_stamp: false };
    let mut handed = Together { first: &pair.first, second: &pair.second, other_stamp: true };
    let costs = bench.slices.compare(&mut pair.road, &mut [&mut kept, &mut handed])?;
    let total = pair.finish()?;
    let (given, refused) = (total.ports[0].handed, total.ports[0].dropped[Reason::HandOverFull.index()]);
    ensure!(given > 0, "nothing was handed over");
    // Half of what comes is another's. What a full ring refuses was received and is not delivered.
    let delivered = 1.0 - refused as f64 / (2 * (given + refused)) as f64;
    let ours: Vec<_> = costs.of(1).iter().map(|cost| cost / delivered).collect();
    let outcome = Outcome::compared(&ours, &costs.of(0));
    Ok(outcome.noted(format!(
        "{given} packets handed over; {refused} found a ring of {SLOTS} full and count as not delivered"
    )))
}

/// Two workers that share the clients, each on a core and a road of its own. They draw among the clients they own,
/// and with their other stamps among all.
struct Pair {
    first: RefCell<Subject>,
    road: Road,
    second: Second,
}

impl Pair {
    fn new(bench: &mut Bench, clients: u32) -> anyhow::Result<Self> {
        let clients: Vec<_> = (0..clients).collect();
        let crowds = crowd_mesh(WORKERS, Limits::DEFAULT.crowds * u32::from(WORKERS), SEED);
        let mut ways = mesh(WORKERS, SLOTS).into_iter().zip(crowds);
        let mut member = |bench: &mut Bench, number| {
            let mut road = bench.road(&[Traffic::Udp])?;
            let (peers, crowds) = ways.next().context("too few ways for the workers")?;
            let team = Team { owners: Owners::Hash { workers: WORKERS }, peers };
            let around = Around { team: Some(team), crowds: Some(crowds), ..Around::default() };
            let subject = member(bench, &mut road, &clients, number, around)?;
            anyhow::Ok((subject, road))
        };
        let (first, road) = member(bench, 0)?;
        let (second, second_road) = member(bench, 1)?;
        let core = *bench.cores.get(1).context("two cores are needed")?;
        let second = Second::start(&bench.eal, bench.cycles, core, second, second_road)?;
        Ok(Self { first: RefCell::new(first), road, second })
    }

    /// Ends both and checks what they counted, which is added up.
    fn finish(self) -> anyhow::Result<Account> {
        let Self { first, road, second } = self;
        let (mut first, (mut second, second_road)) = (first.into_inner(), second.finish()?);
        for (subject, road) in [(&mut first, road), (&mut second, second_road)] {
            subject.check()?;
            road.tally()?;
        }
        Ok(first.account().plus(second.account()))
    }
}

/// A worker that knows the clients it owns. It draws among them, and with its other stamp among all.
fn member(
    bench: &Bench,
    road: &mut Road,
    clients: &[u32],
    number: u16,
    around: Around,
) -> anyhow::Result<Subject> {
    let owners = Owners::Hash { workers: WORKERS };
    let owned: Vec<u32> =
        clients.iter().copied().filter(|&client| owner(&owners, client) == number).collect();
    let limits = limits(u32::try_from(owned.len())? / 2 * 3);
    let in_order = Stamp::v4(Draw::Drawn(Ring::in_order(&owned)));
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
