//! Every default of the config, in one place.
//!
//! Whoever tunes the product tunes here; `configs/reference.toml` repeats these values for operators and
//! a test compares the two.

use repute_model::{Factor, Prefix};

use super::{
    Bands, Baseline, Deny, Destination, Destinations, Factors, Idle, Limits, Meter, ModelName, Port, Profile,
    Protect, Role, Service, Sources, Treatment, Treatments, Weight, Workers,
};
use crate::value::{BitRate, Cidr, Duration, Int, Number, PacketRate, Share, Size};

/// Weight, from and full of every factor in model `weighted-sum`, in the order of [`Factor::ALL`].
#[rustfmt::skip]
const FACTORS: [(Factor, f64, f64, f64); Factor::COUNT] = [
    // factor                weight   from    full
    (Factor::Volume,           0.10,   4.0,   40.0),
    (Factor::Rate,             0.25,   6.0,   30.0),
    (Factor::Unanswered,       0.80, 200.0,  800.0),
    (Factor::Connections,      0.80,  20.0,   70.0),
    (Factor::SynAck,           0.80,   8.0,   24.0),
    (Factor::IcmpErrors,       0.60,  20.0,  100.0),
    (Factor::Destinations,     0.80,   1.5,    6.5),
    (Factor::Ports,            0.80,   4.0,   14.0),
    (Factor::Unsolicited,      0.80,   2.0,    8.0),
    (Factor::Destination,      0.60,   0.0,    1.0),
    (Factor::Criticality,      0.05,   0.0,    1.0),
    (Factor::Mitigations,      0.15,   1.0,    8.0),
    (Factor::Feed,             1.00,   0.0,    1.0),
    (Factor::History,          0.00,   0.0,    1.0),
];

/// The weights that are part of the formula of model `egress-interval`; every other one is 0.
const EGRESS_INTERVAL: [(Factor, f64); 4] =
    [(Factor::History, 0.5), (Factor::Volume, 0.2), (Factor::Destination, 0.15), (Factor::Criticality, 0.15)];

impl Factors {
    /// The factors of an egress profile of model `weighted-sum`.
    fn egress() -> Self {
        Self(FACTORS.map(|(_, weight, from, full)| Weight {
            weight: Number::new(weight),
            from: Number::new(from),
            full: Number::new(full),
        }))
    }

    /// The same for ingress: there the sender is not part of a service of ours.
    fn ingress() -> Self {
        let mut factors = Self::egress();
        factors.0[Factor::Criticality.index()].weight = Number::new(0.0);
        factors
    }

    pub(super) fn egress_interval() -> Self {
        let zero = Weight { weight: Number::new(0.0), from: Number::new(0.0), full: Number::new(1.0) };
        let mut factors = Self([zero; Factor::COUNT]);
        for (factor, weight) in EGRESS_INTERVAL {
            factors.0[factor.index()].weight = Number::new(weight);
        }
        factors
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
            bands: Bands::default(),
            treatments: Treatments::default(),
        }
    }

    /// The defaults for judging inside senders.
    pub fn egress() -> Self {
        Self { factors: Factors::egress(), treatments: Treatments::egress(), ..Self::ingress() }
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
    /// For egress: our own hosts are slowed and kept from new connections, never cut off.
    fn egress() -> Self {
        let slow = Meter {
            packets: Some(PacketRate::new(1_000)),
            packet_burst: Int::new(500),
            bytes: Some(BitRate::new(20_000_000)),
            byte_burst: Size::new(256 << 10),
        };
        let crawl = Meter { packets: Some(PacketRate::new(50)), ..Meter::default() };
        let limit = |meter| Treatment { log: true, meter: Some(meter), block_new: true, drop: false };
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
        Self { device: None, role: Role::Both, peer: None, mtu: Int::new(1500), rx_queues: Int::new(1) }
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

impl Destination {
    pub(super) fn blank() -> Self {
        Self { prefix: unread(), score: Share::new(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_table_is_in_array_order() {
        assert!(FACTORS.iter().zip(Factor::ALL).all(|((factor, ..), listed)| factor == listed));
    }

    #[test]
    fn sizes_agree_with_the_model() {
        let limits = repute_model::Limits::default();
        assert_eq!(Limits::default().sources.get(), u64::from(limits.sources));
        assert_eq!(Limits::default().contacts.get(), u64::from(limits.contacts));
        assert_eq!(Limits::default().sweep.get(), u64::from(limits.sweep_ms));
        assert_eq!(Sources::default().outside_v6.get(), u64::from(limits.outside.v6));
    }
}
