//! One test for each thing that can be wrong with what is judged: the mistake is named where it stands.

mod common;

use common::{INGRESS, accepted, refused};

#[test]
fn values_outside_their_range_name_the_range() {
    for (section, line, range) in [
        ("limits", "sources = 10", "from 1024 to 16777216"),
        ("limits", "sources = -1", "from 1024 to 16777216"),
        ("limits", "contacts = 99999999999999999999999", "from 1024 to 16777216"),
        ("limits", "sweep = \"2m\"", "from 10ms to 1m"),
        ("sources", "outside_v6 = 129", "from 16 to 128"),
        ("workers", "count = 0", "from 1 to 64"),
        ("limits", "queue_packets = 63", "from 64 to 1048576"),
        ("limits", "queue_source = 65536", "from 1 to 65535"),
        ("limits", "queue_horizon = \"11s\"", "from 10ms to 10s"),
        ("limits", "queue_connections = 15", "from 16 to 65536"),
        ("limits", "excesses = 63", "from 64 to 1048576"),
        ("limits", "pairs = 63", "from 64 to 1048576"),
        ("limits", "softened = 63", "from 64 to 1048576"),
        ("limits", "hand_over = 257", "from 64 to 256"),
        ("destinations", "default = 1.5", "from 0 to 1"),
        ("destinations", "default = -inf", "from 0 to 1"),
        ("profiles.ingress.factors.rate", "weight = -0.1", "from 0 to 1000"),
        ("profiles.ingress.factors.rate", "weight = nan", "from 0 to 1000"),
        ("profiles.ingress.factors.rate", "full = inf", "from 0 to 1000000000"),
        ("profiles.ingress.baseline", "floor = \"0pps\"", "from 1pps to 4000Mpps"),
    ] {
        refused(&format!("[{section}]\n{line}\n[profiles.ingress]"), &[range, line]);
    }
}

#[test]
fn wrong_units_name_the_right_ones() {
    for (line, units) in [
        ("floor = \"100Mbps\"", "`pps`, `kpps`, `Mpps`"),
        ("floor_bytes = \"100pps\"", "`bps`, `kbps`, `Mbps`, `Gbps`, `B/s`, `kB/s`, `MB/s`, `GB/s`"),
        ("floor_bytes = \"1Mbit\"", "such as \"10Mbps\""),
    ] {
        refused(&format!("[profiles.ingress.baseline]\n{line}"), &[units, line]);
    }
    refused("[limits]\nsweep = 500\n[profiles.ingress]", &["expected a duration as text, such as \"500ms\""]);
    let meter =
        "[profiles.ingress.treatments]\npoor = { meter = { packets = \"1pps\", byte_burst = \"64kB\" } }";
    refused(meter, &["`B`, `KiB`, `MiB`, `GiB`"]);
}

#[test]
fn thresholds_fall_and_can_be_reached() {
    let bands = "[profiles.ingress.bands]\n";
    refused(
        &format!("{bands}good = 0.5\nneutral = 0.5"),
        &["`neutral` = 0.5 does not lie below `good` = 0.5"],
    );
    refused(
        &format!("{bands}excellent = 0.6"),
        &["`good` = 0.65 does not lie below", "`good` has its default"],
    );
    refused(&format!("{bands}hysteresis = 0.2"), &["could ever climb into the band excellent"]);
    refused(&format!("{bands}good = 0.84999"), &["by 0.0001 at least"]);
    accepted(&format!("{bands}hysteresis = 0.15\npoor = 0"));
}

#[test]
fn ramps_rise() {
    let factor = "[profiles.ingress.factors.ports]\n";
    refused(&format!("{factor}from = 14"), &["from 14 to 14", "`full` must be above `from`", "ports"]);
    refused(&format!("{factor}from = 5\nfull = 2"), &["from 5 to 2"]);
    accepted(&format!("{factor}from = 13"));
}

#[test]
fn weights_belong_to_their_model() {
    let weight = |model: &str, line: &str| {
        format!("[profiles.egress]\nmodel = \"{model}\"\n[profiles.egress.factors]\nrate = {{ {line} }}")
    };
    refused(&weight("weighted-sum", "weight = 1.5"), &["shares from 0 to 1", "model `suspicion`"]);
    accepted(&weight("suspicion", "weight = 40"));
    refused(
        &weight("egress-interval", "weight = 0.5"),
        &["`profiles.egress.factors.rate.weight` is fixed by the formula of model `egress-interval`"],
    );
    refused(
        &weight("sum", "weight = 0.5"),
        &["expected one of `weighted-sum`, `egress-interval`, `suspicion`"],
    );
    refused("[profiles.ingress.factors]\nhistory = { weight = 0.5 }", &["unknown key `history`"]);
}

