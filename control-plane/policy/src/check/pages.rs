//! Checks of `[metrics]`, `[crowdsec_api]` and `[garden]`: plain HTTP with numbers stays on this host, bouncers have keys, and
//! somebody is sent to the garden.

use super::at;
use crate::config::{Config, Redirect};
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
    garden(config, reader);
}

/// A page that nobody is sent to.
fn garden(config: &Config, reader: &mut Reader) {
    let whole = ["garden.listen", "profiles.dns.challenge.garden"].iter().all(|path| reader.sound(path));
    let dns = config.profiles.dns.as_ref();
    let leads = dns.is_some_and(|dns| dns.queries.challenge.garden != Redirect::default());
    if config.garden.listen.is_none() || leads || !whole {
        return;
    }
    let found = at(reader, "garden.listen", "nobody is sent to the walled garden")
        .label("no answer of `[profiles.dns]` leads here")
        .help(
            "name the address that visitors reach it by: `challenge = { garden = { v4 = \"192.0.2.2\" } }`",
        );
    reader.findings.push(found);
}

fn loopback(path: &str, listen: Option<Listen>, reader: &mut Reader) {
    let Some(listen) = listen.filter(|listen| !listen.get().ip().is_loopback()) else { return };
    let found = at(reader, path, format!("{listen} is not on loopback"))
        .label("others could listen in: this is HTTP without TLS")
        .help("use 127.0.0.1 or [::1], and a proxy with TLS for other hosts");
    reader.findings.push(found);
}
