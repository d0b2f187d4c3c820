//! The API over a real unix socket, with the generated clients.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::path::Path;

use common::{Plan, Rig};
use repute_proto::v1;
use repute_proto::v1::crowds_client::CrowdsClient;
use repute_proto::v1::mitigations_client::MitigationsClient;
use repute_proto::v1::policies_client::PoliciesClient;
use repute_proto::v1::scores_client::ScoresClient;
use repute_proto::v1::status_client::StatusClient;
use tokio::sync::oneshot;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

struct Served {
    rig: Rig,
    channel: Channel,
    dir: tempfile::TempDir,
    end: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<Result<(), repute_server::ServeError>>,
}

async fn connect(path: &Path) -> Channel {
    let endpoint = Endpoint::try_from(format!("unix:{}", path.display())).unwrap();
    loop {
        // The server binds on a task of its own.
        if let Ok(channel) = endpoint.connect().await {
            return channel;
        }
        tokio::task::yield_now().await;
    }
}

async fn start() -> Served {
    start_box(Plan::default()).await
}

async fn start_box(plan: Plan) -> Served {
    let (rig, dir) = (plan.start(), tempfile::tempdir().unwrap());
    let path = dir.path().join("repute.sock");
    let (end, ended) = oneshot::channel();
    let (hub, at) = (rig.hub.clone(), path.clone());
    let server = tokio::spawn(async move {
        repute_server::serve(hub, &at, async {
            let _ = ended.await;
        })
        .await
    });
    let channel = connect(&path).await;
    Served { rig, channel, dir, end, server }
}

#[tokio::test]
async fn every_service_answers() {
    let served = start().await;
    served.rig.receive([0x0a00_0001, 0x0a00_0002]);
    served.rig.received(2).await;
    let mut status = StatusClient::new(served.channel.clone());
    let report = status.get(v1::GetStatusRequest {}).await.unwrap().into_inner();
    assert!(report.conserved);
    assert_eq!((report.ports[0].name.as_str(), report.ports[0].received), ("outside", 2));
    assert_eq!(report.table.unwrap().tracked, 2);

    let mut scores = ScoresClient::new(served.channel.clone());
    let source = || "10.0.0.1".to_owned();
    let nudge = v1::NudgeRequest { source: source(), delta: -7000, ..v1::NudgeRequest::default() };
    assert_eq!(scores.nudge(nudge).await.unwrap().into_inner().after, 500);
    let explained = scores.explain(v1::ExplainRequest { source: source() }).await.unwrap().into_inner();
    assert_eq!((explained.band(), explained.score, explained.suspicion), (v1::Band::Malicious, 500, 95.0));
    assert!(explained.terms.iter().any(|term| term.factor == "syn-ack" && term.unit == "connections"));
    let standing = scores.get(v1::GetScoreRequest { source: source() }).await.unwrap().into_inner();
    assert!(standing.treatment.unwrap().drop);
    let mut pages = scores.list(v1::ListScoresRequest::default()).await.unwrap().into_inner();
    let mut rows = 0;
    while let Some(page) = pages.next().await {
        rows += page.unwrap().rows.len();
    }
    assert_eq!(rows, 2);

    let mut mitigations = MitigationsClient::new(served.channel.clone());
    let mut list = mitigations.list(v1::ListMitigationsRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.next().await.unwrap().unwrap().rows[0].source, "10.0.0.1");
}

#[tokio::test]
async fn watches_tell_what_changes() {
    let served = start().await;
    let mut scores = ScoresClient::new(served.channel.clone());
    let watch = v1::WatchScoresRequest { sources: vec!["10.0.0.1".into()], interval_ms: 100 };
    let mut standings = scores.watch(watch).await.unwrap().into_inner();
    assert_eq!(standings.next().await.unwrap().unwrap().score, 7500);
    let mut mitigations = MitigationsClient::new(served.channel.clone());
    let mut events = mitigations.watch(v1::WatchMitigationsRequest {}).await.unwrap().into_inner();
    served.rig.hub.nudge(common::source("10.0.0.1"), -7000, false).await.unwrap();
    assert_eq!(standings.next().await.unwrap().unwrap().score, 500);
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.change(), v1::MitigationChange::Began);
    let mut status = StatusClient::new(served.channel.clone());
    let watch = v1::WatchStatusRequest { interval_ms: 100 };
    let mut reports = status.watch(watch).await.unwrap().into_inner();
    let first = reports.next().await.unwrap().unwrap().workers[0].tick_ms;
    assert!(reports.next().await.unwrap().unwrap().workers[0].tick_ms > first);
}

