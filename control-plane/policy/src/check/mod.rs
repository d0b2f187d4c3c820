//! Mistakes that no single value shows: what does not fit together.
//!
//! Runs after reading, on the sections that could be read whole, so that one slip is one message.

mod api;
mod feeds;
mod limits;
mod lists;
mod mirror;
mod ports;
mod profiles;
mod services;
mod treatments;

pub(crate) use lists::narrower;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::read::Reader;

/// Reports everything in `config` that does not fit together.
pub(crate) fn check(config: &Config, reader: &mut Reader) {
    profiles::check(config, reader);
    treatments::check(config, reader);
    ports::check(config, reader);
    mirror::check(config, reader);
    limits::check(config, reader);
    services::check(config, reader);
    lists::check(config, reader);
    api::check(config, reader);
    feeds::check(config, reader);
}

/// A mistake at a key.
fn at(reader: &Reader, path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(reader.places.of(path), message)
}
