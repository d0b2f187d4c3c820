//! Honeypots that come while the box runs: from the API and from feeds to the workers, and what is said of them.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod served;

use std::time::{Duration, SystemTime};

use common::Datagram;
use repute_proto::v1;
use repute_proto::v1::dns_client::DnsClient;
use served::Served;
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// A requester each, so that nobody is judged by what another test asked.
const ASKERS: [u32; 3] = [0x0a00_0001, 0x0a00_0002, 0x0a00_0003];

fn client(served: &Served) -> DnsClient<Channel> {
    DnsClient::new(served.channel.clone())
}

async fn add(served: &Served, names: &[&str], ttl_s: u32) -> Result<v1::HoneypotsChanged, Status> {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let request = v1::AddHoneypotsRequest { names, ttl_s, note: "sandbox".to_owned() };
    client(served).add_honeypots(request).await.map(tonic::Response::into_inner)
}

async fn remove(served: &Served, names: &[&str]) -> Result<v1::HoneypotsChanged, Status> {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let request = v1::RemoveHoneypotsRequest { names };
    client(served).remove_honeypots(request).await.map(tonic::Response::into_inner)
}

async fn names(served: &Served) -> Vec<String> {
    let list = client(served).honeypots(v1::HoneypotsRequest::default()).await.unwrap().into_inner();
    list.honeypots.into_iter().map(|one| one.name).collect()
}

/// How many queries for honeypots count against somebody who asks for www.NAME.example now.
async fn lured(served: &Served, who: u32, name: &str, packets: u64) -> f64 {
    served.rig.deliver(who, Datagram::query(who, name));
    served.rig.received(packets).await;
    let source = std::net::Ipv4Addr::from_bits(who).to_string();
    let explained = served.explain(&source).await;
    let found = explained.terms.iter().find(|term| term.factor == "honeypots");
    found.map_or(0.0, |term| term.evidence.round())
}

#[tokio::test]
async fn names_are_added_hit_told_and_removed() {
    let served = Served::start("[profiles.dns]\nhoneypots = [\"old.example\"]\n", &[]).await;
    assert_eq!(lured(&served, ASKERS[0], "trap", 1).await, 0.0);
    let added = add(&served, &["WWW.trap.example.", "*.sinkhole.example"], 3600).await.unwrap();
    assert_eq!((added.changed, added.total), (2, 2));
    assert_eq!(names(&served).await, ["*.sinkhole.example", "www.trap.example"]);
    assert_eq!(lured(&served, ASKERS[1], "trap", 2).await, 1.0, "workers judge by it when the call returns");
    let explain = |name: &str| v1::ExplainNameRequest { name: name.to_owned(), ..Default::default() };
    let lists: [(&str, &[&str]); 4] = [
        ("www.trap.example", &["live: www.trap.example (sandbox)"]),
        ("a.sinkhole.example", &["live: *.sinkhole.example (sandbox)"]),
        ("old.example", &["config"]),
        ("fine.example", &[]),
    ];
    for (name, lists) in lists {
        let told = client(&served).explain(explain(name)).await.unwrap().into_inner();
        assert_eq!(told.honeypot_lists, lists, "{name}");
        assert_eq!(told.honeypot, !lists.is_empty(), "{name}");
    }
    // A policy that comes later keeps them.
    served.apply("[profiles.dns]\nprior = 0.7\n").await;
    assert_eq!(lured(&served, ASKERS[1], "trap", 3).await, 2.0);
    let removed = remove(&served, &["www.trap.example"]).await.unwrap();
    assert_eq!((removed.changed, removed.total), (1, 1));
    assert_eq!(lured(&served, ASKERS[2], "trap", 4).await, 0.0);
}

#[tokio::test]
async fn what_cannot_be_is_told_and_changes_nothing() {
    let served = Served::start("[profiles.dns]\n", &[]).await;
    let error = add(&served, &["fine.example", "com", "*.co.uk", "a..b"], 60).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    for place in ["name 2: `com` is a public suffix", "name 3: ", "name 4: "] {
        assert!(error.message().contains(place), "{error}");
    }
    for ttl in [0, 2_592_001] {
        let error = add(&served, &["fine.example"], ttl).await.unwrap_err();
        assert!(error.message().contains("expected 1 to 2592000"), "{error}");
    }
    assert_eq!(add(&served, &[], 60).await.unwrap_err().code(), Code::InvalidArgument);
    assert!(names(&served).await.is_empty());
    add(&served, &["fine.example"], 60).await.unwrap();
    let error = remove(&served, &["fine.example", "other.example"]).await.unwrap_err();
    assert_eq!((error.code(), names(&served).await.len()), (Code::NotFound, 1), "{error}");
    let ingress = Served::start("", &[]).await;
    assert_eq!(add(&ingress, &["fine.example"], 60).await.unwrap_err().code(), Code::FailedPrecondition);
}

