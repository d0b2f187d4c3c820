//! The file of a feed, in whatever format it is said to be: a refusal that says why, or entries as a feed may have them.
//!
//! The first byte says in which format it is read and what its entries are for; the rest is the file.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use repute_feeds::{Action, Format, Import, Limits, Refusal, Terms, detect_and_import, import, rpz};
use repute_model::Width;

/// So small that inputs come to their ends.
const LIMITS: Limits = Limits {
    bytes: 2048,
    entries: 16,
    line: 256,
    string: 128,
    depth: 8,
    expansion: 100,
    width: Width::OUTSIDE,
};

fuzz_target!(|input: &[u8]| {
    let Some((&how, file)) = input.split_first() else { return };
    let action = [Action::Deny, Action::Allow, Action::Honeypot][usize::from(how >> 4) % 3];
    let terms = Terms { action, limits: LIMITS, ..Terms::new("fuzz", SystemTime::UNIX_EPOCH) };
    let read = || match Format::ALL.get(usize::from(how & 15)) {
        Some(&format) => import(format, file, &terms),
        None => detect_and_import(file, &terms).map(|(_, import)| import),
    };
    match read() {
        Ok(found) => {
            check(&found, action);
            assert_eq!(read().ok(), Some(found));
        }
        Err(refusal) => told(&refusal),
    }
    if let Err(refusal) = rpz::read(file, "fuzz", None, LIMITS) {
        told(&refusal);
    }
});

/// What an import promises.
fn check(found: &Import, action: Action) {
    assert!(found.len() <= LIMITS.entries);
    assert!(found.entries().is_sorted_by(|a, b| a.prefix < b.prefix), "each once, in order");
    assert!(found.names().is_sorted_by(|a, b| a.name < b.name), "each once, in order");
    let other = if action == Action::Honeypot { found.entries().len() } else { found.names().len() };
    assert_eq!(other, 0, "a feed is of prefixes or of names");
}

fn told(refusal: &Refusal) {
    assert!(refusal.to_string().contains("fuzz"), "{refusal}");
}
