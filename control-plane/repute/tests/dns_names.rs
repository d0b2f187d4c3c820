//! `repute dns names` as a program.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use assert_cmd::Command;

fn names() -> Command {
    let mut command = Command::cargo_bin("repute").unwrap();
    command.args(["dns", "names"]);
    command
}

/// Names and probabilities of the output.
fn rows(output: &[u8]) -> Vec<(String, f64)> {
    let text = String::from_utf8(output.to_vec()).unwrap();
    let row = |line: &str| {
        let (name, probability) = line.split_once('\t').unwrap();
        (name.to_owned(), probability.parse().unwrap())
    };
    text.lines().map(row).collect()
}

#[test]
fn names_from_standard_input_in_their_order() {
    let assert = names().write_stdin("wikipedia.org\r\nxjwqkzvbtrpl.com\nGoogle.com.\n.").assert().success();
    let rows = rows(&assert.get_output().stdout);
    let order: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(order, ["wikipedia.org", "xjwqkzvbtrpl.com", "Google.com.", "."]);
    assert!(rows[1].1 > 0.9 && rows[0].1 < 0.1 && rows[2].1 < 0.1, "{rows:?}");
    assert!(assert.get_output().stderr.is_empty());
}

#[test]
fn bad_lines_are_told_and_the_others_scored() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("names");
    let endless = "x".repeat(100_000);
    std::fs::write(&file, format!("example.org\n\na b.org\n{endless}\nexample.net\nm\u{fc}ller.de")).unwrap();
    let assert = names().arg(&file).assert().code(1);
    let output = assert.get_output();
    let scored: Vec<String> = rows(&output.stdout).into_iter().map(|row| row.0).collect();
    assert_eq!(scored, ["example.org", "example.net"]);
    let at = file.display();
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told[0], format!("{at}:2: no name: write one a line"));
    assert!(told[1].starts_with(&format!("{at}:3: byte 0x20 in column 2: ")), "{told:?}");
    assert!(told[2].starts_with(&format!("{at}:4: longer than ")), "{told:?}");
    assert!(told[3].starts_with(&format!("{at}:6: byte 0xc3 in column 2: ")), "{told:?}");
    assert_eq!(told[4..], ["error: 4 lines were no domain names"]);
}

#[test]
fn nothing_in_is_nothing_out() {
    names().write_stdin("").assert().success().stdout("").stderr("");
    let output = names().arg("/nonexistent/names").assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8(output).unwrap().starts_with("error: /nonexistent/names: cannot open: "));
}
