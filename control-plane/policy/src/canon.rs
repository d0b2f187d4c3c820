//! The config as sorted paths with canonical values: what the digest is taken over and the diff compares.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::files::Summary;
use crate::name_files::Summary as Names;
use crate::zone_files::Summary as Zone;

/// What stands at one path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Leaf {
    /// One value.
    One(String),
    /// A list, in the order of the file.
    Many(Vec<String>),
}

/// Every setting by its dotted path, list files with what they hold; absent options have no entry.
pub(crate) fn leaves(
    config: &Config,
    [allow, deny]: &[Vec<Summary>; 2],
    honeypots: &[Names],
    zones: &[Zone],
) -> BTreeMap<String, Leaf> {
    let mut leaves = BTreeMap::new();
    // Config structs serialise without failing: string keys, finite numbers.
    let mut value = serde_json::to_value(config).unwrap_or_default();
    value["lists"]["allow_files"] = json!(allow);
    value["lists"]["deny_files"] = json!(deny);
    if config.profiles.dns.is_some() {
        value["profiles"]["dns"]["honeypot_files"] = json!(honeypots);
        value["profiles"]["dns"]["zones"] = json!(zones);
    }
    walk(String::new(), &value, &mut leaves);
    leaves
}

fn walk(path: String, value: &Value, leaves: &mut BTreeMap<String, Leaf>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(path, value, leaves);
            }
        }
        Value::Array(items) => {
            leaves.insert(path, Leaf::Many(items.iter().map(shown).collect()));
        }
        other => {
            leaves.insert(path, Leaf::One(shown(other)));
        }
    }
}

/// A value as it reads in a diff; objects (entries of lists) with their keys sorted.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let parts: Vec<_> =
                sorted.into_iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        other => other.to_string(),
    }
}

/// SHA-256 (FIPS 180-4) over every path and value, each with its length before it.
pub(crate) fn digest(
    config: &Config,
    files: &[Vec<Summary>; 2],
    honeypots: &[Names],
    zones: &[Zone],
) -> [u8; 32] {
    hashed(leaves(config, files, honeypots, zones))
}

fn hashed(leaves: BTreeMap<String, Leaf>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    for (path, leaf) in leaves {
        field(&path);
        match leaf {
            Leaf::One(value) => {
                field("1");
                field(&value);
            }
            Leaf::Many(values) => {
                field(&format!("[{}]", values.len()));
                values.iter().for_each(|value| field(value));
            }
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_given_leaves_never_changes() {
        let one = ("a.b".to_owned(), Leaf::One("0.5".to_owned()));
        let many = ("c".to_owned(), Leaf::Many(vec!["x".to_owned(), "y".to_owned()]));
        let hex: String = hashed([one, many].into()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "8642df21d4c9a95f932214adebf7a66e836347866633d5731e2108d9a8831a38");
    }

    #[test]
    fn every_setting_has_a_leaf() {
        let leaves = leaves(&Config::default(), &[Vec::new(), Vec::new()], &[], &[]);
        assert_eq!(leaves.get("limits.sweep"), Some(&Leaf::One("500ms".to_owned())));
        assert_eq!(leaves.get("lists.allow"), Some(&Leaf::Many(Vec::new())));
        assert!(!leaves.contains_key("api.socket"));
    }
}
