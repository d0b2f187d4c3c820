//! dnstap: what workers copy of DNS, to the receiver that the config names.

use std::path::PathBuf;

use repute_dnstap::{Counts, Role, Sink, SinkConfig, Target};
use repute_metrics::DnstapSnapshot;
use repute_model::Tapped;
use repute_policy::Checked;
use repute_policy::config::{Dnstap, DnstapRole};
use rtrb::Consumer;

/// One in how many transactions is copied; `None` = nobody listens, and nothing is.
pub fn one_in(checked: &Checked) -> Option<u32> {
    let dnstap = &checked.config().dnstap;
    target(dnstap).map(|_| dnstap.one_in.get() as u32)
}

/// Begins to send; the box is called `host` where the config does not say.
pub fn start(checked: &Checked, host: &str, taps: Vec<Consumer<Tapped>>) -> Option<Sink> {
    let dnstap = &checked.config().dnstap;
    let config = SinkConfig {
        target: target(dnstap)?,
        identity: dnstap.identity.as_ref().map_or_else(|| host.to_owned(), ToString::to_string),
        version: concat!("repute ", env!("CARGO_PKG_VERSION")).to_owned(),
        role: match dnstap.role {
            DnstapRole::Resolver => Role::Resolver,
            DnstapRole::Authoritative => Role::Authoritative,
        },
    };
    Some(Sink::start(config, taps))
}

/// What became of the copies, as Prometheus sees it.
pub fn numbers(sink: &Sink) -> DnstapSnapshot {
    let Counts { sent, lost, connected } = sink.counts();
    DnstapSnapshot { sent, lost, connected }
}

fn target(dnstap: &Dnstap) -> Option<Target> {
    let unix = dnstap.unix.as_ref().map(|path| Target::Unix(PathBuf::from(path.as_str())));
    unix.or_else(|| dnstap.tcp.as_ref().map(|to| Target::Tcp(to.to_string())))
}
