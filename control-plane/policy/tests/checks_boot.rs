//! One test for each thing that can be wrong with what is fixed at start: ports, mirror, workers, limits.

mod common;

use common::{INGRESS, PAIR, accepted, refused, report};

#[test]
fn every_port_has_a_peer() {
    accepted(&format!("{PAIR}{INGRESS}"));
    refused(&format!("[ports.a]\nrole = \"outside\"{INGRESS}"), &["port `a` is `outside` and alone"]);
    let unknown = PAIR.replacen("\"outside\"\n", "\"outside\"\npeer = \"insde\"\n", 1);
    let report = report(&format!("{unknown}{INGRESS}"));
    assert!(report.contains("there is no port `insde`"), "{report}");
    assert!(report.contains("the ports are `inside`, `outside`"), "{report}");
}

#[test]
fn roles_make_pairs() {
    let two = |a, b| format!("[ports.a]\nrole = \"{a}\"\n[ports.b]\nrole = \"{b}\"\n{INGRESS}");
    for (a, b) in [("inside", "inside"), ("outside", "outside"), ("inside", "both")] {
        let report = report(&format!("inside = [\"10.0.0.0/8\"]\n{}", two(a, b)));
        assert!(report.contains(&format!("ports `a` ({a}) and `b` ({b}) make no pair")), "{report}");
    }
    accepted(&two("inside", "outside"));
    accepted(&format!("inside = [\"10.0.0.0/8\"]\n{}", two("both", "both")));
}

#[test]
fn more_than_two_ports_need_peers() {
    let four = |peers: [&str; 4]| {
        let port = |(name, role): (&str, &str), peer: &str| {
            let peer = if peer.is_empty() { String::new() } else { format!("peer = \"{peer}\"\n") };
            format!("[ports.{name}]\nrole = \"{role}\"\n{peer}")
        };
        let names = [("a", "inside"), ("b", "outside"), ("c", "inside"), ("d", "outside")];
        let ports: String = names.into_iter().zip(peers).map(|(name, peer)| port(name, peer)).collect();
        format!("{ports}{INGRESS}")
    };
    accepted(&four(["b", "", "d", ""]));
    accepted(&four(["b", "a", "d", "c"]));
    assert!(report(&four(["", "", "", ""])).contains("port `a` has no peer"));
    let cycle = report(&four(["b", "c", "d", "a"]));
    assert!(cycle.contains("port `a` forwards to `b`, but not back"), "{cycle}");
}

#[test]
fn a_port_for_both_sides_needs_inside_prefixes() {
    let one = format!("[ports.wire]\nrole = \"both\"{INGRESS}");
    refused(&one, &["port `wire` carries both sides", "nothing says who is inside"]);
    accepted(&format!("inside = [\"10.0.0.0/8\"]\n{one}"));
}

#[test]
fn workers_have_cores_of_their_own() {
    refused(&format!("[workers]\ncount = 2\ncores = [1]{INGRESS}"), &["1 cores for 2 workers"]);
    refused(&format!("[workers]\ncount = 2\ncores = [3, 3]{INGRESS}"), &["core 3 is given twice"]);
    accepted(&format!("[workers]\ncount = 2\ncores = [3, 4]{INGRESS}"));
}

#[test]
fn receive_queues_are_one_or_one_for_each_worker() {
    let queues = |count: u8, queues: u8| {
        let ports = PAIR.replacen("outside\"\n", &format!("outside\"\nrx_queues = {queues}\n"), 1);
        format!("[workers]\ncount = {count}\n{ports}{INGRESS}")
    };
    refused(&queues(4, 3), &["3 receive queues for 4 workers", "must be 1 or 4", "leave it out"]);
    refused(&queues(1, 2), &["2 receive queues for 1 workers"]);
    for (count, given) in [(4, 0), (4, 1), (4, 4), (1, 1)] {
        accepted(&queues(count, given));
    }
}

#[test]
fn held_packets_leave_half_of_the_buffers() {
    let limits = |lines: &str| format!("[limits]\n{lines}{INGRESS}");
    let most = "set `queue_packets` to 2048 at most, or `mbufs` to 8192 at least";
    refused(&limits("mbufs = 4096"), &["less than twice `queue_packets` = 4096", most]);
    refused(&limits("queue_packets = 4097"), &["more than half of `mbufs` = 8192", "4096 at most"]);
    accepted(&limits("mbufs = 4096\nqueue_packets = 2048"));
}

