//! Every online subcommand against a server in this process, over a real socket.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod served;

use std::fs;

use serde_json::json;
use served::{Plan, Served, first_line};

#[test]
fn status_and_scores() {
    let served = Served::start(Plan::default());
    let status = served.json(&["status"]);
    assert_eq!((&status["conserved"], &status["ports"][0]["received"]), (&json!(true), &json!(300)));
    let text = served.human(&["status"]);
    assert!(text.contains("packets conserved: yes") && text.contains("policy version 1"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert_eq!(status["work"]["packets"], json!(300));
    let text = served.human(&["status", "--stages"]);
    assert!(text.contains("STAGE") && text.contains("300 packets"), "{text}");

    let standing = served.json(&["score", "get", "10.0.0.1"]);
    assert_eq!((&standing["score"], &standing["band"]), (&json!(7500), &json!("good")));
    let nudged = served.json(&["score", "nudge", "10.0.0.1", "-7000", "--note", "a test"]);
    assert_eq!((&nudged["before"], &nudged["after"]), (&json!(7500), &json!(500)));
    let list = served.lines(&["score", "list", "--limit", "10"]);
    assert_eq!(
        (list.len(), &list[0]["source"], &list[0]["band"]),
        (10, &json!("10.0.0.1"), &json!("malicious"))
    );
    assert_eq!(served.lines(&["score", "list", "--all"]).len(), 300);
    assert_eq!(served.lines(&["score", "list", "--band", "poor"]).len(), 1);
    assert!(served.human(&["score", "list"]).starts_with("SOURCE "));
    let top = served.human(&["top"]);
    assert!(top.starts_with("300 sources, 1 limited"), "{top}");
    assert_eq!(served.lines(&["top", "--once"])[0]["source"], json!("10.0.0.1"));
}

#[test]
fn services_and_their_sources() {
    let web = "[services.web]\nprefixes = [\"192.0.2.1\"]\ncriticality = 0.9\nowner = \"team-web\"\n";
    let config = format!("[profiles.ingress]\n{web}[services.idle]\nprefixes = [\"192.0.2.2\"]\n");
    let served = Served::start(Plan { config, ..Plan::default() });
    // The sweep counts them, and they are published a few times a second.
    let lists = (0..1000).map(|_| served.lines(&["service", "list"]));
    let is_counted =
        |rows: &Vec<serde_json::Value>| rows.get(1).is_some_and(|web| web["sources"][1]["count"] == 300);
    let rows = lists.into_iter().find(is_counted).unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["service"].as_str().unwrap()).collect();
    assert_eq!(names, ["idle", "web", ""]);
    assert!(rows[0]["standing"].is_null() && rows[1]["standing"]["criticality"] == json!(0.9));
    let text = served.human(&["service", "list"]);
    assert!(text.contains("team-web") && text.contains("(no service)"), "{text}");
    let shown = served.human(&["service", "show", "web"]);
    assert!(
        shown.starts_with("web: score ") && shown.contains("300 good") && shown.contains("THERE"),
        "{shown}"
    );
    let listed = served.lines(&["score", "list", "--service", "web", "--limit", "5"]);
    assert_eq!((listed.len(), &listed[0]["service"]), (5, &json!("web")));
    assert!(served.lines(&["score", "list", "--service", "idle"]).is_empty());
    let text = served.human(&["explain", "10.0.0.1"]);
    assert!(text.contains("service    web: score "), "{text}");
    for args in [["service", "show", "nowhere"], ["score", "list", "--service=nowhere"]] {
        assert!(served.complaint(&args).contains("no service `nowhere`"));
    }
}

#[test]
fn explanations_and_mitigations() {
    let served = Served::start(Plan::default());
    served.human(&["score", "nudge", "10.0.0.1", "-7000"]);
    let explained = served.json(&["explain", "10.0.0.1"]);
    assert_eq!((&explained["rule_kind"], &explained["suspicion"]), (&json!("band"), &json!(95.0)));
    assert!(explained["terms"].as_array().unwrap().iter().any(|term| term["factor"] == "syn-ack"));
    let text = served.human(&["explain", "10.0.0.1"]);
    assert!(text.starts_with("10.0.0.1 is malicious (score 500 of 10000): "), "{text}");
    assert!(text.contains("policy     version 1"), "{text}");
    let stranger = served.human(&["explain", "2001:db8::42"]);
    assert!(stranger.starts_with("2001:db8::/64 is good") && stranger.contains("no entry"), "{stranger}");
    let refused = served.complaint(&["explain", "10.0.0.1/8"]);
    assert!(refused.contains("did you mean `10.0.0.0/8`?"), "{refused}");

    let active = served.lines(&["mitigations", "list", "--active"]);
    assert_eq!((active.len(), &active[0]["source"]), (1, &json!("10.0.0.1")));
    served.human(&["score", "nudge", "10.0.0.1", "10000", "--forgive"]);
    assert!(served.lines(&["mitigations", "list", "--active"]).is_empty());
    let past = served.human(&["mitigations", "list", "--past"]);
    assert!(past.contains("10.0.0.1") && past.contains("past"), "{past}");
}

#[test]
fn the_past_is_explained() {
    let served = Served::start(Plan::default());
    assert!(served.human(&["explain", "10.0.0.1", "--history"]).starts_with("nothing is kept"));
    let none = served.complaint(&["explain", "10.0.0.1", "--at", "1s"]);
    assert!(none.contains("nothing is kept about 10.0.0.1"), "{none}");
    served.human(&["score", "nudge", "10.0.0.1", "-7000"]);
    // It is written a moment later.
    let kept =
        (0..1000).map(|_| served.lines(&["explain", "10.0.0.1", "--history"])).find(|kept| !kept.is_empty());
    let kept = kept.unwrap();
    assert_eq!((&kept[0]["band"], &kept[0]["score"]), (&json!("malicious"), &json!(500)));
    assert!(kept[0]["terms"].as_array().unwrap().iter().any(|term| term["factor"] == "syn-ack"));
    let then = served.human(&["explain", "10.0.0.1", "--at", "0s"]);
    assert!(then.starts_with("10.0.0.1 was malicious (score 500 of 10000)"), "{then}");
    let table = served.human(&["explain", "10.0.0.1", "--history"]);
    assert!(table.lines().nth(1).unwrap().contains("malicious"), "{table}");
    let refused = served.command(&["explain", "10.0.0.1", "--at", "yesterday"]).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("2026-01-31T23:59:00Z"));
}

