//! `[geo]` in a running box: what policies select by country, and what unlikely places cost.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod served;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use common::{Datagram, source};
use repute_model::{Address, Rule};
use repute_proto::v1;
use repute_server::{Cost, Sighting};
use served::Served;
use tonic::Code;

/// MaxMind's test files: countries, AS numbers.
fn files() -> Option<[PathBuf; 2]> {
    let corpus =
        std::env::var_os("REPUTE_CORPUS").map_or_else(|| "../../../shared/corpus".into(), PathBuf::from);
    // A config names whole paths.
    let corpus = corpus.canonicalize().unwrap_or(corpus);
    let files = ["Country", "ASN"].map(|kind| corpus.join(format!("geo/GeoLite2-{kind}-Test.mmdb")));
    if files.iter().all(|file| file.is_file()) {
        return Some(files);
    }
    println!("skipped: no corpus at {} (set REPUTE_CORPUS)", corpus.display());
    None
}

/// What the box makes of somebody who is seen with this identity.
async fn sighted(served: &Served, identity: &str, from: &str, at: SystemTime) -> Option<Cost> {
    let address = |text: &str| -> Address { text.parse::<std::net::IpAddr>().unwrap().into() };
    let seen = Sighting { identity, from: address(from), asked: address("192.0.2.1") };
    served.rig.hub.sighted(&seen, at).await.unwrap()
}

/// A country is selected by the file that is there; another file is another edition of the same version.
#[tokio::test]
async fn a_policy_selects_by_country() {
    let Some([country, asn]) = files() else { return };
    let served = Served::start("", &[]).await;
    let select = |lists: &str| format!("[geo]\ncountry = \"DIR/places\"\n[lists]\n{lists}\n");
    let put = |file: &Path| {
        let beside = served.dir.path().join("new");
        fs::copy(file, &beside).unwrap();
        fs::rename(&beside, served.dir.path().join("places")).unwrap();
    };
    put(&country);
    let version = served.apply(&select("deny_countries = [{ country = \"gb\", confidence = 60 }]")).await;
    let feed = served.refresh("geo-deny").await;
    assert!(feed.entries > 0 && feed.error.is_empty(), "{feed:?}");
    assert_eq!(served.rule("2.125.160.216").await, Rule::Listed(60));
    let explained = served.explain("2.125.160.216").await;
    assert_eq!(explained.rule, "feed geo-deny names 2.125.160.216/29 (country GB), with 60 % confidence");
    assert_eq!((explained.country.as_str(), explained.policy_version), ("GB", version));

    // A file that names no countries replaces nothing; what is wrong is told.
    put(&asn);
    let refused = v1::RefreshFeedsRequest { name: "geo-deny".to_owned() };
    let error = served.feeds().refresh(refused).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(error.message().contains("no geo database names any"), "{error}");
    assert_eq!(served.rule("2.125.160.216").await, Rule::Listed(60));
    let listed = served.feeds().list(v1::ListFeedsRequest {}).await.unwrap().into_inner().feeds;
    assert!(listed[0].error.contains("countries are selected") && listed[0].failed == 1, "{listed:?}");

    // An allowed country wins over its own denial.
    put(&country);
    let both = select("deny_countries = [\"GB\"]\nallow_countries = [\"GB\"]");
    served.apply(&both).await;
    served.refresh("geo-allow").await;
    assert_eq!(served.rule("2.125.160.216").await, Rule::Allowed);
    // Another policy selects nothing any more.
    served.apply("").await;
    let gone = v1::RefreshFeedsRequest { name: "geo-deny".to_owned() };
    assert_eq!(served.feeds().refresh(gone).await.unwrap_err().code(), Code::NotFound);
}

