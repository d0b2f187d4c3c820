//! What can be wrong with a profile of DNS, and what it comes to.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{accepted, refused};
use repute_model::{
    Address, Band, Block, CacheRules, Decision, DomainName, Factor, Limits, Path, RpzAction, RpzRuling,
    Score, Side,
};
use repute_policy::{Checked, Config, Diagnostics, diff};
use tempfile::TempDir;

fn dns(keys: &str) -> String {
    format!("[profiles.dns]\n{keys}")
}

#[test]
fn one_profile_in_a_file() {
    refused("", &["no profile", "[profiles.dns]"]);
    let both = "[profiles.egress]\n[profiles.dns]\n";
    refused(both, &["an egress and a dns profile in one file", "the outside one (dns)", "second instance"]);
    let same = "[profiles.ingress]\n[profiles.dns]\n";
    refused(same, &["an ingress and a dns profile in one file", "a source has one score"]);
}

#[test]
fn what_does_not_fit_together_is_named() {
    for (keys, says) in [
        ("ports = []", "0 ports, 1 to 4 are possible"),
        ("ports = [1, 2, 3, 4, 5]", "5 ports, 1 to 4 are possible"),
        ("ports = [0]", "must be from 1 to 65535"),
        ("block = \"sinkhole\"", "there is none"),
        ("sinkhole = { v4 = \"2001:db8::1\" }", "is of the other family"),
        ("challenge = { garden = { v6 = \"192.0.2.1\" } }", "`profiles.dns.challenge.garden.v6` = 192.0.2.1"),
        ("challenge = { tries = 0 }", "must be from 1 to 255"),
        ("honeypots = [\"a..b\"]", "has an empty label"),
        ("honeypots = [\"*\"]", "that is every name there is"),
        ("honeypot_files = [\"sinkholes\"]", "`sinkholes` starts in no folder"),
        ("cache = { size = \"4KiB\" }", "4KiB hold next to nothing"),
        ("cache = { ttl_min = \"10m\", ttl_max = \"5m\" }", "`ttl_min` = 10m is above `ttl_max` = 5m"),
        ("cache = { ttl_min = \"2h\" }", "must be from 0ms to 1h"),
        ("cache = { answers = 1 }", "must be from 64 to 16777216"),
        ("model = \"egress-interval\"", "does not count queries"),
        ("paths = { poor = \"cache\" }", "did you mean \"cached\"?"),
        ("dry_run = [\"bad\"]", "expected one of `excellent`"),
        ("query_factors = { nxdomain = { from = 0.9 } }", "the ramp of `nxdomain` does not rise"),
        ("query_factors = { nxdomain = { weight = 1.5 } }", "weight 1.5 of `nxdomain` is above 1"),
        ("query_factors = { rate = { weight = 0.5 } }", "unknown key `rate`"),
        ("factors = { nxdomain = { weight = 0.5 } }", "unknown key `nxdomain`"),
        ("crowds = { sensitivity = 0.01 }", "must be 0.1 to 10"),
    ] {
        refused(&dns(keys), &[says]);
    }
    accepted(&dns("block = \"sinkhole\"\nsinkhole = { v6 = \"2001:db8::1\" }\nmodel = \"suspicion\""));
    refused("[profiles.ingress]\npaths = {}", &["unknown key `paths`"]);
}

/// An endpoint in which nothing is wrong, but for what takes the place of `part`.
fn endpoint(part: &str, other: &str) -> String {
    let text = "[ports.a]\nrole = \"outside\"\n[ports.b]\nrole = \"inside\"\n[profiles.dns]\nports = [53]\n\
                [profiles.dns.endpoint]\naddresses = [\"192.0.2.53\", \"2001:db8::53\"]\n\
                origins = [{ address = \"10.0.0.9/24\", gateway = \"10.0.0.1\" }, { address = \"fd00::9/64\" }]\n\
                upstreams = [\"10.0.0.53\", \"198.18.0.1:5353\", \"fd00::53\"]\n";
    assert!(text.contains(part), "{part}");
    text.replace(part, other)
}

