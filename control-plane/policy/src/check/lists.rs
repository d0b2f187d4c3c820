//! Checks of `[lists]` and `[destinations]`: entries that contradict each other or can never match, and places that no
//! database knows.

use std::collections::BTreeMap;
use std::fmt::Display;

use repute_model::Prefix;

use super::at;
use crate::config::{Config, Lists, Sources};
use crate::read::Reader;

/// Autonomous systems of a list at most.
const ASNS_MAX: usize = 4096;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let deny = config.lists.deny.iter().map(|deny| (deny.prefix.0, deny.confidence.get() as f64));
    repeated("lists.deny", "confidence", deny, reader);
    let entries = config.destinations.entries.iter().map(|entry| (entry.prefix.0, entry.score.get()));
    repeated("destinations.entries", "score", entries, reader);
    places(config, reader);
    if reader.sound("sources") {
        let allow: Vec<_> = config.lists.allow.iter().map(|cidr| cidr.0).collect();
        too_narrow("lists.allow", &allow, config, reader);
        let deny: Vec<_> = config.lists.deny.iter().map(|deny| deny.prefix.0).collect();
        too_narrow("lists.deny", &deny, config, reader);
    }
}

/// Countries and AS numbers: databases know them, and each is selected once.
fn places(config: &Config, reader: &mut Reader) {
    let Lists { allow_countries, allow_asns, deny_countries, deny_asns, .. } = &config.lists;
    let geo = &config.geo;
    for (path, count, known, kind, key) in [
        ("lists.allow_countries", allow_countries.len(), geo.country.is_some(), "countries", "country"),
        ("lists.allow_asns", allow_asns.len(), geo.asn.is_some(), "AS numbers", "asn"),
        ("lists.deny_countries", deny_countries.len(), geo.country.is_some(), "countries", "country"),
        ("lists.deny_asns", deny_asns.len(), geo.asn.is_some(), "AS numbers", "asn"),
    ] {
        if count > 0 && !known && reader.sound("geo") {
            let found = at(reader, path, format!("no database knows {kind}")).label("selected here");
            reader.findings.push(found.help(format!("name a MaxMind DB file in `geo.{key}`")));
        }
        if count > ASNS_MAX {
            let message = format!("{count} {kind}, at most {ASNS_MAX} can be selected");
            reader.findings.push(at(reader, path, message).label("leave some out"));
        }
    }
    let sure = deny_countries.iter().map(|deny| (deny.country, deny.confidence.get() as f64));
    repeated("lists.deny_countries", "confidence", sure, reader);
    let sure = deny_asns.iter().map(|deny| (deny.asn, deny.confidence.get() as f64));
    repeated("lists.deny_asns", "confidence", sure, reader);
}

/// The same key with two values: which one is meant?
fn repeated<K: Ord + Copy + Display>(
    path: &str,
    what: &str,
    entries: impl Iterator<Item = (K, f64)>,
    reader: &mut Reader,
) {
    if !reader.sound(path) {
        return;
    }
    let mut first: BTreeMap<K, (usize, f64)> = BTreeMap::new();
    for (i, (key, value)) in entries.enumerate() {
        let (before, earlier) = *first.entry(key).or_insert((i, value));
        if earlier != value {
            let message = format!("`{key}` is listed twice with different {what}");
            let found = at(reader, &format!("{path}[{i}]"), message)
                .label(format!("{what} {value}"))
                .also(reader.places.of(&format!("{path}[{before}]")), format!("{what} {earlier}"));
            reader.findings.push(found);
        }
    }
}

/// An entry below the width of a source names nobody: standing is kept for the whole width.
fn too_narrow(path: &str, prefixes: &[Prefix], config: &Config, reader: &mut Reader) {
    if !reader.sound(path) {
        return;
    }
    for (i, prefix) in prefixes.iter().enumerate() {
        let narrow = narrower(&config.sources, config.profiles.egress.is_some(), *prefix);
        if let Some(Narrow { key, bits, meant }) = narrow {
            let found = at(reader, &format!("{path}[{i}]"), format!("`{prefix}` is part of one source"))
                .label(format!("did you mean \"{meant}\"?"))
                .help(format!("standing is kept for /{bits} as a whole (`sources.{key}`)"));
            reader.findings.push(found);
        }
    }
}

/// A prefix that is only a part of a source.
pub(crate) struct Narrow {
    /// The key of `[sources]` that says how wide one is.
    key: &'static str,
    bits: u8,
    /// The whole source.
    pub meant: Prefix,
}

/// Whether `prefix` is narrower than a source on the side that is judged.
pub(crate) fn narrower(sources: &Sources, egress: bool, prefix: Prefix) -> Option<Narrow> {
    let v4 = prefix.first().is_v4();
    let (key, bits) = match (egress, v4) {
        (false, true) => ("outside_v4", sources.outside_v4.get() as u8),
        (false, false) => ("outside_v6", sources.outside_v6.get() as u8),
        (true, true) => ("inside_v4", sources.inside_v4.get() as u8),
        (true, false) => ("inside_v6", sources.inside_v6.get() as u8),
    };
    let len128 = if v4 { bits + 96 } else { bits };
    let meant = Prefix::containing(prefix.first(), len128);
    (prefix.len128() > len128).then_some(Narrow { key, bits, meant })
}