/// Rows of a list of crowds.
async fn crowds(served: &Served, all: bool, within: &str) -> Vec<v1::CrowdStanding> {
    let asked = v1::ListCrowdsRequest { all, within: within.to_owned(), max_rows: 0 };
    let mut parts = CrowdsClient::new(served.channel.clone()).list(asked).await.unwrap().into_inner();
    let mut rows = Vec::new();
    while let Some(part) = parts.next().await {
        rows.extend(part.unwrap().rows);
    }
    rows
}

#[tokio::test]
async fn a_flood_is_watched_listed_and_explained() {
    let served = start_box(Plan::flooded()).await;
    let mut client = CrowdsClient::new(served.channel.clone());
    let mut events = client.watch(v1::WatchCrowdsRequest { past: 1000 }).await.unwrap().into_inner();
    let change = loop {
        let change = events.next().await.unwrap().unwrap().change.unwrap();
        if (change.crowd.as_str(), change.to.as_str()) == ("192.0.2.1/32", "flood") {
            break change;
        }
    };
    let numbers = change.numbers.clone().unwrap();
    assert!(change.flood == "syn" && change.from != "flood", "{change:?}");
    assert!(numbers.excess >= numbers.limit && numbers.limit > 0.0 && !numbers.heard, "{numbers:?}");

    let rows = crowds(&served, false, "").await;
    let row = rows.iter().find(|row| row.crowd == "192.0.2.1/32" && row.flood == "syn").unwrap();
    assert_eq!(row.state, "flood");
    assert!(row.becomes.contains("send the SYN again"), "{}", row.becomes);
    assert_eq!(crowds(&served, false, "198.51.100.0/24").await, []);
    assert!(crowds(&served, true, "192.0.2.0/24").await.iter().any(|row| row.crowd == "192.0.2.1/32"));
    let bad = v1::ListCrowdsRequest { within: "192.0.2.1/24".to_owned(), ..v1::ListCrowdsRequest::default() };
    let refused = client.list(bad).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("did you mean `192.0.2.0/24`?"), "{}", refused.message());
    let one = v1::ListCrowdsRequest { all: true, max_rows: 1, ..v1::ListCrowdsRequest::default() };
    let mut parts = client.list(one).await.unwrap().into_inner();
    assert_eq!(parts.next().await.unwrap().unwrap().rows.len(), 1);
    assert!(parts.next().await.is_none());

    let mut scores = ScoresClient::new(served.channel.clone());
    let stranger = || v1::ExplainRequest { source: "198.51.100.7".into() };
    let explained = scores.explain(stranger()).await.unwrap().into_inner();
    let held = explained.held_up.iter().find(|held| held.crowd == "192.0.2.1/32").unwrap();
    assert_eq!((held.flood.as_str(), &held.becomes), ("syn", &row.becomes));
    assert!(held.numbers.as_ref().unwrap().per_s > 0.0);

    // In shadow mode it is a flood as before, and nobody is held up.
    let text = "[profiles.ingress]\n[profiles.ingress.crowds]\nmode = \"shadow\"\n".to_owned();
    let apply = v1::ApplyRequest { text, ..v1::ApplyRequest::default() };
    PoliciesClient::new(served.channel.clone()).apply(apply).await.unwrap();
    while !scores.explain(stranger()).await.unwrap().into_inner().held_up.is_empty() {}
    let rows = crowds(&served, false, "192.0.2.1").await;
    let row = rows.iter().find(|row| row.crowd == "192.0.2.1/32").unwrap();
    assert_eq!((row.state.as_str(), row.becomes.as_str()), ("flood", ""));
}

