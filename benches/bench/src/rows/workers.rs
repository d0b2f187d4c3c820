//! Row B15: two workers on two cores against one.

use std::cell::RefCell;

use anyhow::ensure;

use super::against::{MILLION, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::row::Outcome;
use crate::second::{Alone, Second, Together};

pub fn b15(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let cores = bench.cores.clone();
    ensure!(cores.len() > 1, "two cores are needed");
    // Each worker owns half of the sources, as two shards do.
    let clients = bench.clients(MILLION / 2);
    let (mut first_road, mut second_road) = (bench.road(&[Traffic::Udp])?, bench.road(&[Traffic::Udp])?);
    let first = warm(bench, &mut first_road, clients, uniform(clients))?;
    let second = warm(bench, &mut second_road, clients, uniform(clients))?;
    let first = RefCell::new(first);
    let second = Second::start(&bench.eal, bench.cycles, cores[1], second, second_road)?;
    let costs =
        bench.slices.compare(&mut first_road, &mut [&mut Alone(&first), &mut Together(&first, &second)])?;
    let (mut second, second_road) = second.finish()?;
    second.check()?;
    second_road.tally()?;
    first.borrow_mut().check()?;
    first_road.tally()?;
    let outcome = Outcome::compared(&costs.of(1), &costs.of(0));
    Ok(outcome.noted(format!("{clients} sources each; {} rounds dropped", costs.dropped)))
}