#[test]
fn links_are_those_of_a_peer() {
    let follow = |ports: &str| ports.replacen("\"\n", "\"\nlink = \"follow\"\n", 1);
    accepted(&format!("{}{INGRESS}", follow(PAIR)));
    let alone = follow("inside = []\n[ports.wire]\nrole = \"both\"\n").replace("[]", "[\"10.0.0.0/8\"]");
    refused(&format!("{alone}{INGRESS}"), &["port `wire` would follow itself"]);
    let word = PAIR.replacen("\"\n", "\"\nlink = \"folow\"\n", 1);
    refused(&format!("{word}{INGRESS}"), &["did you mean \"follow\"?"]);
}

/// A pair of ports, a port for copies with these keys, and a `[mirror]` with those.
fn mirrored(port: &str, mirror: &str) -> String {
    format!("{PAIR}[ports.tap]\nrole = \"mirror\"\n{port}\n[mirror]\n{mirror}\n{INGRESS}")
}

#[test]
fn a_mirror_has_a_port_of_its_own() {
    accepted(&mirrored("", "port = \"tap\""));
    refused(&mirrored("", ""), &["`mirror` needs `port`"]);
    refused(&mirrored("peer = \"inside\"", "port = \"tap\""), &["is a mirror and has no `peer`"]);
    refused(&mirrored("rx_queues = 1", "port = \"tap\""), &["is a mirror and has no `rx_queues`"]);
    refused(&mirrored("link = \"follow\"", "port = \"tap\""), &["is a mirror and has no `link`"]);
    let report = report(&mirrored("", "port = \"tab\""));
    assert!(report.contains("there is no port `tab`"), "{report}");
    assert!(report.contains("nothing is copied to port `tap`"), "{report}");
    refused(
        &format!("{PAIR}[mirror]\nport = \"inside\"\n{INGRESS}"),
        &["port `inside` is `inside`, not a mirror", "its role"],
    );
    refused(
        &format!("{PAIR}[ports.tap]\nrole = \"mirror\"\n{INGRESS}"),
        &["nothing is copied to port `tap`"],
    );
}

#[test]
fn nothing_is_forwarded_to_a_mirror() {
    let ports = PAIR.replacen("outside\"\n", "outside\"\npeer = \"tap\"\n", 1);
    let text = format!("{ports}[ports.tap]\nrole = \"mirror\"\n[mirror]\nport = \"tap\"\n{INGRESS}");
    let report = report(&text);
    assert!(report.contains("ports `outside` (outside) and `tap` (mirror) make no pair"), "{report}");
    // The mirror is nobody's other port either.
    let alone = "[ports.a]\nrole = \"outside\"\n[ports.tap]\nrole = \"mirror\"\n[mirror]\nport = \"tap\"";
    refused(&format!("{alone}{INGRESS}"), &["port `a` is `outside` and alone"]);
}

#[test]
fn copies_fit_the_mirror() {
    let vxlan = |local: &str, remote: &str| {
        format!(
            "vxlan = {{ vni = 1, local = \"{local}\", remote = \"{remote}\", \
             local_mac = \"02:00:00:00:00:01\", remote_mac = \"02:00:00:00:00:02\" }}"
        )
    };
    let (v4, v6) = (vxlan("192.0.2.1", "192.0.2.2"), vxlan("2001:db8::1", "2001:db8::2"));
    for (tunnel, room) in [("", 1514), (v4.as_str(), 1464), (v6.as_str(), 1444)] {
        let copies = |bytes: u32| mirrored("", &format!("port = \"tap\"\nbytes = {bytes}\n{tunnel}"));
        accepted(&copies(room));
        refused(&copies(room + 1), &[&format!("at most {room} with `ports.tap.mtu` = 1500")]);
    }
    accepted(&mirrored("mtu = 9216", &format!("port = \"tap\"\nbytes = 9000\n{v6}")));
}

#[test]
fn a_tunnel_has_two_ends() {
    let tunnel = |keys: &str| mirrored("", &format!("port = \"tap\"\nvxlan = {{ {keys} }}"));
    let ends = |local: &str, remote: &str, mac: &str| {
        tunnel(&format!(
            "vni = 1, local = \"{local}\", remote = \"{remote}\", local_mac = \"{mac}\", \
             remote_mac = \"02:00:00:00:00:02\""
        ))
    };
    let mac = "02:00:00:00:00:01";
    accepted(&ends("192.0.2.1", "192.0.2.2", mac));
    refused(&ends("192.0.2.1", "2001:db8::1", mac), &["one of them is IPv4, the other one IPv6"]);
    refused(&ends("192.0.2.1", "192.0.2.1", mac), &["both are the same host"]);
    refused(&ends("192.0.2.1", "224.0.0.1", mac), &["not the address of a host"]);
    refused(&ends("192.0.2.1", "192.0.2.2", "01:00:5e:00:00:01"), &["no group address"]);
    refused(&ends("192.0.2.1", "192.0.2.2", mac).replace("vni = 1", "vni = 0"), &["from 1 to 16777215"]);
    assert!(report(&tunnel("vni = 1")).ends_with(": 4 errors"));
}

