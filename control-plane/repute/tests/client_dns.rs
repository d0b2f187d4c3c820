//! `repute dns top`, `cache` and `explain` of a box that judges queries, and of one that does not.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod served;

use serde_json::json;
use served::{Plan, Served};

const ZONE: &str =
    "@ SOA a. b. 1 2 3 4 5\n*.bad.example CNAME .\n24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n";

#[test]
fn what_is_made_of_names_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rpz.zone");
    std::fs::write(&file, ZONE).unwrap();
    let config = format!(
        "[profiles.dns]\nhoneypots = [\"trap.example\"]\nzones = [{{ name = \"rpz\", file = \"{}\" }}]\n",
        file.display()
    );
    let served = Served::start(Plan { config, ..Plan::default() });
    let found = served.json(&["dns", "explain", "WWW.bad.example.", "--type", "aaaa"]);
    let rule = json!({ "zone": "rpz", "trigger": "qname", "owner": "*.bad.example", "effect": "nxdomain" });
    assert_eq!((&found["name"], &found["type"]), (&json!("www.bad.example"), &json!(28)));
    assert_eq!((&found["zones"], &found["ruling"]), (&json!([rule]), &json!("nxdomain")));
    assert_eq!((&found["honeypot"], &found["kept"]), (&json!(false), &json!([])));
    let found = served.json(&["dns", "explain", "trap.example", "--client", "192.0.2.9"]);
    assert_eq!((&found["honeypot"], &found["ruling"]), (&json!(true), &json!("drop")));
    assert_eq!(found["zones"][0]["owner"], "24.0.2.0.192.rpz-client-ip");
    let text = served.human(&["dns", "explain", "fine.example"]);
    assert!(
        text.contains("policy zones decide by the answer") && text.contains("no cache has an answer"),
        "{text}"
    );
    let refused = served.complaint(&["dns", "explain", "a..b"]);
    assert!(
        refused.contains("has an empty label") && refused.contains("such as `www.example.org`"),
        "{refused}"
    );
    let refused = served.complaint(&["dns", "explain", "a.b", "--client", "192.0.2.0/24"]);
    assert!(refused.contains("is no address"), "{refused}");

    let added =
        served.human(&["dns", "honeypot", "add", "fresh.example", "--ttl", "1h", "--note", "sandbox"]);
    assert_eq!(added, "1 added; 1 live honeypots in force\n");
    let text = served.human(&["dns", "explain", "fresh.example"]);
    assert!(text.contains("a honeypot by live: fresh.example (sandbox)"), "{text}");
    assert!(served.human(&["dns", "honeypot", "list"]).contains("fresh.example"));
    let refused = served.complaint(&["dns", "honeypot", "add", "com"]);
    assert!(refused.contains("name 1: `com` is a public suffix"), "{refused}");
    let removed = served.json(&["dns", "honeypot", "remove", "fresh.example"]);
    assert_eq!(removed, json!({ "changed": 1, "total": 0 }));

    assert_eq!(served.human(&["dns", "top"]), "nobody asks\n");
    assert_eq!(served.json(&["dns", "top"]), json!({ "requesters": [], "domains": [] }));
    let caches = served.json(&["dns", "cache"]);
    let workers = caches["workers"].as_array().unwrap();
    assert_eq!((workers.len(), &workers[1]["worker"], &workers[1]["answers"]), (2, &json!(1), &json!(0)));
    assert!(workers[0]["bytes_max"].as_u64().unwrap() > 1 << 20, "{caches}");
    assert!(served.human(&["dns", "cache"]).starts_with("WORKER "));
}

#[test]
fn without_a_profile_of_dns_there_is_nothing_to_tell() {
    let served = Served::start(Plan::default());
    for args in [&["dns", "top"][..], &["dns", "cache"], &["dns", "explain", "a.example"]] {
        assert!(served.complaint(args).contains("has no profile of DNS"), "{args:?}");
    }
}