#[test]
fn policies_there_and_back() {
    let served = Served::start(Plan::default());
    let new = served.config("[profiles.ingress]\nprior = 0.8\n");
    let differ = served.human(&["policy", "diff", &new]);
    assert_eq!(differ, "~ profiles.ingress.prior: 0.75 -> 0.8\n");
    let applied = served.json(&["policy", "apply", &new, "--confirm-within", "5m"]);
    assert_eq!((&applied["version"], &applied["lagging"]), (&json!(2), &json!([])));
    let waits = served.complaint(&["policy", "apply", &new]);
    assert!(waits.contains("waits for its confirmation"), "{waits}");
    assert_eq!(served.json(&["policy", "history"])["versions"][0]["state"], json!("unconfirmed"));
    assert_eq!(served.json(&["policy", "confirm"])["version"], json!(2));
    let stale = served.complaint(&["policy", "apply", &new, "--expect", "1"]);
    assert!(stale.contains("version 2 is in force, not 1"), "{stale}");
    assert_eq!(served.human(&["policy", "show"]), "[profiles.ingress]\nprior = 0.8\n");
    let same = served.human(&["policy", "apply", &new]);
    assert!(same.contains("nothing changes"), "{same}");
    let back = served.human(&["policy", "rollback"]);
    assert!(back.contains("version 3 is in force on every worker"), "{back}");
    assert!(served.human(&["policy", "history"]).contains("rolled back"));
    assert_eq!(served.human(&["policy", "diff", "--from", "1", "--to", "3"]), "both mean the same\n");
    let bad = served.config("prio = 1\n");
    let refused = served.complaint(&["policy", "apply", &bad]);
    assert!(refused.contains("new.toml:1:1") && refused.contains("nothing was changed"), "{refused}");
    let restart = served.config("[profiles.ingress]\n[limits]\nsources = 1024\n");
    let refused = served.complaint(&["policy", "apply", &restart]);
    assert!(refused.contains("limits.sources") && refused.contains("restart"), "{refused}");
}

