//! Treatments that alerts ask for: on all workers, explained, kept, lifted.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod site;

use std::time::{Duration, SystemTime};

use common::{Plan, Rig, source};
use repute_access::Role;
use repute_model::{Explanation, Rule};
use repute_policy::config::Treat;
use repute_proto::v1;
use repute_proto::v1::feeds_client::FeedsClient;
use repute_proto::v1::scores_client::ScoresClient;
use repute_server::{ApplyRequest, HubError, Keeper};
use repute_siem::Subject;
use repute_store::{Limits, Store};
use site::Site;
use tokio_stream::StreamExt;
use tonic::Code;

const HOUR: Duration = Duration::from_secs(3600);
const NOTE: &str = "rule scans: 2010935 ET SCAN";

/// Waits until the worker of a source judges by a rule.
async fn until(rig: &Rig, who: &str, is: impl Fn(Rule) -> bool) -> Explanation {
    until_judged(rig, who, |explained| is(explained.rule)).await
}

/// Waits until a source stands so.
async fn until_judged(rig: &Rig, who: &str, is: impl Fn(&Explanation) -> bool) -> Explanation {
    loop {
        let explained = rig.hub.explain(source(who)).await.unwrap().answer;
        if is(&explained) {
            return explained;
        }
        tokio::task::yield_now().await;
    }
}

fn listed(rule: Rule) -> bool {
    matches!(rule, Rule::Listed(_))
}

fn prefix(text: &str) -> Subject {
    Subject::Prefix(text.parse().unwrap())
}

#[tokio::test]
async fn a_treatment_is_in_force_explained_and_lifted() {
    let site = Site::start().await;
    let rig = &site.rig;
    rig.receive([0xc000_0207]);
    rig.received(1).await;
    let asked = SystemTime::now();
    rig.hub.treat(&Subject::Source(source("192.0.2.7")), Treat::Drop, HOUR, NOTE).await.unwrap();
    // A deny entry is evidence: it counts with the next look at the score.
    let judged = until_judged(rig, "192.0.2.7", |judged| judged.treatment.drop).await;
    assert_eq!(judged.rule, Rule::Listed(100), "{judged:?}");
    assert_eq!(judged.policy_version, 1, "no version of the policy");

    let channel = site.role(Role::Operator).await;
    let mut scores = ScoresClient::new(channel.clone());
    let ask = v1::ExplainRequest { source: "192.0.2.7".to_owned() };
    let explained = loop {
        let explained = scores.explain(ask.clone()).await.unwrap().into_inner();
        if !explained.listed.is_empty() {
            break explained;
        }
    };
    assert_eq!(explained.rule, format!("feed alerts names 192.0.2.7/32 ({NOTE}), with 100 % confidence"));
    let until_ms = explained.listed[0].until_unix_ms.unwrap();
    let ends = asked.duration_since(SystemTime::UNIX_EPOCH).unwrap() + HOUR;
    assert!((ends.as_millis()..ends.as_millis() + 60_000).contains(&u128::from(until_ms)), "{until_ms}");

    let mut feeds = FeedsClient::new(channel);
    let show = v1::ShowFeedRequest { name: "alerts".to_owned(), max_rows: 0 };
    let rows = feeds.show(show).await.unwrap().into_inner().next().await.unwrap().unwrap().rows;
    assert_eq!((rows.len(), rows[0].prefix.as_str(), rows[0].note.as_str()), (1, "192.0.2.7/32", NOTE));
    let list = feeds.list(v1::ListFeedsRequest {}).await.unwrap().into_inner().feeds;
    assert_eq!((list[0].name.as_str(), list[0].origin.as_str()), ("alerts", "rules of [alerts]"));
    let refresh = v1::RefreshFeedsRequest { name: "alerts".to_owned() };
    assert_eq!(feeds.refresh(refresh).await.unwrap_err().code(), Code::FailedPrecondition);

    let forgive =
        v1::NudgeRequest { source: "192.0.2.7".to_owned(), forgive: true, ..v1::NudgeRequest::default() };
    scores.nudge(forgive).await.unwrap();
    until(rig, "192.0.2.7", |rule| !listed(rule)).await;
}

