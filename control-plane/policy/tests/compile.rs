//! From text to policy: what the words of the config become.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::IpAddr;

use repute_model::{Address, Band, Factor, Listing, Model, Score};
use repute_policy::{Checked, Config, LinkRule, diff};

fn parse(text: &str) -> Checked {
    Config::parse("test.toml", text).unwrap_or_else(|found| panic!("{found}"))
}

fn at(text: &str) -> Address {
    text.parse::<IpAddr>().unwrap().into()
}

#[test]
fn compiling_is_deterministic_and_carries_version_and_digest() {
    let checked = parse("[profiles.ingress]\n");
    let policy = checked.compile(7);
    assert_eq!(policy, checked.compile(7));
    assert_eq!(policy, parse("[profiles.ingress]\n").compile(7));
    assert_eq!((policy.version, policy.digest), (7, checked.digest()));
}

#[test]
fn the_digest_knows_the_meaning_not_the_spelling() {
    let plain =
        parse("[profiles.ingress]\nprior = 0.75\nhalf_life = \"600s\"\n[lists]\ndeny = [\"192.0.2.1\"]");
    let other = parse(
        "# the same\nlists.deny = [{ prefix = \"192.0.2.1/32\", confidence = 100 }]\n[profiles]\n\
         ingress = { half_life = \"10m\", prior = 7.5e-1 }",
    );
    assert_eq!(plain.digest(), other.digest());
    assert!(diff(&plain, &other).is_empty());
    let changed = parse("[profiles.ingress]\nprior = 0.7501\n[lists]\ndeny = [\"192.0.2.1\"]");
    assert_ne!(plain.digest(), changed.digest());
}

#[test]
fn every_section_reaches_the_policy() {
    let policy = parse(
        r#"
        inside = ["10.0.0.0/8"]
        [protect]
        prefixes = ["192.0.2.0/28"]
        ports = ["tcp/22"]
        bgp_neighbours = ["192.0.2.254"]
        control_packets_per_s = 500
        [lists]
        allow = ["198.51.100.0/24"]
        deny = [{ prefix = "203.0.113.0/24", confidence = 90 }]
        [destinations]
        default = 0.9
        entries = [{ prefix = "203.0.113.0/24", score = 0.2 }]
        [services.web]
        prefixes = ["10.0.0.1"]
        ports = ["tcp/443"]
        criticality = 0.9
        [services.dns]
        prefixes = ["10.0.0.1"]
        ports = ["udp/53"]
        [profiles.egress]
        "#,
    )
    .compile(1);
    assert!(policy.inside.get(at("10.9.9.9")).is_some());
    assert!(policy.protect.covers(at("192.0.2.1"), at("10.0.0.1"), 6, 40_000, 22));
    assert!(policy.protect.is_neighbour(at("192.0.2.254"), at("10.0.0.1")));
    assert_eq!(policy.control_packets_per_s, 500);
    assert_eq!(policy.lists.get(at("198.51.100.7")), Some(Listing::Allow));
    assert_eq!(policy.lists.get(at("203.0.113.7")), Some(Listing::Deny(90)));
    assert_eq!(policy.destination(at("203.0.113.7")), Score::new(2000));
    assert_eq!(policy.destination(at("8.8.8.8")), Score::new(9000));
    // By name: dns, web.
    assert_eq!(policy.service(at("10.0.0.1"), 6, 443), Some(1));
    assert_eq!(policy.service(at("10.0.0.1"), 17, 53), Some(0));
    assert_eq!(policy.services[1].criticality, 0.9);
}

#[test]
fn a_profile_keeps_its_numbers_and_units() {
    let policy = parse("[profiles.ingress]\nprior = 0.6\nwindow = \"250ms\"\nexcuse = 2").compile(1);
    let profile = policy.ingress.unwrap();
    assert_eq!(
        (profile.model, profile.prior, profile.window_ms),
        (Model::WeightedSum, Score::new(6000), 250)
    );
    assert_eq!(
        (profile.half_life_ms, profile.evidence_half_life_ms, profile.silence_ms),
        (600_000, 300_000, 3_000)
    );
    assert_eq!(profile.baseline.floor_bytes_per_s, 125_000.0);
    assert_eq!(profile.thresholds.least.map(Score::get), [8500, 6500, 4500, 2500]);
    assert_eq!(
        (profile.thresholds.hysteresis, profile.dwell.worse_ms, profile.dwell.better_ms),
        (300, 5, 10_000)
    );
    let texts = profile.treatments.map(|treatment| treatment.to_string());
    assert_eq!(texts, ["pass", "pass", "log", "log+meter+block-new", "log+drop"]);
    let meter = profile.treatments[Band::Poor.index()].meter.unwrap();
    assert_eq!((meter.packets_per_s, meter.packet_burst), (Some(100), 50));
    assert_eq!((meter.bytes_per_s, meter.byte_burst), (Some(1_250_000), 65_536));
}

