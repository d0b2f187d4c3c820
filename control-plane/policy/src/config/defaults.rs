//! Every default of the config, in one place.
//!
//! Whoever tunes the product tunes here; `configs/reference.toml` repeats these values for operators and
//! a test compares the two.

mod api;
mod dnstap;
mod endpoint;
mod events;
mod factors;
mod feeds;
mod garden;
mod state;

use repute_model::{DomainName, Prefix};

use super::{
    Bands, Baseline, BlockName, Cache, Challenge, CrowdMode, Crowds, DecisionName, Deny, DenyAsn,
    DenyCountry, DenyFile, Destination, Destinations, Dns, Factors, GarbledName, Hours, HoursMode, Idle,
    Inspect, Limits, LinkRule, Meter, Mirror, Mode, ModelName, PathName, Paths, PolicyZone, Port, PortRole,
    Profile, Protect, Queries, QueryFactors, Redirect, SameRate, Sampling, Service, Signature, Soften,
    Sources, Subdomains, SymmetryName, SynAnswerName, Treatment, Treatments, Vxlan, Workers,
};
use crate::value::{
    BitRate, Cidr, Country, Domain, Duration, Int, Ip, Mac, Number, PacketRate, PortSpec, Share, Size, Text,
    Transport,
};

#[expect(clippy::derivable_impls, reason = "the macro that makes keywords derives no default")]
impl Default for Mode {
    fn default() -> Self {
        Self::On
    }
}

impl Profile {
    /// The defaults for judging outside senders.
    pub fn ingress() -> Self {
        Self {
            model: ModelName::WeightedSum,
            decay: Share::new(0.9),
            prior: Share::new(0.75),
            half_life: Duration::new(10 * 60_000),
            evidence_half_life: Duration::new(5 * 60_000),
            window: Duration::new(1_000),
            silence: Duration::new(3_000),
            excuse: Number::new(4.0),
            factors: Factors::ingress(),
            baseline: Baseline::default(),
            hours: Hours::default(),
            bands: Bands::default(),
            treatments: Treatments::default(),
            crowds: Crowds::default(),
        }
    }

    /// The defaults for judging inside senders.
    pub fn egress() -> Self {
        let crowds = Crowds { mode: CrowdMode::Off, ..Crowds::default() };
        let hours = Hours { mode: HoursMode::On, ..Hours::default() };
        let (factors, treatments) = (Factors::egress(), Treatments::egress());
        Self { factors, treatments, hours, crowds, ..Self::ingress() }
    }
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            scoring: Profile { treatments: Treatments::dns(), ..Profile::ingress() },
            queries: Queries::default(),
        }
    }
}

impl Default for Queries {
    fn default() -> Self {
        Self {
            endpoint: None,
            servers: Vec::new(),
            ports: vec![Int::new(53)],
            decision: DecisionName::Bands,
            paths: Paths::default(),
            dry_run: Vec::new(),
            block: BlockName::Drop,
            sinkhole: Redirect::default(),
            challenge: Challenge::default(),
            subdomains: Subdomains::default(),
            same: SameRate::default(),
            cache: Cache::default(),
            honeypots: Vec::new(),
            honeypot_files: Vec::new(),
            zones: Vec::new(),
            malformed: GarbledName::Drop,
            query_factors: QueryFactors::default(),
        }
    }
}

impl PolicyZone {
    pub(super) fn blank() -> Self {
        Self { name: Domain(DomainName::root()), file: Text::UNREAD }
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            excellent: PathName::Cached,
            good: PathName::Cached,
            neutral: PathName::Challenge,
            poor: PathName::Challenge,
            malicious: PathName::Block,
        }
    }
}

impl Default for Subdomains {
    fn default() -> Self {
        Self { misses: Int::new(50), rate: Int::new(10) }
    }
}