#[test]
fn an_endpoint_has_addresses_and_ways_of_its_own() {
    for (part, other, says) in [
        ("addresses = [\"192.0.2.53\", \"2001:db8::53\"]\n", "", "`addresses` is missing"),
        ("\"192.0.2.53\", \"2001:db8::53\"", "", "0 of `addresses`, 1 to 16 are possible"),
        ("\"192.0.2.53\"", "\"192.0.2.53/24\"", "not the address of a host"),
        ("\"192.0.2.53\"", "\"10.0.0.9\"", "10.0.0.9 twice in `profiles.dns.endpoint`"),
        ("\"192.0.2.53\"", "\"10.0.0.53\"", "an address of the box's own"),
        ("10.0.0.9/24", "10.0.0.9", "no address of a host with the length of its link"),
        ("10.0.0.9/24", "10.0.0.255/24", "no address of a host"),
        (", gateway = \"10.0.0.1\"", "", "there is no way to 198.18.0.1"),
        ("10.0.0.1", "10.0.1.1", "10.0.1.1 is no gateway of 10.0.0.9/24"),
        (", { address = \"fd00::9/64\" }", "", "no address to ask from over IPv6"),
        (", \"fd00::53\"", "", "nobody to ask over IPv6"),
        ("198.18.0.1:5353", "198.18.0.1:0", "not the address of a server"),
        ("198.18.0.1:5353", "10.0.0.53", "it stands there already"),
        ("ports = [53]", "servers = [\"192.0.2.1\"]", "there are no servers behind an endpoint"),
        ("upstreams", "check = { timeout = \"2s\" }\nupstreams", "`timeout` = 2s is above `interval` = 1s"),
        ("upstreams", "check = { record = \"a\" }\nupstreams", "did you mean \"A\"?"),
        ("fd00::9/64", "10.0.0.8/24", "two addresses of IPv4 to ask from"),
        (
            "[ports.b]\nrole = \"inside\"\n",
            "[ports.b]\nrole = \"inside\"\npeer = \"a\"\n[ports.c]\nrole = \"outside\"\n[ports.d]\n\
             role = \"inside\"\npeer = \"c\"\n",
            "an endpoint has two ports",
        ),
    ] {
        refused(&endpoint(part, other), &[says]);
    }
}

#[test]
fn an_endpoint_compiles_to_what_it_says() {
    let text =
        endpoint("upstreams", "check = { name = \"example.org\", record = \"A\" }\nflows = 2000\nupstreams");
    let checked = Config::parse("test", &text).unwrap_or_else(|found| panic!("{found}"));
    let limits = checked.limits();
    assert_eq!((limits.flows, limits.connections), (2000, 8192));
    let dns = checked.compile(1).dns.unwrap();
    let address = |text: &str| Address::from(text.parse::<std::net::IpAddr>().unwrap());
    assert!(dns.serves(address("192.0.2.53"), 53) && dns.serves(address("2001:db8::53"), 53));
    assert!(!dns.serves(address("192.0.2.54"), 53) && !dns.serves(address("10.0.0.53"), 53));
    let endpoint = dns.endpoint.unwrap();
    assert_eq!(endpoint.check.question, b"\x07example\x03org\0\0\x01\0\x01");
    assert_eq!(endpoint.origin(true).unwrap().next_hop(address("198.18.0.1")), Some(address("10.0.0.1")));
    assert_eq!(endpoint.upstreams[1].port, 5353);
    assert_eq!(checked.upstreams(), ["10.0.0.53", "198.18.0.1:5353", "fd00::53"]);
    let without = Config::parse("test", "[profiles.dns]").unwrap();
    assert_eq!((without.limits().flows, without.upstreams().len()), (0, 0));
    let changes = diff(&without, &checked);
    let of_endpoint: Vec<_> =
        changes.iter().filter(|change| change.path.starts_with("profiles.dns.endpoint")).collect();
    assert!(of_endpoint.len() > 5 && of_endpoint.iter().all(|change| change.restart), "{of_endpoint:?}");
}

