//! The road to a new policy: everywhere or nowhere, with a way back.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::time::Duration;

use common::{CONFIG, Plan, Rig};
use repute_server::{ApplyRequest, HubError, RollbackRequest, VersionState};

fn request(text: &str) -> ApplyRequest {
    let (text, name, who) = (text.to_owned(), "new.toml".to_owned(), "test".to_owned());
    ApplyRequest { text, name, who, ..ApplyRequest::default() }
}

fn prior(value: &str) -> String {
    format!("[profiles.ingress]\nprior = {value}\n")
}

async fn versions(rig: &Rig) -> Vec<(u64, VersionState)> {
    rig.hub.history(100).await.unwrap().into_iter().map(|info| (info.version, info.state)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_applied_everywhere() {
    let rig = Rig::start();
    let applied = rig.hub.apply(request(&prior("0.8"))).await.unwrap();
    assert_eq!((applied.version, applied.lagging.as_slice()), (2, &[][..]));
    let changes: Vec<_> = applied.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changes, ["profiles.ingress.prior"]);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let status = rig.hub.status().await.unwrap();
    assert!(status.everywhere && status.workers.iter().all(|worker| worker.account.policy_version == 2));
    assert_eq!(versions(&rig).await, [(2, VersionState::InForce), (1, VersionState::Replaced)]);
    assert_eq!(&*rig.hub.show(2).await.unwrap().text, prior("0.8"));
    let explained = rig.hub.explain(common::source("192.0.2.7")).await.unwrap().answer;
    assert_eq!((explained.score.get(), explained.policy_version), (8000, 2));
}

#[tokio::test(start_paused = true)]
async fn the_same_meaning_is_not_installed_again() {
    let rig = Rig::start();
    let applied = rig.hub.apply(request(&format!("# the same\n{CONFIG}"))).await.unwrap();
    assert_eq!((applied.version, applied.unchanged), (1, true));
    assert_eq!(versions(&rig).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_lags_is_named_and_takes_it_later() {
    let mut rig = Plan { workers: 3, breathing: 2, ..Plan::default() }.start();
    let applied = rig.hub.apply(request(&prior("0.8"))).await.unwrap();
    assert_eq!((applied.version, applied.lagging.as_slice()), (2, &[2][..]));
    assert_eq!(versions(&rig).await[0], (2, VersionState::Installing));
    assert!(!rig.hub.status().await.unwrap().everywhere);
    rig.wake();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(versions(&rig).await[0], (2, VersionState::InForce));
    assert!(rig.hub.status().await.unwrap().everywhere);
}

#[tokio::test(start_paused = true)]
async fn a_full_ring_changes_nothing_anywhere() {
    let rig = Plan { workers: 2, breathing: 1, commands: 1, ..Plan::default() }.start();
    assert_eq!(rig.hub.apply(request(&prior("0.8"))).await.unwrap().lagging, [1]);
    let error = rig.hub.apply(request(&prior("0.7"))).await.unwrap_err();
    assert!(matches!(error, HubError::Busy { worker: 1 }), "{error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let status = rig.hub.status().await.unwrap();
    assert_eq!((status.policy.version, status.workers[0].account.policy_version), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn mistakes_stale_versions_and_restarts_are_refused() {
    let rig = Rig::start();
    let error = rig.hub.apply(request("[profiles.ingress]\nprio = 2\nwindow = 3\n")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("new.toml:2:1") && text.contains("new.toml:3:10"), "{text}");

    let stale = ApplyRequest { expected_version: Some(7), ..request(&prior("0.8")) };
    let error = rig.hub.apply(stale).await.unwrap_err();
    assert!(matches!(error, HubError::Stale { expected: 7, in_force: 1 }), "{error}");

    let restart = format!("{}[limits]\nsources = 1024\n", prior("0.8"));
    let error = rig.hub.apply(request(&restart)).await.unwrap_err();
    assert!(error.to_string().contains("limits.sources"), "{error}");
    assert!(!error.to_string().contains("prior"), "{error}");
    assert_eq!(versions(&rig).await, [(1, VersionState::InForce)]);
}

#[tokio::test(start_paused = true)]
async fn an_unconfirmed_policy_rolls_back_by_itself() {
    let rig = Rig::start();
    let before = rig.hub.show(0).await.unwrap();
    let confirm_within = Some(Duration::from_secs(60));
    let asked = ApplyRequest { confirm_within, ..request(&prior("0.8")) };
    assert!(rig.hub.apply(asked).await.unwrap().confirm_until.is_some());
    let error = rig.hub.apply(request(&prior("0.7"))).await.unwrap_err();
    assert!(matches!(error, HubError::Unconfirmed { version: 2, left_s: 60 }), "{error}");
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(versions(&rig).await[0], (2, VersionState::Unconfirmed));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let states = [(3, VersionState::InForce), (2, VersionState::Expired), (1, VersionState::Replaced)];
    assert_eq!(versions(&rig).await, states);
    let after = rig.hub.show(0).await.unwrap();
    assert_eq!((after.restores, after.digest, after.text), (Some(1), before.digest, before.text));
    assert!(matches!(rig.hub.confirm(0).await, Err(HubError::NothingToConfirm { asked: 0, waits: None })));
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_policy_stays() {
    let rig = Rig::start();
    let confirm_within = Some(Duration::from_secs(60));
    rig.hub.apply(ApplyRequest { confirm_within, ..request(&prior("0.8")) }).await.unwrap();
    let error = rig.hub.confirm(9).await.unwrap_err();
    assert!(matches!(error, HubError::NothingToConfirm { asked: 9, waits: Some(2) }), "{error}");
    assert_eq!(rig.hub.confirm(2).await.unwrap(), 2);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(versions(&rig).await[0], (2, VersionState::InForce));
}

#[tokio::test(start_paused = true)]
async fn rolling_back_walks_the_history() {
    let rig = Rig::start();
    for value in ["0.8", "0.7"] {
        rig.hub.apply(request(&prior(value))).await.unwrap();
    }
    let back = || rig.hub.rollback(RollbackRequest::default());
    assert_eq!(back().await.unwrap().version, 4);
    assert_eq!(rig.hub.show(0).await.unwrap().restores, Some(2));
    assert_eq!(back().await.unwrap().version, 5);
    assert_eq!(rig.hub.show(0).await.unwrap().restores, Some(1));
    assert!(matches!(back().await, Err(HubError::NoPrevious(1))));
    let named = RollbackRequest { version: 3, ..RollbackRequest::default() };
    assert_eq!(rig.hub.rollback(named).await.unwrap().changes[0].after.as_deref(), Some("0.7"));
    let unknown = RollbackRequest { version: 77, ..RollbackRequest::default() };
    let error = rig.hub.rollback(unknown).await.unwrap_err();
    assert!(matches!(error, HubError::UnknownVersion { version: 77, oldest: 1, latest: 6 }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn rolling_back_ends_the_wait_for_a_confirmation() {
    let rig = Rig::start();
    let confirm_within = Some(Duration::from_secs(60));
    rig.hub.apply(ApplyRequest { confirm_within, ..request(&prior("0.8")) }).await.unwrap();
    assert_eq!(rig.hub.rollback(RollbackRequest::default()).await.unwrap().version, 3);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(versions(&rig).await[..2], [(3, VersionState::InForce), (2, VersionState::RolledBack)]);
}

#[tokio::test(start_paused = true)]
async fn the_history_is_bounded() {
    let rig = Plan { workers: 1, breathing: 1, ..Plan::default() }.start();
    for n in 0..110 {
        rig.hub.apply(request(&prior(if n % 2 == 0 { "0.8" } else { "0.7" }))).await.unwrap();
    }
    let kept = versions(&rig).await;
    assert_eq!((kept.len(), kept[0].0, kept[99].0), (100, 111, 12));
    let differ = rig.hub.diff_versions(12, 0).await.unwrap();
    assert_eq!(differ.len(), 1);
    let error = rig.hub.diff_versions(11, 0).await.unwrap_err();
    assert!(matches!(error, HubError::UnknownVersion { version: 11, oldest: 12, latest: 111 }), "{error}");
}
