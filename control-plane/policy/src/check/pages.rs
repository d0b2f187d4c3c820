//! Checks of `[metrics]` and `[crowdsec_api]`: plain HTTP stays on this host, and bouncers have keys.

use super::at;
use crate::config::Config;
use crate::read::Reader;
use crate::value::Listen;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    for (path, listen) in
        [("metrics.listen", config.metrics.listen), ("crowdsec_api.listen", config.crowdsec_api.listen)]
    {
        if reader.sound(path) {
            loopback(path, listen, reader);
        }
    }
    let api = &config.crowdsec_api;
    if reader.sound("crowdsec_api") && api.listen.is_some() && api.keys.is_none() {
        let found = at(reader, "crowdsec_api.listen", "decisions for anybody on this host")
            .label("`keys` is missing")
            .help("name a file of API keys; make a line of it by: printf '%s' KEY | sha256sum");
        reader.findings.push(found);
    }
}

fn loopback(path: &str, listen: Option<Listen>, reader: &mut Reader) {
    let Some(listen) = listen.filter(|listen| !listen.get().ip().is_loopback()) else { return };
    let found = at(reader, path, format!("{listen} is not on loopback"))
        .label("others could listen in: this is HTTP without TLS")
        .help("use 127.0.0.1 or [::1], and a proxy with TLS for other hosts");
    reader.findings.push(found);
}
