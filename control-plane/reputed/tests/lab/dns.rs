//! The interceptor between real resolvers' clients (dig, kdig, dnsperf) and unbound.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Lab, PORTS_TOML, missing};

const DNS_TOML: &str = r#"
[profiles.dns]
servers = ["10.77.0.2", "fd77::2"]
"#;

/// Whoever asks is answered from the cache, however often he does.
const CACHED_TOML: &str = r#"
[profiles.dns.paths]
neutral = "cached"
poor = "cached"
malicious = "cached"
"#;

/// Whoever stands well has to prove himself as well, and has two seconds for it.
const PROOF_TOML: &str = r#"
challenge = { tries = 2 }

[profiles.dns.paths]
good = "challenge"
"#;

/// Names that exist.
const NAMES: usize = 3000;

/// Name `i`, its lifetime and its address.
pub fn record(i: usize) -> (String, u32, String) {
    let name = format!("host{i}.site{}.example", i % 50);
    (name, 60 + (i as u32) % 500, format!("198.51.{}.{}", i / 256, i % 256))
}

/// A lab whose server is unbound besides, with [`NAMES`] names of its own; it ends with the lab. `more` goes on in the
/// profile of its config.
pub fn up(more: &str) -> Option<(Lab, Child)> {
    if let Some(tool) = missing(&["unbound", "dig", "kdig", "dnsperf"]) {
        println!("skipped: DNS needs {tool}");
        return None;
    }
    let lab = Lab::up(&format!("{PORTS_TOML}{DNS_TOML}{more}"))?;
    let file = lab.file("unbound.conf");
    fs::write(&file, configuration(&lab, 2)).unwrap();
    let mut command = lab.within("server");
    command.arg("unbound").arg("-d").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let mut unbound = command.spawn().unwrap();
    let ask = "exec server dig +time=1 +tries=1 +short @127.0.0.1 host1.site1.example";
    while lab.script(ask).stdout.is_empty() {
        assert!(unbound.try_wait().unwrap().is_none(), "unbound does not start");
    }
    Some((lab, unbound))
}

/// What unbound is told at address `number` of the server.
pub fn configuration(lab: &Lab, number: u8) -> String {
    let mut text = format!(
        "server:\n interface: 10.77.0.{number}\n interface: fd77::{number}\n interface: 127.0.0.{loopback}\n\
         access-control: 0.0.0.0/0 allow\n access-control: ::/0 allow\n do-daemonize: no\n username: \"\"\n\
         chroot: \"\"\n directory: \"{folder}\"\n pidfile: \"{folder}/unbound-{number}.pid\"\n use-syslog: no\n\
         module-config: \"iterator\"\n num-threads: 1\n local-zone: \"example.\" static\n",
        folder = lab.file("").display(),
        loopback = number - 1,
    );
    for (name, ttl, address) in (0..NAMES).map(record) {
        writeln!(text, " local-data: \"{name} {ttl} A {address}\"").unwrap();
    }
    text
}

/// What dig learns of all names at one address: lifetime and data by name.
fn answers(lab: &Lab, place: &str, server: &str) -> HashMap<String, (u32, String)> {
    let file = lab.file("names");
    let names: Vec<_> = (0..NAMES).map(|i| record(i).0).collect();
    fs::write(&file, names.join("\n")).unwrap();
    let words = format!("exec {place} dig @{server} +noall +answer -f {}", file.display());
    let output = String::from_utf8(lab.script(&words).stdout).unwrap();
    output
        .lines()
        .map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [name, ttl, "IN", "A", data] = fields[..] else { panic!("not an address: {line}") };
            (name.to_owned(), (ttl.parse().unwrap(), data.to_owned()))
        })
        .collect()
}

/// The names as dnsperf reads them.
pub fn questions(lab: &Lab, file: &str, names: impl Iterator<Item = String>) -> String {
    let file = lab.file(file);
    fs::write(&file, names.map(|name| name + " A\n").collect::<String>()).unwrap();
    file.display().to_string()
}

pub fn assert_all_answered(dnsperf: &str) {
    assert!(dnsperf.contains("(100.00%)") && dnsperf.contains("Queries lost:         0"), "{dnsperf}");
    assert!(dnsperf.contains("NOERROR") && !dnsperf.contains("SERVFAIL"), "{dnsperf}");
}