#[test]
fn it_compiles_to_what_it_says() {
    let text = dns(
        "servers = [\"192.0.2.53\"]\nports = [53, 5353]\ndry_run = [\"poor\"]\nblock = \"refused\"\nmodel = \"suspicion\"\n\
         cache = { ttl_min = \"2s\", stale_max = \"1h\" }\n\
         [profiles.dns.paths]\npoor = \"block\"\n[profiles.dns.query_factors]\ntimeouts = { from = 0.4 }",
    );
    let checked = Config::parse("test", &text).unwrap_or_else(|found| panic!("{found}"));
    let policy = checked.compile(1);
    assert_eq!(policy.owner_side(), Side::Outside);
    assert!(policy.crowd_rules().watches && policy.profile().is_some());
    let dns = policy.dns.as_ref().unwrap_or_else(|| panic!("a profile"));
    assert!(dns.serves("192.0.2.53".parse::<std::net::IpAddr>().map(Into::into).unwrap_or_default(), 5353));
    let band = |band| dns.path(band, Score::MAX);
    assert_eq!(Band::ALL.map(band), [Path::Cached, Path::Cached, Path::Challenge, Path::Block, Path::Block]);
    assert_eq!((dns.block, dns.decision, dns.dry_run), (Block::Refused, Decision::Bands, 1 << 3));
    assert_eq!(dns.cache, CacheRules { ttl_min_s: 2, stale_max_s: 3600, ..CacheRules::DEFAULT });
    let timeouts = dns.profile.factors[Factor::Timeouts.index()];
    assert_eq!((timeouts.weight, timeouts.ramp.from, timeouts.ramp.full), (25.0, 0.4, 0.9));
}

/// What others do, in one's network, one's AS and everywhere in it, leads to a challenge and never further.
#[test]
fn neighbours_alone_block_nobody() {
    let policy = Config::parse("test", &dns("")).unwrap_or_else(|found| panic!("{found}")).compile(1);
    let rules = policy.dns.unwrap_or_else(|| panic!("a profile"));
    let weight = |factor: Factor| rules.profile.factors[factor.index()].weight;
    let stands = |weights: f64| {
        let score = Score::from_unit(rules.profile.prior.unit() * (1.0 - weights));
        rules.path(rules.profile.thresholds.band(score), score)
    };
    let all = [Factor::Network, Factor::System, Factor::Spread].map(weight);
    assert_eq!(all.map(stands), [Path::Challenge; 3], "each of them alone");
    assert_eq!(stands(all.iter().sum()), Path::Challenge, "all of them");
    refused(&dns("query_factors = { system = { weight = 2 } }"), &["weight 2 of `system` is above 1"]);
    refused(&dns("query_factors = { spread = { from = 0.7 } }"), &["`spread`"]);
}

#[test]
fn the_decision_order_goes_by_the_score() {
    let text = dns("decision = \"order\"\n[profiles.dns.paths]\nexcellent = \"block\"");
    let policy = Config::parse("test", &text).unwrap_or_else(|found| panic!("{found}")).compile(1);
    let dns = policy.dns.unwrap_or_else(|| panic!("a profile"));
    for (score, path) in [
        (8501, Path::Cached),
        (8500, Path::Default),
        (6501, Path::Default),
        (6500, Path::Challenge),
        (4501, Path::Challenge),
        (4500, Path::Block),
        (0, Path::Block),
    ] {
        assert_eq!(dns.path(Band::Good, Score::new(score)), path, "{score}");
    }
}