#[test]
fn a_model_starts_with_weights_in_its_own_unit() {
    let weight =
        |text: &str, factor: Factor| parse(text).compile(1).egress.unwrap().factors[factor.index()].weight;
    let suspicion =
        "[profiles.egress]\nmodel = \"suspicion\"\n[profiles.egress.factors]\nrate = { weight = 7 }";
    assert_eq!(weight(suspicion, Factor::Feed), 100.0);
    assert_eq!(weight(suspicion, Factor::Rate), 7.0);
    let interval = "[profiles.egress]\nmodel = \"egress-interval\"";
    let sum: f64 = Factor::ALL.iter().map(|&factor| weight(interval, factor)).sum();
    assert_eq!(sum, 1.0);
    assert_eq!(weight(interval, Factor::History), 0.5);
    assert_eq!(weight(interval, Factor::Feed), 0.0);
    assert_eq!(weight("[profiles.egress]", Factor::History), 0.0);
}

#[test]
fn one_key_of_a_factor_leaves_the_others_alone() {
    let checked = parse("[profiles.ingress.factors.syn-ack]\nfull = 30");
    let factor = checked.compile(1).ingress.unwrap().factors[Factor::SynAck.index()];
    assert_eq!((factor.weight, factor.ramp.from, factor.ramp.full), (0.8, 8.0, 30.0));
}

#[test]
fn limits_and_topology_are_for_the_daemon() {
    let checked = parse(
        r#"
        inside = ["10.0.0.0/8"]
        [ports.wire]
        role = "both"
        device = "net_null0"
        rx_queues = 2
        [workers]
        count = 2
        cores = [2, 3]
        idle = "adaptive"
        [limits]
        sources = 2048
        mbufs = 16384
        queue_horizon = "250ms"
        [sources]
        outside_v6 = 56
        [services.b]
        prefixes = ["10.0.0.2"]
        [services.a]
        prefixes = ["10.0.0.1"]
        [profiles.ingress]
        "#,
    );
    let limits = checked.limits();
    assert_eq!((limits.sources, limits.contacts, limits.outside.v6), (2048, 65_536, 56));
    assert_eq!((limits.queue_packets, limits.queue_horizon_ms, limits.hand_over), (4096, 250, 256));
    let topology = checked.topology();
    assert_eq!(topology.pairs, [(0, 0)]);
    assert_eq!(topology.ports[0].device.as_deref(), Some("net_null0"));
    assert_eq!((topology.ports[0].rx_queues, topology.mbufs), (2, 16_384));
    assert_eq!((topology.ports[0].link, topology.mirror), (LinkRule::Ignore, None));
    assert_eq!(topology.workers.cores.as_deref(), Some(&[2, 3][..]));
    assert_eq!(checked.service_names(), ["a", "b"]);
    assert!(parse("[profiles.ingress]").topology().ports.is_empty());
}

#[test]
fn every_worker_has_a_queue_unless_one_receives_for_all() {
    let queues = |line: &str| {
        let text =
            format!("inside = [\"10.0.0.0/8\"]\n[workers]\ncount = 3\n[ports.a]\nrole = \"both\"\n{line}");
        parse(&format!("{text}\n[profiles.ingress]")).topology().ports[0].rx_queues
    };
    assert_eq!(["", "rx_queues = 0", "rx_queues = 3", "rx_queues = 1"].map(queues), [3, 3, 3, 1]);
}

