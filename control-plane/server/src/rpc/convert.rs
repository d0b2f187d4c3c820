//! The product's types as messages.

use std::time::{Duration, SystemTime};

use repute_model::{
    AtThisHour, Band, Excess, Explanation, Meter, Rule, Sampling, Soften, SourceRow, Spreading, SystemLook,
    Term, Treatment,
};
use repute_proto::v1;

use super::services::{name, pair, score};
use crate::{Limit, LimitChange, LimitEvent, VersionInfo, VersionState};

pub fn unix_ms(at: SystemTime) -> u64 {
    ms(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn band(band: Band) -> v1::Band {
    match band {
        Band::Excellent => v1::Band::Excellent,
        Band::Good => v1::Band::Good,
        Band::Neutral => v1::Band::Neutral,
        Band::Poor => v1::Band::Poor,
        Band::Malicious => v1::Band::Malicious,
    }
}

/// The band that a filter names; unspecified = the best, so that every band passes.
pub fn least_band(named: v1::Band) -> Band {
    match named {
        v1::Band::Unspecified | v1::Band::Excellent => Band::Excellent,
        v1::Band::Good => Band::Good,
        v1::Band::Neutral => Band::Neutral,
        v1::Band::Poor => Band::Poor,
        v1::Band::Malicious => Band::Malicious,
    }
}

pub fn treatment(treatment: Treatment) -> v1::Treatment {
    v1::Treatment {
        text: treatment.to_string(),
        log: treatment.log,
        mirror: treatment.mirror.map(|Sampling { one_in, first }| v1::Sampling { one_in, first }),
        inspect: treatment.inspect,
        soften: treatment.soften.map(soften),
        meter: treatment.meter.map(meter),
        queue: treatment.queue.map(meter),
        queue_new: treatment.queue_new,
        block_new: treatment.block_new,
        reset: treatment.reset,
        drop: treatment.drop,
        excess_only: treatment.excess_only,
    }
}

fn excess(excess: Excess) -> v1::Excess {
    v1::Excess {
        text: excess.to_string(),
        offence: excess.offence.name().to_owned(),
        protocol: excess.protocol.map(u32::from),
        port: excess.port.map(u32::from),
        destination: excess.destination.map(|host| host.to_string()).unwrap_or_default(),
        size: excess.size.map_or("", |size| size.name()).to_owned(),
    }
}

fn soften(Soften { segments, mss, round_trips }: Soften) -> v1::Soften {
    v1::Soften { segments: segments.into(), mss: mss.into(), round_trips: round_trips.into() }
}

fn meter(meter: Meter) -> v1::Meter {
    v1::Meter {
        packets_per_s: meter.packets_per_s,
        packet_burst: meter.packet_burst,
        bytes_per_s: meter.bytes_per_s,
        byte_burst: meter.byte_burst,
    }
}

pub fn row(row: &SourceRow, services: &[String]) -> v1::SourceRow {
    v1::SourceRow {
        source: row.source.to_string(),
        score: row.score.get().into(),
        band: band(row.band).into(),
        treatment: Some(treatment(row.treatment)),
        packets_per_s: row.packets_per_s,
        bytes_per_s: row.bytes_per_s,
        idle_ms: row.idle_ms,
        country: String::new(),
        asn: 0,
        service: name(row.service, services),
        service_standing: row.standing.map(score),
    }
}

pub fn standing(explained: &Explanation) -> v1::Standing {
    v1::Standing {
        source: explained.source.to_string(),
        tracked: explained.tracked,
        score: explained.score.get().into(),
        suspicion: explained.score.suspicion(),
        band: band(explained.band).into(),
        treatment: Some(treatment(explained.treatment)),
        policy_version: explained.policy_version,
    }
}

pub fn explanation(explained: &Explanation, worker: u16, services: &[String]) -> v1::Explanation {
    let (rule_kind, rule) = rule(explained.rule);
    let service = explained.service.map(|number| name(Some(number), services));
    let pairs = explained.pairs.iter().flatten().map(|one| pair(one, services)).collect();
    v1::Explanation {
        source: explained.source.to_string(),
        tracked: explained.tracked,
        score: explained.score.get().into(),
        suspicion: explained.score.suspicion(),
        band: band(explained.band).into(),
        model: explained.model.name().to_owned(),
        terms: terms(&explained.terms),
        target: explained.target.get().into(),
        rule_kind: rule_kind.into(),
        rule,
        treatment: Some(treatment(explained.treatment)),
        excess: explained.excess.map(excess),
        rest: Some(treatment(explained.rest)),
        policy_version: explained.policy_version,
        shadow: explained.shadow,
        begins: explained.begins.map(|score| score.get().into()),
        service,
        pairs,
        service_standing: explained.standing.map(score),
        baseline_packets_per_s: explained.baseline_packets_per_s,
        baseline_bytes_per_s: explained.baseline_bytes_per_s,
        at_this_hour: explained.at_this_hour.map(at_this_hour),
        system: explained.system.map(system),
        mitigations: explained.mitigations.into(),
        last_seen_ms_ago: explained.tracked.then(|| explained.now.since(explained.last_seen)),
        worker: worker.into(),
        ..v1::Explanation::default()
    }
}

fn system(look: SystemLook) -> v1::SystemLook {
    let spreading = |Spreading { asking, of, usual }: Spreading| v1::Spreading {
        asking: asking.into(),
        of: of.into(),
        usual,
    };
    v1::SystemLook {
        number: look.number,
        networks: look.networks.into(),
        random: look.random.into(),
        failed: look.failed.into(),
        spread: Some(spreading(look.spread)),
        countries: Some(spreading(look.countries)),
        is_learnt: look.is_learnt,
    }
}

fn at_this_hour(view: AtThisHour) -> v1::AtThisHour {
    let AtThisHour { hour, usual, present } = view;
    v1::AtThisHour {
        hour: hour.to_string(),
        usual_packets_per_s: usual.packets_per_s,
        usual_bytes_per_s: usual.bytes_per_s,
        packets_per_s: present.packets_per_s,
        bytes_per_s: present.bytes_per_s,
    }
}

/// The terms that count, the largest part first; equal parts in the order of the factors.
fn terms(all: &[Term]) -> Vec<v1::Term> {
    let mut terms: Vec<_> = all.iter().filter(|term| term.weight != 0.0).collect();
    terms.sort_by(|a, b| b.part().abs().total_cmp(&a.part().abs()));
    terms.into_iter().map(term).collect()
}

fn term(term: &Term) -> v1::Term {
    v1::Term {
        factor: term.factor.name().to_owned(),
        value: term.value,
        weight: term.weight,
        part: term.part(),
        evidence: term.evidence,
        unit: term.factor.unit().to_owned(),
        help: term.factor.help().to_owned(),
    }
}

fn rule(rule: Rule) -> (v1::RuleKind, String) {
    match rule {
        Rule::Allowed => (v1::RuleKind::Allowed, "an allow list names it: everything passes".to_owned()),
        Rule::Listed(percent) => {
            (v1::RuleKind::Listed, format!("a deny list names it, with {percent} % confidence"))
        }
        Rule::Band(band) => (v1::RuleKind::Band, format!("the treatment of band {band}")),
        Rule::Stranger(band) => (
            v1::RuleKind::Stranger,
            format!("it has no entry: a stranger begins in band {band} and gets its treatment"),
        ),
    }
}

pub fn limit(limit: &Limit, now: SystemTime) -> v1::Mitigation {
    v1::Mitigation {
        source: limit.source.to_string(),
        band: band(limit.band).into(),
        score: limit.score.get().into(),
        treatment: Some(treatment(limit.treatment)),
        cause: limit.cause.name().to_owned(),
        began_unix_ms: unix_ms(limit.began),
        ended_unix_ms: limit.ended.map(unix_ms),
        duration_ms: ms(limit.duration(now)),
        changes: limit.changes,
        shadow: limit.shadow,
    }
}

pub fn event(event: &LimitEvent) -> v1::MitigationEvent {
    let change = match event.change {
        LimitChange::Began => v1::MitigationChange::Began,
        LimitChange::Changed => v1::MitigationChange::Changed,
        LimitChange::Ended => v1::MitigationChange::Ended,
    };
    let mitigation = Some(limit(&event.limit, SystemTime::now()));
    v1::MitigationEvent { change: change.into(), mitigation, missed: 0 }
}

pub fn version(info: &VersionInfo, with_text: bool) -> v1::PolicyVersion {
    let state = match info.state {
        VersionState::InForce => v1::PolicyState::InForce,
        VersionState::Installing => v1::PolicyState::Installing,
        VersionState::Unconfirmed => v1::PolicyState::Unconfirmed,
        VersionState::Replaced => v1::PolicyState::Replaced,
        VersionState::RolledBack => v1::PolicyState::RolledBack,
        VersionState::Expired => v1::PolicyState::Expired,
    };
    v1::PolicyVersion {
        version: info.version,
        name: info.name.clone(),
        digest: hex(&info.digest),
        applied_unix_ms: unix_ms(info.applied),
        who: info.who.clone(),
        state: state.into(),
        restores: info.restores,
        text: if with_text { info.text.to_string() } else { String::new() },
    }
}

pub fn changes(changes: Vec<repute_policy::Change>) -> Vec<v1::Change> {
    let change = |c: repute_policy::Change| v1::Change {
        path: c.path,
        before: c.before,
        after: c.after,
        restart: c.restart,
    };
    changes.into_iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_reaches_the_message() {
        let meter = |packets| Meter {
            packets_per_s: Some(packets),
            packet_burst: 50,
            bytes_per_s: None,
            byte_burst: 65_536,
        };
        let all = Treatment {
            log: true,
            mirror: Some(Sampling { one_in: 1000, first: 10 }),
            inspect: true,
            soften: Some(Soften { segments: 4, mss: 1220, round_trips: 3 }),
            meter: Some(meter(200)),
            queue: Some(meter(100)),
            queue_new: Some(20),
            block_new: true,
            reset: true,
            drop: true,
            excess_only: true,
        };
        let message = |packets| v1::Meter {
            packets_per_s: Some(packets),
            packet_burst: 50,
            bytes_per_s: None,
            byte_burst: 65_536,
        };
        let expected = v1::Treatment {
            text: "log+mirror+inspect+soften+meter+queue+queue-new+block-new+reset+drop+excess-only"
                .to_owned(),
            log: true,
            mirror: Some(v1::Sampling { one_in: 1000, first: 10 }),
            inspect: true,
            soften: Some(v1::Soften { segments: 4, mss: 1220, round_trips: 3 }),
            meter: Some(message(200)),
            queue: Some(message(100)),
            queue_new: Some(20),
            block_new: true,
            reset: true,
            drop: true,
            excess_only: true,
        };
        assert_eq!(treatment(all), expected);
        let pass = v1::Treatment { text: "pass".to_owned(), ..v1::Treatment::default() };
        assert_eq!(treatment(Treatment::PASS), pass);
    }
}
