//! Scans: one port over the whole network and beyond, many ports on one host, or an ICMP sweep.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{probe::Probe, victim::Unreachable};
use crate::{
    address::protected,
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    net::Host,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// The shape of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One port on many hosts.
    Horizontal,
    /// Many ports on one host.
    Vertical,
}

/// What a scan sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proto {
    /// SYNs.
    Tcp,
    /// Datagrams.
    Udp,
    /// Echo requests.
    Icmp,
}

/// A scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Its shape.
    pub kind: Kind,
    /// What it sends.
    pub proto: Proto,
    /// Probes per second of each source.
    pub rate: f64,
    /// Probes of each source.
    pub probes: u32,
    /// Sources, each scanning on its own.
    pub sources: u32,
    /// Start of the first source, microseconds; the others follow within a second.
    pub start_us: u64,
    /// The port of a horizontal scan.
    pub port: u16,
    /// Last number of the host of a vertical scan.
    pub target: u8,
    /// Share of the open TCP ports where the handshake is completed before the reset.
    pub complete: f64,
    /// Name in labels; made from shape, protocol and rate when absent.
    pub name: Option<String>,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            kind: Kind::Horizontal,
            proto: Proto::Tcp,
            rate: 20.0,
            probes: 300,
            sources: 1,
            start_us: 15_000_000,
            port: 443,
            target: 10,
            complete: 0.2,
            name: None,
        }
    }
}

impl Parameters for Scan {
    const FLAG: &'static str = "scan";
    const KEYS: &'static str = "kind, proto, rate, probes, sources, start, port, target, complete, name";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "kind" => {
                self.kind = value.choice(&[("horizontal", Kind::Horizontal), ("vertical", Kind::Vertical)])?
            }
            "proto" => {
                self.proto =
                    value.choice(&[("tcp", Proto::Tcp), ("udp", Proto::Udp), ("icmp", Proto::Icmp)])?;
            }
            "rate" => self.rate = value.rate()?,
            "probes" => self.probes = value.count(1..=1_000_000)?,
            "sources" => self.sources = value.count(1..=1_000_000)?,
            "start" => self.start_us = value.time()?,
            "port" => self.port = value.port()?,
            "target" => self.target = value.number()?,
            "complete" => self.complete = value.share()?,
            "name" => self.name = Some(value.name()?),
            _ => return Err(value.unknown()),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), SpecError> {
        if self.kind == Kind::Vertical && self.proto == Proto::Icmp {
            return Err(SpecError::Value {
                flag: Self::FLAG,
                key: "proto".into(),
                value: "icmp".into(),
                expected: "tcp or udp with kind=vertical, as ICMP has no ports".into(),
            });
        }
        Ok(())
    }
}

impl Scan {
    /// The name in labels.
    pub fn name(&self) -> String {
        let made = || match (self.kind, self.proto) {
            (_, Proto::Icmp) => format!("sweep-icmp-{}", self.rate),
            (Kind::Horizontal, proto) => format!("scan-horizontal-{}-{}", text(proto), self.rate),
            (Kind::Vertical, proto) => format!("scan-vertical-{}-{}", text(proto), self.rate),
        };
        self.name.clone().unwrap_or_else(made)
    }

    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.sources);
        let mut agenda = Agenda::default();
        let scanners: Vec<Scanner> = (0..self.sources)
            .map(|who| {
                let start_us = self.start_us + if who == 0 { 0 } else { rng.between(0, 1_000_000) };
                agenda.add(start_us, who);
                let (delay_us, offset) = (rng.between(10_000, 150_000), rng.word() % 50_000);
                Scanner { host: pool.host(who, &mut rng), delay_us, offset, start_us, sent: 0 }
            })
            .collect();
        let tag = Tag::attack(&self.name());
        let unreachable = Unreachable::default();
        Box::new(Scanning { parameters: self.clone(), scanners, agenda, tag, unreachable, rng })
    }

    /// Target and port of a scanner's probe.
    fn aim(&self, probe: u32, offset: u32, v6: bool) -> (IpAddr, u16) {
        match self.kind {
            Kind::Vertical => {
                // 7919 is prime to 65535: every port comes once before any comes twice.
                let place = u64::from(probe) * 7919 + u64::from(offset);
                (protected(self.target, v6), (place % 65_535) as u16 + 1)
            }
            Kind::Horizontal => {
                let port = if self.proto == Proto::Icmp { probe as u16 } else { self.port };
                (sweep(probe, offset, v6), port)
            }
        }
    }
}

