//! Row B22: hosts of our own, each packet to another destination whose standing counts.

use super::against::{MILLION, acquaint, measure, settle};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::Way;
use crate::lists::with_destinations;
use crate::policy;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::subject::{Around, Subject, limits};

/// Hosts of our own.
const SOURCES: u32 = 10_000;

pub fn b22(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let (sources, destinations) = (bench.clients(SOURCES), bench.clients(MILLION));
    let mut road = bench.road(&[Traffic::Udp])?;
    let policy = with_destinations(policy::egress()?, destinations);
    let around = Around { inside_first: true, ..Around::default() };
    let stamp = Stamp::v4(Draw::sequence(sources));
    let limits = limits(sources / 2 * 3);
    let mut subject = Subject::with(policy, limits, road.ports(), stamp, bench.cycles, around);
    acquaint(bench, &mut road, &mut subject, sources)?;
    subject.stamp = Stamp::v4(Draw::pairs(sources, destinations));
    settle(bench, &mut road, &mut subject)?;
    measure(bench, &mut road, &mut subject, Way::SwapMacs)
}
