//! Rows B7a and B7b: what is dropped, against only receiving and freeing.

use anyhow::ensure;

use super::against::{MILLION, acquaint, measure, nudge, settle, uniform};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::Way;
use crate::lists::with_feed;
use crate::policy;
use crate::road::Road;
use crate::row::Outcome;
use crate::stamp::{Draw, Stamp};
use crate::subject::{Subject, limits};

/// The default profile: the malicious band is dropped and logged.
const INGRESS: &str = "[profiles.ingress]";
/// Takes any score away.
const CONDEMNED: i16 = -10_000;
/// Packets in a thousand that may pass where all are to be dropped.
const PASSED_PER_MILLE: u64 = 1;

pub fn b7a(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(1_000);
    let mut road = bench.road(&[Traffic::Udp])?;
    let stamp = Stamp::v4(Draw::sequence(clients));
    let policy = policy::compile(INGRESS)?;
    let mut subject = Subject::new(policy, limits(clients * 2), road.ports(), stamp, bench.cycles);
    acquaint(bench, &mut road, &mut subject, clients)?;
    nudge(bench, &mut road, &mut subject, 0..clients, CONDEMNED)?;
    subject.stamp = uniform(clients);
    settle(bench, &mut road, &mut subject)?;
    dropped(bench, &mut road, &mut subject)
}

pub fn b7b(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let sources = bench.clients(MILLION);
    let mut road = bench.road(&[Traffic::Udp])?;
    let policy = with_feed(policy::compile(INGRESS)?, sources);
    let stamp = Stamp::v4(Draw::listed(sources));
    let mut subject = Subject::new(policy, limits(sources), road.ports(), stamp, bench.cycles);
    settle(bench, &mut road, &mut subject)?;
    let outcome = dropped(bench, &mut road, &mut subject)?;
    let tracked = subject.account().tracked;
    ensure!(tracked == 0, "{tracked} of {sources} listed sources got an entry ({})", outcome.note);
    Ok(outcome)
}

/// Measures a worker that is to drop everything, and checks that it does.
fn dropped(bench: &Bench, road: &mut Road, subject: &mut Subject) -> anyhow::Result<Outcome> {
    let before = *subject.account();
    let outcome = measure(bench, road, subject, Way::Free)?;
    let after = *subject.account();
    let received = after.ports[0].received - before.ports[0].received;
    let passed = after.ports[0].forwarded - before.ports[0].forwarded;
    ensure!(
        passed * 1_000 <= received * PASSED_PER_MILLE,
        "{passed} of {received} packets passed where all were to be dropped"
    );
    Ok(outcome)
}
