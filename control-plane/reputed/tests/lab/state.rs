//! The daemon is killed at seeded moments under traffic and knows its sources again.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{LAB_TOML, Lab, SERVER_4};

/// What a kill may cost, as the config below says.
const WINDOW: Duration = Duration::from_secs(1);

fn config() -> String {
    format!("{LAB_TOML}\n[state]\nevery = \"1s\"\n")
}

/// Whether the box limits this source and has an entry for it.
fn is_limited(lab: &Lab, source: &str) -> bool {
    let explained = lab.repute(&format!("explain {source}"));
    explained["tracked"] == true && explained["treatment"]["drop"] == true
}

/// The next of a fixed row of numbers below `bound` (xorshift64*).
fn below(state: &mut u64, bound: u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % bound
}

#[test]
fn kills_cost_no_more_than_the_window_and_never_a_start() {
    kill_again_and_again(10);
}

#[test]
#[ignore = "long: fifty starts of DPDK"]
fn fifty_kills_cost_no_more_than_the_window_and_never_a_start() {
    kill_again_and_again(50);
}

fn kill_again_and_again(kills: u64) {
    let Some(lab) = Lab::up(&config()) else { return };
    let mut random = 7;
    // Sources that were limited so long before a kill that they have to be known after it, however often it happens.
    let mut known: Vec<String> = Vec::new();
    let mut late = 0;
    for kill in 0..kills {
        let mut traffic = lab.spawn(&format!("wrk -t1 -c20 -d60 --timeout 60 {SERVER_4}"));
        let source = format!("198.51.100.{}", kill + 1);
        lab.repute(&format!("score nudge {source} -7000"));
        let nudged = Instant::now();
        std::thread::sleep(Duration::from_millis(below(&mut random, 2_500)));
        let age = nudged.elapsed();
        assert!(lab.script("stop KILL").status.success());
        let start = lab.script("start");
        assert!(start.status.success(), "kill {kill}: {start:?}");
        traffic.kill().unwrap();
        traffic.wait().unwrap();
        if age > WINDOW {
            known.push(source);
        } else {
            late += 1;
        }
        for source in &known {
            assert!((0..1_000).any(|_| is_limited(&lab, source)), "kill {kill}: {source} is forgotten");
        }
    }
    assert!(!known.is_empty(), "no kill came later than the window");
    println!(
        "{kills} kills: {} sources older than {WINDOW:?} were known after each, {late} were younger",
        known.len()
    );
    let log = fs::read_to_string(lab.file("reputed.log")).unwrap();
    assert!(!log.contains("set aside"), "a kill damages nothing");
    assert_eq!(lab.repute(&format!("explain {} --at 0s", known[0]))["band"], "malicious");
    lab.close();
}

#[test]
fn a_damaged_store_is_set_aside_and_the_box_starts() {
    let Some(lab) = Lab::up(&config()) else { return };
    lab.repute("score nudge 198.51.100.1 -7000");
    lab.close();
    fs::write(lab.file("state/state.redb"), "no database at all").unwrap();
    assert!(lab.script("start").status.success());
    let log = fs::read_to_string(lab.file("reputed.log")).unwrap();
    assert!(log.contains("it was set aside as"), "{log}");
    assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {SERVER_4}")), "hello\n");
    assert_eq!(lab.repute("explain 198.51.100.1")["tracked"], false, "nothing is known");
    lab.close();
}

#[test]
fn an_ordinary_end_keeps_everything() {
    let Some(lab) = Lab::up(&config().replace("\"1s\"", "\"1h\"")) else { return };
    assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {SERVER_4}")), "hello\n");
    lab.close();
    assert!(lab.script("start").status.success());
    let tracked = |source: &str| lab.repute(&format!("explain {source}"))["tracked"] == true;
    assert!((0..1_000).any(|_| tracked("10.77.0.1")), "the client is known before it sends anything");
    assert_eq!(lab.repute("status")["policy"]["version"], 1, "the same config is the same version");
    lab.close();
}