#[test]
fn answers_are_those_of_the_server_over_both_protocols() {
    let Some((lab, _unbound)) = up(CACHED_TOML) else { return };
    let own = answers(&lab, "server", "127.0.0.1");
    assert_eq!(own.len(), NAMES);
    for server in ["10.77.0.2", "10.77.0.2", "fd77::2"] {
        let through = answers(&lab, "client", server);
        assert_eq!(through.len(), NAMES);
        for (name, (ttl, data)) in &through {
            let (whole, right) = &own[name];
            assert!(data == right && ttl <= whole, "{name} {ttl} {data} for {whole} {right}");
        }
    }
    let hot = questions(&lab, "hot", (0..100).map(|i| record(i).0));
    assert_all_answered(&lab.client(&format!("dnsperf -s 10.77.0.2 -d {hot} -n 100 -l 60")));
    let tcp = lab.client("kdig +tcp +short @10.77.0.2 host7.site7.example");
    assert_eq!(tcp.trim(), record(7).2);
    // What was asked before the box has answered.
    let status = lab.repute("status");
    let mut reasons = status["dropped"].as_array().unwrap().iter();
    assert!(reasons.all(|reason| reason["name"] == "dns-cached"), "{status}");
    assert!(lab.dropped("dns-cached") >= 2 * NAMES as u64, "{status}");
    lab.close();
}

#[test]
fn whoever_has_to_prove_himself_does_so_by_cookie_or_by_tcp() {
    let Some((lab, _unbound)) = up(PROOF_TOML) else { return };
    let right =
        |kdig: &str| assert!(kdig.contains("status: NOERROR") && kdig.contains(&record(7).2), "{kdig}");
    let ask = |words: &str| lab.client(&format!("kdig {words} @10.77.0.2 host7.site7.example"));
    let by_cookie = ask("-b 10.77.0.101 +cookie");
    assert!(by_cookie.contains("status: BADCOOKIE") && by_cookie.contains("COOKIE: "), "{by_cookie}");
    right(&by_cookie);
    assert_eq!(lab.dropped("dns-cookie"), 1);
    let proved = ask("-b 10.77.0.101");
    assert!(proved.contains("(UDP)"), "the proof counts for later queries: {proved}");
    right(&proved);
    let by_tcp = ask("-b 10.77.0.102");
    assert!(by_tcp.contains("(TCP)"), "a cut answer sends to TCP: {by_tcp}");
    right(&by_tcp);
    assert_eq!(lab.dropped("dns-truncated"), 1);
    right(&ask("-b 10.77.0.103 +tcp"));
    lab.close();
}

#[test]
fn a_flood_of_questions_is_challenged_then_dropped_and_its_neighbour_loses_nothing() {
    let Some((lab, _unbound)) = up("challenge = { tries = 2 }\n") else { return };
    // Names that do not exist, each asked once, and answers that nobody follows up.
    let made_up =
        questions(&lab, "made-up", (0..100_000).map(|i: u64| format!("x{:x}q.site1.example", i * i)));
    let flood = format!("timeout 30 dnsperf -s 10.77.0.2 -a 10.77.0.120 -d {made_up} -l 25 -Q 2000");
    let mut flood = lab.spawn(&flood);
    let mut until = |holds: &dyn Fn() -> bool| {
        while !holds() {
            let goes_on = flood.try_wait().unwrap().is_none();
            assert!(goes_on, "{} {}", lab.repute("explain 10.77.0.120"), lab.repute("status"));
        }
    };
    until(&|| lab.dropped("dns-truncated") > 100);
    let wanted = questions(&lab, "wanted", (0..NAMES).map(|i| record(i).0));
    let neighbour = format!("dnsperf -s 10.77.0.2 -a 10.77.0.101 -d {wanted} -n 1 -l 60 -Q 1000");
    assert_all_answered(&lab.client(&neighbour));
    until(&|| lab.dropped("dns-unproven") > 100);
    let explained = lab.repute("explain 10.77.0.120");
    assert!(["poor", "malicious"].map(Value::from).contains(&explained["band"]), "{explained}");
    assert_eq!(lab.repute("explain 10.77.0.101")["band"], "good");
    flood.kill().unwrap();
    flood.wait().unwrap();
    lab.close();
}