#[tokio::test]
async fn policies_go_all_the_way() {
    let served = start().await;
    let mut policies = PoliciesClient::new(served.channel.clone());
    let text = "[profiles.ingress]\nprior = 0.8\n".to_owned();
    let apply = v1::ApplyRequest { text: text.clone(), confirm_within_s: 60, ..v1::ApplyRequest::default() };
    let applied = policies.apply(apply.clone()).await.unwrap().into_inner();
    assert_eq!((applied.version, applied.workers, applied.lagging.len()), (2, 2, 0));
    assert!(applied.confirm_until_unix_ms.is_some());
    let refused = policies.apply(apply).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    policies.confirm(v1::ConfirmRequest { version: 2 }).await.unwrap();
    let stale = v1::ApplyRequest { text, expected_version: Some(1), ..v1::ApplyRequest::default() };
    let refused = policies.apply(stale).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("version 2 is in force, not 1"), "{}", refused.message());
    let back = policies.rollback(v1::RollbackRequest::default()).await.unwrap().into_inner();
    assert_eq!(back.version, 3);
    let history = policies.history(v1::HistoryRequest { max: 2 }).await.unwrap().into_inner().versions;
    assert_eq!((history.len(), history[1].state()), (2, v1::PolicyState::RolledBack));
    let to = Some(v1::diff_request::To::ToVersion(2));
    let diff = v1::DiffRequest { from_version: 1, to, name: String::new() };
    assert_eq!(policies.diff(diff).await.unwrap().into_inner().changes[0].path, "profiles.ingress.prior");
    let unknown = policies.show(v1::ShowRequest { version: 9 }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn bad_input_is_answered_with_what_is_expected() {
    let served = start().await;
    let mut scores = ScoresClient::new(served.channel.clone());
    for text in ["", "not-an-address", "10.0.0.1/8", "0.0.0.0", "ff02::1"] {
        let refused = scores.explain(v1::ExplainRequest { source: text.into() }).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{text}");
        assert!(refused.message().contains("expected a source such as"), "{}", refused.message());
    }
    let nudge = v1::NudgeRequest { source: "10.0.0.1".into(), delta: 10_001, ..v1::NudgeRequest::default() };
    assert!(scores.nudge(nudge).await.unwrap_err().message().contains("-10000 to 10000"));
    let list = v1::ListScoresRequest { page_token: "x".into(), ..v1::ListScoresRequest::default() };
    assert_eq!(scores.list(list).await.unwrap_err().code(), Code::InvalidArgument);
    let long = v1::ExplainRequest { source: "1".repeat(100_000) };
    assert_eq!(scores.explain(long).await.unwrap_err().code(), Code::OutOfRange);
    let watch = v1::WatchScoresRequest::default();
    assert!(scores.watch(watch).await.unwrap_err().message().contains("expected 1 to 64"));

    let mut policies = PoliciesClient::new(served.channel.clone());
    let text = (0..300).map(|n| format!("unknown_{n} = 1\n")).collect();
    let refused = policies.apply(v1::ApplyRequest { text, ..v1::ApplyRequest::default() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("unknown_0") && refused.message().contains("policy check"));
}

#[tokio::test]
async fn reflection_and_health_know_the_services() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
    let served = start().await;
    let mut reflection = ServerReflectionClient::new(served.channel.clone());
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let ask = ServerReflectionRequest { host: String::new(), message_request };
    let mut answers =
        reflection.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let ServerReflectionResponse { message_response, .. } = answers.next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = message_response else {
        panic!("{message_response:?}")
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    let mut health = tonic_health::pb::health_client::HealthClient::new(served.channel.clone());
    for service in [
        "repute.v1.Status",
        "repute.v1.Scores",
        "repute.v1.Mitigations",
        "repute.v1.Policies",
        "repute.v1.Crowds",
        "repute.v1.Feeds",
    ] {
        assert!(names.contains(&service), "{names:?}");
        let check = tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        assert_eq!(health.check(check).await.unwrap().into_inner().status, 1);
    }
}

#[tokio::test]
async fn the_end_cuts_streams_and_removes_the_socket() {
    let served = start().await;
    let path = served.dir.path().join("repute.sock");
    let mut mitigations = MitigationsClient::new(served.channel.clone());
    let mut events = mitigations.watch(v1::WatchMitigationsRequest {}).await.unwrap().into_inner();
    let second = repute_server::serve(served.rig.hub.clone(), &path, std::future::pending()).await;
    assert!(second.unwrap_err().to_string().contains("another reputed is running"));
    served.end.send(()).unwrap();
    served.server.await.unwrap().unwrap();
    assert!(!path.exists());
    assert!(!matches!(events.next().await, Some(Ok(_))));
}
