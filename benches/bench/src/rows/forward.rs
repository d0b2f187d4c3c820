//! Rows B1 to B6: the whole path over tables of growing size, against swapping MAC addresses; B9 and B10: the same
//! against l3fwd as it was measured elsewhere.

use super::against::{MILLION, measure, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::Way;
use crate::ring::Ring;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::stats::Spread;

/// What l3fwd reached of macswap's packet rate in a run of the reference machine, by its kind of look-up.
const L3FWD_EXACT_MATCH: f64 = 0.47;
/// With 1 000 rules.
const L3FWD_ACL: f64 = 0.345;

pub fn b1(bench: &mut Bench) -> anyhow::Result<Outcome> {
    against_macswap(bench, Traffic::Udp, 1_000, uniform)
}

pub fn b2(bench: &mut Bench) -> anyhow::Result<Outcome> {
    against_macswap(bench, Traffic::Udp, 100_000, uniform)
}

pub fn b3(bench: &mut Bench) -> anyhow::Result<Outcome> {
    against_macswap(bench, Traffic::Udp, MILLION, uniform)
}

pub fn b4(bench: &mut Bench) -> anyhow::Result<Outcome> {
    against_macswap(bench, Traffic::Udp, 10_000_000, uniform)
}

pub fn b5(bench: &mut Bench) -> anyhow::Result<Outcome> {
    against_macswap(bench, Traffic::Udp, MILLION, |clients| Stamp::v4(Draw::Drawn(Ring::zipf(clients))))
}

pub fn b6(bench: &mut Bench) -> anyhow::Result<Outcome> {
    against_macswap(bench, Traffic::Imix, MILLION, uniform)
}

pub fn b9(bench: &mut Bench) -> anyhow::Result<Outcome> {
    Ok(derived(b1(bench)?, L3FWD_EXACT_MATCH))
}

pub fn b10(bench: &mut Bench) -> anyhow::Result<Outcome> {
    Ok(derived(b3(bench)?, L3FWD_ACL))
}

fn against_macswap(
    bench: &mut Bench,
    traffic: Traffic,
    clients: u32,
    stamp: fn(u32) -> Stamp,
) -> anyhow::Result<Outcome> {
    let clients = bench.clients(clients);
    let mut road = bench.road(&[traffic])?;
    let mut subject = warm(bench, &mut road, clients, stamp(clients))?;
    measure(bench, &mut road, &mut subject, Way::SwapMacs)
}

/// Against a program that reached `share` of macswap's packet rate in another run.
fn derived(outcome: Outcome, share: f64) -> Outcome {
    let scaled = |spread: Spread| Spread {
        low: spread.low / share,
        median: spread.median / share,
        high: spread.high / share,
    };
    Outcome {
        reference: outcome.reference.map(|macswap| macswap / share),
        ratio: outcome.ratio.map(scaled),
        derived: true,
        note: format!("reference: {share} of macswap, from a run elsewhere; l3fwd is not packaged"),
        ..outcome
    }
}