#[test]
fn feeds_are_listed_shown_refreshed_and_pushed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    fs::write(file("drop"), "10.0.0.1 ; SBL7\n10.9.0.0/16\n").unwrap();
    let config = format!(
        "[profiles.ingress]\n[[feeds]]\nname = \"drop\"\nfile = \"{}\"\n[[feeds]]\nname = \"ours\"\npush = true\nsays = \"allow\"\n",
        file("drop"),
    );
    let served = Served::start(Plan { config, ..Plan::default() });
    let feed = served.json(&["feed", "refresh", "drop"]);
    assert_eq!((&feed["entries"], &feed["allow"]), (&json!(2), &json!(false)), "{feed}");
    let explained = served.json(&["explain", "10.0.0.1"]);
    assert_eq!(explained["listed"][0]["feed"], "drop", "{explained}");
    let text = served.human(&["explain", "10.0.0.1"]);
    assert!(text.contains("feed drop names 10.0.0.1/32"), "{text}");
    assert!(text.contains("feed       drop: 10.0.0.1/32, deny 100 %"), "{text}");
    let list = served.human(&["feed", "list"]);
    assert!(list.contains("drop") && list.contains("ours") && list.contains("pushed"), "{list}");
    let shown = served.human(&["feed", "show", "drop"]);
    assert!(shown.contains("10.9.0.0/16") && shown.contains("2 records"), "{shown}");
    assert_eq!(served.lines(&["feed", "show", "drop", "--max", "1"]).len(), 1);
    fs::write(file("friends"), "10.0.0.1\n").unwrap();
    assert_eq!(served.json(&["feed", "push", "ours", &file("friends")])["entries"], 1);
    assert_eq!(served.json(&["explain", "10.0.0.1"])["rule_kind"], "allowed");
    fs::write(file("drop"), "nonsense\n").unwrap();
    let complaint = served.complaint(&["feed", "refresh"]);
    assert!(complaint.contains("feed `drop`") && complaint.contains("last good one"), "{complaint}");
    assert!(served.complaint(&["feed", "show", "none"]).contains("no feed `none`"));
    assert!(served.complaint(&["feed", "push", "drop", &file("friends")]).contains("push = true"));
}

#[test]
fn a_worker_that_lags_fails_the_command_and_is_named() {
    let served = Served::start(Plan { workers: 2, breathing: 1, ..Plan::default() });
    let new = served.config("[profiles.ingress]\nprior = 0.8\n");
    let complaint = served.complaint(&["policy", "apply", &new]);
    assert!(complaint.contains("not yet on worker 1 of 2"), "{complaint}");
}

#[test]
fn watches_stream_lines() {
    let served = Served::start(Plan::default());
    let standing = first_line(&served, &["score", "watch", "10.0.0.1"], || {});
    assert_eq!(standing["score"], json!(7500));
    let report = first_line(&served, &["status", "--watch", "100"], || {});
    assert_eq!(report["conserved"], json!(true));
    // The watch may begin at any moment: limits go on and off until it has seen one.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                served.human(&["score", "nudge", "10.0.0.2", "-7000"]);
                served.human(&["score", "nudge", "10.0.0.2", "10000", "--forgive"]);
            }
        });
        let event = first_line(&served, &["mitigations", "watch"], || {});
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(event["mitigation"]["source"], json!("10.0.0.2"));
    });
}
