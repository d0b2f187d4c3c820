//! The files in `configs/`: they run as they stand, and the reference tells the truth.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use repute_policy::{Checked, Config, diff, json_schema, reference};
use serde_json::Value;

fn parse(text: &str) -> Checked {
    Config::parse("test.toml", text).unwrap_or_else(|found| panic!("{found}"))
}

fn shipped(name: &str) -> Checked {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(name);
    parse(&std::fs::read_to_string(path).unwrap())
}

fn changes(old: &Checked, new: &Checked) -> Vec<String> {
    diff(old, new).iter().map(ToString::to_string).collect()
}

const MINIMAL: &str = "[ports.outside]\nrole = \"outside\"\n[ports.inside]\nrole = \"inside\"\n";

#[test]
fn the_reference_holds_exactly_the_defaults() {
    let minimal = parse(&format!("{MINIMAL}[profiles.ingress]\n"));
    assert_eq!(changes(&minimal, &parse(reference())), [""; 0]);
    assert_eq!(minimal.digest(), parse(reference()).digest());
}

/// What the reference shows from this line up to the next heading, without its comment signs.
fn block(first: &str) -> String {
    let (_, from) = reference().split_once(&format!("# {first}\n")).unwrap();
    let (block, _) = from.split_once("\n# ──").unwrap_or((from, ""));
    let uncommented = block.lines().map(|line| line.trim_start_matches('#'));
    uncommented.fold(format!("{first}\n"), |text, line| text + line + "\n")
}

/// What it shows for egress.
fn egress_block() -> String {
    block("[profiles.egress.factors]")
}

/// The reference with another profile in the place of the ingress one.
fn reference_with(profile: &str) -> String {
    let (before, _) = reference().split_once("\n[profiles.ingress]\n").unwrap();
    format!("{before}\n{profile}")
}

#[test]
fn the_reference_holds_the_defaults_for_egress() {
    let minimal = parse(&format!("{MINIMAL}[profiles.egress]\n"));
    assert_eq!(changes(&minimal, &parse(&reference_with(&egress_block()))), [""; 0]);
}

#[test]
fn the_reference_holds_the_defaults_for_dns() {
    let minimal = parse(&format!("{MINIMAL}[profiles.dns]\n"));
    assert_eq!(changes(&minimal, &parse(&reference_with(&block("[profiles.dns]")))), [""; 0]);
}

#[test]
fn the_reference_names_every_default_that_differs_for_egress() {
    let ingress = parse("[profiles.ingress]");
    let egress = parse("[profiles.egress]");
    let (of, with) = (json(&ingress, "ingress"), json(&egress, "egress"));
    let differ: Vec<_> =
        leaves(&of).into_iter().filter(|(path, value)| with.pointer(path) != Some(value)).collect();
    assert!(!differ.is_empty());
    for (path, _) in differ {
        let section = path.split('/').nth(2).unwrap();
        assert!(egress_block().contains(section), "{path}");
    }
}

fn json(checked: &Checked, profile: &str) -> Value {
    serde_json::to_value(checked.config()).unwrap()["profiles"][profile].clone()
}

fn leaves(value: &Value) -> Vec<(String, Value)> {
    let Value::Object(map) = value else { return vec![(String::new(), value.clone())] };
    let deeper = |(key, value): (&String, &Value)| {
        leaves(value).into_iter().map(move |(path, leaf)| (format!("/{key}{path}"), leaf)).collect::<Vec<_>>()
    };
    map.iter().flat_map(deeper).collect()
}

/// What the reference shows of a mirror, without its comment signs.
fn mirror_block() -> String {
    let (_, from) = reference().split_once("# [ports.tap]").unwrap();
    let (block, _) = from.split_once("\n\n").unwrap();
    block
        .lines()
        .map(|line| line.trim_start_matches('#'))
        .fold("[ports.tap]".to_owned(), |text, line| text + line + "\n")
}

#[test]
fn the_mirror_of_the_reference_is_valid_and_holds_the_defaults() {
    let shown = mirror_block();
    let has_default = |line: &&str| {
        ["bytes", "rate", "mbufs", "port = 4789"].iter().any(|key| line.trim_start().starts_with(key))
    };
    assert_eq!(shown.lines().filter(has_default).count(), 4);
    let required = shown.lines().filter(|line| !has_default(line));
    let required = required.fold(String::new(), |text, line| text + line + "\n");
    let with = |mirror: &str| parse(&format!("{MINIMAL}{mirror}[profiles.ingress]\n"));
    assert_eq!(changes(&with(&required), &with(&shown)), [""; 0]);
    assert!(with(&shown).topology().mirror.is_some_and(|mirror| mirror.vxlan.is_some()));
}

