//! What survives a restart: one box lives, is gone, and lives again on the same folder. Time is tokio's, paused.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{Datagram, Plan, Rig, source};
use repute_model::{Band, Factor, Filter, Rule};
use repute_server::{
    ApplyRequest, HubError, Keeper, LimitCursor, PageToken, RollbackRequest, VersionState, past,
};
use repute_store::{Limits, Store};
use tokio::time::{Instant, sleep};

const WINDOW: Duration = Duration::from_secs(30);
/// A little more than a window: a round has been finished.
const ROUND: Duration = Duration::from_secs(31);

thread_local! {
    /// What the wall showed when the life under way began, in seconds, and tokio's clock at that moment.
    static BEGUN: Cell<Option<(u64, Instant)>> = const { Cell::new(None) };
}

fn wall() -> SystemTime {
    let (at, begun) = BEGUN.get().unwrap();
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + at) + begun.elapsed()
}

/// A box from `at` seconds on, until `story` ends; it ends as if killed.
fn life<F: Future<Output = ()>>(
    folder: &Path,
    at: u64,
    plan: Plan,
    story: impl FnOnce(Rig, Keeper, Store) -> F,
) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        BEGUN.set(Some((at, Instant::now())));
        let opened = Store::open(folder, Limits::default(), wall()).unwrap();
        assert_eq!(opened.set_aside, None);
        let past = past(&opened.store).unwrap();
        let rig = Plan { past, ..plan }.start();
        let keeper = Keeper::start(&rig.hub, opened.store.clone(), WINDOW, wall);
        story(rig, keeper, opened.store).await;
    });
}

async fn band(rig: &Rig, who: &str) -> (bool, Band) {
    let explained = rig.hub.explain(source(who)).await.unwrap().answer;
    (explained.tracked, explained.band)
}

/// The first `many` addresses of 10.0.0.0/8 send a packet each.
async fn hear(rig: &Rig, many: u32) {
    rig.receive(0x0a00_0000..0x0a00_0000 + many);
    rig.received(u64::from(many)).await;
}

#[test]
fn sources_stand_where_they_stood() {
    let folder = tempfile::tempdir().unwrap();
    life(folder.path(), 0, Plan::default(), |rig, mut keeper, store| async move {
        assert_eq!(keeper.restored().await.unwrap().sources, 0);
        hear(&rig, 3_000).await;
        rig.hub.nudge(source("10.0.0.7"), -7_000, false).await.unwrap();
        sleep(ROUND + WINDOW).await;
        assert_eq!(store.last_round().unwrap().unwrap().1, 3_000);
    });
    // Sixty seconds of the first life, and two minutes without a box.
    life(
        folder.path(),
        181,
        Plan { workers: 3, breathing: 3, ..Plan::default() },
        |rig, mut keeper, _| async move {
            let revived = keeper.restored().await.unwrap();
            assert_eq!((revived.sources, revived.left_out, revived.damaged), (3_000, 0, 0));
            let explained = rig.hub.explain(source("10.0.0.7")).await.unwrap().answer;
            // 7000 below the prior, three minutes of a half-life of ten, which acts in steps of 19 s.
            let expected = 7_500.0 - 7_000.0 * (-181.0f64 / 600.0).exp2();
            assert!(
                (f64::from(explained.score.get()) - expected).abs() < 260.0,
                "{} {expected}",
                explained.score
            );
            assert_eq!((explained.tracked, explained.band), (true, Band::Malicious));
            assert_eq!(band(&rig, "10.0.0.8").await, (true, Band::Good));
            assert_eq!(band(&rig, "192.0.2.1").await, (false, Band::Good));
            let active = rig.hub.mitigations(LimitCursor::Active(None), 10).await.unwrap().0;
            assert_eq!(active.iter().map(|limit| limit.source).collect::<Vec<_>>(), [source("10.0.0.7")]);
            let page =
                rig.hub.list(Filter { at_least: Band::Poor, ..Filter::ALL }, PageToken::default(), 10).await;
            assert!(page.unwrap().rows.len() <= 1);
        },
    );
}

#[test]
fn an_end_that_was_asked_for_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    life(folder.path(), 0, Plan::default(), |rig, mut keeper, store| async move {
        keeper.restored().await.unwrap();
        hear(&rig, 700).await;
        keeper.close().await;
        assert_eq!(store.last_round().unwrap().unwrap().1, 700);
    });
    life(folder.path(), 1, Plan::default(), |_, mut keeper, _| async move {
        assert_eq!(keeper.restored().await.unwrap().sources, 700);
    });
}

