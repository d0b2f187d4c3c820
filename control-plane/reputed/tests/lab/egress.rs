//! The whole ladder of the shipped egress config, on the wire: `scripts/demo-egress` tells the story and checks each step.

use crate::support::{alone, missing, programs, script};

#[test]
fn a_hijacked_host_goes_down_the_ladder_and_its_neighbour_loses_nothing() {
    let _alone = alone();
    if let Some(tool) = missing(&["iperf3", "jq", "python3", "tcpdump"]) {
        println!("skipped: the story needs {tool}");
        return;
    }
    let programs = programs();
    let check = script("lab", &programs).arg("check").output().unwrap();
    if !check.status.success() {
        println!("skipped: {}", String::from_utf8_lossy(&check.stderr).trim());
        return;
    }
    let told = script("demo-egress", &programs).output().unwrap();
    let [story, complaint] = [&told.stdout, &told.stderr].map(|text| String::from_utf8_lossy(text));
    println!("{story}");
    assert!(told.status.success(), "{complaint}");
}
