//! Floods: from one address, which is limited, then stopped, while its neighbour goes on; and from everywhere, beside wrk.

use std::fs;
use std::process::{Child, Command};

use serde_json::json;

use crate::support::{LAB_TOML, Lab, SERVER_4};
use crate::traffic::assert_clean;

/// One of the client's further addresses: a source of its own.
const ATTACKER: &str = "10.77.0.120";

/// UDP to a closed port from that address, for so long, paced as given. Its ports count up from the one named: left to
/// choose, hping3 comes by those of reflectors now and then, and what comes from there is taken for answers nobody asked for.
fn hping(seconds: u32, pace: &str) -> String {
    format!("timeout -s INT {seconds} hping3 -q --udp -s 40000 -p 9 {pace} -a {ATTACKER} 10.77.0.2")
}

/// Asks until it holds, for as long as the load lasts.
fn wait_until(lab: &Lab, load: &mut Child, holds: impl Fn() -> bool) {
    while !holds() {
        let goes_on = load.try_wait().unwrap().is_none();
        assert!(goes_on, "{} {}", lab.repute(&format!("explain {ATTACKER}")), lab.repute("status"));
    }
}

#[test]
fn a_flood_is_limited_then_stopped_and_its_neighbour_goes_on() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let get = format!("curl -gsS --max-time 20 {SERVER_4}");
    // Other clients first: silence is evidence only where others are seen to be answered.
    for number in 101..120 {
        assert_eq!(lab.client(&format!("{get} --interface 10.77.0.{number}")), "hello\n");
    }

    // About 600 packets a second that nobody asked for: suspicious.
    let mut trickle = lab.spawn(&hping(8, "-i u1500"));
    wait_until(&lab, &mut trickle, || lab.dropped("meter-packets") > 0);
    assert_eq!(lab.repute(&format!("explain {ATTACKER}"))["band"], "poor");
    assert_eq!(lab.dropped("standing"), 0);
    trickle.wait().unwrap();

    // As many as the machine can send: to be stopped.
    let mut flood = lab.spawn(&hping(3, "--flood"));
    wait_until(&lab, &mut flood, || lab.dropped("standing") > 0);
    for _ in 0..10 {
        assert_eq!(lab.client(&get), "hello\n", "the main address goes on");
    }
    flood.wait().unwrap();
    let explained = lab.repute(&format!("explain {ATTACKER}"));
    assert_eq!(explained["band"], "malicious", "{explained}");
    let first = &explained["terms"][0];
    assert_eq!(first["factor"], "unanswered", "{explained}");
    assert!(first["part"].as_f64() > Some(0.0), "{explained}");
    assert!(lab.dropped("standing") > 1000, "{}", lab.repute("status"));

    let neighbour = lab.repute("explain 10.77.0.1");
    let limits = ["meter", "block_new", "drop"].map(|limit| &neighbour["treatment"][limit]);
    assert_eq!(limits, [&json!(null), &json!(false), &json!(false)], "{neighbour}");
    assert_eq!(lab.client(&get), "hello\n");
    lab.close();
}

/// SYNs from made-up addresses, two thousand a second: withheld, while people who are known go on at once and newcomers
/// get in with their second SYN.
#[test]
fn syns_from_everywhere_are_withheld_and_people_get_in() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let get = format!("curl -gsS --max-time 20 {SERVER_4}");
    assert_eq!(lab.client(&get), "hello\n");

    let mut flood = lab.spawn("timeout -s INT 15 hping3 -q -S -p 80 -i u500 --rand-source 10.77.0.2");
    wait_until(&lab, &mut flood, || lab.dropped("syn-retry") > 1_000);
    let explained = lab.repute("explain 10.77.0.115").to_string();
    assert!(explained.contains("10.77.0.2/32"), "a newcomer is told where he is held up: {explained}");
    for number in 115..118 {
        assert_eq!(lab.client(&get), "hello\n", "who is known goes on");
        assert_eq!(
            lab.client(&format!("{get} --interface 10.77.0.{number}")),
            "hello\n",
            "a newcomer gets in"
        );
    }
    assert!(flood.try_wait().unwrap().is_none(), "the flood was over before it was met");
    flood.wait().unwrap();
    lab.close();
}

/// SYNs a second of the generator.
const SYNS_PER_S: u32 = 20_000;

/// Lets trafgen send SYNs from everywhere to the server out of an interface of the client, for so long.
fn syns(lab: &Lab, interface: &str, seconds: u32) -> Child {
    let mac = lab.within("server").args(["cat", "/sys/class/net/eb/address"]).output().unwrap();
    let mac = String::from_utf8(mac.stdout).unwrap();
    let packet = format!(
        "{{ eth(da={}, sa=02:00:00:00:00:07), ipv4(ttl=64, saddr=drnd(), daddr=10.77.0.2), \
         tcp(sport=drnd(), dport=80, seq=drnd(), syn) }}",
        mac.trim()
    );
    let file = lab.file("syn.cfg");
    fs::write(&file, packet).unwrap();
    let (file, packets) = (file.display(), SYNS_PER_S * seconds);
    lab.spawn(&format!(
        "timeout {seconds} trafgen -i {file} -o {interface} -P 1 -b {SYNS_PER_S}pps -n {packets} -C"
    ))
}

/// What wrk says a second.
fn requests_per_s(report: &str) -> f64 {
    let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    line.and_then(|rate| rate.trim().parse().ok()).unwrap_or_else(|| panic!("{report}"))
}

/// What a flood costs people: the same wrk beside the same generator, whose packets go to the server through the box, or
/// are dropped at the first hop. The machine has two CPUs for all of them: the ratio is printed and not judged.
#[test]
fn wrk_beside_a_flood_is_compared_with_wrk_beside_its_generator() {
    if Command::new("trafgen").arg("--version").output().is_err() {
        println!("skipped: no trafgen; scripts/setup test installs it");
        return;
    }
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let wrk = format!("wrk -t1 -c20 -d4 --timeout 20 {SERVER_4}");
    assert_clean(&lab.client(&wrk.replace("-d4", "-d1")));
    for step in ["link add da type veth peer name db", "link set da up", "link set db up"] {
        lab.client(&format!("ip {step}"));
    }
    let mut generator = syns(&lab, "da", 6);
    let reference = lab.client(&wrk);
    generator.wait().unwrap();
    assert_eq!(lab.dropped("syn-retry"), 0, "what is dropped at the first hop is no flood");

    let mut flood = syns(&lab, "ea", 18);
    wait_until(&lab, &mut flood, || lab.dropped("syn-retry") > 1_000);
    let beside = lab.client(&wrk);
    assert_clean(&beside);
    let get = format!("curl -gsS --max-time 20 {SERVER_4}");
    for number in 111..114 {
        assert_eq!(
            lab.client(&format!("{get} --interface 10.77.0.{number}")),
            "hello\n",
            "a newcomer gets in"
        );
    }
    let [beside, reference] = [&beside, &reference].map(|report| requests_per_s(report));
    println!(
        "{beside:.0} requests/s beside {SYNS_PER_S} SYNs/s: {:.1} % of {reference:.0}",
        100.0 * beside / reference
    );
    flood.wait().unwrap();
    assert!(lab.dropped("syn-retry") > u64::from(SYNS_PER_S), "{}", lab.repute("status"));
    lab.close();
}
