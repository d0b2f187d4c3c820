//! From the config to what the room of events takes. Pure: what is checked cannot fail here.

use std::path::PathBuf;

use repute_model::{PrefixTable, Score};
use repute_policy::Checked;
use repute_policy::config::{
    AlertInput, AlertRule, Alerts, CulpritSide, EventFormat, Incidents, Severity, Sink, Step,
};
use repute_policy::value::{Share, Text};
use repute_siem as siem;
use repute_siem::{
    Action, Bounds, FileConfig, Format, Identity, Pattern, Place, RuleConfig, RulesConfig, Scope, SideWord,
    Signatures, SinkConfig, StepConfig, SyslogConfig, Target, TlsConfig, UnixConfig, UnixKind, When,
    WorkflowConfig,
};

/// How long a treatment lasts where a rule does not say, in seconds.
const HOUR_S: u64 = 3600;

/// What the host is called.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "repute".to_owned() } else { name.to_owned() }
}

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sink; `None` = it has no target, which a checked config never says.
pub fn sink(sink: &Sink) -> Option<SinkConfig> {
    Some(SinkConfig {
        name: sink.name.to_string(),
        target: target(sink)?,
        format: match sink.format {
            EventFormat::Json => Format::Json,
            EventFormat::Text => Format::Text,
            EventFormat::Cef => Format::Cef,
            EventFormat::Ocsf => Format::Ocsf,
        },
        least: severity(sink.least),
        kinds: sink.kinds.iter().map(ToString::to_string).collect(),
        queue: sink.queue.get() as usize,
    })
}

fn target(sink: &Sink) -> Option<Target> {
    let facility = sink.facility.get() as u8;
    let Sink { file, udp, tcp, tls, .. } = sink;
    let file = file.as_ref().map(|file| Target::File {
        path: path(file),
        max_bytes: sink.rotate.get(),
        keep: sink.keep.get() as u32,
    });
    let udp = udp.as_ref().map(|to| Target::Udp {
        to: to.to_string(),
        facility,
        max_bytes: sink.datagram.get() as usize,
    });
    let tcp = tcp.as_ref().map(|to| Target::Tcp { to: to.to_string(), facility });
    let tls =
        tls.as_ref().and_then(|to| Some(Target::Tls { to: to.to_string(), facility, tls: trust(sink)? }));
    file.or(udp).or(tcp).or(tls)
}

fn trust(sink: &Sink) -> Option<TlsConfig> {
    let identity = sink.cert.as_ref().zip(sink.key.as_ref());
    Some(TlsConfig {
        ca: path(sink.ca.as_ref()?),
        identity: identity.map(|(cert, key)| Identity { cert: path(cert), key: path(key) }),
        server_name: sink.server_name.as_ref().map(ToString::to_string),
    })
}

fn path(text: &Text) -> PathBuf {
    PathBuf::from(text.as_str())
}

fn severity(word: Severity) -> siem::Severity {
    match word {
        Severity::Info => siem::Severity::Info,
        Severity::Notice => siem::Severity::Notice,
        Severity::Warning => siem::Severity::Warning,
        Severity::Error => siem::Severity::Error,
        Severity::Critical => siem::Severity::Critical,
    }
}

/// Who is told of incidents.
pub fn workflow(incidents: &Incidents) -> WorkflowConfig {
    let step = |step: &Step| StepConfig {
        name: step.name.to_string(),
        url: step.url.to_string(),
        secret: path(&step.secret),
        acknowledge_s: step.acknowledge.get() / 1000,
        tries: step.tries.get() as u32,
        retry_s: step.retry.get() / 1000,
        timeout_s: step.timeout.get() / 1000,
    };
    WorkflowConfig {
        steps: incidents.steps.iter().map(step).collect(),
        least: severity(incidents.least),
        open: incidents.open.get() as usize,
        ca: incidents.ca.as_ref().map(path),
    }
}

