//! Open Cybersecurity Schema Framework 1.3 objects.
//!
//! A mitigation is Network Activity (4001) with the security-control profile: what the box does to a source's
//! traffic. A band, a crowd, an alert and an incident are Detection Findings (2004), with a life of create, update,
//! close.
//! What the box says about itself has no class of its own and is a Base Event (0).

use std::time::{SystemTime, UNIX_EPOCH};

use repute_model::{Band, CrowdState, Prefix, Score, Source};
use serde_json::{Map, Value, json};

use crate::event::{
    AlertReceived, BandChanged, CrowdChanged, Event, HoneypotAsked, IncidentStep, InspectionHit, Mitigation,
    Phase, StepState, What,
};

/// The version of the schema that objects follow.
const VERSION: &str = "1.3.0";

/// A class of the schema.
#[derive(Clone, Copy)]
enum Class {
    Base = 0,
    DetectionFinding = 2004,
    NetworkActivity = 4001,
}

/// What happened to a finding.
#[derive(Clone, Copy)]
enum Life {
    Create = 1,
    Update = 2,
    Close = 3,
}

/// The event as an object.
pub fn object(event: &Event) -> Value {
    let (class, activity, mut object) = match &event.what {
        What::Mitigation(mitigation) => {
            (Class::NetworkActivity, activity(mitigation), network(mitigation, event))
        }
        What::BandChanged(change) => {
            (Class::DetectionFinding, life_of_band(change) as u32, band(change, event))
        }
        What::CrowdChanged(change) => {
            (Class::DetectionFinding, life_of_crowd(change) as u32, crowd(change, event))
        }
        What::InspectionHit(hit) => (Class::DetectionFinding, Life::Create as u32, inspected(hit, event)),
        What::HoneypotAsked(asked) => (Class::DetectionFinding, Life::Create as u32, lured(asked, event)),
        What::AlertReceived(alert) => (Class::DetectionFinding, Life::Create as u32, finding(alert, event)),
        What::IncidentStep(step) => {
            (Class::DetectionFinding, life_of_step(step) as u32, incident(step, event))
        }
        // 99: an activity that the schema does not name; `metadata.event_code` does.
        _ => (Class::Base, 99, Map::new()),
    };
    let class = class as u32;
    let profiles = if class == 0 { json!([]) } else { json!(["security_control"]) };
    let common = json!({
        "activity_id": activity,
        "category_uid": class / 1000,
        "class_uid": class,
        "type_uid": class * 100 + activity,
        "time": ms(event.at),
        "severity_id": event.severity.ocsf(),
        "message": event.what.to_string(),
        "metadata": {
            "version": VERSION,
            "product": {
                "name": "repute", "vendor_name": "repute", "version": env!("CARGO_PKG_VERSION"),
            },
            "profiles": profiles,
            "uid": event.id.to_string(),
            "event_code": event.what.kind(),
        },
        "device": { "hostname": &*event.host, "type_id": 9, "type": "Firewall" },
        "policy": { "name": "repute", "version": event.policy_version.to_string() },
    });
    if let Value::Object(common) = common {
        object.extend(common);
    }
    if let Some(source) = event.what.source() {
        object.insert("observables".to_owned(), json!([observable(source)]));
    }
    Value::Object(object)
}

/// Activity of 4001: 5 Refuse, 6 Traffic.
fn activity(mitigation: &Mitigation) -> u32 {
    let Mitigation { treatment, shadow, .. } = mitigation;
    if (treatment.drop || treatment.block_new) && !shadow { 5 } else { 6 }
}

fn network(mitigation: &Mitigation, event: &Event) -> Map<String, Value> {
    let (action, disposition) = control(mitigation);
    fields(json!({
        "action_id": action,
        "disposition_id": disposition,
        "risk_score": risk(mitigation.score),
        "src_endpoint": endpoint(mitigation.source),
        "firewall_rule": { "name": mitigation.cause.name(), "type": mitigation.treatment.to_string() },
        "start_time": ms(mitigation.began),
        "end_time": ms(event.at),
        "duration": ms_of(mitigation.duration),
        "status_detail": mitigation.phase,
    }))
}

/// `action_id` and `disposition_id`: what happens to the source's packets from now on.
fn control(mitigation: &Mitigation) -> (u8, u8) {
    let treatment = &mitigation.treatment;
    match mitigation.phase {
        Phase::Ended => (1, 1),                   // allowed, allowed
        _ if mitigation.shadow => (3, 17),        // observed, logged: shadow mode
        _ if treatment.drop => (2, 6),            // denied, dropped
        _ if treatment.block_new => (2, 2),       // denied, blocked
        _ if treatment.meter.is_some() => (2, 6), // denied, dropped: what is above the limit
        _ if treatment.limits() => (4, 14),       // modified, delayed
        _ => (3, 17),                             // observed, logged
    }
}

fn life_of_band(change: &BandChanged) -> Life {
    let bad = |band: Band| band >= Band::Neutral;
    match (bad(change.from), bad(change.to)) {
        (false, true) => Life::Create,
        (_, false) => Life::Close,
        (true, true) => Life::Update,
    }
}

fn band(change: &BandChanged, event: &Event) -> Map<String, Value> {
    let uid = format!("standing {}", change.source);
    let mut object =
        about(change.source, &uid, &format!("standing of {} is {}", change.source, change.to), event);
    object.insert("risk_score".to_owned(), risk(change.score).into());
    object.insert("action_id".to_owned(), 3.into());
    object.insert("disposition_id".to_owned(), 15.into());
    object
}

