//! What the tests of single mistakes share.
#![allow(dead_code, reason = "each test program uses its part")]

use repute_policy::Config;

/// The messages, labels and helps that a text gets, as one string.
pub fn report(text: &str) -> String {
    match Config::parse("test.toml", text) {
        Ok(checked) => panic!("nothing found in {text}\n{checked}"),
        Err(found) => found.to_string(),
    }
}

/// Asserts that `text` with an ingress profile gets exactly one report with all these words.
#[track_caller]
pub fn refused(text: &str, words: &[&str]) {
    let report = report(text);
    assert!(report.ends_with(": 1 error"), "{report}");
    for word in words {
        assert!(report.contains(word), "`{word}` is not in\n{report}");
    }
}

#[track_caller]
pub fn accepted(text: &str) {
    if let Err(found) = Config::parse("test.toml", text) {
        panic!("{found}");
    }
}

/// The smallest profile, to be put behind other sections.
pub const INGRESS: &str = "\n[profiles.ingress]\n";
/// The smallest wire.
pub const PAIR: &str = "[ports.outside]\nrole = \"outside\"\n[ports.inside]\nrole = \"inside\"\n";
