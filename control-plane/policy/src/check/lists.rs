//! Checks of `[lists]` and `[destinations]`: entries that contradict each other or can never match.

use std::collections::BTreeMap;

use repute_model::Prefix;

use super::at;
use crate::config::{Config, Sources};
use crate::read::Reader;
use crate::value::Cidr;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let deny = config.lists.deny.iter().map(|deny| (deny.prefix, deny.confidence.get() as f64));
    repeated("lists.deny", "confidence", deny, reader);
    let entries = config.destinations.entries.iter().map(|entry| (entry.prefix, entry.score.get()));
    repeated("destinations.entries", "score", entries, reader);
    if reader.sound("sources") {
        let allow: Vec<_> = config.lists.allow.iter().map(|cidr| cidr.0).collect();
        too_narrow("lists.allow", &allow, config, reader);
        let deny: Vec<_> = config.lists.deny.iter().map(|deny| deny.prefix.0).collect();
        too_narrow("lists.deny", &deny, config, reader);
    }
}

/// The same prefix with two values: which one is meant?
fn repeated(path: &str, what: &str, entries: impl Iterator<Item = (Cidr, f64)>, reader: &mut Reader) {
    if !reader.sound(path) {
        return;
    }
    let mut first: BTreeMap<Cidr, (usize, f64)> = BTreeMap::new();
    for (i, (prefix, value)) in entries.enumerate() {
        let (before, earlier) = *first.entry(prefix).or_insert((i, value));
        if earlier != value {
            let message = format!("`{}` is listed twice with different {what}", prefix.0);
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