#[test]
fn the_endpoint_of_the_reference_is_valid_and_holds_the_defaults() {
    let shown = block(
        "[profiles.dns.endpoint]     # default: the box stands as a bump in the wire in front of `servers`",
    );
    let required = ["[profiles.dns.endpoint]", "addresses", "origins", "upstreams"];
    let is_required = |line: &&str| required.iter().any(|key| line.trim_start().starts_with(key));
    // A comment that goes on.
    let lines =
        || shown.lines().filter(|line| !line.trim_start().starts_with("# ") && !line.trim().is_empty());
    assert_eq!(lines().filter(|line| line.contains(" = ") && !is_required(line)).count(), 8, "{shown}");
    let with = |lines: Vec<&str>| parse(&format!("{MINIMAL}{}\n", lines.join("\n")));
    let least = lines().filter(|line| is_required(line) && !line.contains("check]")).collect();
    assert_eq!(changes(&with(least), &parse(&format!("{MINIMAL}{shown}"))), [""; 0]);
    assert_eq!(parse(&format!("{MINIMAL}{shown}")).upstreams(), ["10.0.0.53", "10.9.0.53:5353", "fd00::53"]);
}

#[test]
fn the_feed_of_the_reference_holds_the_defaults() {
    let (_, from) = reference().split_once("# [[feeds]]").unwrap();
    let (block, _) = from.split_once("\n\n").unwrap();
    let lines: Vec<&str> = block.lines().map(|line| line.trim_start_matches("# ")).collect();
    let with = |keys: &[&str]| {
        let here = |line: &&&str| keys.iter().any(|key| line.starts_with(&format!("{key} =")));
        let feed = lines.iter().filter(here).fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(feed.lines().count(), keys.len(), "{feed}");
        parse(&format!("[profiles.ingress]\n[[feeds]]\n{feed}"))
    };
    let plain = with(&["name", "url"]);
    let keys = ["push", "format", "says", "confidence", "timeout", "bytes_max", "entries_max"];
    assert_eq!(changes(&plain, &with(&[&["name", "url"], &keys[..]].concat())), [""; 0]);
    // The others are examples; each is valid beside an origin that it fits.
    for keys in [
        ["name", "url", "expiry", "refresh"].as_slice(),
        &["name", "url", "headers"],
        &["name", "file", "categories"],
        &["name", "crowdsec", "key_file"],
        &["name", "taxii"],
    ] {
        with(keys);
    }
}

/// Every key of the schema, as the lines in which a config would name it.
fn schema_keys(schema: &Value, path: &str, keys: &mut Vec<(String, String)>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (key, property) in properties {
            keys.push((path.to_owned(), key.clone()));
            schema_keys(property, &format!("{path}.{key}"), keys);
        }
    }
    for part in ["additionalProperties", "items"] {
        if schema[part].is_object() {
            schema_keys(&schema[part], path, keys);
        }
    }
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        schema_keys(one, path, keys);
    }
}

#[test]
fn every_key_of_the_schema_is_in_the_reference() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let mut keys = Vec::new();
    schema_keys(&schema, "", &mut keys);
    assert!(keys.len() > 150, "{}", keys.len());
    let words: Vec<&str> =
        reference().split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).collect();
    for (path, key) in keys {
        assert!(words.contains(&key.as_str()), "{path}.{key} is not in configs/reference.toml");
    }
}

#[test]
fn the_ingress_config_runs_as_it_stands() {
    let checked = shipped("ingress.toml");
    let topology = checked.topology();
    assert_eq!(topology.pairs, [(0, 1)]);
    assert_eq!(topology.ports[0].name, "inside");
    assert_eq!(topology.ports[1].peer, 0);
    let policy = checked.compile(1);
    assert!(policy.ingress.is_some() && policy.egress.is_none());
}

#[test]
fn the_egress_config_runs_as_it_stands() {
    let checked = shipped("egress.toml");
    assert_eq!(checked.topology().pairs, [(0, 1)]);
    let policy = checked.compile(1);
    assert!(policy.ingress.is_none() && policy.egress.is_some());
}

#[test]
fn the_dns_config_runs_as_it_stands() {
    let checked = shipped("dns.toml");
    assert_eq!(checked.topology().pairs, [(0, 1)]);
    let policy = checked.compile(1);
    assert!(policy.ingress.is_none() && policy.egress.is_none() && policy.dns.is_some());
    assert_eq!(checked.limits().queries, 65_536);
    assert_eq!(changes(&checked, &parse(&format!("{MINIMAL}[profiles.dns]\n"))), [""; 0]);
}

#[test]
fn what_the_shipped_configs_suggest_is_valid() {
    for name in ["ingress.toml", "egress.toml", "dns.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(name);
        let text = std::fs::read_to_string(path).unwrap();
        let suggestion =
            |line: &str| line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# ["));
        let with: String = text
            .lines()
            .map(|line| if suggestion(line) { &line[2..] } else { line })
            .fold(String::new(), |text, line| text + line + "\n");
        let (plain, full) = (parse(&text), parse(&with));
        assert!(changes(&plain, &full).len() >= 6, "{name}: {:?}", changes(&plain, &full));
    }
}
