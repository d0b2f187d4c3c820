//! Ready-made plans.

use crate::{
    attack::{Carpet, Drift, Kind, Proto, Reflection, Scan, SynFlood},
    benign::{Clients, Dns, Ntp, Outbound, Ping, Quic, Retry, Sessions},
    plan::{Component, Plan},
};

/// A named plan of 60 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Everything: 15 s of calm, then scans, drift and floods beside the wanted traffic.
    Demo,
    /// Wanted traffic alone.
    Benign,
    /// Wanted traffic and every kind of scan.
    Scans,
    /// Wanted traffic and every kind of flood.
    Floods,
    /// No component: those described by flags are all there is.
    Empty,
}

const S: u64 = 1_000_000;

impl Preset {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("demo", Self::Demo),
        ("benign", Self::Benign),
        ("scans", Self::Scans),
        ("floods", Self::Floods),
        ("empty", Self::Empty),
    ];

    /// The plan with this seed.
    pub fn plan(self, seed: u64) -> Plan {
        let parts = match self {
            Self::Demo => vec![benign(), scans(), floods(), drift()],
            Self::Benign => vec![benign()],
            Self::Scans => vec![benign(), scans()],
            Self::Floods => vec![benign(), floods(), drift()],
            Self::Empty => vec![],
        };
        Plan { seed, duration_us: 60 * S, components: parts.concat() }
    }
}

fn benign() -> Vec<Component> {
    vec![
        Component::Clients(Clients::default()),
        Component::Sessions(Sessions::default()),
        Component::Dns(Dns::default()),
        Component::Outbound(Outbound::default()),
        Component::Ntp(Ntp::default()),
        Component::Quic(Quic::default()),
        Component::Ping(Ping::default()),
        Component::Retry(Retry::default()),
    ]
}

/// Fast ones from 15 s on; slow ones as well, so that they have time to add up.
fn scans() -> Vec<Component> {
    use Kind::{Horizontal, Vertical};
    use Proto::{Icmp, Tcp, Udp};
    let table = [
        // shape, protocol, rate, probes, sources, start, port
        (Horizontal, Tcp, 2.0, 85, 2, 16, 22),
        (Horizontal, Tcp, 20.0, 600, 3, 18, 443),
        (Horizontal, Tcp, 500.0, 3000, 1, 20, 445),
        (Horizontal, Udp, 20.0, 500, 2, 22, 53),
        (Horizontal, Icmp, 50.0, 508, 1, 24, 1),
        (Vertical, Tcp, 2.0, 80, 1, 15, 1),
        (Vertical, Tcp, 20.0, 500, 2, 26, 1),
        (Vertical, Tcp, 500.0, 3000, 1, 28, 1),
        (Vertical, Udp, 20.0, 500, 1, 27, 1),
    ];
    let scan = |(kind, proto, rate, probes, sources, start_s, port)| {
        let target = if proto == Udp { 53 } else { 10 };
        let start_us = start_s * S;
        Component::Scan(Scan {
            kind,
            proto,
            rate,
            probes,
            sources,
            start_us,
            port,
            target,
            ..Scan::default()
        })
    };
    table.into_iter().map(scan).collect()
}

/// From 30 s on, so that the wanted sources have a history.
fn floods() -> Vec<Component> {
    let each = SynFlood { sources: None, rate: 2500.0, start_us: 44 * S, target: 12, ..SynFlood::default() };
    vec![
        Component::SynFlood(SynFlood::default()),
        Component::SynFlood(each),
        Component::Reflection(Reflection::default()),
        Component::Carpet(Carpet::default()),
    ]
}

fn drift() -> Vec<Component> {
    vec![Component::Drift(Drift::default())]
}