fn text(proto: Proto) -> &'static str {
    match proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
        Proto::Icmp => "icmp",
    }
}

/// The protected network in a shuffled order, then the neighbouring networks, where nobody lives.
fn sweep(probe: u32, offset: u32, v6: bool) -> IpAddr {
    const HOSTS: u32 = 254;
    let (block, place) = (probe / HOSTS, probe % HOSTS);
    // 37 is prime to 254: every host comes once.
    let number = ((place * 37 + offset) % HOSTS + 1) as u8;
    match (block, v6) {
        (0, _) => protected(number, v6),
        (_, false) => IpAddr::V4(Ipv4Addr::new(203, (block / 142) as u8, 113 + (block % 142) as u8, number)),
        (_, true) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, block as u16, u16::from(number))),
    }
}

struct Scanner {
    host: Host,
    delay_us: u64,
    offset: u32,
    start_us: u64,
    sent: u32,
}

struct Scanning {
    parameters: Scan,
    scanners: Vec<Scanner>,
    agenda: Agenda,
    tag: Tag,
    unreachable: Unreachable,
    rng: Rng,
}

impl Activity for Scanning {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((slot, who)) = self.agenda.take() else { return };
        let (plan, rng) = (&self.parameters, &mut self.rng);
        let scanner = &mut self.scanners[who as usize];
        let (target, dport) = plan.aim(scanner.sent, scanner.offset, scanner.host.address.is_ipv6());
        scanner.sent += 1;
        if scanner.sent < plan.probes {
            let next = scanner.start_us + (f64::from(scanner.sent) * 1e6 / plan.rate) as u64;
            self.agenda.add(next, who);
        }
        // Spread over most of the slot: tools jitter, and timers of hosts are not exact.
        let time = slot + rng.between(0, (0.8e6 / plan.rate) as u64);
        let (sport, delay_us) = (rng.ephemeral_port(), scanner.delay_us);
        let probe = Probe { source: &mut scanner.host, sport, target, dport, time, delay_us, tag: &self.tag };
        match plan.proto {
            Proto::Tcp if probe.is_open() && rng.chance(plan.complete) => probe.connect(rng, out),
            Proto::Tcp => probe.half_open(rng, out),
            Proto::Udp => probe.udp(&mut self.unreachable, rng, out),
            Proto::Icmp => probe.echo(rng, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::address::number_of;

    #[test]
    fn a_sweep_meets_every_host_once_and_goes_on_beyond() {
        let targets: Vec<IpAddr> = (0..300).map(|probe| sweep(probe, 99, false)).collect();
        assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), 300);
        assert_eq!(targets.iter().filter(|&&target| number_of(target).is_some()).count(), 254);
    }

    #[test]
    fn a_vertical_scan_repeats_no_port() {
        let scan = Scan { kind: Kind::Vertical, ..Scan::default() };
        let ports: BTreeSet<u16> = (0..65_535).map(|probe| scan.aim(probe, 17, false).1).collect();
        assert_eq!(ports.len(), 65_535);
    }

    #[test]
    fn icmp_has_no_vertical_scan() {
        let refusal = crate::spec::parse::<Scan>("proto=icmp,kind=vertical").unwrap_err();
        assert!(refusal.to_string().contains("expected tcp or udp"), "{refusal}");
    }
}
