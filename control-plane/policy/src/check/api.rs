//! Checks of `[api]`: TCP is offered with TLS and client certificates or not at all.

use super::at;
use crate::config::Config;
use crate::read::Reader;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if !reader.sound("api") {
        return;
    }
    let found = match (config.api.listen, &config.api.tls) {
        (Some(listen), None) => at(reader, "api.listen", format!("{listen} would listen without TLS"))
            .label("TCP is offered with TLS and client certificates only")
            .help(
                "add `[api.tls]` with `certificate`, `key` and `client_ca` (`repute pki init` makes them), or \
                 leave `listen` out: the Unix socket is always there",
            ),
        (None, Some(_)) => at(reader, "api.tls", "nobody can connect by this TLS")
            .label("nothing listens")
            .help("add `listen = \"[::]:7443\"` to `[api]`, or leave `[api.tls]` out"),
        _ => return,
    };
    reader.findings.push(found);
}
