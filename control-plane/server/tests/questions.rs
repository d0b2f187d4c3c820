//! What the hub asks the workers: explanations, lists, nudges, mitigations.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use common::{Plan, Rig, source};
use repute_model::toeplitz::{Key, Reta, Spread};
use repute_model::{Band, CrowdState, Effect, Filter, Flood, Owners, Reason, Rule};
use repute_server::{ApplyRequest, HubError, Limit, LimitChange, LimitCursor, PageToken};

async fn active(rig: &Rig) -> Vec<Limit> {
    rig.hub.mitigations(LimitCursor::Active(None), 100).await.unwrap().0
}

async fn past(rig: &Rig) -> Vec<Limit> {
    rig.hub.mitigations(LimitCursor::Past(u64::MAX), 100).await.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn strangers_and_acquaintances_are_explained() {
    let rig = Rig::start();
    let stranger = rig.hub.explain(source("10.0.0.1")).await.unwrap().answer;
    assert!(!stranger.tracked && matches!(stranger.rule, Rule::Stranger(Band::Good)));
    rig.receive([0x0a00_0001]);
    rig.received(1).await;
    let known = rig.hub.explain(source("10.0.0.1")).await.unwrap().answer;
    assert!(known.tracked && known.last_seen.0 > 0);
    assert_eq!((known.rule, known.score.get()), (Rule::Band(Band::Good), 7500));
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_told_counted_and_asked_of_the_leader() {
    let rig = Plan::flooded().start();
    assert_eq!(rig.hub.crowds().await.unwrap(), []);
    let (past, mut events) = rig.hub.watch_crowds(10).await.unwrap();
    assert_eq!(past, []);
    let mut states = Vec::new();
    while states.last() != Some(&CrowdState::Flood) {
        let told = events.recv().await.unwrap().change;
        if told.crowd.to_string() == "192.0.2.1/32" {
            assert_eq!(told.flood, Flood::Syn);
            states.push(told.to);
        }
    }
    assert_eq!(states, [CrowdState::Suspect, CrowdState::Flood]);
    let stands = rig.hub.crowds().await.unwrap();
    assert!(stands.iter().any(|row| row.crowd.to_string() == "192.0.2.1/32" && row.to == CrowdState::Flood));
    let counts = rig.hub.status().await.unwrap().crowd_changes[Flood::Syn.index()];
    assert!(counts[CrowdState::Flood.index()] >= 1, "{counts:?}");
    assert!(rig.hub.watch_crowds(2).await.unwrap().0.len() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_lags_is_named() {
    let rig = Plan { breathing: 0, ..Plan::flooded() }.start();
    let lags = rig.hub.crowds().await.unwrap_err();
    assert!(matches!(lags, HubError::Lagging { worker: 0, .. }), "{lags}");
}

#[tokio::test(start_paused = true)]
async fn an_address_stands_for_its_source() {
    let rig = Rig::start();
    let explained = rig.hub.explain(source("2001:db8::42")).await.unwrap().answer;
    assert_eq!(explained.source.to_string(), "2001:db8::/64");
    let error = rig.hub.explain(source("2001:db8::/48")).await.unwrap_err();
    assert!(matches!(error, HubError::Width { v4: 32, v6: 64, .. }), "{error}");
}

/// A key without a pattern: a linear congruential generator.
fn key() -> Key {
    let mut state = 1u64;
    let bytes: [u8; 40] = std::array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    Key::new(&bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn questions_reach_the_owner_however_sources_are_shared() {
    let toeplitz = Owners::Toeplitz(Arc::new(Spread::new(&key(), Reta::even(128, 3).unwrap())));
    for owners in [Owners::Hash { workers: 3 }, toeplitz] {
        let plan = Plan { workers: 3, breathing: 3, owners: Some(owners.clone()), ..Plan::default() };
        let rig = plan.start();
        rig.receive(0x0a00_0000..0x0a00_0000 + 60);
        rig.received(60).await;
        let mut asked = [0; 3];
        for i in 0..60 {
            let source = source(&format!("10.0.0.{i}"));
            let explained = rig.hub.explain(source).await.unwrap();
            assert!(explained.answer.tracked, "{source} is asked of worker {}", explained.worker);
            assert_eq!(explained.worker, owners.owner(source));
            asked[usize::from(explained.worker)] += 1;
        }
        assert!(asked.iter().all(|&count| count > 5), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_sources_are_listed_page_by_page() {
    let rig = Plan { workers: 3, breathing: 3, ..Plan::default() }.start();
    rig.receive(0x0a00_0000..0x0a00_0000 + 5000);
    rig.received(5000).await;
    let (mut at, mut seen, mut pages) = (Some(PageToken::default()), HashSet::new(), 0);
    while let Some(from) = at {
        let page = rig.hub.list(Filter::ALL, from, u16::MAX).await.unwrap();
        assert!(page.rows.len() <= 256);
        pages += 1;
        assert!(page.rows.iter().all(|row| seen.insert(row.source)), "no row twice");
        at = page.next;
    }
    assert_eq!(seen.len(), 5000);
    assert!(pages >= 5000 / 256);
    let filter = Filter { at_least: Band::Poor, ..Filter::ALL };
    assert!(rig.hub.list(filter, PageToken::default(), 10).await.unwrap().rows.is_empty());
    let beyond = "9-0".parse().unwrap();
    assert!(matches!(rig.hub.list(Filter::ALL, beyond, 10).await, Err(HubError::PageToken(_))));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_never_answers_is_named() {
    let rig = Plan { workers: 1, breathing: 0, commands: 1, ..Plan::default() }.start();
    let error = rig.hub.explain(source("10.0.0.1")).await.unwrap_err();
    assert!(matches!(error, HubError::Lagging { worker: 0, waited_ms: 5000 }), "{error}");
    let error = rig.hub.nudge(source("10.0.0.1"), 1, false).await.unwrap_err();
    assert!(matches!(error, HubError::Busy { worker: 0 }), "{error}");
    let status = rig.hub.status().await.unwrap();
    assert!(status.workers[0].silent >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn nudges_move_scores_and_mitigations_follow() {
    let rig = Rig::start();
    let mut events = rig.hub.subscribe_mitigations();
    let who = source("10.0.0.1");
    let (nudged, before, after) = rig.hub.nudge(who, -7000, false).await.unwrap().answer;
    assert_eq!((nudged, before.get(), after.get()), (who, 7500, 500));
    let limits = active(&rig).await;
    assert_eq!((limits.len(), limits[0].source, limits[0].band), (1, who, Band::Malicious));
    assert!(limits[0].treatment.drop);
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.hub.nudge(who, 10_000, true).await.unwrap();
    assert!(active(&rig).await.is_empty());
    let ended = past(&rig).await;
    assert!((1000..1100).contains(&ended[0].lasted_ms), "{}", ended[0].lasted_ms);
    let changes = [events.try_recv().unwrap().change, events.try_recv().unwrap().change];
    assert_eq!(changes, [LimitChange::Began, LimitChange::Ended]);
    assert_eq!(rig.hub.status().await.unwrap().mitigations, [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_no_longer_limits_ends_mitigations() {
    let rig = Rig::start();
    rig.hub.nudge(source("10.0.0.1"), -7000, false).await.unwrap();
    assert_eq!(active(&rig).await.len(), 1);
    let text = "[profiles.ingress.treatments]\nmalicious = \"log\"\n".to_owned();
    rig.hub.apply(ApplyRequest { text, ..ApplyRequest::default() }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(active(&rig).await.is_empty());
    assert_eq!(past(&rig).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_limits_more_is_noticed() {
    let rig = Rig::start();
    rig.receive(0x0a00_0000..0x0a00_0000 + 600);
    rig.received(600).await;
    let text = "[profiles.ingress.treatments]\ngood = { block_new = true }\n".to_owned();
    rig.hub.apply(ApplyRequest { text, ..ApplyRequest::default() }).await.unwrap();
    while rig.hub.status().await.unwrap().mitigations != [600, 0, 0] {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(active(&rig).await.iter().all(|limit| limit.treatment.block_new));
}

#[tokio::test(start_paused = true)]
async fn a_listed_source_is_dropped_counted_and_conserved() {
    let config = "[profiles.ingress]\n[lists]\ndeny = [\"10.0.0.0/24\"]\n".to_owned();
    let rig = Plan { config, ..Plan::default() }.start();
    rig.receive([0x0a00_0001; 100].into_iter().chain([0x0a00_0101; 100]));
    rig.received(200).await;
    let total = rig.hub.status().await.unwrap().total();
    assert!(total.is_conserved());
    assert_eq!((total.ports[0].dropped_total(), total.ports[0].forwarded), (100, 100));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((total.tracked, total.strangers), (1, 101), "it needs no entry to be dropped");
    assert!(active(&rig).await.is_empty());
    let explained = rig.hub.explain(source("10.0.0.1")).await.unwrap().answer;
    assert_eq!(explained.rule, Rule::Listed(100));
}

#[tokio::test(start_paused = true)]
async fn shadow_mode_tells_of_limits_and_drops_nobody_until_it_ends() {
    let listed =
        "[profiles.ingress]\n[lists]\ndeny = [\"10.0.0.0/24\"]\n[services.web]\nprefixes = [\"192.0.2.1\"]\n";
    let rig = Plan { config: format!("mode = \"shadow\"\n{listed}"), ..Plan::default() }.start();
    let mut events = rig.hub.subscribe_mitigations();
    rig.receive([0x0a00_0001; 100]);
    rig.received(100).await;
    let status = rig.hub.status().await.unwrap();
    let total = status.total();
    assert!(status.shadow && total.is_conserved());
    assert_eq!((total.ports[0].dropped_total(), total.ports[0].forwarded), (0, 100));
    assert_eq!(total.shadow[Reason::Listed.index()], 100);
    // Services are published less often.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let services = rig.hub.status().await.unwrap().services;
    let cut = services.iter().map(|one| (one.name.as_str(), one.counts.shadow_packets[Effect::Cut.index()]));
    assert_eq!(cut.collect::<Vec<_>>(), [("web", 100), ("", 0)]);
    rig.hub.nudge(source("10.0.1.1"), -7000, false).await.unwrap();
    let limits = active(&rig).await;
    assert_eq!(limits.len(), 1);
    assert!(limits[0].shadow && limits[0].treatment.drop);
    assert!(rig.hub.explain(source("10.0.1.1")).await.unwrap().answer.shadow);

    rig.hub.apply(ApplyRequest { text: listed.to_owned(), ..ApplyRequest::default() }).await.unwrap();
    let told = [(); 2].map(|()| events.try_recv().unwrap()).map(|told| (told.change, told.limit.shadow));
    assert_eq!(told, [(LimitChange::Began, true), (LimitChange::Changed, false)]);
    assert!(!rig.hub.status().await.unwrap().shadow && !active(&rig).await[0].shadow);
}
