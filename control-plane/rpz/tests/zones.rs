//! Policy zones of the world, a million names, and any text.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_model::RpzTrigger;
use repute_rpz::{RpzLimits, looks_like, read};

/// The zones of the corpus, sorted; none, with a message, where there is no corpus.
fn zones() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus =
        std::env::var_os("REPUTE_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let Ok(entries) = fs::read_dir(corpus.join("feeds/rpz")) else {
        println!("skipped: no corpus at {} (set REPUTE_CORPUS)", corpus.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_zone_is_read_without_a_flaw_that_is_not_meant() {
    for file in zones() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        assert!(looks_like(&bytes), "{name}");
        let import = read(&*bytes, None, RpzLimits::default()).unwrap();
        println!("{name}: zone {}, rules {:?}, {} flaws", import.origin, import.rules, import.flaws.total());
        // Owners are written once with one action, but for those that are to be told.
        let text = fs::read_to_string(&file).unwrap();
        let meant = text.lines().filter(|line| line.contains("on purpose")).count() as u64;
        assert_eq!(import.flaws.total(), meant, "{name}: {:?}", import.flaws.rows());
        let rules = text.lines().filter(|line| line.contains("CNAME")).count() as u64 - meant;
        assert!(import.rules.iter().sum::<u64>() >= rules, "{name}");
    }
}

#[test]
fn a_million_names_are_read() {
    let mut text = String::from("$TTL 300\n@ SOA a. b. 1 2 3 4 5\n");
    for n in 0..500_000u32 {
        let name = n.wrapping_mul(0x9e37_79b1);
        text.push_str(&format!("x{name:08x}.example CNAME .\n*.x{name:08x}.example CNAME .\n"));
    }
    let import = read(text.as_bytes(), None, RpzLimits::default()).unwrap();
    assert_eq!((import.rules[RpzTrigger::Qname.index()], import.flaws.total()), (1_000_000, 0));
    assert!(import.zone.bytes() < 64_000_000, "{} bytes", import.zone.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Any text is a zone or refused, and no text is more than it says.
    #[test]
    fn any_text(lines in prop::collection::vec(
        "(@|[a-c*]{1,3}|[0-9]{1,2}\\.0\\.0\\.10\\.rpz-(client-)?ip|\\PC{0,8}|[ \\t]) ?(IN |60 |5m )?(CNAME|A|TXT|SOA|\\(|\\)|\")? ?(\\.|\\*\\.|rpz-drop\\.|192\\.0\\.2\\.1|\\PC{0,9})",
        0..30,
    )) {
        let text = lines.join("\n");
        if let Ok(import) = read(text.as_bytes(), None, RpzLimits::default()) {
            prop_assert!(import.rules.iter().sum::<u64>() + import.flaws.total() <= import.records);
        }
    }
}