impl Default for SameRate {
    fn default() -> Self {
        Self { rate: Int::new(50), slip: Int::new(2) }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            size: Size::new(16 << 20),
            answers: Int::new(65_536),
            ttl_min: Duration::new(0),
            ttl_max: Duration::new(86_400_000),
            negative_max: Duration::new(3_600_000),
            stale_max: Duration::new(0),
        }
    }
}

impl Default for Challenge {
    fn default() -> Self {
        Self {
            lasts: Duration::new(60 * 60_000),
            tries: Int::new(8),
            slip: Int::new(4),
            garden: Redirect::default(),
        }
    }
}

impl Default for Crowds {
    fn default() -> Self {
        Self {
            mode: CrowdMode::On,
            symmetry: SymmetryName::Auto,
            sensitivity: Number::new(1.0),
            syn: SynAnswerName::Retry,
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::ingress()
    }
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            alpha: Share::new(0.1),
            warm_up: Int::new(8),
            floor: PacketRate::new(100),
            floor_bytes: BitRate::new(1_000_000),
        }
    }
}

impl Default for Hours {
    fn default() -> Self {
        Self { mode: HoursMode::Off, weeks: Int::new(4), warm_up: Int::new(3) }
    }
}

impl Default for Bands {
    fn default() -> Self {
        Self {
            excellent: Share::new(0.85),
            good: Share::new(0.65),
            neutral: Share::new(0.45),
            poor: Share::new(0.25),
            hysteresis: Share::new(0.03),
            dwell_worse: Duration::new(5),
            dwell_better: Duration::new(10_000),
        }
    }
}

impl Default for Treatments {
    /// For ingress.
    fn default() -> Self {
        let pass = Treatment::default();
        let logged = Treatment { log: true, ..pass.clone() };
        let meter = Meter {
            packets: Some(PacketRate::new(100)),
            packet_burst: Int::new(50),
            bytes: Some(BitRate::new(10_000_000)),
            byte_burst: Size::new(64 << 10),
        };
        Self {
            excellent: pass.clone(),
            good: pass,
            neutral: logged.clone(),
            poor: Treatment { meter: Some(meter), block_new: true, ..logged.clone() },
            malicious: Treatment { drop: true, ..logged },
        }
    }
}

impl Treatments {
    /// For dns: what is no query is treated as by ingress, but nobody is logged by the packet for his queries.
    fn dns() -> Self {
        let Self { poor, malicious, .. } = Self::default();
        let quiet = |treatment| Treatment { log: false, ..treatment };
        Self {
            neutral: Treatment::default(),
            poor: quiet(poor),
            malicious: quiet(malicious),
            ..Self::default()
        }
    }

    /// For egress: our own hosts are slowed and kept from new connections, never cut off.
    fn egress() -> Self {
        let slow = Meter {
            packets: Some(PacketRate::new(1_000)),
            packet_burst: Int::new(500),
            bytes: Some(BitRate::new(20_000_000)),
            byte_burst: Size::new(256 << 10),
        };
        let crawl = Meter { packets: Some(PacketRate::new(50)), ..Meter::default() };
        let limit =
            |meter| Treatment { log: true, meter: Some(meter), block_new: true, ..Treatment::default() };
        Self { poor: limit(slow), malicious: limit(crawl), ..Self::default() }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self { packets: None, packet_burst: Int::new(50), bytes: None, byte_burst: Size::new(64 << 10) }
    }
}

impl Default for Port {
    fn default() -> Self {
        Self {
            device: None,
            role: PortRole::Both,
            peer: None,
            mtu: Int::new(1500),
            rx_queues: Int::new(0),
            link: LinkRule::Ignore,
        }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self { one_in: Int::new(1_000), first: Int::new(0) }
    }
}

impl Default for Soften {
    fn default() -> Self {
        Self { segments: Int::new(4), mss: Int::new(1_220), round_trips: Int::new(4) }
    }
}