#[test]
fn copies_need_a_mirror() {
    let poor = |value: &str| format!("[profiles.ingress.treatments]\npoor = {value}\n");
    refused(&poor("{ mirror = {} }"), &["there is no mirror", "role = \"mirror\""]);
    accepted(&(mirrored("", "port = \"tap\"") + &poor("{ mirror = {} }")));
    // One mistake, one report.
    refused(&(mirrored("", "") + &poor("{ mirror = {} }")), &["`mirror` needs `port`"]);
    for (sampling, range) in [("one_in = 0", "from 1 to 1000000"), ("first = 65536", "from 0 to 65535")] {
        refused(&poor(&format!("{{ mirror = {{ {sampling} }} }}")), &[range]);
    }
}

#[test]
fn sinks_have_one_target_and_a_name_of_their_own() {
    let sink = |keys: &str| format!("[[events.sinks]]\nname = \"siem\"\n{keys}\n{INGRESS}");
    accepted(&sink("file = \"/var/log/events.json\"\nleast = \"warning\""));
    accepted(&sink("tls = \"[2001:db8::1]:6514\"\nca = \"/etc/ca.pem\""));
    refused(&sink(""), &["`events.sinks[0]` is none of `file`, `udp`, `tcp`, `tls`"]);
    refused(&sink("udp = \"a:1\"\ntcp = \"a:1\""), &["is both `udp` and `tcp`"]);
    refused(&sink("udp = \"192.0.2.1\""), &["`192.0.2.1` is no receiver"]);
    refused(&sink("tls = \"a:1\""), &["nobody vouches for this receiver"]);
    refused(&sink("file = \"a\"\ncert = \"b\""), &["a certificate and its key belong together"]);
    let twice = "[[events.sinks]]\nname = \"siem\"\nfile = \"a\"\n";
    refused(&format!("{twice}{twice}{INGRESS}"), &["two of `events.sinks` are called `siem`"]);
    let step = |url: &str| {
        let step = "[[events.incidents.steps]]\nname = \"duty\"\nsecret = \"/etc/secret\"";
        format!("{step}\nurl = \"{url}\"\n{INGRESS}")
    };
    accepted(&step("https://pager.example/hook"));
    refused(&step("pager.example"), &["`pager.example` is no URL of a webhook"]);
    refused(&format!("[events.incidents]\nsteps = []\n{INGRESS}"), &["incidents of which nobody is told"]);
}

#[test]
fn alerts_come_from_somebody_and_do_one_thing() {
    let input = |keys: &str| format!("[[alerts.inputs]]\nname = \"ids\"\n{keys}\n{INGRESS}");
    accepted(&input("eve = \"/var/log/eve.json\""));
    accepted(&input("syslog = \"192.0.2.1:514\"\nfrom = [\"192.0.2.0/24\"]"));
    refused(&input("eve = \"a\"\nunix = \"b\""), &["is both `eve` and `unix`"]);
    refused(&input("syslog = \"192.0.2.1:514\""), &["alerts from anybody"]);
    let rule = |keys: &str| format!("[[alerts.rules]]\nname = \"scans\"\n{keys}\n{INGRESS}");
    accepted(&rule("input = \"api\"\nsignature = 1\nsignature_to = 9\nlower = 0.2"));
    refused(&rule("lower = 0.2\nraise = 0.2"), &["is both `lower` and `raise`"]);
    refused(&rule("signature = 9\nsignature_to = 1"), &["a range of signatures without any"]);
    refused(&rule("input = \"ids\""), &["there is no input `ids`"]);
    refused(&rule("lower = 0"), &["less than the smallest step of a score"]);
}

