//! Unbound's own scenarios through the box, whose cache knows the answers or not.

use std::path::PathBuf;
use std::sync::Arc;

use repute_model::{Command, Rpz};
use repute_rpz::RpzLimits;

use super::ruled;
use super::scenario::Scenario;
use crate::common::CACHED_DNS;
use crate::common::rig::Rig;

/// Steps that ask for what an interceptor cannot do, by scenario; why, and which.
const NOT_ENFORCED: [(&str, &str, &[u32]); 2] = [
    (
        "rpz_nsdname.rpl",
        "triggers by name server: nobody in front of a resolver sees whom it asks",
        &[10, 20, 30, 40, 50],
    ),
    ("rpz_cname_wild.rpl", "a trigger by name server behind an alias", &[30]),
];

fn of_scenario(zones: &[(String, String)]) -> Rpz {
    let zone = |(zone, text): &(String, String)| {
        let origin = zone.parse().ok();
        Arc::new(repute_rpz::read(text.as_bytes(), origin, RpzLimits::default()).unwrap().zone)
    };
    Rpz::new(zones.iter().map(zone).collect()).unwrap()
}

#[test]
fn scenarios_give_their_answers() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus =
        std::env::var_os("REPUTE_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(corpus.join("feeds/rpz_scenarios")) else {
        println!("skipped: no corpus at {} (set REPUTE_CORPUS)", corpus.display());
        return;
    };
    for file in entries.map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let scenario = Scenario::read(&std::fs::read_to_string(&file).unwrap());
        if scenario.zones.is_empty() {
            println!("{name}: not about policy zones");
            continue;
        }
        let (first, later) = (of_scenario(&scenario.zones), of_scenario(&scenario.transferred));
        let left_out = NOT_ENFORCED.iter().find(|(scenario, ..)| *scenario == name);
        let mut passed = 0;
        for step in &scenario.steps {
            if let Some((_, why, steps)) = left_out
                && steps.contains(&step.number)
            {
                println!("{name}, step {}: not enforced: {why}", step.number);
                continue;
            }
            let zones = if step.late && !later.is_empty() { &later } else { &first };
            for warm in [false, true] {
                let before = if warm { Rpz::default() } else { zones.clone() };
                let mut rig = Rig::sized(ruled("[profiles.dns]", before), CACHED_DNS);
                if warm {
                    scenario.warm(&mut rig, step);
                    rig.tell(Command::Install(Box::new(ruled("[profiles.dns]", zones.clone()))));
                }
                let outcome = scenario.run(&mut rig, step);
                assert_eq!(outcome, step.expected, "{name}, step {}, warm {warm}", step.number);
            }
            passed += 1;
        }
        println!("{name}: {passed} of {} steps as expected", scenario.steps.len());
        assert!(passed > 0, "{name}");
    }
}
