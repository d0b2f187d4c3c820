//! From a validated config to the policy that workers judge by: pure, and the same every time.

mod dns;
mod endpoint;

use repute_model::{
    Band, CrowdRules, DomainTable, Dwell, Factor, Homes, HourTerms, Inspection, Listing, Model, Policy,
    PrefixTable, Promise, Protect as Protected, Ramp, Rates, Rpz, Score, Signatures, Symmetry, SynAnswer,
    Thresholds, Weighting, Width,
};

use crate::check::promises;

use crate::config::{
    Bands, Baseline, Config, CrowdMode, Crowds, HoursMode, Inspect, Meter, Mode, ModelName, Profile, Protect,
    Sampling, Service, Soften, SymmetryName, SynAnswerName, Treatment, Weight,
};
use crate::tables::{map, set};
use crate::value::{PortSpec, Share};

/// The policy of `config`, whose lists and digest are known.
pub(crate) fn policy(
    config: &Config,
    lists: &PrefixTable<Listing>,
    signatures: &Signatures,
    names: (&DomainTable<()>, &Rpz),
    version: u64,
    digest: [u8; 32],
) -> Policy {
    let destinations = config.destinations.entries.iter().map(|entry| (entry.prefix.0, score(entry.score)));
    Policy {
        version,
        edition: version,
        digest,
        shadow: is_shadow(config),
        inside: set(&config.inside),
        ingress: config.profiles.ingress.as_ref().map(profile),
        egress: config.profiles.egress.as_ref().map(profile),
        dns: config.profiles.dns.as_ref().map(|dns| dns::compile(dns, names)),
        protect: protect(&config.protect),
        control_packets_per_s: config.protect.control_packets_per_s.get() as u32,
        lists: lists.clone(),
        homes: Homes::default(),
        destinations: map(destinations),
        destination_default: score(config.destinations.default),
        services: config.services.iter().map(|(_, one)| service(one)).collect(),
        inspection: inspection(&config.inspect, signatures),
    }
}

fn inspection(inspect: &Inspect, signatures: &Signatures) -> Inspection {
    let promises = Promise::ALL.iter().zip(promises(inspect));
    let rules =
        promises.flat_map(|(&promise, (_, ports))| ports.iter().map(move |port| (port.rule(), promise)));
    Inspection {
        bytes: inspect.bytes.get() as u16,
        promises: rules.collect(),
        signatures: signatures.clone(),
    }
}

/// Whether everything is judged and nothing done.
pub(crate) fn is_shadow(config: &Config) -> bool {
    config.mode == Mode::Shadow
}

/// The sizes of `config`.
pub(crate) fn limits(config: &Config) -> repute_model::Limits {
    let (sources, dns) = (&config.sources, config.profiles.dns.as_ref().map(|dns| &dns.queries));
    let endpoint = dns.and_then(|queries| queries.endpoint.as_ref());
    repute_model::Limits {
        sources: config.limits.sources.get() as u32,
        contacts: config.limits.contacts.get() as u32,
        sweep_ms: config.limits.sweep.get() as u32,
        revisions: repute_model::Limits::DEFAULT.revisions,
        outside: Width { v4: sources.outside_v4.get() as u8, v6: sources.outside_v6.get() as u8 },
        inside: Width { v4: sources.inside_v4.get() as u8, v6: sources.inside_v6.get() as u8 },
        queue_packets: config.limits.queue_packets.get() as u32,
        queue_source: config.limits.queue_source.get() as u32,
        queue_horizon_ms: config.limits.queue_horizon.get() as u32,
        queue_connections: config.limits.queue_connections.get() as u32,
        hand_over: config.limits.hand_over.get() as u32,
        crowds: (config.limits.crowds.get() as u32).next_power_of_two(),
        withheld: (config.limits.withheld.get() as u32).next_power_of_two(),
        softened: (config.limits.softened.get() as u32).next_power_of_two(),
        pairs: (config.limits.pairs.get() as u32).next_power_of_two(),
        excesses: (config.limits.excesses.get() as u32).next_power_of_two(),
        queries: if dns.is_some() { config.limits.queries.get() as u32 } else { 0 },
        cache_answers: dns.map_or(0, |queries| queries.cache.answers.get() as u32),
        cache_bytes: dns.map_or(0, |queries| queries.cache.size.get()),
        flows: endpoint.map_or(0, |endpoint| endpoint.flows.get() as u32),
        connections: endpoint.map_or(0, |endpoint| endpoint.connections.get() as u32),
    }
}

fn score(share: Share) -> Score {
    Score::from_unit(share.get())
}

fn protect(protect: &Protect) -> Protected {
    Protected {
        prefixes: set(&protect.prefixes),
        ports: protect.ports.iter().map(|port| port.rule()).collect(),
        bgp_neighbours: set(&protect.bgp_neighbours),
    }
}

fn service(service: &Service) -> repute_model::Service {
    repute_model::Service {
        prefixes: set(&service.prefixes),
        ports: service.ports.iter().copied().map(PortSpec::rule).collect(),
        criticality: service.criticality.get(),
    }
}

