//! `repute crowd` and where `repute explain` says that somebody is held up, while strangers flood a box.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod served;

use serde_json::{Value, json};
use served::{Plan, Served, first_line};

#[test]
fn floods_are_listed_shown_watched_and_explained() {
    let served = Served::start(Plan::flooded());
    let is_it = |row: &&Value| row["crowd"] == "192.0.2.1/32" && row["state"] == "flood";
    let list = std::iter::repeat_with(|| served.lines(&["crowd", "list"]));
    let row = list.flatten().find(|row| is_it(&row)).unwrap();
    assert_eq!((&row["flood"], &row["numbers"]["heard"]), (&json!("syn"), &json!(false)), "{row}");
    let table = served.human(&["crowd", "list", "--all"]);
    assert!(table.starts_with("CROWD ") && table.contains("192.0.2.1/32"), "{table}");
    let shown = served.human(&["crowd", "show", "192.0.2.1"]);
    assert!(shown.contains("a stranger is held up; its SYN is withheld"), "{shown}");
    let calm = served.human(&["crowd", "show", "198.51.100.0/24"]);
    assert!(calm.starts_with("nothing happens there"), "{calm}");
    let refused = served.complaint(&["crowd", "show", "192.0.2.1/24"]);
    assert!(refused.contains("did you mean `192.0.2.0/24`?"), "{refused}");
    let event = first_line(&served, &["crowd", "watch", "--past", "1000"], || {});
    assert_eq!((&event["change"]["from"], &event["missed"]), (&json!("calm"), &json!(0)), "{event}");
    let explained = served.json(&["explain", "198.51.100.7"]);
    let held = explained["held_up"].as_array().unwrap();
    assert!(held.iter().any(|held| held["crowd"] == "192.0.2.1/32" && held["flood"] == "syn"), "{explained}");
    let text = served.human(&["explain", "198.51.100.7"]).replace('\n', " ");
    assert!(text.contains("To 192.0.2.1/32, which is in flood (syn: "), "{text}");
}
