//! The API over real TLS and a real unix socket: who gets in, what each role may, what the audit log says of it.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod site;

use std::time::SystemTime;

use repute_access::pki::Pki;
use repute_access::{Role, permissions};
use repute_proto::v1;
use repute_proto::v1::access_client::AccessClient;
use repute_proto::v1::policies_client::PoliciesClient;
use repute_proto::v1::scores_client::ScoresClient;
use repute_proto::v1::status_client::StatusClient;
use site::{Site, call};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

fn nudge(source: &str, delta: i32) -> v1::NudgeRequest {
    v1::NudgeRequest {
        source: source.to_owned(),
        delta,
        note: "a test".to_owned(),
        ..v1::NudgeRequest::default()
    }
}

#[tokio::test]
async fn every_method_with_every_role_over_tls() {
    let site = Site::start().await;
    let methods = permissions::methods(repute_proto::DESCRIPTORS).unwrap();
    assert!(methods.len() > 15);
    for role in Role::ALL {
        let channel = site.role(role).await;
        for method in &methods {
            let code = call(&channel, method).await.err().map(|status| status.code());
            assert_ne!(code, Some(Code::Unimplemented), "{method} is served by nobody");
            let denied = code == Some(Code::PermissionDenied);
            assert_eq!(denied, !permissions::allows(role, method), "{role} {method}");
        }
        assert!(call(&channel, "/grpc.health.v1.Health/Check").await.is_ok(), "{role} may ask for health");
    }
}