pub(crate) fn profile(profile: &Profile) -> repute_model::Profile {
    repute_model::Profile {
        model: model(profile),
        prior: score(profile.prior),
        half_life_ms: profile.half_life.get(),
        evidence_half_life_ms: profile.evidence_half_life.get(),
        window_ms: profile.window.get() as u32,
        silence_ms: profile.silence.get() as u32,
        excuse: profile.excuse.get(),
        factors: factors(profile.factors.0, &[]),
        baseline: baseline(&profile.baseline),
        thresholds: thresholds(&profile.bands),
        dwell: Dwell {
            worse_ms: profile.bands.dwell_worse.get() as u32,
            better_ms: profile.bands.dwell_better.get() as u32,
        },
        treatments: Band::ALL.map(|band| treatment(profile.treatments.of(band))),
        crowds: crowds(&profile.crowds),
    }
}

/// How hours of the week are learnt; `None` where they are not.
pub fn hour_terms(config: &Config) -> Option<HourTerms> {
    let profile = config.profiles.egress.as_ref().filter(|profile| profile.hours.mode == HoursMode::On)?;
    let repute_model::Baseline { floor_packets_per_s, floor_bytes_per_s, .. } = baseline(&profile.baseline);
    let least = Rates { packets_per_s: floor_packets_per_s as f32, bytes_per_s: floor_bytes_per_s as f32 };
    let (weeks, warm_up) = (profile.hours.weeks.get() as u8, profile.hours.warm_up.get() as u8);
    (!config.services.is_empty()).then_some(HourTerms { weeks, warm_up, least })
}

/// How floods are looked for and answered.
pub fn crowd_rules(config: &Config) -> CrowdRules {
    let profile = config.profiles.iter().map(|(_, profile)| profile).next();
    profile.map_or(CrowdRules::OFF, |profile| crowds(&profile.crowds))
}

fn crowds(crowds: &Crowds) -> CrowdRules {
    CrowdRules {
        watches: crowds.mode != CrowdMode::Off,
        answers: crowds.mode == CrowdMode::On,
        symmetry: match crowds.symmetry {
            SymmetryName::Auto => Symmetry::Auto,
            SymmetryName::Symmetric => Symmetry::Symmetric,
            SymmetryName::Asymmetric => Symmetry::Asymmetric,
        },
        sensitivity: crowds.sensitivity.get(),
        syn: match crowds.syn {
            SynAnswerName::Retry => SynAnswer::Retry,
            SynAnswerName::Cookie => SynAnswer::Cookie,
        },
    }
}

fn model(profile: &Profile) -> Model {
    match profile.model {
        ModelName::WeightedSum => Model::WeightedSum,
        ModelName::EgressInterval => Model::EgressInterval,
        ModelName::Suspicion => Model::Suspicion { decay: profile.decay.get() },
    }
}

/// What every factor counts; those at the end that are not named count nothing.
fn factors(general: [Weight; Factor::GENERAL], of_dns: &[Weight]) -> [Weighting; Factor::COUNT] {
    let nothing = Weighting { weight: 0.0, ramp: Ramp { from: 0.0, full: 1.0 } };
    let named = |i| general.iter().chain(of_dns).nth(i);
    std::array::from_fn(|i| named(i).map_or(nothing, |weight| weighting(*weight)))
}

fn weighting(weight: Weight) -> Weighting {
    Weighting { weight: weight.weight.get(), ramp: Ramp { from: weight.from.get(), full: weight.full.get() } }
}

fn baseline(baseline: &Baseline) -> repute_model::Baseline {
    repute_model::Baseline {
        alpha: baseline.alpha.get(),
        warm_up: baseline.warm_up.get() as u8,
        floor_packets_per_s: baseline.floor.get() as f64,
        floor_bytes_per_s: baseline.floor_bytes.get() as f64 / 8.0,
    }
}

fn thresholds(bands: &Bands) -> Thresholds {
    Thresholds {
        least: bands.thresholds().map(|(_, least)| score(least)),
        hysteresis: score(bands.hysteresis).get(),
    }
}

fn treatment(treatment: &Treatment) -> repute_model::Treatment {
    repute_model::Treatment {
        log: treatment.log,
        mirror: treatment.mirror.as_ref().map(sampling),
        inspect: treatment.inspect,
        soften: treatment.soften.as_ref().map(soften),
        meter: treatment.meter.as_ref().map(meter),
        queue: treatment.queue.as_ref().map(meter),
        queue_new: treatment.queue_new.map(|rate| rate.get() as u32),
        block_new: treatment.block_new,
        reset: treatment.reset,
        drop: treatment.drop,
        excess_only: treatment.only.is_some(),
    }
}

fn sampling(sampling: &Sampling) -> repute_model::Sampling {
    repute_model::Sampling { one_in: sampling.one_in.get() as u32, first: sampling.first.get() as u32 }
}

fn soften(soften: &Soften) -> repute_model::Soften {
    repute_model::Soften {
        segments: soften.segments.get() as u8,
        mss: soften.mss.get() as u16,
        round_trips: soften.round_trips.get() as u8,
    }
}

fn meter(meter: &Meter) -> repute_model::Meter {
    repute_model::Meter {
        packets_per_s: meter.packets.map(|rate| rate.get() as u32),
        packet_burst: meter.packet_burst.get() as u32,
        bytes_per_s: meter.bytes.map(|rate| rate.get() / 8),
        byte_burst: meter.byte_burst.get(),
    }
}
