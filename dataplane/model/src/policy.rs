//! One immutable compiled policy: what a worker judges by.
//!
//! Flat values only. The control plane compiles it, sends it over the ring, and frees it when the
//! worker hands it back; a worker never changes it.

use crate::{
    Address, Band, CrowdRules, Dns, Dwell, Factor, Homes, Inspection, Listing, Located, PortRule,
    PrefixTable, Protect, Score, Side, Thresholds, Treatment, Weighting, Width,
};

/// How factors become a score.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Model {
    /// The default: `prior · (1 − min(1, Σ weight·value))`, worse at once, better by half-life.
    WeightedSum,
    /// E13: `(0.5·old + 0.2·(1 − |volume − baseline| / baseline) + 0.15·destination +
    /// 0.15·criticality) · 0.95` once per interval; the deviation is not clamped.
    EgressInterval,
    /// P11: suspicion `min(100, max(0, (Σ factor·weight) · decay))`, weights in points.
    Suspicion {
        /// The factor that ages the sum, 0..1.
        decay: f64,
    },
}

impl Model {
    /// The name used in config, API, CLI and replay.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WeightedSum => "weighted-sum",
            Self::EgressInterval => "egress-interval",
            Self::Suspicion { .. } => "suspicion",
        }
    }
}

/// How a source's own normal is learnt (EWMA mean and variance, per window).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Baseline {
    /// Weight of the newest window, 0..1.
    pub alpha: f64,
    /// Windows with traffic before a deviation means anything, 1..=255.
    pub warm_up: u8,
    /// Least mean and deviation in packets per second: less is not worth a suspicion.
    pub floor_packets_per_s: f64,
    /// The same for bytes per second.
    pub floor_bytes_per_s: f64,
}

/// A named set of addresses and ports.
#[derive(Clone, PartialEq, Debug)]
pub struct Service {
    /// Its addresses.
    pub prefixes: PrefixTable<()>,
    /// Its ports; empty = all.
    pub ports: Vec<PortRule>,
    /// 0 (a static page) to 1 (the database everything hangs on).
    pub criticality: f64,
}

impl Service {
    /// Whether an address, seen with this protocol and port, belongs to the service.
    pub fn covers(&self, address: Address, protocol: u8, port: u16) -> bool {
        self.prefixes.get(address).is_some()
            && (self.ports.is_empty()
                || self.ports.iter().any(|rule| rule.protocol == protocol && rule.port == port))
    }
}

/// How one direction is judged.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// The scoring model.
    pub model: Model,
    /// Where every source begins and decays to.
    pub prior: Score,
    /// Half-life of the way back to the prior, in ms.
    pub half_life_ms: u64,
    /// Half-life of counted evidence (scans, open connections, errors), in ms.
    pub evidence_half_life_ms: u64,
    /// Length of a measuring window and of E13's interval, in ms.
    pub window_ms: u32,
    /// After how long without an answer a host that answers others counts as silent, in ms.
    pub silence_ms: u32,
    /// How many unused connections one used connection excuses (people behind one address, P2P).
    pub excuse: f64,
    /// Weight and ramp of every factor.
    pub factors: [Weighting; Factor::COUNT],
    /// How the baseline is learnt.
    pub baseline: Baseline,
    /// Where bands begin.
    pub thresholds: Thresholds,
    /// How long a source stays in one.
    pub dwell: Dwell,
    /// Treatment of each band, best first.
    pub treatments: [Treatment; 5],
    /// How floods of strangers are noticed and answered.
    pub crowds: CrowdRules,
}

/// What a worker judges by.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Counted up by the control plane with every change of the config.
    pub version: u64,
    /// Counted up by the control plane with every installation: feeds change `lists` under the same version. What a
    /// worker remembers of a policy it remembers under this number.
    pub edition: u64,
    /// SHA-256 over the validated config that it was compiled from.
    pub digest: [u8; 32],
    /// Whether everything is judged and told and nothing of it done: every packet that has a way out is forwarded.
    pub shadow: bool,
    /// Who is inside where one port carries both sides.
    pub inside: PrefixTable<()>,
    /// How outside senders are judged; `None` = not at all.
    pub ingress: Option<Profile>,
    /// How inside senders are judged; `None` = not at all.
    pub egress: Option<Profile>,
    /// How outside requesters of a DNS server are judged; `None` = not at all.
    pub dns: Option<Dns>,
    /// What always passes.
    pub protect: Protect,
    /// Packets per second and worker that the always-forward class may use.
    pub control_packets_per_s: u32,
    /// Allow and deny lists over sources.
    pub lists: PrefixTable<Listing>,
    /// Where sources are at home; nothing is known where no queries are judged.
    pub homes: Homes,
    /// Standing of destinations.
    pub destinations: PrefixTable<Score>,
    /// Standing of destinations that no entry names.
    pub destination_default: Score,
    /// Services by their number, at most 255.
    pub services: Vec<Service>,
    /// What is looked for in packets of sources whose treatment inspects.
    pub inspection: Inspection,
}

impl Profile {
    /// What the part of a source's traffic gets that did not make it suspicious, where that of its band is for the excess
    /// only: what the next better band gets that is not. All of it is looked into, which costs the source nothing.
    pub fn rest(&self, band: Band) -> Treatment {
        let better = self.treatments[..band.index()].iter().rev().find(|treatment| !treatment.excess_only);
        let better = better.copied().unwrap_or(Treatment::PASS);
        Treatment { inspect: better.inspect || self.treatments[band.index()].inspect, ..better }
    }
}

