//! Row B0: what the harness itself costs, against DPDK's own testpmd.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::{Contender, Plain, Way};
use crate::row::Outcome;
use crate::stats::median;
use crate::testpmd::{Mode, Testpmd};

/// Turns of each side.
const TURNS: usize = 7;
/// Length of testpmd's turn.
const TURN: Duration = Duration::from_millis(400);

/// The worse of the two comparisons.
pub fn b0(bench: &mut Bench) -> anyhow::Result<Outcome> {
    ensure!(bench.eal.memory().is_huge(), "testpmd needs huge pages beside those of the bench");
    let mut road = bench.road(&[Traffic::Udp])?;
    let (core, others) = bench.cores.split_first().context("no core")?;
    let other = others.first().context("testpmd's command line needs a second core")?;
    let mut testpmd = Testpmd::start(&bench.capture(Traffic::Udp), other.id, core.id)?;
    let mut own: [Vec<f64>; 2] = Default::default();
    let mut peer: [Vec<f64>; 2] = Default::default();
    let to_cycles = bench.cycles.hz() as f64 / 1e9;
    let mut plain = [Plain::new(Way::Send), Plain::new(Way::SwapMacs)];
    let [io, macswap] = &mut plain;
    let contenders: &mut [&mut dyn Contender] = &mut [io, macswap];
    for _ in 0..TURNS {
        for (mode, costs) in [Mode::Io, Mode::MacSwap].into_iter().zip(&mut peer) {
            costs.push(testpmd.measure(mode, TURN)? * to_cycles);
        }
        let costs = bench.slices.compare(&mut road, contenders)?;
        own.iter_mut().enumerate().for_each(|(i, own)| own.push(median(&costs.of(i))));
    }
    road.tally()?;
    let [io, macswap] = [0, 1].map(|i| Outcome::compared(&own[i], &peer[i]));
    let ratio = |outcome: &Outcome| outcome.ratio.map_or(f64::NAN, |ratio| ratio.median);
    let note = format!(
        "rx+tx {:.2} of io, macswap {:.2} of macswap; the worse one counts",
        ratio(&io),
        ratio(&macswap)
    );
    let worse = if ratio(&io) < ratio(&macswap) { io } else { macswap };
    Ok(worse.noted(note))
}
