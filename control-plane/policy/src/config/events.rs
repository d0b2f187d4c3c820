//! `[events]`: what the box is called in events, where they go, who is told of incidents.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Duration, Int, Size, Text, keywords};

/// What the box says to others.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Events {
    /// What the box is called; absent = the name of the host.
    #[schemars(with = "Text")]
    pub name: Option<Text>,
    /// Where events go, beside the stream of the API; at most 16.
    pub sinks: Vec<Sink>,
    /// Who is told of mitigations, and who after that; absent = nobody.
    #[schemars(with = "Incidents")]
    pub incidents: Option<Incidents>,
}

table!(Events { name, sinks, incidents });

/// One way out for events: a file, or a syslog receiver (RFC 5424) over UDP, TCP or TLS.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("required" = ["name"]))]
pub struct Sink {
    /// What events and metrics call it.
    pub name: Text,
    /// A file, one event a line; exactly one of `file`, `udp`, `tcp` and `tls` is given.
    #[schemars(with = "Text")]
    pub file: Option<Text>,
    /// A syslog receiver over UDP: host:port.
    #[schemars(with = "Text")]
    pub udp: Option<Text>,
    /// A syslog receiver over TCP: host:port.
    #[schemars(with = "Text")]
    pub tcp: Option<Text>,
    /// A syslog receiver over TLS: host:port; the host is checked against its certificate.
    #[schemars(with = "Text")]
    pub tls: Option<Text>,
    /// How events are written down; default json.
    pub format: EventFormat,
    /// The least severity that it takes; default info = all.
    pub least: Severity,
    /// The kinds that it takes; empty = all.
    pub kinds: Vec<Text>,
    /// Events that may wait for it; what comes when they do is lost and counted. Default 4096.
    pub queue: Int<1, 65_536>,
    /// Size from which a file is rotated; default 64MiB.
    pub rotate: Size<4096, 1_099_511_627_776>,
    /// Rotated files that are kept; default 5.
    pub keep: Int<0, 1000>,
    /// Facility of syslog messages, 16 to 23 are local0 to local7; default 16.
    pub facility: Int<0, 23>,
    /// Largest datagram; longer texts are cut, other formats are lost. Default 2KiB.
    pub datagram: Size<480, 65_507>,
    /// PEM file of authorities that a TLS receiver's certificate may come from; required with `tls`.
    #[schemars(with = "Text")]
    pub ca: Option<Text>,
    /// PEM file of our own certificate, where a TLS receiver asks for one.
    #[schemars(with = "Text")]
    pub cert: Option<Text>,
    /// PEM file of its key.
    #[schemars(with = "Text")]
    pub key: Option<Text>,
    /// The name in a TLS receiver's certificate; absent = the host of `tls`.
    #[schemars(with = "Text")]
    pub server_name: Option<Text>,
}

table!(
    fn overlay_keys of Sink {
        name, file, udp, tcp, tls, format, least, kinds, queue, rotate, keep, facility, datagram, ca, cert,
        key, server_name,
    }
    requires "name"
);

impl Scalar for Sink {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut sink = Self::unread();
        reader.whole(|reader| sink.overlay_keys(node, reader))?;
        Some(sink)
    }
}

keywords! {
    /// How events are written down.
    EventFormat {
        /// The event's own JSON.
        Json = "json",
        /// One sentence for people.
        Text = "text",
        /// ArcSight Common Event Format.
        Cef = "cef",
        /// Open Cybersecurity Schema Framework.
        Ocsf = "ocsf",
    }
}

keywords! {
    /// How much an event matters.
    Severity {
        /// As expected.
        Info = "info",
        /// Worth knowing.
        Notice = "notice",
        /// Somebody should look.
        Warning = "warning",
        /// Something does not work.
        Error = "error",
        /// Somebody has to act.
        Critical = "critical",
    }
}

/// People are told of mitigations step by step until somebody takes care.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["steps"]))]
pub struct Incidents {
    /// Whom to tell, first to last; 1 to 16.
    pub steps: Vec<Step>,
    /// The least severity of a mitigation that becomes an incident.
    pub least: Severity,
    /// Incidents open at once; nobody is told of those beyond.
    pub open: Int<1, 10_000>,
    /// PEM file of authorities that webhooks' certificates may come from; absent = the system's.
    #[schemars(with = "Text")]
    pub ca: Option<Text>,
}

table!(fn overlay_keys of Incidents { steps, least, open, ca } requires "steps");

impl Scalar for Incidents {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut incidents = Self::default();
        reader.whole(|reader| incidents.overlay_keys(node, reader))?;
        Some(incidents)
    }
}

/// One step: a webhook.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("required" = ["name", "url", "secret"]))]
pub struct Step {
    /// What events call it.
    pub name: Text,
    /// Where it is posted to.
    pub url: Text,
    /// File of the secret that the receiver checks signatures with.
    pub secret: Text,
    /// How long an acknowledgement is awaited before the next step; default 15m.
    pub acknowledge: Duration<1_000, 604_800_000>,
    /// How often one message is tried; default 5.
    pub tries: Int<1, 100>,
    /// How long is waited before the second try, doubled before each further one; default 5s.
    pub retry: Duration<1_000, 3_600_000>,
    /// How long one try may take; default 10s.
    pub timeout: Duration<1_000, 60_000>,
}

table!(
    fn overlay_keys of Step { name, url, secret, acknowledge, tries, retry, timeout }
    requires "name", "url", "secret"
);

impl Scalar for Step {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut step = Self::unread();
        reader.whole(|reader| step.overlay_keys(node, reader))?;
        Some(step)
    }
}
