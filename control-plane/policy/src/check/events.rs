//! Checks of `[events]`: sinks with one target each, steps with addresses that can be posted to.

use super::{at, entries, one_of};
use crate::config::{Config, Incidents, Sink};
use crate::read::Reader;
use crate::value::Text;

/// Most sinks: each has a task and a queue.
const SINKS_MAX: usize = 16;
/// Most steps of the incident workflow.
const STEPS_MAX: usize = 16;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if !reader.sound("events") {
        return;
    }
    let events = &config.events;
    entries(reader, "events.sinks", events.sinks.iter().map(|sink| &sink.name), SINKS_MAX);
    for (i, one) in events.sinks.iter().enumerate() {
        sink(&format!("events.sinks[{i}]"), one, reader);
    }
    if let Some(workflow) = &events.incidents {
        incidents(workflow, reader);
    }
}

fn sink(path: &str, sink: &Sink, reader: &mut Reader) {
    let Sink { file, udp, tcp, tls, .. } = sink;
    let targets =
        [("file", file.is_some()), ("udp", udp.is_some()), ("tcp", tcp.is_some()), ("tls", tls.is_some())];
    one_of(reader, path, &targets);
    for (key, to) in [("udp", udp), ("tcp", tcp), ("tls", tls)] {
        if let Some(to) = to.as_ref().filter(|to| !is_host_and_port(to)) {
            let message = format!("`{to}` is no receiver");
            let found = at(reader, &format!("{path}.{key}"), message)
                .label("write host:port, such as \"192.0.2.9:514\" or \"logs.example:6514\"");
            reader.findings.push(found);
        }
    }
    if tls.is_some() && sink.ca.is_none() {
        let found = at(reader, &format!("{path}.tls"), "nobody vouches for this receiver")
            .label("`ca` is missing")
            .help("name the PEM file of the authorities that its certificate may come from");
        reader.findings.push(found);
    }
    if sink.cert.is_some() != sink.key.is_some() {
        let key = if sink.cert.is_some() { "cert" } else { "key" };
        let found = at(reader, &format!("{path}.{key}"), "a certificate and its key belong together")
            .label("give both `cert` and `key`, or neither");
        reader.findings.push(found);
    }
}

pub(super) fn is_host_and_port(text: &Text) -> bool {
    let Some((host, port)) = text.as_str().rsplit_once(':') else { return false };
    let is_whole = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
    !host.is_empty() && is_whole && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn incidents(incidents: &Incidents, reader: &mut Reader) {
    entries(reader, "events.incidents.steps", incidents.steps.iter().map(|step| &step.name), STEPS_MAX);
    if incidents.steps.is_empty() {
        let found = at(reader, "events.incidents.steps", "incidents of which nobody is told")
            .label("needs at least one step")
            .help("add one, or remove `[events.incidents]`");
        reader.findings.push(found);
    }
    for (i, step) in incidents.steps.iter().enumerate() {
        let url = step.url.as_str();
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
            let path = format!("events.incidents.steps[{i}].url");
            let found = at(reader, &path, format!("`{}` is no URL of a webhook", step.url))
                .label("write https://host/path");
            reader.findings.push(found);
        }
    }
}
