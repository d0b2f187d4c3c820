//! Mistakes that no single value shows: what does not fit together.
//!
//! Runs after reading, on the sections that could be read whole, so that one slip is one message.

mod alerts;
mod api;
mod dnstap;
mod endpoint;
mod events;
mod feeds;
mod inspect;
mod limits;
mod lists;
mod mirror;
mod pages;
mod ports;
mod profiles;
mod services;
mod treat;
mod treatments;

pub(crate) use inspect::promises;
pub(crate) use lists::narrower;

use std::collections::BTreeMap;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::read::{Reader, listed};
use crate::value::Text;

/// Reports everything in `config` that does not fit together.
pub(crate) fn check(config: &Config, reader: &mut Reader) {
    profiles::check(config, reader);
    treatments::check(config, reader);
    ports::check(config, reader);
    mirror::check(config, reader);
    limits::check(config, reader);
    services::check(config, reader);
    lists::check(config, reader);
    inspect::check(config, reader);
    api::check(config, reader);
    feeds::check(config, reader);
    events::check(config, reader);
    alerts::check(config, reader);
    pages::check(config, reader);
    dnstap::check(config, reader);
    endpoint::check(config, reader);
}

/// A mistake at a key.
fn at(reader: &Reader, path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(reader.places.of(path), message)
}

/// Reports everything but exactly one of these keys of the entry at `path`.
fn one_of(reader: &mut Reader, path: &str, keys: &[(&str, bool)]) {
    let words = || listed(keys.iter().map(|(key, _)| *key));
    let given: Vec<&str> = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    let found = match given[..] {
        [_] => return,
        [] => at(reader, path, format!("`{path}` is none of {}", words())).label("give exactly one of them"),
        [first, second, ..] => {
            let other = reader.places.of(&format!("{path}.{first}"));
            at(reader, &format!("{path}.{second}"), format!("`{path}` is both `{first}` and `{second}`"))
                .label("one too many")
                .also(other, "the other one")
                .help("make two entries of it")
        }
    };
    reader.findings.push(found);
}

/// Reports names that are given twice, and more entries than `max`.
fn entries<'a>(reader: &mut Reader, path: &str, names: impl IntoIterator<Item = &'a Text>, max: usize) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = 0;
    for (i, name) in names.into_iter().enumerate() {
        count += 1;
        if let Some(first) = seen.insert(name.as_str(), i) {
            let other = reader.places.of(&format!("{path}[{first}].name"));
            let found =
                at(reader, &format!("{path}[{i}].name"), format!("two of `{path}` are called `{name}`"))
                    .label("taken already")
                    .also(other, "here");
            reader.findings.push(found);
        }
    }
    if count > max {
        let found = at(reader, path, format!("{count} of `{path}`, at most {max} are possible"));
        reader.findings.push(found.label("leave some out"));
    }
}