impl Policy {
    /// How senders are judged; a policy has one profile at most.
    pub fn profile(&self) -> Option<&Profile> {
        let dns = self.dns.as_ref().map(|dns| &dns.profile);
        self.ingress.as_ref().or(self.egress.as_ref()).or(dns)
    }

    /// Which side's addresses have exact state.
    pub const fn owner_side(&self) -> Side {
        if self.ingress.is_some() || self.dns.is_some() { Side::Outside } else { Side::Inside }
    }

    /// How floods of those who send to the protected side are noticed.
    pub fn crowd_rules(&self) -> CrowdRules {
        match (self.owner_side(), self.profile()) {
            (Side::Outside, Some(profile)) => profile.crowds,
            _ => CrowdRules::OFF,
        }
    }

    /// The number of the service an address belongs to.
    pub fn service(&self, address: Address, protocol: u8, port: u16) -> Option<u8> {
        let found = self.services.iter().position(|s| s.covers(address, protocol, port));
        found.and_then(|i| u8::try_from(i).ok())
    }

    /// The number of the service that a packet is about: the one that its sender belongs to where senders inside are
    /// judged, else the one that it asks.
    pub fn service_about(
        &self,
        src: Address,
        dst: Address,
        protocol: u8,
        sport: u16,
        dport: u16,
    ) -> Option<u8> {
        match self.owner_side() {
            Side::Outside => self.service(dst, protocol, dport),
            Side::Inside => self.service(src, protocol, sport),
        }
    }

    /// Criticality of a service; 0.5 of none.
    pub fn criticality(&self, service: Option<u8>) -> f64 {
        let found = service.and_then(|number| self.services.get(usize::from(number)));
        found.map_or(0.5, |service| service.criticality)
    }

    /// The standing of a destination.
    pub fn destination(&self, address: Address) -> Score {
        self.destination_at(self.destinations.locate(address), address)
    }

    /// The same, of one that `destinations` has located.
    #[inline]
    pub fn destination_at(&self, located: Located, address: Address) -> Score {
        self.destinations.at(located, address).unwrap_or(self.destination_default)
    }
}

/// Sizes that are fixed at boot: every table has a maximum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Sources with exact state per worker.
    pub sources: u32,
    /// Remembered requests per worker.
    pub contacts: u32,
    /// Within how many ms the sweep visits every entry.
    pub sweep_ms: u32,
    /// Entries that a worker looks up again in one tick, after an installation, because packets came from them; the
    /// sweep does as many, or an eighth of those that it visits.
    pub revisions: u32,
    /// How many address bits name an outside source.
    pub outside: Width,
    /// How many address bits name an inside source.
    pub inside: Width,
    /// Packets that one worker may hold back for `queue`, 64..=1 048 576.
    pub queue_packets: u32,
    /// Packets of them that one source may hold, 1..=65 535.
    pub queue_source: u32,
    /// Longest time in ms that a packet may be held, 10..=10 000.
    pub queue_horizon_ms: u32,
    /// SYNs that one worker may hold for `queue_new`, 16..=65 536.
    pub queue_connections: u32,
    /// Slots of the ring from one worker to another, 64..=256.
    pub hand_over: u32,
    /// Destinations with a row of their own in each worker's crowds; a power of two.
    pub crowds: u32,
    /// Withheld packets of strangers that each worker remembers; a power of two, at least 64.
    pub withheld: u32,
    /// TCP connections that each worker softens at the same time; a power of two, at least 64.
    pub softened: u32,
    /// Sources of which each worker knows what made them suspicious; a power of two, at least 64.
    pub excesses: u32,
    /// Rows for sources in several services, one for each service of each, that each worker keeps; a power of two, at
    /// least 64.
    pub pairs: u32,
    /// Queries to DNS servers that each worker remembers until they are answered; 0 = there is no DNS profile, and
    /// nothing is kept for one.
    pub queries: u32,
    /// Answers of DNS servers that each worker keeps; 0 = it has no cache.
    pub cache_answers: u32,
    /// Bytes of these answers and their questions, in blocks of 128; 0 = it has no cache.
    pub cache_bytes: u64,
    /// Queries by UDP that each worker has sent to upstreams and can tell whose they were; 0 = the box has no address of its
    /// own.
    pub flows: u32,
    /// TCP connections between clients and upstreams that each worker keeps.
    pub connections: u32,
}

impl Limits {
    /// The sizes where a config names none.
    pub const DEFAULT: Self = Self {
        sources: 65_536,
        contacts: 65_536,
        sweep_ms: 500,
        revisions: 128,
        outside: Width::OUTSIDE,
        inside: Width::INSIDE,
        queue_packets: 4096,
        queue_source: 64,
        queue_horizon_ms: 1000,
        queue_connections: 1024,
        hand_over: 256,
        crowds: 4096,
        withheld: 524_288,
        softened: 4096,
        excesses: 1024,
        pairs: 1024,
        queries: 0,
        cache_answers: 0,
        cache_bytes: 0,
        flows: 0,
        connections: 0,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