fn life_of_crowd(change: &CrowdChanged) -> Life {
    match (change.from, change.to) {
        (_, CrowdState::Calm) => Life::Close,
        (CrowdState::Calm, _) => Life::Create,
        _ => Life::Update,
    }
}

fn crowd(change: &CrowdChanged, event: &Event) -> Map<String, Value> {
    let flood = change.flood.name();
    fields(json!({
        "finding_info": {
            "uid": format!("flood {flood} {}", change.crowd),
            "title": format!("{flood} flood of {}: {}", change.crowd, change.to.name()),
            "desc": event.what.to_string(),
            "modified_time": ms(event.at),
            "analytic": { "uid": flood, "name": format!("flood {flood}"), "type_id": 2 },
        },
        "evidences": [{ "dst_endpoint": destinations(change.crowd) }],
        "is_alert": change.to == CrowdState::Flood,
        "action_id": 3,
        "disposition_id": 15,
        "status_detail": change.to.name(),
        "unmapped": {
            "excess": change.excess, "limit": change.limit, "per_s": change.per_s, "heard": change.heard,
            "completed_per_s": change.completed_per_s, "usual_per_s": change.usual_per_s, "senders": change.senders,
            "narrow": change.narrow,
        },
    }))
}

fn finding(alert: &AlertReceived, event: &Event) -> Map<String, Value> {
    let uid = format!("alert {}", event.id);
    let mut object = match alert.source {
        Some(source) => about(source, &uid, &alert.name, event),
        None => fields(json!({ "finding_info": { "uid": uid, "title": alert.name } })),
    };
    if let Some(Value::Object(info)) = object.get_mut("finding_info") {
        let analytic =
            json!({ "uid": alert.signature, "name": alert.name, "category": alert.category, "type_id": 1 });
        info.insert("analytic".to_owned(), analytic);
        info.insert("data_sources".to_owned(), json!([alert.input]));
    }
    object.insert("is_alert".to_owned(), true.into());
    object.insert("action_id".to_owned(), 3.into());
    object.insert("disposition_id".to_owned(), 15.into());
    object.insert("status_detail".to_owned(), alert.outcome.clone().into());
    object
}

fn inspected(hit: &InspectionHit, event: &Event) -> Map<String, Value> {
    let name = hit.signature.as_deref().unwrap_or(hit.finding.name());
    let mut object = about(hit.source, &format!("inspection {}", event.id), name, event);
    if let Some(Value::Object(info)) = object.get_mut("finding_info") {
        info.insert("analytic".to_owned(), json!({ "uid": name, "name": hit.finding.name(), "type_id": 1 }));
    }
    let to = json!({ "ip": hit.destination.to_string(), "port": hit.port });
    let evidence = json!([{ "src_endpoint": endpoint(hit.source), "dst_endpoint": to }]);
    object.insert("evidences".to_owned(), evidence);
    object.insert("action_id".to_owned(), 3.into());
    object.insert("disposition_id".to_owned(), 15.into());
    object
}

fn lured(asked: &HoneypotAsked, event: &Event) -> Map<String, Value> {
    let mut object = about(asked.source, &format!("honeypot {}", event.id), &asked.name, event);
    let evidence = json!([{ "src_endpoint": endpoint(asked.source), "query": { "hostname": asked.name } }]);
    object.insert("evidences".to_owned(), evidence);
    object.insert("action_id".to_owned(), 3.into());
    object.insert("disposition_id".to_owned(), 15.into());
    object
}

fn life_of_step(step: &IncidentStep) -> Life {
    match step.state {
        StepState::Opened | StepState::Refused => Life::Create,
        StepState::Ended => Life::Close,
        StepState::Notified | StepState::Failed | StepState::Escalated | StepState::Acknowledged => {
            Life::Update
        }
    }
}

fn incident(step: &IncidentStep, event: &Event) -> Map<String, Value> {
    let uid = format!("incident {}", step.incident);
    let title = format!("{} limited for {}", step.source, step.cause);
    let mut object = about(step.source, &uid, &title, event);
    object.insert("is_alert".to_owned(), matches!(step.state, StepState::Opened).into());
    object.insert("status_detail".to_owned(), json!(step.state));
    object
}

/// A finding about a source.
fn about(source: Source, uid: &str, title: &str, event: &Event) -> Map<String, Value> {
    fields(json!({
        "finding_info": {
            "uid": uid, "title": title, "desc": event.what.to_string(), "modified_time": ms(event.at),
        },
        "evidences": [{ "src_endpoint": endpoint(source) }],
    }))
}

/// One host has an address, a prefix is a subnet.
fn endpoint(source: Source) -> Value {
    let key = if source.len128() == 128 { "ip" } else { "subnet_uid" };
    json!({ key: source.to_string() })
}

/// One host has an address, a prefix is a subnet.
fn destinations(crowd: Prefix) -> Value {
    if crowd.len128() == 128 {
        json!({ "ip": crowd.first().to_string() })
    } else {
        json!({ "subnet_uid": crowd.to_string() })
    }
}

fn observable(source: Source) -> Value {
    // 2 IP address, 12 subnet
    let (name, kind) =
        if source.len128() == 128 { ("src_endpoint.ip", 2) } else { ("src_endpoint.subnet_uid", 12) };
    json!({ "name": name, "type_id": kind, "value": source.to_string() })
}

/// 0 (trusted) to 100.
fn risk(score: Score) -> u8 {
    score.suspicion().round() as u8
}

fn ms(at: SystemTime) -> u64 {
    ms_of(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn ms_of(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
