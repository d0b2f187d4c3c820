//! A pass at the walled garden in a running box: what it does to a source, what `explain` and the audit log say of it.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod site;

use std::time::{Duration, SystemTime};

use common::{Plan, source};
use repute_access::Role;
use repute_model::{Passed, Score};
use repute_proto::v1;
use repute_proto::v1::scores_client::ScoresClient;
use repute_server::PASS;
use serde_json::Value;
use site::Site;

const CONFIG: &str = "[profiles.dns]\nchallenge = { lasts = \"1h\" }\n[garden]\nlift = 0.05\n";
const WHO: &str = "10.0.0.1";

async fn site() -> Site {
    Site::of(Plan { config: CONFIG.to_owned(), ..Plan::default() }).await
}

/// Lines of the audit log about passes.
fn passes(site: &Site) -> Vec<Value> {
    site.lines().into_iter().filter(|line| line["method"] == PASS).collect()
}

async fn given(site: &Site) -> Vec<v1::Given> {
    let asked = v1::ExplainRequest { source: WHO.to_owned() };
    let mut scores = ScoresClient::new(site.role(Role::Viewer).await);
    scores.explain(asked).await.unwrap().into_inner().given
}

#[tokio::test]
async fn a_pass_lifts_a_little_is_explained_and_written_down() {
    let site = site().await;
    let hub = &site.rig.hub;
    assert_eq!(hub.pass(source(WHO), SystemTime::now()).await.unwrap(), Passed::Unknown);
    assert!(given(&site).await.is_empty() && passes(&site).is_empty(), "nothing was changed");

    let (_, _, lowered) = hub.nudge(source(WHO), -2_000, false).await.unwrap().answer;
    let Passed::Counts { before, after } = hub.pass(source(WHO), SystemTime::now()).await.unwrap() else {
        panic!("it is not blocked")
    };
    assert!(before >= lowered && after.get() - before.get() == 500, "{lowered} {before} {after}");
    let told = given(&site).await;
    assert_eq!((told.len(), told[0].name.as_str(), told[0].points), (1, PASS, 500));
    let left = SystemTime::UNIX_EPOCH + Duration::from_millis(told[0].until_unix_ms);
    assert!(left.duration_since(SystemTime::now()).unwrap() <= Duration::from_secs(3600));
    let lines = passes(&site);
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0]["object"].as_str(), lines[0]["before"].as_str()),
        (Some(WHO), Some(&*format!("score {before}")))
    );
    assert_eq!(lines[0]["after"].as_str(), Some(&*format!("score {after}")));
}

#[tokio::test]
async fn an_hour_later_and_for_the_blocked_it_counts_for_nothing() {
    let site = site().await;
    let hub = &site.rig.hub;
    hub.nudge(source(WHO), -2_000, false).await.unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3601);
    assert!(matches!(hub.pass(source(WHO), long_ago).await.unwrap(), Passed::Counts { .. }));
    assert!(given(&site).await.is_empty());
    hub.nudge(source(WHO), -10_000, false).await.unwrap();
    let blocked = hub.pass(source(WHO), SystemTime::now()).await.unwrap();
    assert!(matches!(blocked, Passed::Blocked(score) if score < Score::new(500)), "{blocked:?}");
    assert_eq!(passes(&site).len(), 1);
}
