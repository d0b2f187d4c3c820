//! Policy zones of the world, and the scenarios that unbound tests its own with: who asks what, and what is answered.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;
#[path = "rpz/scenario.rs"]
mod scenario;

use std::fs::{self, File};
use std::sync::Arc;

use common::{corpus, files};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_feeds::{Limits, rpz};
use repute_model::{Rpz, RpzTrigger};

use scenario::{Outcome, Scenario};

#[test]
fn every_zone_is_read_without_a_flaw_that_is_not_meant() {
    let Some(folder) = corpus("feeds/rpz") else { return };
    for file in files(&folder) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(rpz::is_zone(File::open(&file).unwrap(), &name, Limits::default()).unwrap(), "{name}");
        let import = rpz::read(File::open(&file).unwrap(), &name, None, Limits::default()).unwrap();
        println!("{name}: zone {}, rules {:?}, {} flaws", import.origin, import.rules, import.flaws.total());
        // Owners are written once with one action, but for those that are to be told.
        let text = fs::read_to_string(&file).unwrap();
        let meant = text.lines().filter(|line| line.contains("on purpose")).count() as u64;
        assert_eq!(import.flaws.total(), meant, "{name}: {:?}", import.flaws.rows());
        let rules = text.lines().filter(|line| line.contains("CNAME")).count() as u64 - meant;
        assert!(import.rules.iter().sum::<u64>() >= rules, "{name}");
    }
}

/// Steps that ask for what an interceptor cannot do, by scenario; why, and which.
const NOT_ENFORCED: [(&str, &str, &[u32]); 2] = [
    (
        "rpz_nsdname.rpl",
        "triggers by name server: nobody in front of a resolver sees whom it asks",
        &[10, 20, 30, 40, 50],
    ),
    ("rpz_cname_wild.rpl", "a trigger by name server behind an alias", &[30]),
];

fn compiled(zones: &[(String, String)], name: &str) -> Rpz {
    let zone = |(zone, text): &(String, String)| {
        let origin = Some(zone.parse().unwrap());
        Arc::new(rpz::read(text.as_bytes(), name, origin, Limits::default()).unwrap().zone)
    };
    Rpz::new(zones.iter().map(zone).collect()).unwrap()
}

#[test]
fn scenarios_give_their_answers() {
    let Some(folder) = corpus("feeds/rpz_scenarios") else { return };
    for file in files(&folder) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let scenario = Scenario::read(&fs::read_to_string(&file).unwrap());
        if scenario.zones.is_empty() {
            println!("{name}: not about policy zones");
            continue;
        }
        let (first, later) = (compiled(&scenario.zones, &name), compiled(&scenario.transferred, &name));
        let left_out = NOT_ENFORCED.iter().find(|(scenario, ..)| *scenario == name);
        let mut passed = 0;
        for step in &scenario.steps {
            let rpz = if step.late && !later.is_empty() { &later } else { &first };
            let outcome = scenario.run(rpz, step);
            if let Some((_, why, steps)) = left_out
                && steps.contains(&step.number)
            {
                println!("{name}, step {}: not enforced: {why}", step.number);
                continue;
            }
            assert_eq!(outcome, step.expected, "{name}, step {}", step.number);
            passed += 1;
        }
        println!("{name}: {passed} of {} steps as expected", scenario.steps.len());
        assert!(passed > 0, "{name}");
    }
}

#[test]
fn a_million_names_are_read() {
    let mut text = String::from("$TTL 300\n@ SOA a. b. 1 2 3 4 5\n");
    for n in 0..500_000u32 {
        let name = n.wrapping_mul(0x9e37_79b1);
        text.push_str(&format!("x{name:08x}.example CNAME .\n*.x{name:08x}.example CNAME .\n"));
    }
    let import = rpz::read(text.as_bytes(), "million", None, Limits::default()).unwrap();
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
        if let Ok(import) = rpz::read(text.as_bytes(), "any", None, Limits::default()) {
            prop_assert!(import.rules.iter().sum::<u64>() + import.flaws.total() <= import.records);
        }
    }
}

#[test]
fn outcomes_are_told_apart() {
    assert_ne!(
        Outcome::Dropped,
        Outcome::Answered { rcode: "NOERROR".into(), truncated: false, records: vec![] }
    );
}
