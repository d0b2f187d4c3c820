//! `repute feed test` of a response policy zone: which rules it has, and what is wrong with some of them.

use std::fmt::Write;

use repute_model::RpzTrigger;
use repute_rpz::RpzImport;
use serde::Serialize;

/// What came of it.
#[derive(Serialize)]
pub struct Report {
    file: String,
    format: &'static str,
    zone: String,
    records: u64,
    rules: Vec<Rules>,
    /// Bytes that it takes in every worker's policy.
    bytes: usize,
    flawed: u64,
    /// The first hundred of them.
    flaws: Vec<Flaw>,
}

#[derive(Serialize)]
struct Rules {
    trigger: &'static str,
    count: u64,
    enforced: bool,
}

#[derive(Serialize)]
struct Flaw {
    line: u64,
    kind: &'static str,
    text: String,
}

impl Report {
    pub fn new(file: String, import: &RpzImport) -> Self {
        let rules = RpzTrigger::ALL.iter().map(|trigger| Rules {
            trigger: trigger.name(),
            count: import.rules[trigger.index()],
            enforced: trigger.is_enforced(),
        });
        let flaws = import.flaws.rows().iter();
        Self {
            file,
            format: repute_feeds::rpz::NAME,
            zone: import.origin.to_string(),
            records: import.records,
            rules: rules.collect(),
            bytes: import.zone.bytes(),
            flawed: import.flaws.total(),
            flaws: flaws
                .map(|flaw| Flaw { line: flaw.line, kind: flaw.kind.name(), text: flaw.text.clone() })
                .collect(),
        }
    }

    /// Writing to a `String` cannot fail.
    pub fn human(&self) -> String {
        let Self { file, format, zone, records, .. } = self;
        let mut out = format!("{file}: {format}, zone {zone}, {records} records\n");
        for Rules { trigger, count, enforced } in self.rules.iter().filter(|rules| rules.count > 0) {
            let note = if *enforced { "" } else { ", not enforced: name servers are not seen here" };
            let _ = writeln!(out, "{count} rules by {trigger}{note}");
        }
        for Flaw { line, text, .. } in &self.flaws {
            let _ = writeln!(out, "line {line}: {text}");
        }
        let untold = self.flawed - self.flaws.len() as u64;
        if untold > 0 {
            let _ = writeln!(out, "{untold} more records are no rules");
        }
        out
    }
}
