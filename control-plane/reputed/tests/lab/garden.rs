//! The walled garden between a client, unbound and a real browser: whoever answers no challenge is sent to the page, passes it,
//! and is answered again.

use std::thread;
use std::time::Duration;

use crate::browser::{Browser, installed};
use crate::dns;
use crate::support::Lab;

/// Whoever asks has to prove himself, and is sent to the garden after a second.
const GARDEN_TOML: &str = r#"
challenge = { tries = 1, garden = { v4 = "10.78.0.1" } }

[profiles.dns.paths]
good = "challenge"

[garden]
listen = "0.0.0.0:80"
work = 14

[metrics]
listen = "127.0.0.1:9470"
"#;

/// The road to the garden: a cable of its own between client and gateway, over which the client has the address that it asks
/// with.
fn road(lab: &Lab) {
    let gateway = lab.namespace("gateway");
    for (place, words) in [
        ("client", format!("ip link add eg type veth peer name wg netns {gateway}")),
        ("gateway", "ip address add 10.78.0.1/32 dev wg".to_owned()),
        ("gateway", "ip link set wg up".to_owned()),
        ("gateway", "ip route add 10.77.0.1/32 dev wg".to_owned()),
        ("client", "ip link set eg up".to_owned()),
        ("client", "ip route add 10.78.0.1/32 dev eg src 10.77.0.1".to_owned()),
    ] {
        let done = lab.script(&format!("exec {place} {words}"));
        assert!(done.status.success(), "{words}: {done:?}");
    }
}

/// What a query by UDP alone, without a cookie, is answered.
fn ask(lab: &Lab) -> String {
    let answer = lab
        .script("exec client kdig +short +ignore +nocookie +retry=0 +time=1 @10.77.0.2 host7.site7.example");
    String::from_utf8(answer.stdout).unwrap().lines().next().unwrap_or_default().to_owned()
}

fn metric(lab: &Lab, line: &str) -> u64 {
    let text = lab.script("exec gateway curl -s http://127.0.0.1:9470/metrics").stdout;
    let text = String::from_utf8(text).unwrap();
    let found = text.lines().find_map(|one| one.strip_prefix(line));
    found.unwrap_or_else(|| panic!("no {line} in {text}")).trim().parse().unwrap()
}

#[test]
fn the_page_is_passed_in_a_browser_and_queries_are_answered_again() {
    let Some(program) = installed() else {
        println!(
            "skipped: the walled garden needs chromium-headless-shell or chromium; run scripts/setup test"
        );
        return;
    };
    let Some((lab, _unbound)) = dns::up(GARDEN_TOML) else { return };
    road(&lab);
    let begun = std::time::Instant::now();
    while ask(&lab) != "10.78.0.1" {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", lab.repute("status"));
        thread::sleep(Duration::from_millis(300));
    }
    assert!(lab.dropped("dns-garden") > 0);

    let mut browser = Browser::start(&lab, program, "10.78.0.1");
    browser.open("http://host7.site7.example/some/page");
    let seen = browser.eval(
        "new Promise(done => { const look = () => { const main = document.querySelector('main');
           const state = main && main.dataset.state;
           if (state === 'passed' || state === 'refused') done(document.body.innerText);
           else setTimeout(look, 20); }; look(); })",
    );
    let seen = seen.as_str().unwrap();
    assert!(
        seen.contains("10.77.0.1") && seen.contains("Done: your DNS queries are answered again"),
        "{seen}"
    );

    let (_, _, address) = dns::record(7);
    assert_eq!(ask(&lab), address, "the real answer");
    let explained = lab.repute("explain 10.77.0.1");
    assert_eq!(explained["given"][0]["name"], "walled-garden", "{explained}");
    assert_eq!(metric(&lab, "repute_garden_solutions_total{outcome=\"counted\"}"), 1);
    // Everybody else still has to prove himself.
    let other = "exec client kdig +short +ignore +nocookie +retry=0 +time=1 -b 10.77.0.101 @10.77.0.2 host7.site7.example";
    assert!(!String::from_utf8(lab.script(other).stdout).unwrap().contains(&address));
    lab.close();
}