#[test]
fn honeypots_come_from_the_config_and_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let parse = |held: &str| {
        std::fs::write(folder.path().join("sinkholes"), held).unwrap();
        let files = format!("honeypot_files = [\"{}/sinkholes\"]", folder.path().display());
        Config::parse("test", &dns(&format!("honeypots = [\"trap.example\"]\n{files}")))
    };
    let one = parse("# sinkholes\n*.Sinkhole.example. ; all of it\r\n\nold.example\n").unwrap();
    let honeypots = one.compile(1).dns.unwrap().honeypots;
    let is_one = |name: &str| honeypots.get(name.parse::<DomainName>().unwrap().as_bytes()).is_some();
    let names = ["trap.example", "a.sinkhole.example", "old.example", "sinkhole.example", "a.old.example"];
    assert_eq!(names.map(is_one), [true, true, true, false, false]);
    let same = parse("old.example\n*.sinkhole.example\nold.example").unwrap();
    assert_eq!(one.digest(), same.digest(), "the same names");
    let other = parse("old.example\n").unwrap();
    let changes: Vec<String> = diff(&one, &other).iter().map(|change| change.path.clone()).collect();
    assert_eq!(changes, ["profiles.dns.honeypot_files"; 2]);
    let found = parse("good.example\n*\nb\u{e4}d.example\n").unwrap_err();
    let found: Vec<_> = found.items().iter().map(|item| item.message().to_owned()).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("/sinkholes:2: `*` is every name"), "{found:?}");
    assert!(found[1].contains("/sinkholes:3: ") && found[1].contains("is not ASCII"), "{found:?}");
}

/// What a config with these zones, each with a text, comes to.
fn with_zones(zones: &[(&str, &str)]) -> Result<Checked, Diagnostics> {
    with_zones_in(&tempfile::tempdir().unwrap(), zones)
}

fn with_zones_in(folder: &TempDir, zones: &[(&str, &str)]) -> Result<Checked, Diagnostics> {
    let key = |(i, (name, text)): (usize, &(&str, &str))| {
        let file = folder.path().join(format!("{i}.zone"));
        std::fs::write(&file, text).unwrap();
        format!("[[profiles.dns.zones]]\nname = \"{name}\"\nfile = \"{}\"\n", file.display())
    };
    let text: String = zones.iter().enumerate().map(key).collect();
    Config::parse("test", &format!("[profiles.dns]\n{text}"))
}

const BEGIN: &str = "@ SOA a. b. 1 2 3 4 5\n";

