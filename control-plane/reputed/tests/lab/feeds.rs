//! Whom a feed lists is dropped from the moment it is loaded, under load, and whoever asks is told which feed.

use std::fs;

use serde_json::json;

use crate::support::{LAB_TOML, Lab, SERVER_4};
use crate::traffic::assert_clean;

/// Somebody the feed may list while the client's own address goes on.
const LISTED: &str = "10.77.0.101";

#[test]
fn a_feed_that_is_loaded_under_load_drops_whom_it_lists() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    fs::write(file("bad"), "198.18.7.7\n").unwrap();
    fs::write(file("good"), "198.18.8.8\n").unwrap();
    let feeds = format!(
        "{LAB_TOML}\n[[feeds]]\nname = \"bad\"\nfile = \"{}\"\n[[feeds]]\nname = \"good\"\nsays = \"allow\"\nfile = \"{}\"\n",
        file("bad"),
        file("good"),
    );
    let Some(lab) = Lab::up(&feeds) else { return };
    let get = format!("exec client curl -gsS --interface {LISTED} --max-time 3 {SERVER_4}");
    let passes = || lab.script(&get).status.success();
    assert!(passes());
    let wrk = lab.spawn(&format!("wrk -t1 -c20 -d6 --timeout 20 {SERVER_4}"));

    fs::write(file("bad"), format!("198.18.7.7\n{LISTED}\n")).unwrap();
    let feed = lab.repute("feed refresh bad");
    assert_eq!((&feed["entries"], &feed["error"]), (&json!(2), &json!("")), "{feed}");
    assert!(!passes());
    let explained = lab.repute(&format!("explain {LISTED}"));
    let first = &explained["listed"][0];
    assert_eq!(
        (&first["feed"], &first["prefix"]),
        (&json!("bad"), &json!(format!("{LISTED}/32"))),
        "{explained}"
    );
    assert!(explained["rule"].as_str().unwrap().contains("feed bad names"), "{explained}");
    assert_eq!(explained["policy_version"], 1, "a feed is no version");

    // Another policy keeps what feeds say.
    let applied = lab.apply(&feeds.replace("\"100pps\"", "\"200pps\""));
    assert_eq!((&applied["version"], &applied["lagging"]), (&json!(2), &json!([])), "{applied}");
    assert!(!passes());

    // Nonsense never replaces a good one.
    fs::write(file("bad"), "no address at all\n").unwrap();
    let complaint = lab.complaint("feed refresh bad");
    assert!(complaint.contains("feed `bad`") && complaint.contains("last good one"), "{complaint}");
    assert!(!passes());

    fs::write(file("good"), format!("198.18.8.8\n{LISTED}\n")).unwrap();
    lab.repute("feed refresh good");
    assert!(passes(), "allowed again at once");
    assert_eq!(lab.repute(&format!("explain {LISTED}"))["listed"][0]["feed"], "good");
    assert_clean(&String::from_utf8_lossy(&wrk.wait_with_output().unwrap().stdout));
    lab.close();
}
