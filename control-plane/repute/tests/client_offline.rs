//! Subcommands that need no server, and what happens without one.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

fn repute(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("repute").unwrap();
    command.args(args).env_remove("REPUTE_SOCKET").env("NO_COLOR", "1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn policy_check_shows_every_mistake_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    fs::write(&file, "[profiles.ingress]\nprio = 2\nwindow = 3\n").unwrap();
    let file = file.to_str().unwrap();
    let failed = repute(&["policy", "check", file]).assert().code(1);
    let complaint = text(&failed.get_output().stderr);
    assert!(complaint.contains("bad.toml:2:1") && complaint.contains("bad.toml:3:10"), "{complaint}");
    assert!(failed.get_output().stdout.is_empty());
    let failed = repute(&["-o", "json", "policy", "check", file]).assert().code(1);
    let found: Value = serde_json::from_slice(&failed.get_output().stdout).unwrap();
    assert_eq!((&found["ok"], &found["errors"][0]["line"]), (&Value::from(false), &Value::from(2)));
}

#[test]
fn policy_check_accepts_what_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("good.toml");
    fs::write(&file, "[profiles.ingress]\n").unwrap();
    let checked = repute(&["policy", "check", file.to_str().unwrap(), "-o", "json"]).assert().success();
    let found: Value = serde_json::from_slice(&checked.get_output().stdout).unwrap();
    assert_eq!(found["digest"].as_str().map(str::len), Some(64));
    let missing = dir.path().join("none.toml");
    let failed = repute(&["policy", "check", missing.to_str().unwrap()]).assert().code(1);
    assert!(text(&failed.get_output().stderr).contains("cannot read the config"));
}

#[test]
fn the_schema_is_json_and_completions_are_scripts() {
    let schema = repute(&["config", "schema"]).assert().success();
    let schema: Value = serde_json::from_slice(&schema.get_output().stdout).unwrap();
    assert!(schema["properties"]["profiles"].is_object());
    for shell in ["bash", "zsh", "fish"] {
        let script = repute(&["completions", shell]).assert().success();
        let script = text(&script.get_output().stdout);
        assert!(script.contains("mitigations") && script.contains("inspect"), "{shell}");
    }
}

#[test]
fn without_a_server_there_is_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("none.sock");
    let failed = repute(&["--socket", socket.to_str().unwrap(), "status"]).assert().code(1);
    let complaint = text(&failed.get_output().stderr);
    assert!(complaint.contains("none.sock") && complaint.contains("is reputed running?"), "{complaint}");
}

#[test]
fn wrong_usage_is_told_apart() {
    for args in [
        &["score", "nudge", "10.0.0.1", "20000"][..],
        &["policy", "apply", "x.toml", "--confirm-within", "2d"],
        &["score", "list", "--band", "awful"],
        &["policy", "diff"],
        &["no-such-command"],
    ] {
        repute(args).assert().code(2);
    }
}

#[test]
fn a_feed_is_tested_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("list");
    // One line in ten may be unreadable: one in twelve is skipped.
    let public: String = (1..=7).map(|host| format!("9.9.9.{host}\n")).collect();
    let lines = format!("192.0.2.1\nnonsense\n10.0.0.0/8\n192.0.2.1\n198.51.0.0/16\n{public}");
    fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let tested = repute(&["-o", "json", "feed", "test", file]).assert().success();
    let found: Value = serde_json::from_slice(&tested.get_output().stdout).unwrap();
    assert_eq!((&found["format"], &found["entries"]), (&"list".into(), &10.into()), "{found}");
    assert_eq!(found["skipped"][0]["first"], "line 2", "{found}");
    assert_eq!((&found["cut"]["whole"], &found["cut"]["partly"]), (&2.into(), &1.into()), "{found}");
    let tested = repute(&["feed", "test", file, "--allow"]).assert().success();
    assert!(text(&tested.get_output().stdout).contains("10 entries\n1 repeat a prefix"));
    let hosts = dir.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n0.0.0.0 c2.example\n*.dga.example\n").unwrap();
    let tested = repute(&["feed", "test", hosts.to_str().unwrap(), "--honeypots"]).assert().success();
    let said = text(&tested.get_output().stdout);
    assert!(said.contains("list, 3 records, 2 entries\nskipped: 1 a public suffix"), "{said}");
    let failed = repute(&["feed", "test", file, "--format", "stix"]).assert().code(1);
    assert!(text(&failed.get_output().stderr).contains("no JSON"), "{failed:?}");
    repute(&["feed", "test", file, "--format", "netset"]).assert().code(2);
}

#[test]
fn a_policy_zone_is_tested_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("zone");
    let rules: String = (0..20).map(|n| format!("n{n}.example CNAME .\n")).collect();
    let zone = "$TTL 1h\n@ SOA a. b. 1 2 3 4 5\n24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n\
        ns.example.rpz-nsdname CNAME .\n40.0.2.0.192.rpz-ip CNAME .\n";
    fs::write(&file, format!("{zone}{rules}")).unwrap();
    let file = file.to_str().unwrap();
    let tested = repute(&["-o", "json", "feed", "test", file]).assert().success();
    let found: Value = serde_json::from_slice(&tested.get_output().stdout).unwrap();
    assert_eq!(
        (&found["format"], &found["zone"], &found["records"]),
        (&"rpz".into(), &".".into(), &24.into())
    );
    let rules = found["rules"].as_array().unwrap();
    let counts: Vec<_> =
        rules.iter().map(|rule| (rule["count"].as_u64(), rule["enforced"].as_bool())).collect();
    let yes = |count| (Some(count), Some(true));
    let no = |count| (Some(count), Some(false));
    assert_eq!(counts, [yes(1), yes(20), yes(0), no(1), no(0)]);
    assert_eq!((&found["flaws"][0]["line"], &found["flaws"][0]["kind"]), (&5.into(), &"trigger".into()));
    let tested = repute(&["feed", "test", file]).assert().success();
    let shown = text(&tested.get_output().stdout);
    assert!(shown.contains("1 rules by nsdname, not enforced"), "{shown}");
    assert!(shown.contains("line 5: `40.0.2.0.192.rpz-ip` has a bad prefix length"), "{shown}");
    let named = repute(&["feed", "test", file, "--zone", "rpz.example", "-o", "json"]).assert().success();
    let found: Value = serde_json::from_slice(&named.get_output().stdout).unwrap();
    assert_eq!(found["zone"], "rpz.example");
    let failed = repute(&["feed", "test", file, "--format", "list"]).assert().code(1);
    assert!(text(&failed.get_output().stderr).contains("zone"), "{failed:?}");
}