/// An account that is at home in one country and shows up in another a minute later.
#[tokio::test]
async fn an_unlikely_place_lowers_its_source_and_explain_says_so() {
    let Some([country, _]) = files() else { return };
    let geo = format!("[geo]\ncountry = \"{}\"\n", country.display());
    let rules = "[geo.consistency]\nweight = 0.2\nsize = 0.3\n";
    let shop = "[services.shop]\nprefixes = [\"192.0.2.0/24\"]\n";
    let served = Served::start(&format!("{geo}{rules}{shop}"), &[]).await;
    let (home, abroad, unknown) = ("2.125.160.216", "216.160.83.56", "192.0.2.77");
    let begin = SystemTime::now();
    let at = |minutes: u64| begin + Duration::from_secs(60 * minutes);
    for minute in 0..12 {
        assert_eq!(sighted(&served, "alice", home, at(minute)).await, None);
    }
    let cost = sighted(&served, "alice", abroad, at(12)).await.unwrap();
    assert_eq!((cost.source, cost.points), (source(abroad), -2000));
    assert_eq!(sighted(&served, "alice", home, at(400)).await, None, "home stays home");
    let explained = served.explain(abroad).await;
    let taken = &explained.taken[0];
    assert_eq!((taken.name.as_str(), taken.points), ("geo-consistency", 2000));
    assert_eq!(taken.why, "alice was seen from US");
    assert!(explained.score <= 5500, "{explained:?}");
    assert!(served.explain(home).await.taken.is_empty());

    // The bound holds whoever it is that is used there.
    for name in ["bob", "carol"] {
        for minute in 0..12 {
            sighted(&served, name, home, at(minute)).await;
        }
    }
    assert_eq!(sighted(&served, "bob", abroad, at(12)).await.map(|cost| cost.points), Some(-1000));
    assert_eq!(sighted(&served, "carol", abroad, at(12)).await, None);
    assert_eq!(sighted(&served, "bob", unknown, at(13)).await, None, "nothing is known of the place");

    // Nobody is named: the service is asked from where it is seldom asked.
    for minute in 0..12 {
        assert_eq!(sighted(&served, "", home, at(minute)).await, None);
    }
    let cost = sighted(&served, "", "89.160.20.112", at(500)).await.unwrap();
    assert!(cost.points < 0);
    let why = &served.explain("89.160.20.112").await.taken[0].why;
    assert_eq!(why, "service shop was asked from SE");
    served.apply(&format!("{geo}[geo.consistency]\nweight = 0\n{shop}")).await;
    assert_eq!(sighted(&served, "alice", "89.160.20.112", at(600)).await, None);
}

/// Asks as the source until its worker knows its autonomous system, or knows of none.
async fn system(served: &Served, known: bool) -> Option<u32> {
    for _ in 0..500 {
        served.rig.deliver(0x0180_0001, Datagram::query(0x0180_0001, "shop"));
        let system = served.explain("1.128.0.1").await.system.map(|look| look.number);
        if system.is_some() == known {
            return system;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never known: {known}");
}

/// Where requesters are at home goes to the workers from the beginning, with every policy, and with another file.
#[tokio::test]
async fn workers_know_the_systems_of_requesters() {
    let Some([_, asn]) = files() else { return };
    let dns = "[profiles.dns]\n[geo]\nasn = \"DIR/systems\"\n";
    let begun = tempfile::tempdir().unwrap();
    fs::copy(&asn, begun.path().join("systems")).unwrap();
    let whole = dns.replace("DIR", begun.path().to_str().unwrap());
    let served = Served::start(&whole, &[]).await;
    assert_eq!(system(&served, true).await, Some(1221));
    served.apply("[profiles.dns]\n").await;
    assert_eq!(system(&served, false).await, None);
    served.apply(&whole).await;
    assert_eq!(system(&served, true).await, Some(1221));
    // Another file of the same name: it knows countries, and no system.
    let Some([country, _]) = files() else { return };
    fs::copy(&country, begun.path().join("systems.new")).unwrap();
    fs::rename(begun.path().join("systems.new"), begun.path().join("systems")).unwrap();
    served.apply(&whole).await;
    assert_eq!(system(&served, false).await, None);
}