/// What feeds have, and one is pushed.
const FEEDS: &str = "[profiles.dns]\n\
    [[feeds]]\nname = \"traps\"\npush = true\nsays = \"honeypot\"\n\
    [[feeds]]\nname = \"sinkholes\"\nfile = \"DIR/sinkholes\"\nsays = \"honeypot\"\n";

async fn push(served: &Served, text: &str) -> Result<v1::Feed, Status> {
    let part = v1::PushFeedRequest { name: "traps".to_owned(), part: text.as_bytes().to_vec() };
    served.feeds().push(tokio_stream::iter([part])).await.map(tonic::Response::into_inner)
}

async fn lists(served: &Served, name: &str) -> Vec<String> {
    let request = v1::ExplainNameRequest { name: name.to_owned(), ..Default::default() };
    client(served).explain(request).await.unwrap().into_inner().honeypot_lists
}

#[tokio::test]
async fn feeds_bring_names_that_are_hit_told_and_gone_with_them() {
    let served =
        Served::start(FEEDS, &[("sinkholes", "0.0.0.0 www.trap.example\n*.sinkhole.example\n")]).await;
    assert_eq!(lured(&served, ASKERS[0], "none", 1).await, 0.0);
    let feed = served.refresh("sinkholes").await;
    assert_eq!((feed.honeypot, feed.entries, feed.error.as_str()), (true, 2, ""));
    assert_eq!(lured(&served, ASKERS[0], "trap", 2).await, 1.0, "workers judge by it when the call returns");
    let feed = push(&served, "*.trap.example # all\nc2.example\ncom\n192.0.2.1\n").await.unwrap();
    let skips: Vec<_> = feed.skips.iter().map(|skip| (skip.count, skip.first.as_str())).collect();
    assert_eq!(
        (feed.entries, feed.skipped, skips.as_slice()),
        (2, 2, [(1, "line 3"), (1, "line 4")].as_slice())
    );
    add(&served, &["trap.example"], 60).await.unwrap();
    let explained = served.explain(&std::net::Ipv4Addr::from_bits(ASKERS[0]).to_string()).await;
    let [lured_by] = explained.lured.as_slice() else { panic!("{explained:?}") };
    assert_eq!((lured_by.name.as_str(), lured_by.times, lured_by.counted), ("www.trap.example", 1, true));
    let both = ["traps: *.trap.example", "sinkholes: www.trap.example"];
    assert_eq!(lured_by.lists, both);
    assert_eq!(lists(&served, "www.trap.example").await, both);
    assert_eq!(lists(&served, "trap.example").await, ["live: trap.example (sandbox)"]);
    let shown = v1::ShowFeedRequest { name: "traps".to_owned(), max_rows: 1 };
    let mut shown = served.feeds().show(shown).await.unwrap().into_inner();
    let rows = shown.next().await.unwrap().unwrap().rows;
    assert_eq!(
        rows.iter().map(|row| (row.name.as_str(), row.prefix.as_str())).collect::<Vec<_>>(),
        [("*.trap.example", "")]
    );
    assert!(shown.next().await.is_none());

    // What is no list of names leaves the last good one in force; a new one takes its place.
    let refused = push(&served, "192.0.2.1\n").await.unwrap_err();
    assert!(refused.code() == Code::InvalidArgument && refused.message().contains("not a name"), "{refused}");
    assert_eq!(lists(&served, "www.trap.example").await, both);
    push(&served, "c2.example\n").await.unwrap();
    assert_eq!(lists(&served, "www.trap.example").await, both[1..]);
    // Without its feed a name counts for nobody.
    served.apply(&FEEDS.replace("DIR/sinkholes", "DIR/others")).await;
    while !lists(&served, "www.trap.example").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(lured(&served, ASKERS[1], "trap", 3).await, 0.0);
    assert_eq!(lists(&served, "c2.example").await, ["traps: c2.example"], "the others go on");
}

/// Nobody has to ask for it: the table without a name comes when its time is over.
#[tokio::test]
async fn a_name_ends_by_itself() {
    let served = Served::start("[profiles.dns]\n", &[]).await;
    let (now, hub) = (SystemTime::now(), &served.rig.hub);
    let names = ["www.trap.example".to_owned()];
    hub.add_honeypots(&names, Duration::from_secs(1), "", now).await.unwrap();
    while !hub.honeypots(SystemTime::now()).is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Some edition after that has not got it.
    for (n, who) in (1..).zip(0x0a01_0000_u32..0x0a01_0100) {
        if lured(&served, who, "trap", n).await == 0.0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it still counts");
}
