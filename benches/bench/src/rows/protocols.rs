//! Rows B20 and B21: IPv6 against IPv4, and TCP in both directions.

use std::cell::RefCell;

use repute_model::Limits;
use repute_traffic::net::tcp::flag;

use super::against::{MILLION, acquaint, difference, measure, settle, uniform, warm};
use crate::bench::Bench;
use crate::capture::Traffic;
use crate::contender::{Elsewhere, Plain, Way};
use crate::policy;
use crate::row::Outcome;
use crate::stamp::{Draw, Ends, Stamp};
use crate::subject::{Subject, limits};

/// TCP connections, each of a client of its own.
const CONNECTIONS: u32 = 100_000;
/// Room for all connections among the remembered requests.
const CONTACTS: u32 = 1 << 18;
const DATA: u8 = flag::PSH | flag::ACK;

pub fn b20(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(MILLION);
    let (mut v4, mut v6) = (bench.road(&[Traffic::Udp])?, bench.road(&[Traffic::Udp6])?);
    let stamp_v4 = uniform(clients);
    let stamp_v6 = Stamp { draw: Draw::uniform(clients), ends: Ends::V6 };
    let mut judged_v4 = warm(bench, &mut v4, clients, stamp_v4.clone())?;
    let mut judged_v6 = warm(bench, &mut v6, clients, stamp_v6.clone())?;
    let (mut plain_v4, mut plain_v6) = (Plain::new(Way::Send), Plain::new(Way::Send));
    let mut stamped_v4 = Plain::stamped(Way::Send, stamp_v4);
    let mut stamped_v6 = Plain::stamped(Way::Send, stamp_v6);
    let v6 = RefCell::new(v6);
    let costs = bench.slices.compare(
        &mut v4,
        &mut [
            &mut plain_v4,
            &mut stamped_v4,
            &mut judged_v4,
            &mut Elsewhere::new(&v6, &mut plain_v6),
            &mut Elsewhere::new(&v6, &mut stamped_v6),
            &mut Elsewhere::new(&v6, &mut judged_v6),
        ],
    )?;
    for (subject, road) in [(&mut judged_v4, &v4), (&mut judged_v6, &v6.borrow())] {
        subject.check()?;
        road.tally()?;
    }
    let judged =
        |first| difference(&costs.of(first + 2), &difference(&costs.of(first + 1), &costs.of(first)));
    Ok(Outcome::compared(&judged(3), &judged(0)))
}

pub fn b21(bench: &mut Bench) -> anyhow::Result<Outcome> {
    let clients = bench.clients(CONNECTIONS);
    let mut road = bench.road(&[Traffic::TcpRequests, Traffic::TcpReplies])?;
    let in_turn = |flags| Stamp { draw: Draw::sequence(clients), ends: Ends::Tcp { flags } };
    let limits = Limits { contacts: CONTACTS, ..limits(clients * 2) };
    let handshake = in_turn([flag::SYN, flag::SYN | flag::ACK]);
    let mut subject = Subject::new(policy::forward()?, limits, road.ports(), handshake, bench.cycles);
    // Every connection is opened, answered, and used in both directions.
    bench.slices.run_packets(&mut road, &mut subject, u64::from(clients) * 2);
    subject.stamp = in_turn([flag::ACK, DATA]);
    bench.slices.run_packets(&mut road, &mut subject, u64::from(clients) * 2);
    subject.stamp = in_turn([DATA; 2]);
    acquaint(bench, &mut road, &mut subject, clients)?;
    subject.stamp = Stamp { draw: Draw::uniform(clients), ends: Ends::Tcp { flags: [DATA; 2] } };
    settle(bench, &mut road, &mut subject)?;
    measure(bench, &mut road, &mut subject, Way::SwapMacs)
}