#[test]
fn nudges_outlive_a_kill_before_the_next_round() {
    let folder = tempfile::tempdir().unwrap();
    let (known, unknown, forgiven) = ("10.0.0.7", "192.0.2.9", "10.0.0.8");
    life(folder.path(), 0, Plan::default(), |rig, mut keeper, store| async move {
        keeper.restored().await.unwrap();
        hear(&rig, 20).await;
        rig.hub.nudge(source(forgiven), -7_000, false).await.unwrap();
        sleep(ROUND).await;
        rig.hub.nudge(source(known), -7_000, false).await.unwrap();
        rig.hub.nudge(source(unknown), -7_000, false).await.unwrap();
        rig.hub.nudge(source(forgiven), 9_000, true).await.unwrap();
        while store.nudges(UNIX_EPOCH, 10).unwrap().len() < 4 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    life(folder.path(), 40, Plan::default(), |rig, mut keeper, _| async move {
        assert_eq!(keeper.restored().await.unwrap().sources, 21);
        for (who, expected) in
            [(known, Band::Malicious), (unknown, Band::Malicious), (forgiven, Band::Excellent)]
        {
            assert_eq!(band(&rig, who).await, (true, expected), "{who}");
        }
    });
}

#[test]
fn explanations_are_kept_for_every_change_of_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let who = "10.0.0.7";
    life(folder.path(), 0, Plan::default(), |rig, mut keeper, store| async move {
        keeper.restored().await.unwrap();
        rig.hub.nudge(source(who), -7_000, false).await.unwrap();
        sleep(Duration::from_secs(10)).await;
        rig.hub.nudge(source(who), 9_000, true).await.unwrap();
        while store.explanations_len().unwrap() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    life(folder.path(), 100, Plan::default(), |rig, _, _| async move {
        let bands =
            |found: Vec<repute_store::Explained>| found.iter().map(|one| one.band).collect::<Vec<_>>();
        let all = rig.hub.explained(source(who), UNIX_EPOCH, wall(), 0).await.unwrap();
        assert_eq!(bands(all), [Band::Excellent], "no more than was asked for");
        let all = rig.hub.explained(source(who), UNIX_EPOCH, wall(), 100).await.unwrap();
        assert!(
            all[1].terms.iter().any(|term| term.factor == "syn-ack") && all[1].treatment.contains("drop")
        );
        assert_eq!(bands(all), [Band::Excellent, Band::Malicious]);
        let early = wall() - Duration::from_secs(95);
        assert_eq!(
            bands(rig.hub.explained(source(who), UNIX_EPOCH, early, 1).await.unwrap()),
            [Band::Malicious]
        );
        assert!(rig.hub.explained(source("10.0.0.8"), UNIX_EPOCH, wall(), 9).await.unwrap().is_empty());
    });
}

#[tokio::test(start_paused = true)]
async fn a_box_without_a_store_says_so() {
    let rig = Rig::start();
    let error = rig.hub.explained(source("10.0.0.1"), UNIX_EPOCH, UNIX_EPOCH, 1).await.unwrap_err();
    assert!(matches!(error, HubError::NothingKept), "{error}");
    assert!(error.to_string().contains("--state"), "{error}");
}

fn apply(prior: &str, confirm_within: Option<Duration>) -> ApplyRequest {
    let text = format!("[profiles.ingress]\nprior = {prior}\n");
    ApplyRequest { text, name: "new.toml".into(), who: "a test".into(), confirm_within, ..Default::default() }
}

/// Waits until the store has so many versions and the last of them is confirmed.
async fn written(store: &Store, versions: usize) {
    while store.policies(100).unwrap().len() < versions {
        sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn the_history_of_policies_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let states = |versions: Vec<repute_server::VersionInfo>| {
        versions.iter().map(|info| (info.version, info.state)).collect::<Vec<_>>()
    };
    life(folder.path(), 0, Plan::default(), |rig, _, store| async move {
        rig.hub.apply(apply("0.8", None)).await.unwrap();
        written(&store, 2).await;
    });
    life(folder.path(), 100, Plan::default(), |rig, _, store| async move {
        let found = states(rig.hub.history(10).await.unwrap());
        assert_eq!(
            found,
            [(3, VersionState::InForce), (2, VersionState::Replaced), (1, VersionState::Replaced)]
        );
        assert_eq!(rig.hub.explain(source("10.0.0.1")).await.unwrap().answer.policy_version, 3);
        assert_eq!(rig.hub.show(2).await.unwrap().who, "a test");
        let back = RollbackRequest { version: 2, ..RollbackRequest::default() };
        assert_eq!(rig.hub.rollback(back).await.unwrap().version, 4);
        let waits = apply("0.7", Some(Duration::from_secs(600)));
        assert_eq!(rig.hub.apply(waits).await.unwrap().version, 5);
        written(&store, 5).await;
    });
    life(folder.path(), 200, Plan::default(), |rig, _, store| async move {
        let found = states(rig.hub.history(2).await.unwrap());
        assert_eq!(found, [(6, VersionState::InForce), (5, VersionState::Expired)]);
        written(&store, 6).await;
    });
    life(folder.path(), 300, Plan::default(), |rig, _, _| async move {
        let found = states(rig.hub.history(1).await.unwrap());
        assert_eq!(found, [(6, VersionState::InForce)], "the same config is the same version");
    });
}

#[test]
fn a_worker_that_hangs_costs_its_own_sources() {
    let folder = tempfile::tempdir().unwrap();
    life(folder.path(), 0, Plan::default(), |rig, mut keeper, _| async move {
        keeper.restored().await.unwrap();
        hear(&rig, 100).await;
        keeper.close().await;
    });
    life(folder.path(), 10, Plan { breathing: 1, ..Plan::default() }, |_, mut keeper, _| async move {
        let revived = keeper.restored().await.unwrap();
        assert_eq!(revived.sources + revived.left_out, 100);
        assert!(revived.sources > 20 && revived.left_out > 20, "{revived}");
    });
}

/// A publisher that is down at the start: what it said last counts.
#[test]
fn feeds_say_what_they_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    let plan = |confidence: u8| {
        let list = list.display();
        let terms = format!("confidence = {confidence}\nexpiry = \"3h\"\n");
        let config = format!("[profiles.ingress]\n[[feeds]]\nname = \"a\"\nfile = \"{list}\"\n{terms}");
        Plan { config, ..Plan::default() }
    };
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let rule = |rig: Rig| async move { rig.hub.explain(source("10.0.0.9")).await.unwrap().answer.rule };
    std::fs::write(&list, "10.0.0.9\n").unwrap();
    life(&state, 0, plan(60), |_, _, store| async move {
        while store.feed("a").unwrap().is_none() {
            sleep(WINDOW).await;
        }
    });
    std::fs::remove_file(&list).unwrap();
    // What another feed of this name has said is nothing to this one.
    life(&state, 60, plan(90), |rig, mut keeper, store| async move {
        keeper.restored().await.unwrap();
        sleep(2 * WINDOW).await;
        assert!(!matches!(rule(rig).await, Rule::Listed(_)));
        assert!(store.feed("a").unwrap().is_some(), "nothing better has come");
    });
    life(&state, 120, plan(60), |rig, mut keeper, _| async move {
        keeper.restored().await.unwrap();
        sleep(2 * WINDOW).await;
        assert_eq!(rule(rig).await, Rule::Listed(60));
    });
}

/// So do feeds of names.
#[test]
fn feeds_of_names_say_what_they_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let (list, state) = (folder.path().join("list"), folder.path().join("state"));
    std::fs::create_dir(&state).unwrap();
    let plan = || {
        let file = list.display();
        let config =
            format!("[profiles.dns]\n[[feeds]]\nname = \"a\"\nfile = \"{file}\"\nsays = \"honeypot\"\n");
        Plan { config, ..Plan::default() }
    };
    std::fs::write(&list, "www.trap.example\n*.dga.example\n").unwrap();
    life(&state, 0, plan(), |_, _, store| async move {
        while store.feed("a").unwrap().is_none() {
            sleep(WINDOW).await;
        }
    });
    std::fs::remove_file(&list).unwrap();
    life(&state, 60, plan(), |rig, mut keeper, _| async move {
        keeper.restored().await.unwrap();
        sleep(2 * WINDOW).await;
        let feeds = rig.hub.feeds();
        assert_eq!((feeds[0].entries, feeds[0].error.is_some()), (2, true), "{feeds:?}");
        let who = 0x0a00_0001;
        rig.deliver(who, Datagram::query(who, "trap"));
        rig.received(1).await;
        let explained = rig.hub.explain(source("10.0.0.1")).await.unwrap().answer;
        let lured = explained.terms.iter().find(|term| term.factor == Factor::Honeypots);
        assert_eq!(lured.map(|term| term.evidence.round()), Some(1.0), "{explained:?}");
    });
}

/// Honeypots that were added live on until their time is over, and those that were removed do not.
#[test]
fn honeypots_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let plan = || Plan { config: "[profiles.dns]\n".to_owned(), ..Plan::default() };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let hour = Duration::from_secs(3600);
    life(folder.path(), 0, plan(), |rig, mut keeper, store| async move {
        keeper.restored().await.unwrap();
        let now = wall();
        rig.hub.add_honeypots(&names(&["trap.example"]), 9 * hour, "one", now).await.unwrap();
        rig.hub.add_honeypots(&names(&["short.example", "gone.example"]), hour, "", now).await.unwrap();
        rig.hub.remove_honeypots(&names(&["gone.example"])).await.unwrap();
        while store.honeypots().unwrap().len() != 2 {
            sleep(Duration::from_millis(100)).await;
        }
    });
    life(folder.path(), 7200, plan(), |rig, mut keeper, _| async move {
        keeper.restored().await.unwrap();
        while rig.hub.honeypots(wall()).is_empty() {
            sleep(Duration::from_millis(100)).await;
        }
        let all = rig.hub.honeypots(wall());
        let told: Vec<_> = all.iter().map(|one| (one.name.to_string(), one.note.as_str())).collect();
        assert_eq!(told, [("trap.example".to_owned(), "one")]);
    });
}