#[test]
fn decay_belongs_to_suspicion() {
    refused("[profiles.ingress]\ndecay = 0.5", &["model `weighted-sum` has no `decay`"]);
    accepted("[profiles.ingress]\nmodel = \"suspicion\"\ndecay = 0.5");
}

#[test]
fn a_baseline_learns() {
    refused("[profiles.ingress.baseline]\nalpha = 0", &["must be above 0"]);
}

#[test]
fn what_is_above_a_rate_is_held_or_dropped() {
    let poor = |value: &str| format!("[profiles.egress.treatments]\npoor = {{ {value} }}");
    let both = "meter = { packets = \"100pps\" }, queue = { packets = \"50pps\" }";
    refused(&poor(both), &["both held and dropped", "drops it", "keep one of the two"]);
    accepted(&poor("queue = { packets = \"100pps\", bytes = \"1Gbps\" }"));
    refused(&poor("queue = { packet_burst = 5 }"), &["poor.queue` limits nothing"]);
}

#[test]
fn new_connections_are_held_or_refused() {
    let poor = |value: &str| format!("[profiles.ingress.treatments]\npoor = {value}");
    refused(&poor("{ queue_new = 20, block_new = true }"), &["both held and refused", "keep one of the two"]);
    refused(&poor("{ queue_new = 0 }"), &["from 1 to 1000000"]);
    accepted(&poor("{ queue_new = 20, block_new = false }"));
}

#[test]
fn connections_are_ended_where_none_begins() {
    let poor = |value: &str| format!("[profiles.egress.treatments]\npoor = {{ {value} }}");
    refused(&poor("reset = true"), &["begin and are ended", "block_new = true", "drop = true"]);
    accepted(&poor("reset = true, block_new = true"));
    accepted(&poor("reset = true, drop = true"));
}

#[test]
fn signatures_are_one_pattern_that_tells_something() {
    let one = |lines: &str| format!("[signatures.one]\n{lines}{INGRESS}");
    accepted(&one("text = \"evil\""));
    accepted(&one("hex = \"4d 5A 90\"\nports = [\"tcp/80\"]\nhits = 0.5"));
    accepted(&one("regex = \"(?i)evil[0-9]+$\""));
    refused(&one("ports = []"), &["exactly one of `text`, `hex` and `regex`"]);
    refused(&one("text = \"a\"\nregex = \"b\""), &["exactly one of"]);
    refused(&one("hex = \"4d5\""), &["pairs of hexadecimal digits"]);
    refused(&one("regex = \"a(\""), &["unclosed group"]);
    refused(&one("regex = \"x*\""), &["every payload"]);
    refused(&one("text = \"a\"\nhits = 0"), &["counts for nothing"]);
    refused(&one("regex = \"[ab].{24}c\""), &["cannot be looked for together", "MiB"]);
}

#[test]
fn a_port_promises_one_thing() {
    let inspect = |lines: &str| format!("[inspect]\n{lines}{INGRESS}");
    accepted(&inspect("tls = [\"tcp/443\", \"tcp/4433\"]\nbytes = 64"));
    refused(&inspect("ssh = [\"tcp/22\", \"tcp/80\"]"), &["`tcp/80` promises two things"]);
    refused(&inspect("bytes = 63"), &["from 64 to 9000"]);
}

#[test]
fn what_is_narrowed_limits_something() {
    let poor = |value: &str| format!("[profiles.egress.treatments]\npoor = {{ {value} }}");
    refused(&poor("log = true, only = \"excess\""), &["nothing is limited", "narrows nothing"]);
    refused(&poor("block_new = true, only = \"exces\""), &["did you mean \"excess\"?"]);
    accepted(&poor("block_new = true, only = \"excess\""));
}

#[test]
fn connections_begin_slowly_within_bounds() {
    let neutral =
        |value: &str| format!("[profiles.ingress.treatments]\nneutral = {{ soften = {{ {value} }} }}");
    accepted(&neutral(""));
    accepted(&neutral("segments = 1, mss = 9000, round_trips = 255"));
    refused(&neutral("segments = 0"), &["from 1 to 100"]);
    refused(&neutral("mss = 535"), &["from 536 to 9000"]);
    refused(&neutral("round_trips = 256"), &["from 1 to 255"]);
    refused(&neutral("sack = true"), &["sack"]);
}