#[test]
fn alerts_ask_for_treatments_that_can_be_given() {
    let rule = |keys: &str, rest: &str| format!("[[alerts.rules]]\nname = \"scans\"\n{keys}\n{rest}");
    for keys in [
        "treat = \"drop\"",
        "treat = \"limit\"\nlifetime = \"10m\"",
        "treat = \"allow\"\nprefix = \"192.0.2.0/24\"",
        "treat = \"drop\"\naround_v4 = 24\naround_v6 = 48",
    ] {
        accepted(&rule(keys, INGRESS));
    }
    let service = "[profiles.egress]\n[services.shop]\nprefixes = [\"10.0.1.0/24\"]\n";
    accepted(&rule("treat = \"limit\"\nservice = \"shop\"", service));
    for (keys, rest, words) in [
        ("treat = \"mirror\"", INGRESS, ["bad value", "`limit`, `drop`, `allow`"]),
        ("lower = 0.1\ntreat = \"drop\"", INGRESS, ["is both `lower` and `treat`", "two entries"]),
        ("lifetime = \"1h\"", INGRESS, ["`lifetime` means nothing", "treat"]),
        ("treat = \"drop\"\nlifetime = \"721h\"", INGRESS, ["bad value", "720h"]),
        ("treat = \"drop\"\naround_v4 = 24", INGRESS, ["`around_v6` is missing", "give both"]),
        (
            "treat = \"drop\"\naround_v4 = 24\naround_v6 = 48\nprefix = \"192.0.2.0/24\"",
            INGRESS,
            ["is both `around_v4` and `prefix`", "two entries"],
        ),
        ("treat = \"drop\"\nprefix = \"0.0.0.0/0\"", INGRESS, ["large part of the world", "/8 or longer"]),
        (
            "treat = \"drop\"\nservice = \"shop\"",
            INGRESS,
            ["profile ingress judges none", "`repute policy apply`"],
        ),
        ("treat = \"limit\"\nservice = \"web\"", service, ["there is no service `web`", "[services.NAME]"]),
        (
            "treat = \"limit\"",
            "[profiles.ingress.treatments]\npoor = \"log\"\nneutral = \"pass\"",
            ["no list entry comes to `limit`", "[profiles.ingress.treatments.poor]"],
        ),
        (
            "treat = \"drop\"",
            "[profiles.ingress.factors]\nfeed = { weight = 0.1, from = 0, full = 1 }",
            ["no list entry comes to `drop`", "factor `feed` enough weight"],
        ),
    ] {
        refused(&rule(keys, rest), &words);
    }
    refused(
        &format!("{INGRESS}[[feeds]]\nname = \"alerts\"\npush = true\n"),
        &["`[alerts]` make is called so"],
    );
}

#[test]
fn plain_http_stays_on_this_host() {
    accepted(&format!("[metrics]\nlisten = \"127.0.0.1:9470\"{INGRESS}"));
    refused(&format!("[metrics]\nlisten = \"0.0.0.0:9470\"{INGRESS}"), &["0.0.0.0:9470 is not on loopback"]);
    accepted(&format!("[crowdsec_api]\nlisten = \"[::1]:8080\"\nkeys = \"/etc/keys\"{INGRESS}"));
    refused(
        &format!("[crowdsec_api]\nlisten = \"[::1]:8080\"{INGRESS}"),
        &["decisions for anybody on this host"],
    );
    refused(&format!("[crowdsec_api]\nlisten = \"8080\"{INGRESS}"), &["no address and port to listen on"]);
}

#[test]
fn somebody_is_sent_to_the_walled_garden() {
    let page = "[garden]\nlisten = \"192.0.2.80:80\"\n";
    let leads = "[profiles.dns]\nchallenge = { garden = { v4 = \"192.0.2.80\" } }\n";
    accepted(&format!("{page}{leads}"));
    accepted(&format!("{page}proxies = [\"127.0.0.0/8\"]\nwork = 26\n{leads}"));
    for nobody in ["[profiles.dns]\n", INGRESS] {
        refused(&format!("{page}{nobody}"), &["nobody is sent to the walled garden"]);
    }
    accepted(leads); // the page may be somebody else's
    refused(&format!("[garden]\nwork = 27\n{leads}"), &["must be from 8 to 26"]);
    refused(&format!("[garden]\nlift = 2\n{leads}"), &["lift"]);
    let wrong = "[profiles.dns]\nchallenge = { garden = { v4 = \"here\" } }\n";
    let report = report(&format!("{page}{wrong}"));
    assert!(!report.contains("nobody is sent"), "one slip is one message: {report}");
}

#[test]
fn dnstap_has_one_receiver_and_something_to_say() {
    let dns = "[profiles.dns]\n";
    for to in
        ["unix = \"/run/tap.sock\"", "tcp = \"[2001:db8::9]:6000\"\none_in = 100\nrole = \"authoritative\""]
    {
        accepted(&format!("[dnstap]\n{to}\n{dns}"));
    }
    accepted(&format!("[dnstap]\none_in = 7\n{INGRESS}")); // nobody listens
    refused(&format!("[dnstap]\nunix = \"/a\"\ntcp = \"b:1\"\n{dns}"), &["both `unix` and `tcp`"]);
    refused(&format!("[dnstap]\ntcp = \"6000\"\n{dns}"), &["`6000` is no receiver"]);
    refused(&format!("[dnstap]\nunix = \"/a\"{INGRESS}"), &["no DNS messages to copy"]);
    refused(&format!("[dnstap]\none_in = 0\n{dns}"), &["must be from 1 to 1000000"]);
}
