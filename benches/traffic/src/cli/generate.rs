//! `generate`: a preset, changed by flags, written as files.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use repute_traffic::{
    Component, Plan, Preset,
    attack::{Carpet, Drift, Queries, Reflection, Scan, SynFlood},
    benign::{Clients, Dns, Ntp, Outbound, Ping, Quic, Retry, Sessions},
    capture::{self, Outputs, Summary},
    spec::{self, Parameters, SpecError},
};

/// Flags of `generate`.
#[derive(clap::Args)]
pub struct Generate {
    /// Everything random is drawn from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Length of the capture [default: 60s]
    #[arg(long, value_parser = parse_duration)]
    duration: Option<u64>,
    /// What to begin with: demo, benign, scans, floods or empty
    #[arg(long, default_value = "demo", value_parser = parse_preset)]
    preset: Preset,
    #[command(flatten)]
    components: ComponentFlags,
    #[command(flatten)]
    files: Files,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Components")]
struct ComponentFlags {
    /// Outside web clients: clients, pause, loss, parallel, mistakes
    #[arg(long, value_name = "KEY=VALUE,…")]
    benign: Vec<String>,
    /// Long-lived quiet connections: sessions, pause
    #[arg(long, value_name = "KEY=VALUE,…")]
    sessions: Vec<String>,
    /// DNS both ways: queries, requesters, lookups, resolvers
    #[arg(long, value_name = "KEY=VALUE,…")]
    dns: Vec<String>,
    /// Protected hosts browsing outside: hosts, servers, pause, loss
    #[arg(long, value_name = "KEY=VALUE,…")]
    outbound: Vec<String>,
    /// Clock queries both ways: rate, peers
    #[arg(long, value_name = "KEY=VALUE,…")]
    ntp: Vec<String>,
    /// UDP streams both ways: streams, rate, life
    #[arg(long, value_name = "KEY=VALUE,…")]
    quic: Vec<String>,
    /// Echo requests both ways: pairs
    #[arg(long, value_name = "KEY=VALUE,…")]
    ping: Vec<String>,
    /// New clients whose SYN is lost: clients, lost
    #[arg(long, value_name = "KEY=VALUE,…")]
    retry: Vec<String>,
    /// SYN flood: rate, sources (a number or each), start, duration, target, port, backlog, name
    #[arg(long, value_name = "KEY=VALUE,…")]
    syn_flood: Vec<String>,
    /// UDP reflection: kind (mix|dns|ntp|memcached|ssdp), rate, reflectors, start, duration, target, name
    #[arg(long, value_name = "KEY=VALUE,…")]
    reflection: Vec<String>,
    /// Carpet bombing: rate, sources, start, duration, size, name
    #[arg(long, value_name = "KEY=VALUE,…")]
    carpet: Vec<String>,
    /// Scan: kind (horizontal|vertical), proto (tcp|udp|icmp), rate, probes, sources, start, port, target, complete, name
    #[arg(long, value_name = "KEY=VALUE,…")]
    scan: Vec<String>,
    /// Client that drifts into a flood: clients, first, doubling, limit, flood-from, start, duration, target, name
    #[arg(long, value_name = "KEY=VALUE,…")]
    drift: Vec<String>,
    /// Unwanted DNS queries: kind (algorithm|tunnel|torture|flood), rate, requesters, start, duration, name
    #[arg(long, value_name = "KEY=VALUE,…")]
    queries: Vec<String>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Files")]
#[group(required = true, multiple = true)]
struct Files {
    /// All packets, pcap
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Packets that arrive on the outside port, pcap
    #[arg(long, value_name = "FILE")]
    outside: Option<PathBuf>,
    /// Packets that arrive on the inside port, pcap
    #[arg(long, value_name = "FILE")]
    inside: Option<PathBuf>,
    /// A line per packet: n ts side src dst label attack digest
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// A line per source: src label packets attack_packets benign_packets attack
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
}

fn parse_duration(text: &str) -> Result<u64, String> {
    spec::duration(text).map_err(|expected| format!("expected {expected}"))
}

fn parse_preset(text: &str) -> Result<Preset, String> {
    let names = Preset::ALL.map(|(name, _)| name).join(", ");
    let found = Preset::ALL.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, preset)| preset).ok_or_else(|| format!("expected one of {names}"))
}

impl Generate {
    /// Writes the files and prints what is in them.
    pub fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let mut plan = self.preset.plan(self.seed);
        plan.duration_us = self.duration.unwrap_or(plan.duration_us);
        self.components.apply(&mut plan)?;
        let Files { out, outside, inside, labels, sources } = self.files;
        let outputs = Outputs { merged: out, outside, inside, labels, sources };
        let summary = capture::write(plan.events()?, &outputs)?;
        print(&summary, plan.duration_us)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl ComponentFlags {
    fn apply(&self, plan: &mut Plan) -> Result<(), SpecError> {
        use Component as C;
        let parts = &mut plan.components;
        replace::<Clients>(parts, &self.benign, C::Clients, |c| matches!(c, C::Clients(_)))?;
        replace::<Sessions>(parts, &self.sessions, C::Sessions, |c| matches!(c, C::Sessions(_)))?;
        replace::<Dns>(parts, &self.dns, C::Dns, |c| matches!(c, C::Dns(_)))?;
        replace::<Outbound>(parts, &self.outbound, C::Outbound, |c| matches!(c, C::Outbound(_)))?;
        replace::<Ntp>(parts, &self.ntp, C::Ntp, |c| matches!(c, C::Ntp(_)))?;
        replace::<Quic>(parts, &self.quic, C::Quic, |c| matches!(c, C::Quic(_)))?;
        replace::<Ping>(parts, &self.ping, C::Ping, |c| matches!(c, C::Ping(_)))?;
        replace::<Retry>(parts, &self.retry, C::Retry, |c| matches!(c, C::Retry(_)))?;
        replace::<SynFlood>(parts, &self.syn_flood, C::SynFlood, |c| matches!(c, C::SynFlood(_)))?;
        replace::<Reflection>(parts, &self.reflection, C::Reflection, |c| matches!(c, C::Reflection(_)))?;
        replace::<Carpet>(parts, &self.carpet, C::Carpet, |c| matches!(c, C::Carpet(_)))?;
        replace::<Scan>(parts, &self.scan, C::Scan, |c| matches!(c, C::Scan(_)))?;
        replace::<Drift>(parts, &self.drift, C::Drift, |c| matches!(c, C::Drift(_)))?;
        replace::<Queries>(parts, &self.queries, C::Queries, |c| matches!(c, C::Queries(_)))
    }
}

/// Puts the described components in the place of those of the same kind; without a description nothing changes.
fn replace<P: Parameters>(
    parts: &mut Vec<Component>,
    texts: &[String],
    wrap: fn(P) -> Component,
    same_kind: fn(&Component) -> bool,
) -> Result<(), SpecError> {
    if texts.is_empty() {
        return Ok(());
    }
    parts.retain(|part| !same_kind(part));
    for text in texts.iter().filter(|text| *text != "none") {
        parts.push(wrap(spec::parse(text)?));
    }
    Ok(())
}

fn print(summary: &Summary, duration_us: u64) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let seconds = duration_us as f64 / 1e6;
    let megabytes = summary.octets as f64 / 1e6;
    writeln!(
        out,
        "{} packets, {megabytes:.1} MB, {} sources, {seconds} s",
        summary.packets, summary.sources
    )?;
    for ((label, attack), packets) in &summary.kinds {
        writeln!(out, "{:<9} {attack:<26} {packets:>9}", label.to_string())?;
    }
    Ok(())
}