#[test]
fn services_do_not_overlap() {
    let two = |a: &str, b: &str| format!("[services.a]\n{a}\n[services.b]\n{b}\n{INGRESS}");
    let web = "prefixes = [\"192.0.2.1\", \"10.0.0.0/8\"]\nports = [\"tcp/80\", \"tcp/443\"]";
    refused(
        &two(web, "prefixes = [\"10.1.0.0/16\"]\nports = [\"tcp/443\"]"),
        &["services `b` and `a` overlap"],
    );
    refused(&two(web, "prefixes = [\"0.0.0.0/0\"]"), &["services `a` and `b` overlap"]);
    refused(&two("prefixes = [\"::/0\"]", "prefixes = [\"2001:db8::/32\"]"), &["overlap"]);
    accepted(&two(web, "prefixes = [\"10.1.0.0/16\"]\nports = [\"udp/443\"]"));
    accepted(&two(web, "prefixes = [\"11.0.0.0/8\", \"::/0\"]"));
    refused(&format!("[services.a]\nprefixes = []{INGRESS}"), &["service `a` has no address"]);
    refused(&format!("[services.a]\ncriticality = 1{INGRESS}"), &["`services.a` needs `prefixes`"]);
}

#[test]
fn there_are_at_most_255_services() {
    let service = |i: usize| format!("[services.s{i}]\nprefixes = [\"10.0.{i}.0/24\"]\n");
    let services = |n: usize| (0..n).map(service).collect::<String>();
    accepted(&format!("{}{INGRESS}", services(255)));
    refused(&format!("{}{INGRESS}", services(256)), &["256 services, at most 255 are possible"]);
}

#[test]
fn list_entries_mean_one_thing() {
    let lists = |line: &str| format!("[lists]\n{line}{INGRESS}");
    refused(
        &lists("deny = [\"192.0.2.0/24\", { prefix = \"192.0.2.0/24\", confidence = 5 }]"),
        &["`192.0.2.0/24` is listed twice", "confidence 100", "confidence 5"],
    );
    refused(&lists("deny = [{ confidence = 5 }]"), &["`lists.deny[0]` needs `prefix`"]);
    refused(&lists("deny = [{ prefix = \"192.0.2.1\", confidence = 0 }]"), &["from 1 to 100"]);
    refused(&lists("deny = [5]"), &["expected a prefix or { prefix"]);
    refused(&lists("allow = [\"10.0.0.0/33\"]"), &["bad prefix length"]);
    accepted(&lists("deny = [\"192.0.2.0/24\", \"192.0.2.0/24\"]"));
    let entry = "{ prefix = \"192.0.2.0/24\", score = 0.5 }";
    accepted(&format!("[destinations]\nentries = [{entry}, {entry}]{INGRESS}"));
    let other = entry.replace("0.5", "0.6");
    refused(
        &format!("[destinations]\nentries = [{entry}, {other}]{INGRESS}"),
        &["twice with different score"],
    );
}

#[test]
fn list_entries_are_not_narrower_than_a_source() {
    let deny = "[lists]\ndeny = [\"2001:db8::1\"]\n";
    refused(&format!("{deny}{INGRESS}"), &["did you mean \"2001:db8::/64\"?", "`sources.outside_v6`"]);
    accepted(&format!("{deny}[sources]\noutside_v6 = 128{INGRESS}"));
    // Inside, single hosts are sources.
    accepted(&format!("{deny}[profiles.egress]"));
}

#[test]
fn treatments_say_something() {
    let poor = |value: &str| format!("[profiles.ingress.treatments]\npoor = {value}");
    refused(&poor("\"dorp\""), &["did you mean \"drop\"?"]);
    for word in ["meter", "queue", "mirror", "soften", "reset"] {
        refused(&poor(&format!("\"{word}\"")), &["or a table such as"]);
    }
    refused(&poor("{ meter = { packet_burst = 5 } }"), &["limits nothing", "packets = \"100pps\""]);
    refused(&poor("{ meter = { bytes = \"1Mbps\", byte_burst = \"64B\" } }"), &["from 1518B to 1GiB"]);
    refused(&poor("true"), &["or a table, found a truth value"]);
    accepted(&poor("{ drop = true }"));
}

#[test]
fn texts_and_names_are_plain() {
    refused(&format!("[api]\nsocket = \"\"{INGRESS}"), &["one line of 1 to 512 bytes"]);
    refused(&format!("[api]\nlisten = \"0.0.0.0:7443\"{INGRESS}"), &["without TLS", "`[api.tls]`"]);
    refused(&format!("[api]\nlisten = \"localhost:7443\"{INGRESS}"), &["no address and port to listen on"]);
    let tls = "[api.tls]\ncertificate = \"a\"\nkey = \"b\"";
    refused(&format!("{tls}{INGRESS}"), &["`client_ca` is missing"]);
    refused(&format!("{tls}\nclient_ca = \"c\"{INGRESS}"), &["nothing listens"]);
    let bind = "[api.access]\nbind = [{ identity = \"cn:a\", role = \"king\" }]";
    refused(&format!("{bind}{INGRESS}"), &["api.access.bind[0].role", "operator"]);
    refused(&format!("[ports.\"a b\"]\nrole = \"both\"{INGRESS}"), &["bad name `a b` in `ports`"]);
    refused(&format!("[protect]\nports = [\"tcp/70000\"]{INGRESS}"), &["a number from 1 to 65535"]);
}
