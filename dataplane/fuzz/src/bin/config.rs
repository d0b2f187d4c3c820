//! A config text: either every mistake is told, or it compiles, always to the same policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repute_policy::{Config, diff};

/// Texts with more mistakes are not shown: that takes most of the time.
const SHOWN_MAX: usize = 2;

fuzz_target!(|text: &str| {
    // Files that a text names would be read from this machine: a target of its own reads lists.
    if text.contains("files") {
        return;
    }
    match Config::parse("fuzz", text) {
        Ok(checked) => {
            assert_eq!(checked.compile(1), checked.compile(1));
            assert!(diff(&checked, &checked).is_empty());
            assert!(checked.topology().ports.len() <= checked.config().ports.len());
        }
        Err(found) => {
            assert!(!found.items().is_empty());
            assert!(found.items().len() > SHOWN_MAX || !found.to_string().is_empty());
        }
    }
});