#[test]
fn policy_zones_come_in_their_order() {
    let zone = |rules: &str| format!("{BEGIN}{rules}");
    let (first, second) = (zone("bad.example CNAME .\n"), zone("bad.example.second. CNAME rpz-drop.\n"));
    let folder = tempfile::tempdir().unwrap();
    let one = with_zones_in(&folder, &[("first", &first), ("second", &second)]).unwrap();
    let ruling = |checked: &Checked| {
        let name: DomainName = "bad.example".parse().unwrap();
        match checked.compile(1).dns.unwrap().zones.at_query(Address::v4(1), name.as_bytes()) {
            RpzRuling::Match(found) => (found.zone, found.action),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ruling(&one), (0, RpzAction::NxDomain));
    let other = with_zones(&[("second", &second), ("first", &first)]).unwrap();
    assert_eq!(ruling(&other), (0, RpzAction::Drop));
    assert_ne!(one.digest(), other.digest());
    assert!(one.to_string().contains("2 rules in 2 policy zones"), "{one}");
    let first = zone("bad.example CNAME *.\n");
    let changed = with_zones_in(&folder, &[("first", &first), ("second", &second)]).unwrap();
    let changes: Vec<String> = diff(&one, &changed).iter().map(|change| change.path.clone()).collect();
    assert_eq!(changes, ["profiles.dns.zones"; 2]);
}

#[test]
fn what_of_a_policy_zone_is_not_enforced_is_told() {
    let good: String = (0..40).map(|n| format!("n{n} CNAME .\n")).collect();
    let rest = "ns.example.rpz-nsdname CNAME .\n32.1.2.0.192.rpz-nsip CNAME .\nalias CNAME garden.example.\n\
        33.0.2.0.192.rpz-ip CNAME .\n";
    let long: String = (0..80).map(|n| format!("long A 192.0.2.{n}\n")).collect();
    let checked = with_zones(&[("rpz", &[BEGIN, &good, rest, &long].concat())]).unwrap();
    let [report] = checked.zone_reports() else { panic!("{:?}", checked.zone_reports()) };
    let told = report.to_string();
    let rules = "/0.zone): 42 rules by qname, 1 rules by nsdname, 1 rules by nsip";
    assert!(told.starts_with("zone rpz (") && told.ends_with(rules), "{told}");
    let notes = report.notes();
    for (note, begin) in notes.iter().zip([
        "2 rules by name server",
        "1 rules answer with an alias",
        "1 rules have more",
        "line 45: ",
    ]) {
        assert!(note.starts_with(begin), "{notes:?}");
    }
    assert!(notes[3].contains("bad prefix length (1 to 32)"), "{notes:?}");
    assert_eq!(notes.len(), 4);
    let sound = with_zones(&[("rpz", &[BEGIN, &good].concat())]).unwrap();
    assert_eq!(sound.zone_reports()[0].notes(), [""; 0]);
}

#[test]
fn a_policy_zone_that_is_none_is_refused() {
    let messages = |zones: &[(&str, &str)]| -> Vec<String> {
        with_zones(zones).unwrap_err().items().iter().map(|item| item.message().to_owned()).collect()
    };
    assert!(messages(&[("rpz", "192.0.2.1\n")])[0].contains("/0.zone: line 1: 1 of 1 records are no rule"));
    assert!(messages(&[("rpz", "")])[0].contains("has no rule and no start of authority"));
    assert!(messages(&[("rpz", "@ SOA ( 1\n")])[0].contains("line 1: a parenthesis is not closed"));
    assert_eq!(messages(&[("rpz", BEGIN), ("RPZ.", BEGIN)]), ["two policy zones are named `rpz`"]);
    let many: Vec<_> = (0..65).map(|n| (format!("z{n}"), BEGIN)).collect();
    let many: Vec<_> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    assert_eq!(messages(&many), ["65 policy zones, at most 64 are read"]);
    refused(&dns("zones = [{ name = \"rpz\" }]"), &["file"]);
    refused(&dns("zones = [{ name = \"rpz\", file = \"rpz.zone\" }]"), &["`rpz.zone` starts in no folder"]);
    refused(
        &dns("zones = [{ name = \"rpz\", file = \"/nowhere/rpz.zone\" }]"),
        &["cannot read the policy zone in `/nowhere/rpz.zone`"],
    );
}

#[test]
fn it_begins_and_ends_with_a_restart() {
    let parse = |text: &str| Config::parse("test", text).unwrap_or_else(|found| panic!("{found}"));
    let (ingress, plain) = (parse("[profiles.ingress]"), parse("[profiles.dns]"));
    let restarts = |old, new| diff(old, new).iter().any(|change| change.restart);
    assert!(restarts(&ingress, &plain) && restarts(&plain, &ingress));
    let changed = parse(&dns("block = \"refused\"\nsinkhole = { v4 = \"192.0.2.1\" }"));
    assert!(!restarts(&plain, &changed));
    let sizes = |text: &str| {
        let Limits { queries, cache_answers, cache_bytes, .. } = parse(text).limits();
        (queries, cache_answers, cache_bytes)
    };
    assert_eq!(sizes("[profiles.ingress]"), (0, 0, 0));
    assert_eq!(sizes("[profiles.dns]"), (65_536, 65_536, 16 << 20));
    let resized = parse(&dns("cache = { size = \"0B\" }"));
    assert!(restarts(&plain, &resized) && resized.limits().cache_bytes == 0);
    assert!(!restarts(&plain, &parse(&dns("cache = { ttl_max = \"1h\", stale_max = \"1h\" }"))));
}