impl Default for Mirror {
    fn default() -> Self {
        Self {
            port: Text::UNREAD,
            bytes: Int::new(128),
            rate: BitRate::new(100_000_000),
            mbufs: Int::new(1_024),
            vxlan: None,
        }
    }
}

impl Default for Vxlan {
    fn default() -> Self {
        Self {
            vni: Int::new(1),
            local: Ip::UNREAD,
            remote: Ip::UNREAD,
            local_mac: Mac::UNREAD,
            remote_mac: Mac::UNREAD,
            port: Int::new(4789),
        }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self { count: Int::new(1), cores: None, idle: Idle::Busy }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sources: Int::new(65_536),
            contacts: Int::new(65_536),
            sweep: Duration::new(500),
            mbufs: Int::new(8_192),
            queue_packets: Int::new(4_096),
            queue_source: Int::new(64),
            queue_horizon: Duration::new(1_000),
            queue_connections: Int::new(1_024),
            hand_over: Int::new(256),
            crowds: Int::new(4096),
            withheld: Int::new(524_288),
            softened: Int::new(4_096),
            excesses: Int::new(1_024),
            pairs: Int::new(1_024),
            queries: Int::new(65_536),
        }
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            outside_v4: Int::new(32),
            outside_v6: Int::new(64),
            inside_v4: Int::new(32),
            inside_v6: Int::new(128),
        }
    }
}

impl Default for Protect {
    fn default() -> Self {
        Self {
            prefixes: Vec::new(),
            ports: Vec::new(),
            bgp_neighbours: Vec::new(),
            control_packets_per_s: Int::new(10_000),
        }
    }
}

impl Default for Destinations {
    fn default() -> Self {
        Self { default: Share::new(1.0), entries: Vec::new() }
    }
}

impl Default for Inspect {
    fn default() -> Self {
        let ports =
            |transport, ports: &[u16]| ports.iter().map(|&port| PortSpec { transport, port }).collect();
        let resolvers =
            [(Transport::Udp, 53), (Transport::Udp, 5353), (Transport::Udp, 5355), (Transport::Tcp, 53)];
        Self {
            bytes: Int::new(512),
            tls: ports(Transport::Tcp, &[443, 465, 636, 853, 990, 993, 995, 8443]),
            http: ports(Transport::Tcp, &[80, 8080]),
            ssh: ports(Transport::Tcp, &[22]),
            dns: resolvers.map(|(transport, port)| PortSpec { transport, port }).to_vec(),
        }
    }
}

impl Default for Signature {
    fn default() -> Self {
        Self { text: None, hex: None, regex: None, ports: Vec::new(), hits: Number::new(1.0) }
    }
}

impl Default for Service {
    fn default() -> Self {
        Self { prefixes: Vec::new(), ports: Vec::new(), criticality: Share::new(0.5), owner: None }
    }
}

/// What stands for a prefix that is required until it is read.
fn unread() -> Cidr {
    Cidr(Prefix::containing(repute_model::Address(0), 128))
}

impl Deny {
    pub(super) fn certain() -> Self {
        Self { prefix: unread(), confidence: Int::new(100) }
    }
}

impl DenyFile {
    pub(super) fn certain() -> Self {
        Self { path: Text::UNREAD, confidence: Int::new(100) }
    }
}

impl DenyCountry {
    pub(super) fn certain() -> Self {
        Self { country: Country::UNREAD, confidence: Int::new(100) }
    }
}

impl DenyAsn {
    pub(super) fn certain() -> Self {
        Self { asn: Int::new(1), confidence: Int::new(100) }
    }
}

impl Destination {
    pub(super) fn blank() -> Self {
        Self { prefix: unread(), score: Share::new(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use crate::compile::limits;
    use crate::config::Config;

    #[test]
    fn sizes_agree_with_the_model() {
        assert_eq!(limits(&Config::default()), repute_model::Limits::DEFAULT);
    }
}
