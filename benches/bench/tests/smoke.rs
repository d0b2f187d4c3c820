//! The harness runs from end to end, and its report has the promised form. The numbers mean nothing here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

fn bench(args: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_repute-bench"))
        .args(args)
        .arg("--folder")
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || !complaint.is_empty(), "a failure says why");
    if args.contains(&"--smoke") {
        let written = std::fs::read_to_string(folder.path().join("report.json")).unwrap_or(complaint);
        assert_eq!(written, text.trim_end(), "what is printed is what is written");
    }
    (output.status.success(), text)
}

#[test]
fn a_smoke_run_writes_a_report_of_the_promised_form() {
    let (ok, text) = bench(&["--smoke", "--json"]);
    assert!(ok, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    for key in ["machine", "commit", "dpdk", "command"] {
        assert!(report[key].as_str().is_some_and(|value| !value.is_empty()), "{key}: {report}");
    }
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        for key in [
            "id",
            "workload",
            "ours",
            "reference",
            "ratio",
            "floor",
            "aim",
            "unit",
            "spread",
            "derived",
            "ok",
        ] {
            assert!(row.get(key).is_some(), "{key}: {row}");
        }
        let (ours, reference) = (row["ours"].as_f64().unwrap(), row["reference"].as_f64().unwrap());
        assert!(ours > 0.0 && reference > 0.0, "{row}");
        assert!(row["note"].as_str().unwrap().contains("sources tracked"), "{row}");
    }
}

#[test]
fn rows_are_listed_and_unknown_ones_refused() {
    let (ok, text) = bench(&["--list"]);
    assert!(ok);
    let ids: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for id in (0..=23).filter(|n| ![7, 19, 22].contains(n)).map(|n| format!("B{n}")) {
        assert!(ids.contains(&id.as_str()), "{id}");
    }
    let (ok, text) = bench(&["--list", "B7"]);
    assert!(ok && text.starts_with("B7a") && text.lines().count() == 2, "{text}");
    assert!(!bench(&["B99"]).0);
}
