//! Checks of `[inspect]` and `[signatures]`: ports that promise one thing, signatures that count for something.
//!
//! What the patterns are is checked where they are joined (`patterns.rs`).

use super::at;
use crate::config::{Config, Inspect};
use crate::patterns::SIGNATURES_MAX;
use crate::read::Reader;
use crate::value::PortSpec;

/// The ports of each promise, with its key.
pub(crate) fn promises(inspect: &Inspect) -> [(&'static str, &[PortSpec]); 4] {
    [("tls", &inspect.tls), ("http", &inspect.http), ("ssh", &inspect.ssh), ("dns", &inspect.dns)]
}

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if reader.sound("inspect") {
        ports(&config.inspect, reader);
    }
    if !reader.sound("signatures") {
        return;
    }
    if config.signatures.len() > SIGNATURES_MAX {
        let message =
            format!("{} signatures, at most {SIGNATURES_MAX} are possible", config.signatures.len());
        let found = at(reader, "signatures", message).label("leave out what others find as well");
        reader.findings.push(found);
    }
    for (name, signature) in config.signatures.iter() {
        if signature.hits.get() * 256.0 < 1.0 {
            let found = at(
                reader,
                &format!("signatures.{name}.hits"),
                format!("signature `{name}` counts for nothing"),
            )
            .label("at least 1/256");
            reader.findings.push(found);
        }
    }
}

fn ports(inspect: &Inspect, reader: &mut Reader) {
    let all = promises(inspect);
    let each =
        || all.iter().flat_map(|&(key, ports)| ports.iter().enumerate().map(move |(i, port)| (key, i, port)));
    for (n, (key, i, port)) in each().enumerate() {
        let Some((other, j, _)) = each().take(n).find(|(_, _, before)| *before == port) else { continue };
        let found =
            at(reader, &format!("inspect.{key}[{i}]"), format!("`{port}` promises two things, or one twice"))
                .label("leave one of them out")
                .also(reader.places.of(&format!("inspect.{other}[{j}]")), "here");
        reader.findings.push(found);
    }
}