/// A way in for alerts.
pub enum Wanted {
    /// A file that is followed.
    File(FileConfig),
    /// A unix socket.
    Unix(UnixConfig),
    /// Syslog messages of these senders.
    Syslog(SyslogConfig, Box<PrefixTable<()>>),
}

/// An input; `None` = it has no origin, which a checked config never says.
pub fn input(input: &AlertInput) -> Option<Wanted> {
    let name = input.name.to_string();
    if let Some(file) = &input.eve {
        let path = path(file);
        return Some(Wanted::File(FileConfig { name, path, from_start: input.from_start }));
    }
    if let Some(socket) = &input.unix {
        let kind = if input.datagrams { UnixKind::Datagram } else { UnixKind::Stream };
        return Some(Wanted::Unix(UnixConfig { name, path: path(socket), kind }));
    }
    let listen = input.syslog?.get();
    let from = Box::new(PrefixTable::new(input.from.iter().map(|cidr| (cidr.0, ()))));
    Some(Wanted::Syslog(SyslogConfig { name, listen, connections: input.connections.get() as usize }, from))
}

/// The rules of `[alerts]`.
pub fn rules(alerts: &Alerts) -> RulesConfig {
    RulesConfig {
        rules: alerts.rules.iter().map(rule).collect(),
        default: Action::Ignore,
        bounds: Bounds {
            points: points(alerts.bound).max(1) as u16,
            per_s: alerts.per.get() / 1000,
            duplicates_s: alerts.duplicates.get().div_ceil(1000),
            stale_s: alerts.stale.get().div_ceil(1000),
            ..Bounds::default()
        },
    }
}

/// Who is inside, and how wide sources are.
pub fn place(checked: &Checked) -> Place {
    let limits = checked.limits();
    Place { inside: checked.inside(), inside_width: limits.inside, outside_width: limits.outside }
}

fn rule(rule: &AlertRule) -> RuleConfig {
    let from = rule.signature.map(|number| number.get());
    let signature = from.map(|from| match rule.signature_to.map(|number| number.get()) {
        Some(to) => Signatures::Range { from, to },
        None => Signatures::One(from),
    });
    let pattern = |text: &Text| match text.as_str().strip_suffix('*') {
        Some(begin) => Pattern::Prefix(begin.to_owned()),
        None => Pattern::Exact(text.to_string()),
    };
    let side = |side| match side {
        CulpritSide::Inside => SideWord::Inside,
        CulpritSide::Outside => SideWord::Outside,
    };
    let when = When {
        signature,
        category: rule.category.as_ref().map(ToString::to_string),
        severity: rule.severity.map(|severity| severity.get() as u8),
        name: rule.signature_name.as_ref().map(pattern),
        side: rule.side.map(side),
        input: rule.input.as_ref().map(ToString::to_string),
    };
    RuleConfig { name: rule.name.to_string(), when, action: action(rule) }
}

fn action(rule: &AlertRule) -> Action {
    if let Some(treat) = rule.treat {
        let seconds = rule.lifetime.map_or(HOUR_S, |lifetime| lifetime.get() / 1000);
        return Action::Treat { scope: scope(rule), treatment: treat.name().to_owned(), seconds };
    }
    match (rule.lower, rule.raise) {
        (Some(lower), _) => Action::Nudge { points: -points(lower), forgive: false },
        (_, Some(raise)) => Action::Nudge { points: points(raise), forgive: rule.forgive },
        (None, None) => Action::Ignore,
    }
}

/// Whom a treatment is for.
fn scope(rule: &AlertRule) -> Scope {
    let around = rule.around_v4.zip(rule.around_v6);
    let around = around.map(|(v4, v6)| Scope::Around { v4: v4.get() as u8, v6: v6.get() as u8 });
    let prefix = rule.prefix.map(|cidr| Scope::Prefix(cidr.0.to_string()));
    let service = rule.service.as_ref().map(|name| Scope::Service(name.to_string()));
    around.or(prefix).or(service).unwrap_or_default()
}

/// 0..=10 000.
fn points(share: Share) -> i16 {
    Score::from_unit(share.get()).get() as i16
}
