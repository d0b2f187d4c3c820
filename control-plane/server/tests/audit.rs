//! What the audit log says of feeds, alerts and incidents, and of those who were kept from a change.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod site;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::{Plan, source};
use repute_access::{Role, permissions};
use repute_model::{Band, Factor, Score, Treatment};
use repute_proto::v1;
use repute_proto::v1::events_client::EventsClient;
use repute_proto::v1::feeds_client::FeedsClient;
use repute_server::EventRoom;
use repute_siem::{
    BootId, Bus, IncidentDesk, Mitigation, Phase, Received, Severity, StepConfig, WorkflowConfig,
};
use serde_json::Value;
use site::{Site, call};
use tokio::sync::mpsc;
use tonic::Code;

const NUDGE: &str = "/repute.v1.Scores/Nudge";

fn field<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_default()
}

/// The last line of a method.
fn last(lines: &[Value], method: &str) -> Value {
    lines.iter().rev().find(|line| field(line, "method").ends_with(method)).unwrap().clone()
}

/// Waits until refusals of this method are written down: they are by a task of the server's own.
async fn written(site: &Site, who: &str, method: &str) -> Value {
    loop {
        let lines = site.lines();
        let mut found = lines.iter().filter(|line| field(line, "who") == who);
        if let Some(line) = found.find(|line| field(line, "method") == method) {
            return line.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_changing_method_is_written_down_for_whoever_tries_it() {
    let site = Site::start().await;
    let methods = permissions::methods(repute_proto::DESCRIPTORS).unwrap();
    let changing: Vec<_> = methods.iter().filter(|method| permissions::changes(method)).collect();
    assert_eq!(changing.len(), 13, "{changing:?}");
    for role in [Role::Viewer, Role::Operator, Role::Admin] {
        let channel = site.role(role).await;
        for method in &changing {
            let answered = call(&channel, method).await;
            assert!(
                answered.is_err() || method.ends_with("/Refresh") || method.ends_with("/Rollback"),
                "{method}"
            );
            let who = format!("spiffe://example.org/{role}/one");
            let line = written(&site, &who, method).await;
            let allowed = permissions::allows(role, method);
            assert_eq!(line["role"].is_null(), !allowed, "whom the guard kept off has none: {line}");
            assert!(field(&line, "via").starts_with("tls 127.0.0.1:"), "{line}");
            assert!(allowed || field(&line, "outcome") == "refused", "{line}");
            assert!(allowed || field(&line, "why").contains(" needs "), "{line}");
        }
    }
}

#[tokio::test]
async fn strangers_and_bad_keys_are_written_down_but_cannot_fill_the_log() {
    let site = Site::start().await;
    let channel = site.tls(Some("viewer-stranger")).await.unwrap();
    for _ in 0..60 {
        let refused = call(&channel, NUDGE).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        call(&channel, "/repute.v1.Scores/Get").await.unwrap_err();
    }
    let viewer = site.role(Role::Viewer).await;
    call(&viewer, NUDGE).await.unwrap_err();
    let told = written(&site, "spiffe://example.org/viewer/one", NUDGE).await;
    assert!(field(&told, "why").contains("44 refusals before this one"), "{told}");
    let lines = site.audit();
    let of_stranger = lines.iter().filter(|line| field(line, "who").ends_with("/stranger"));
    assert_eq!(of_stranger.count(), 16, "{lines:?}");
    assert!(lines.iter().all(|line| field(line, "method") == NUDGE), "{lines:?}");
}

#[tokio::test]
async fn feeds_have_before_and_after() {
    let config = "[profiles.ingress]\n[[feeds]]\nname = \"p\"\npush = true\n".to_owned();
    let site = Site::of(Plan { config, ..Plan::default() }).await;
    let mut feeds = FeedsClient::new(site.role(Role::Operator).await);
    let part = |text: &str| v1::PushFeedRequest { name: "p".to_owned(), part: text.as_bytes().to_vec() };
    feeds.push(tokio_stream::iter([part("10.0.0.1\n")])).await.unwrap();
    feeds.push(tokio_stream::iter([part("10.0.0.1\n"), part("10.0.0.2\n")])).await.unwrap();
    let line = last(&site.audit(), "/Push");
    assert_eq!((field(&line, "object"), field(&line, "outcome")), ("p", "done"));
    assert_eq!(field(&line, "before"), "p: 1 entries, 0 records skipped");
    assert_eq!(field(&line, "after"), "p: 2 entries, 0 records skipped");
    feeds.push(tokio_stream::iter([part("nonsense\n")])).await.unwrap_err();
    assert_eq!(field(&last(&site.audit(), "/Push"), "outcome"), "refused");
    feeds.refresh(v1::RefreshFeedsRequest { name: "x".to_owned() }).await.unwrap_err();
    let line = last(&site.audit(), "/Refresh");
    assert_eq!((field(&line, "object"), field(&line, "outcome")), ("x", "refused"));
}

/// Opens events to the API, with one step of incidents that nobody answers.
fn open_events(site: &Site) -> (Bus, mpsc::Receiver<Received>) {
    let secret = site.file("secret");
    std::fs::write(&secret, "sixteen bytes and more").unwrap();
    let step = StepConfig {
        name: "pager".to_owned(),
        url: "http://127.0.0.1:9/".to_owned(),
        secret,
        acknowledge_s: 600,
        tries: 1,
        retry_s: 600,
        timeout_s: 1,
    };
    let workflow = WorkflowConfig { steps: vec![step], least: Severity::Warning, open: 3, ca: None };
    let bus = Bus::new("edge-1", BootId(1), 1);
    let desk = Some(Arc::new(IncidentDesk::start(&bus, &workflow).unwrap()));
    let (alerts, received) = mpsc::channel(1);
    site.rig.hub.open_events(EventRoom { bus: bus.clone(), alerts, desk });
    (bus, received)
}

#[tokio::test]
async fn alerts_and_acknowledgements_name_what_they_are_about() {
    let site = Site::start().await;
    let (bus, mut received) = open_events(&site);
    let mut events = EventsClient::new(site.role(Role::Operator).await);
    let record = br#"{ "event_type": "alert", "src_ip": "192.0.2.7", "dest_ip": "198.51.100.1",
        "alert": { "signature_id": 2010935, "signature": "ET SCAN", "category": "scan", "severity": 2 } }"#;
    events.alert(v1::AlertRequest { record: record.to_vec() }).await.unwrap();
    let line = last(&site.audit(), "/Alert");
    assert_eq!(field(&line, "object"), "alert 2010935 ET SCAN, 192.0.2.7 to 198.51.100.1");
    assert_eq!((field(&line, "after"), field(&line, "outcome")), ("handed to the rules", "done"));
    assert_eq!(received.recv().await.unwrap().alert.name, "ET SCAN");
    events.alert(v1::AlertRequest { record: b"{".to_vec() }).await.unwrap_err();
    assert_eq!(field(&last(&site.audit(), "/Alert"), "outcome"), "refused");
    let flow = br#"{ "event_type": "flow" }"#.to_vec();
    assert!(!events.alert(v1::AlertRequest { record: flow }).await.unwrap().into_inner().is_alert);
    assert_eq!(site.audit().len(), 2, "what is no alert changes nothing");

    bus.publish(SystemTime::now(), mitigation());
    let id = loop {
        let open = events.incidents(v1::IncidentsRequest {}).await.unwrap().into_inner().incidents;
        match open.first() {
            Some(incident) => break incident.id.clone(),
            None => tokio::task::yield_now().await,
        }
    };
    let acknowledge = |id: &str| v1::AcknowledgeRequest { incident: id.to_owned(), who: "alice".to_owned() };
    events.acknowledge(acknowledge(&id)).await.unwrap();
    let line = last(&site.audit(), "/Acknowledge");
    assert_eq!(field(&line, "object"), format!("incident {id}"));
    assert_eq!((field(&line, "before"), field(&line, "after")), ("open, step 1", "acknowledged by alice"));
    assert_eq!(field(&line, "who"), "spiffe://example.org/operator/one");
    events.acknowledge(acknowledge("none")).await.unwrap_err();
    assert_eq!(field(&last(&site.audit(), "/Acknowledge"), "outcome"), "refused");
}

fn mitigation() -> Mitigation {
    Mitigation {
        phase: Phase::Began,
        source: source("192.0.2.7"),
        band: Band::Malicious,
        score: Score::new(100),
        treatment: Treatment { drop: true, ..Treatment::PASS },
        cause: Factor::Feed,
        began: SystemTime::now(),
        duration: Duration::ZERO,
        shadow: false,
    }
}