#[tokio::test]
async fn limits_limit_and_policies_keep_them() {
    let rig = Rig::start();
    rig.hub.treat(&prefix("198.51.100.0/24"), Treat::Limit, HOUR, NOTE).await.unwrap();
    let judged = until(&rig, "198.51.100.9", listed).await;
    assert!(judged.treatment.limits() && !judged.treatment.drop, "{judged:?}");
    let apply = |text: &str| ApplyRequest { text: text.to_owned(), ..ApplyRequest::default() };
    rig.hub.apply(apply("[profiles.ingress]\nprior = 0.8\n")).await.unwrap();
    let judged = until(&rig, "198.51.100.9", listed).await;
    assert!(judged.treatment.limits() && !judged.treatment.drop, "{judged:?}");
    // Allowed is allowed, whatever alerts ask for.
    let allow = "[profiles.ingress]\n[lists]\nallow = [\"198.51.100.9\"]\n";
    rig.hub.apply(apply(allow)).await.unwrap();
    until(&rig, "198.51.100.9", |rule| rule == Rule::Allowed).await;
    rig.hub.treat(&prefix("203.0.113.0/24"), Treat::Allow, HOUR, NOTE).await.unwrap();
    until(&rig, "203.0.113.1", |rule| rule == Rule::Allowed).await;
}

#[tokio::test]
async fn inside_senders_and_services_are_treated_where_they_are_judged() {
    let config =
        "inside = [\"10.0.0.0/8\"]\n[profiles.egress]\n[services.shop]\nprefixes = [\"10.0.1.0/24\"]\n";
    let rig = Plan { config: config.to_owned(), ..Plan::default() }.start();
    let shop = Subject::Service("shop".to_owned());
    rig.hub.treat(&shop, Treat::Limit, HOUR, NOTE).await.unwrap();
    assert!(until(&rig, "10.0.1.7", listed).await.treatment.limits());
    assert!(!listed(rig.hub.explain(source("10.0.2.7")).await.unwrap().answer.rule));
    let none = Subject::Service("none".to_owned());
    let refused = rig.hub.treat(&none, Treat::Limit, HOUR, NOTE).await.unwrap_err();
    assert!(matches!(refused, HubError::NoService(_)), "{refused}");
    // By default no band of this profile drops.
    let refused = rig.hub.treat(&shop, Treat::Drop, HOUR, NOTE).await.unwrap_err();
    assert!(matches!(refused, HubError::NoEntry(Treat::Drop)), "{refused}");
}

#[tokio::test]
async fn treatments_end() {
    let rig = Rig::start();
    rig.hub.treat(&prefix("198.51.100.0/24"), Treat::Drop, Duration::from_secs(1), NOTE).await.unwrap();
    until(&rig, "198.51.100.9", listed).await;
    until(&rig, "198.51.100.9", |rule| !listed(rule)).await;
}

#[tokio::test]
async fn treatments_outlive_the_box() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(folder.path(), Limits::default(), SystemTime::now()).unwrap().store;
    let store = open();
    let rig = Rig::start();
    let mut keeper = Keeper::start(&rig.hub, store.clone(), HOUR, SystemTime::now);
    keeper.restored().await;
    rig.hub.treat(&prefix("198.51.100.0/24"), Treat::Limit, HOUR, NOTE).await.unwrap();
    rig.hub.treat(&Subject::Source(source("192.0.2.7")), Treat::Drop, HOUR, "another").await.unwrap();
    while store.feed("alerts").unwrap().is_none_or(|feed| feed.head.entries < 2) {
        tokio::task::yield_now().await;
    }
    keeper.close().await;
    drop(rig);

    let again = Rig::start();
    let _keeper = Keeper::start(&again.hub, store, HOUR, SystemTime::now);
    assert!(until(&again, "192.0.2.7", listed).await.treatment.drop);
    let judged = until(&again, "198.51.100.9", listed).await.treatment;
    assert!(judged.limits() && !judged.drop, "{judged}");
}
