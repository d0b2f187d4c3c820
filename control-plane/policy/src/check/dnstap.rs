//! Checks of `[dnstap]`: one receiver, and messages that it could get.

use super::at;
use super::events::is_host_and_port;
use crate::config::Config;
use crate::read::Reader;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let dnstap = &config.dnstap;
    if !reader.sound("dnstap") || (dnstap.unix.is_none() && dnstap.tcp.is_none()) {
        return;
    }
    if dnstap.unix.is_some() && dnstap.tcp.is_some() {
        let found = at(reader, "dnstap.tcp", "`dnstap` is both `unix` and `tcp`").label("one too many");
        reader.findings.push(found.help("there is one receiver: leave one of them out"));
    }
    if let Some(to) = dnstap.tcp.as_ref().filter(|to| !is_host_and_port(to)) {
        let found = at(reader, "dnstap.tcp", format!("`{to}` is no receiver"))
            .label("write host:port, such as \"192.0.2.9:6000\"");
        reader.findings.push(found);
    }
    if config.profiles.dns.is_none() && reader.sound("profiles") {
        let found = at(reader, "dnstap", "there are no DNS messages to copy")
            .label("needs `[profiles.dns]`")
            .help("judge the requesters of a DNS server, or remove `[dnstap]`");
        reader.findings.push(found);
    }
}