#[tokio::test]
async fn whoever_is_nobody_gets_nothing() {
    let site = Site::start().await;
    let ask = |channel: Channel| async move { StatusClient::new(channel).get(v1::GetStatusRequest {}).await };
    for client in [None, Some("admin-expired"), Some("admin-revoked")] {
        // TLS 1.3 clients hear of it with their first request at the latest.
        if let Ok(channel) = site.tls(client).await {
            ask(channel).await.unwrap_err();
        }
    }
    let stranger = ask(site.tls(Some("viewer-stranger")).await.unwrap()).await.unwrap_err();
    assert_eq!(stranger.code(), Code::PermissionDenied);
    assert!(stranger.message().contains("has no role here"), "{stranger}");
    // HTTP/2 without TLS.
    let plain = Endpoint::try_from(format!("http://{}", site.address)).unwrap();
    if let Ok(channel) = plain.connect().await {
        ask(channel).await.unwrap_err();
    }
    ask(site.role(Role::Viewer).await).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_revoked_ends_open_connections() {
    let site = Site::start().await;
    let channel = site.role(Role::Operator).await;
    let ask = || async { StatusClient::new(channel.clone()).get(v1::GetStatusRequest {}).await };
    ask().await.unwrap();
    let pki = Pki::open(site.dir.path()).unwrap();
    pki.revoke(&site.file("operator-one.pem"), SystemTime::now()).unwrap();
    // The files are looked at every few seconds; the test runner's own limit ends a wait for ever.
    let refused = loop {
        match ask().await {
            Ok(_) => tokio::task::yield_now().await,
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn changes_are_written_down_with_who_before_and_after() {
    let site = Site::start().await;
    let channel = site.role(Role::Operator).await;
    let mut scores = ScoresClient::new(channel.clone());
    scores.nudge(nudge("192.0.2.7", -4400)).await.unwrap();
    scores.nudge(nudge("192.0.2.0/3", 1)).await.unwrap_err();
    let mut policies = PoliciesClient::new(channel);
    let text = "[profiles.ingress]\nprior = 0.6\n".to_owned();
    let apply = v1::ApplyRequest {
        text,
        name: "new.toml".into(),
        who: "alice".into(),
        ..v1::ApplyRequest::default()
    };
    let applied = policies.apply(apply).await.unwrap().into_inner();
    policies.rollback(v1::RollbackRequest::default()).await.unwrap();
    policies.confirm(v1::ConfirmRequest { version: 9 }).await.unwrap_err();
    let latest =
        policies.history(v1::HistoryRequest { max: 2 }).await.unwrap().into_inner().versions.remove(1);
    assert_eq!(latest.who, "alice (spiffe://example.org/operator/one)");

    let lines = site.audit();
    let field = |line: usize, name: &str| lines[line][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(lines.len(), 5);
    for line in 0..5 {
        assert_eq!(field(line, "who"), "spiffe://example.org/operator/one");
        assert_eq!(field(line, "role"), "operator");
        assert!(field(line, "via").starts_with("tls 127.0.0.1:"));
        assert_eq!(field(line, "policy").len(), 64);
    }
    assert_eq!((field(0, "before"), field(0, "after")), ("score 7500".into(), "score 3100".into()));
    assert_eq!(
        (field(0, "object"), field(0, "outcome")),
        ("192.0.2.7 by -4400: a test".into(), "done".into())
    );
    assert!(lines[1].to_string().contains("refused"), "{}", lines[1]);
    assert!(field(2, "before").starts_with("version 1, sha256 "));
    assert_eq!(field(2, "after"), format!("version 2, sha256 {}", applied.digest));
    assert_eq!(field(2, "policy"), applied.digest);
    assert!(field(3, "after").starts_with("version 3, sha256 "));
    assert!(lines[4].to_string().contains("refused"), "{}", lines[4]);
}

#[tokio::test]
async fn a_policy_over_the_api_never_says_who_may_do_what() {
    let site = Site::start().await;
    let mut policies = PoliciesClient::new(site.role(Role::Admin).await);
    let text = "[profiles.ingress]\n[api.access]\nsocket_group = \"admin\"\n".to_owned();
    let refused = policies.apply(v1::ApplyRequest { text, ..v1::ApplyRequest::default() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("send SIGHUP"), "{refused}");
}

/// A request that presents a key.
fn with_key<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

#[tokio::test]
async fn a_token_lifts_its_source_and_nothing_else() {
    let site = Site::start().await;
    let local = site.local().await;
    let mut access = AccessClient::new(local.clone());
    let source = "192.0.2.7".to_owned();
    let asked = v1::IssueTokenRequest { source, label: "on call".into(), valid_s: 3600, uses: 3 };
    let issued = access.issue_token(asked).await.unwrap().into_inner();
    let mut scores = ScoresClient::new(local);
    scores.nudge(nudge("192.0.2.7", -4400)).await.unwrap();
    for wrong in [nudge("192.0.2.8", 100), nudge("192.0.2.7", -1)] {
        let refused = scores.nudge(with_key(&issued.text, wrong)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    }
    let lifted = scores.nudge(with_key(&issued.text, nudge("192.0.2.7", 3000))).await.unwrap().into_inner();
    assert_eq!((lifted.before, lifted.after), (3100, 6100));
    // Its three uses are used up.
    let refused = scores.nudge(with_key(&issued.text, nudge("192.0.2.7", 1))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    // Whom the guard keeps off is written down by a task of its own.
    while site.lines().len() < 6 {
        tokio::task::yield_now().await;
    }
    let lines = site.audit();
    assert!(lines[5]["why"].as_str().unwrap().contains("key"), "{}", lines[5]);
    assert!(lines[0]["after"].as_str().unwrap().ends_with("lift 192.0.2.7"), "{}", lines[0]);
    assert!(lines[4]["who"].as_str().unwrap().starts_with("key:"));
    let secret = issued.text.rsplit('_').next().unwrap();
    assert!(!std::fs::read_to_string(site.file("audit.jsonl")).unwrap().contains(secret));
}

#[tokio::test]
async fn keys_are_issued_listed_and_revoked_by_admins() {
    let site = Site::start().await;
    let mut access = AccessClient::new(site.role(Role::Admin).await);
    let asked = v1::IssueKeyRequest { role: "operator".into(), label: "dashboard".into(), valid_s: 60 };
    let issued = access.issue_key(asked).await.unwrap().into_inner();
    let id = issued.key.unwrap().id;
    let keys = access.list_keys(v1::ListKeysRequest {}).await.unwrap().into_inner().keys;
    assert_eq!((keys.len(), keys[0].role.as_str(), keys[0].label.as_str()), (1, "operator", "dashboard"));
    // The key's role counts, not that of the certificate beside it.
    let mut scores = ScoresClient::new(site.role(Role::Viewer).await);
    assert_eq!(scores.nudge(nudge("192.0.2.7", 1)).await.unwrap_err().code(), Code::PermissionDenied);
    scores.nudge(with_key(&issued.text, nudge("192.0.2.7", 1))).await.unwrap();
    access.revoke(v1::RevokeRequest { id: id.clone() }).await.unwrap();
    let refused = scores.nudge(with_key(&issued.text, nudge("192.0.2.7", 1))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(access.revoke(v1::RevokeRequest { id }).await.unwrap_err().code(), Code::NotFound);
    let asked = v1::IssueKeyRequest { role: "king".into(), ..v1::IssueKeyRequest::default() };
    assert_eq!(access.issue_key(asked).await.unwrap_err().code(), Code::InvalidArgument);
}