#[test]
fn the_mirror_stands_apart_from_the_ports() {
    let mirrored = |mirror: &str| {
        parse(&format!(
            "[ports.a]\nrole = \"inside\"\nlink = \"follow\"\n[ports.b]\nrole = \"mirror\"\nmtu = 9000\n\
             device = \"net_null0\"\n[ports.c]\nrole = \"outside\"\n[mirror]\nport = \"b\"\n{mirror}\n\
             [profiles.ingress.treatments]\npoor = {{ mirror = {{ first = 10 }} }}"
        ))
    };
    let topology = mirrored("").topology();
    assert_eq!(topology.pairs, [(0, 1)]);
    assert_eq!(topology.ports.iter().map(|port| port.name.as_str()).collect::<String>(), "ac");
    assert_eq!((topology.ports[0].link, topology.ports[1].link), (LinkRule::Follow, LinkRule::Ignore));
    let mirror = topology.mirror.unwrap();
    assert_eq!((mirror.port.name.as_str(), mirror.port.mtu), ("b", 9000));
    assert_eq!(mirror.port.device.as_deref(), Some("net_null0"));
    assert_eq!((mirror.bytes, mirror.bytes_per_s, mirror.mbufs), (128, 12_500_000, 1024));
    assert_eq!(mirror.vxlan, None);
    let tunnel = mirrored(
        "bytes = 256\nvxlan = { vni = 7, local = \"2001:db8::1\", remote = \"2001:db8::2\", \
         local_mac = \"02:00:00:00:00:01\", remote_mac = \"02:00:00:00:00:0A\" }",
    );
    let vxlan = tunnel.topology().mirror.unwrap().vxlan.unwrap();
    assert_eq!((vxlan.vni, vxlan.port, vxlan.remote_mac), (7, 4789, [2, 0, 0, 0, 0, 10]));
    assert_eq!(
        (vxlan.local.to_string(), vxlan.remote.to_string().as_str()),
        ("2001:db8::1".into(), "2001:db8::2")
    );
    let sampling = tunnel.compile(1).ingress.unwrap().treatments[Band::Poor.index()].mirror.unwrap();
    assert_eq!((sampling.one_in, sampling.first), (1000, 10));
    let changes = diff(&mirrored(""), &tunnel);
    assert_eq!(changes.len(), 7);
    assert!(changes.iter().all(|change| change.restart && change.path.starts_with("mirror.")));
}

#[test]
fn queues_keep_their_numbers() {
    let text = "[profiles.ingress.treatments.poor]\n\
                queue = { packets = \"100pps\", bytes = \"8kbps\", byte_burst = \"2KiB\" }\nqueue_new = 20";
    let checked = parse(text);
    let poor = checked.compile(1).ingress.unwrap().treatments[Band::Poor.index()];
    assert_eq!(poor.to_string(), "queue+queue-new");
    let queue = poor.queue.unwrap();
    assert_eq!((queue.packets_per_s, queue.packet_burst), (Some(100), 50));
    assert_eq!((queue.bytes_per_s, queue.byte_burst), (Some(1000), 2048));
    assert_eq!(poor.queue_new, Some(20));
    let slower = parse(&text.replace("queue_new = 20", "queue_new = 5"));
    let changes: Vec<_> = diff(&checked, &slower).iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["~ profiles.ingress.treatments.poor.queue_new: 20 -> 5"]);
}

#[test]
fn a_diff_names_what_changed_and_what_needs_a_restart() {
    let old =
        parse("[limits]\nsources = 2048\n[lists]\ndeny = [\"192.0.2.1\", \"192.0.2.2\"]\n[profiles.ingress]");
    let new = parse(
        "[lists]\ndeny = [\"192.0.2.2\", \"192.0.2.3\"]\n[services.web]\nprefixes = [\"10.0.0.1\"]\n\
         [profiles.ingress]\nprior = 0.6\n[profiles.ingress.treatments]\npoor = \"drop\"",
    );
    let shown: Vec<_> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "~ limits.sources: 2048 -> 65536 (needs a restart)",
            "- lists.deny: { confidence = 100, prefix = 192.0.2.1/32 }",
            "+ lists.deny: { confidence = 100, prefix = 192.0.2.3/32 }",
            "~ profiles.ingress.prior: 0.75 -> 0.6",
            "~ profiles.ingress.treatments.poor.block_new: true -> false",
            "~ profiles.ingress.treatments.poor.drop: false -> true",
            "~ profiles.ingress.treatments.poor.log: true -> false",
            "- profiles.ingress.treatments.poor.meter.byte_burst: 64KiB",
            "- profiles.ingress.treatments.poor.meter.bytes: 10Mbps",
            "- profiles.ingress.treatments.poor.meter.packet_burst: 50",
            "- profiles.ingress.treatments.poor.meter.packets: 100pps",
            "+ services.web.criticality: 0.5",
            "+ services.web.ports: []",
            "+ services.web.prefixes: [10.0.0.1/32]",
        ]
    );
}

#[test]
fn the_order_of_a_list_is_a_change_as_well() {
    let old = parse("[lists]\nallow = [\"192.0.2.1\", \"192.0.2.2\"]\n[profiles.ingress]");
    let new = parse("[lists]\nallow = [\"192.0.2.2\", \"192.0.2.1\"]\n[profiles.ingress]");
    assert_eq!(diff(&old, &new).len(), 1);
    assert_ne!(old.digest(), new.digest());
}
