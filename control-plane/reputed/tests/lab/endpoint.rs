//! The interceptor with addresses of its own between dig, kdig and dnsperf and two unbounds.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::dns::{assert_all_answered, configuration, questions, record};
use crate::support::{Lab, PORTS_TOML, missing, sum};

/// Where clients ask, from where the box asks, and whom.
const ENDPOINT_TOML: &str = r#"
[profiles.dns]
same = { rate = 0 }

[profiles.dns.paths]
excellent = "default"
good = "default"
neutral = "default"
poor = "default"
malicious = "default"

[profiles.dns.endpoint]
addresses = ["10.77.0.53", "fd77::53"]
origins = [{ address = "10.77.0.54/24" }, { address = "fd77::54/64" }]
upstreams = ["10.77.0.2", "10.77.0.3", "fd77::2", "fd77::3"]
check = { name = "host1.site1.example", record = "A", interval = "200ms", timeout = "200ms" }
"#;

/// A lab whose server is two unbounds, with the same names at two addresses each.
fn up(workers: &str, two: bool) -> Option<(Lab, [Child; 2])> {
    if let Some(tool) = missing(&["unbound", "dig", "kdig", "dnsperf"]) {
        println!("skipped: DNS needs {tool}");
        return None;
    }
    let config = format!("{PORTS_TOML}{workers}{ENDPOINT_TOML}");
    let lab = if two { Lab::up_with_two_workers(&config)? } else { Lab::up(&config)? };
    for address in ["10.77.0.3/24 dev eb", "fd77::3/64 dev eb nodad"] {
        assert!(lab.script(&format!("exec server ip address add {address}")).status.success());
    }
    let servers = [2, 3].map(|number| {
        let file = lab.file(&format!("unbound-{number}.conf"));
        fs::write(&file, configuration(&lab, number)).unwrap();
        let mut command = lab.within("server");
        command.args(["unbound", "-d", "-c"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    });
    until(&lab, |upstreams| upstreams == [true; 4]);
    Some((lab, servers))
}

/// Waits until upstreams are up and down like this.
fn until(lab: &Lab, holds: impl Fn(&[bool]) -> bool) {
    for _ in 0..600 {
        let status = lab.repute("status");
        let upstreams = status["dns"]["upstreams"].as_array().unwrap().iter();
        let up: Vec<_> = upstreams.map(|upstream| upstream["up"] == Value::Bool(true)).collect();
        if holds(&up) {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{}", lab.repute("status"));
}

#[test]
fn queries_are_answered_at_the_box_and_go_on_while_an_upstream_is_killed() {
    let Some((lab, [mut first, _second])) = up("", false) else { return };
    for (words, i) in [
        ("dig +short +time=2 +tries=1 @10.77.0.53", 7),
        ("dig +short +time=2 +tries=1 @fd77::53", 8),
        ("kdig +short +tcp @10.77.0.53", 9),
        ("kdig +short +tcp @fd77::53", 10),
    ] {
        let (name, _, address) = record(i);
        assert_eq!(lab.client(&format!("{words} {name}")).trim(), address, "{words}");
    }
    lab.client("ping -q -c 2 -i 0.2 -W 2 10.77.0.53");
    lab.client("ping -q -c 2 -i 0.2 -W 2 fd77::53");
    let elsewhere = lab.script("exec client ping -q -c 1 -W 1 10.77.0.2");
    assert_eq!(elsewhere.status.code(), Some(1), "nothing else passes: {elsewhere:?}");

    let wanted = questions(&lab, "wanted", (0..1000).map(|i| record(i).0));
    assert_all_answered(&lab.client(&format!("dnsperf -s 10.77.0.53 -d {wanted} -n 5 -l 60 -Q 5000")));
    let status = lab.repute("status");
    let asked: Vec<u64> = counts(&status, "asked");
    assert!(asked[0].abs_diff(asked[1]) <= 2 && asked[0] > 2000, "they take turns: {asked:?}");

    first.kill().unwrap();
    first.wait().unwrap();
    until(&lab, |upstreams| upstreams.iter().filter(|&&up| up).count() == 2);
    assert_all_answered(&lab.client(&format!("dnsperf -s 10.77.0.53 -d {wanted} -n 2 -l 60 -Q 5000")));
    assert_all_answered(&lab.client(&format!("dnsperf -s fd77::53 -d {wanted} -n 1 -l 60 -Q 5000")));
    assert_all_answered(
        &lab.client(&format!("dnsperf -m tcp -c 5 -s 10.77.0.53 -d {wanted} -n 1 -l 60 -Q 2000")),
    );
    let account = lab.close();
    assert!(sum(&account, "own") > 10, "{account}");
}

/// A count of every upstream.
fn counts(status: &Value, of: &str) -> Vec<u64> {
    let upstreams = status["dns"]["upstreams"].as_array().unwrap().iter();
    upstreams.map(|upstream| upstream[of].as_u64().unwrap()).collect()
}

#[test]
fn two_workers_share_one_address() {
    let Some((lab, _servers)) = up("count = 2\n", true) else { return };
    let wanted = questions(&lab, "wanted", (0..1000).map(|i| record(i).0));
    for number in 101..=108 {
        let from = format!("-a 10.77.0.{number}");
        assert_all_answered(
            &lab.client(&format!("dnsperf -s 10.77.0.53 {from} -d {wanted} -n 1 -l 60 -Q 2000")),
        );
    }
    assert_all_answered(
        &lab.client(&format!("dnsperf -m tcp -c 5 -s 10.77.0.53 -d {wanted} -n 1 -l 60 -Q 1000")),
    );
    let account = lab.close();
    assert!(sum(&account, "handed") > 0, "{account}");
}
