//! `repute status`: how the box is doing.

mod stages;

use std::fmt::Write;

use clap::Args;
use repute_proto::v1;
use tokio_stream::StreamExt;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::service;
use super::table::Table;
use super::units::{ms_ago, ms_until, span, wrapped};

/// Show how the box is doing: ports, drops by reason, bands, tables, workers, policy
#[derive(Args, Debug)]
pub struct Status {
    /// Go on reporting every so many milliseconds (100 to 60000)
    #[arg(long, value_name = "MS", num_args = 0..=1, default_missing_value = "1000")]
    watch: Option<u32>,
    /// Show what the work costs instead: cycles by stage, batches, tables (JSON always has both)
    #[arg(long)]
    stages: bool,
}

/// Runs the subcommand.
pub async fn run(args: &Status, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut client = connection.status();
    let shown: fn(&v1::StatusReport) -> String = if args.stages { stages::human } else { human };
    let Some(interval_ms) = args.watch else {
        let report = client.get(v1::GetStatusRequest {}).await.map_err(refused)?.into_inner();
        return output.one(&report, shown);
    };
    let asked = v1::WatchStatusRequest { interval_ms };
    let mut reports = client.watch(asked).await.map_err(refused)?.into_inner();
    while let Some(report) = reports.next().await {
        let report = report.map_err(refused)?;
        match output {
            Output::Human => text(&(shown(&report) + "\n"))?,
            Output::Json => json_line(&report)?,
        }
    }
    Ok(())
}

/// The whole report. Writing to a `String` cannot fail.
fn human(report: &v1::StatusReport) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "reputed {}, up {}", report.version, span(report.uptime_ms));
    let _ = writeln!(out, "{}", wrapped(&format!("memory: {}", report.memory), 80));
    if let Some(policy) = &report.policy {
        let _ = writeln!(out, "policy version {}", in_force(policy));
    }
    if report.policy.as_ref().is_some_and(|policy| policy.shadow) {
        let _ = writeln!(out, "SHADOW MODE: everything is judged and told, and every packet is forwarded");
    }
    let conserved = if report.conserved { "yes" } else { "NO: packets are lost sight of; report this" };
    let _ = writeln!(out, "packets conserved: {conserved}\n");
    out.push_str(&ports(&report.ports).render());
    out.push_str(&detours(&report.ports));
    out.push_str(&oddities(report));
    let dns = report.dns.clone().unwrap_or_default();
    let ways = [
        ("DROPPED BY REASON", &report.dropped),
        ("FORWARDED IN SHADOW MODE IN PLACE OF", &report.shadow),
        ("JUDGED BY BAND", &report.bands),
        ("ALWAYS FORWARDED", &report.control),
        ("QUERIES TO DNS SERVERS BY PATH", &dns.paths),
        ("RESOLVED BY THE SERVERS", &dns.outcomes),
        ("DECIDED BY POLICY ZONES", &dns.zone_effects),
    ];
    for (title, counts) in ways.into_iter().filter(|(_, counts)| !counts.is_empty()) {
        let _ = writeln!(out, "\n{title}");
        out.push_str(&self::counts(counts));
    }
    if !report.shadow_services.is_empty() {
        let _ = writeln!(out, "\nTHE SAME BY SERVICE");
        out.push_str(&services(&report.shadow_services).render());
    }
    if !dns.upstreams.is_empty() {
        let _ = writeln!(out, "\nQUERIES GO ON TO");
        out.push_str(&upstreams(&dns.upstreams).render());
    }
    if let Some(cache) = dns.cache.filter(|cache| cache.kept > 0) {
        let _ = writeln!(out, "\n{}", cached(&cache));
    }
    let _ = writeln!(
        out,
        "\nstrangers {}, protected {}, unjudged {}",
        report.strangers, report.protected, report.unjudged
    );
    let _ = writeln!(
        out,
        "mitigations: {} active, {} past, {} forgotten\n",
        report.mitigations_active, report.mitigations_past, report.mitigations_forgotten
    );
    out.push_str(&workers(&report.workers).render());
    out
}

fn in_force(policy: &v1::PolicyInForce) -> String {
    let digest = policy.digest.get(..12).unwrap_or(&policy.digest);
    let place = if policy.everywhere { "on every worker" } else { "not yet on every worker" };
    let ago = span(ms_ago(policy.applied_unix_ms));
    let mut text =
        format!("{}, applied {ago} ago, {place}\n  {}, sha256 {digest}…", policy.version, policy.name);
    if let Some(until) = policy.confirm_until_unix_ms {
        text.push_str(&format!("\n  it waits for `repute policy confirm` another {}", span(ms_until(until))));
    }
    text
}

fn ports(ports: &[v1::PortStatus]) -> Table {
    let mut table =
        Table::new(["<PORT", "<ROLE", ">RECEIVED", ">FORWARDED", ">DROPPED", ">SENT", ">REFUSED", "<OK"]);
    for port in ports {
        let dropped: u64 = port.dropped.iter().map(|count| count.count).sum();
        table.row([
            (&port.name).into(),
            (&port.role).into(),
            port.received.into(),
            port.forwarded.into(),
            dropped.into(),
            port.sent.into(),
            port.refused.into(),
            (if port.conserved { "yes" } else { "NO" }).into(),
        ]);
    }
    table
}

/// What was held back, handed to other workers, copied, answered or ended, and what RSS has to do with it; nothing where there is
/// nothing of all that.
fn detours(ports: &[v1::PortStatus]) -> String {
    let is_one = |port: &&v1::PortStatus| {
        let own = [port.mirrored, port.answered, port.resets, port.own];
        let detours = [port.queued, port.released, port.handed, port.taken].into_iter().chain(own);
        detours.into_iter().any(|packets| packets > 0) || !port.rss.is_empty()
    };
    let mut table = Table::new([
        "<PORT",
        ">QUEUED",
        ">RELEASED",
        ">HANDED",
        ">SHARE",
        ">COPIES",
        ">ANSWERS",
        ">RESETS",
        ">OWN",
        "<RSS",
    ]);
    let mut findings = String::new();
    for port in ports.iter().filter(is_one) {
        table.row([
            (&port.name).into(),
            port.queued.into(),
            port.released.into(),
            port.handed.into(),
            format!("{:.1} %", 100.0 * port.handed as f64 / port.received.max(1) as f64).into(),
            port.mirrored.into(),
            port.answered.into(),
            port.resets.into(),
            port.own.into(),
            (&port.rss).into(),
        ]);
        if !port.rss_finding.is_empty() {
            let finding = wrapped(&format!("{}: {}", port.name, port.rss_finding), 80);
            let _ = writeln!(findings, "{finding}");
        }
    }
    if ports.iter().any(|port| is_one(&port)) {
        format!("\n{}{findings}", table.render())
    } else {
        String::new()
    }
}

/// What has not gone straight through, a line each; nothing where all did.
fn oddities(report: &v1::StatusReport) -> String {
    let sum = |field: fn(&v1::WorkerStatus) -> u64| report.workers.iter().map(field).sum::<u64>();
    let work = report.work.unwrap_or_default();
    let lines = [
        (sum(|worker| worker.held), "packets are held back now"),
        (report.ports.iter().map(|port| port.handed).sum(), "packets were handed over to another worker"),
        (sum(|worker| worker.mirror_withheld), "copies were withheld by the mirror's rate or pool"),
        (sum(|worker| worker.softened), "TCP segments were softened"),
        (
            sum(|worker| worker.softened_forgotten),
            "softened connections made room for others; see limits.softened",
        ),
        (
            sum(|worker| worker.resets_withheld),
            "resets were due and not made: too many at once, or no buffer",
        ),
        (work.crowd_refused, "reports about crowds found no place: too many crowds are not calm"),
        (work.crowd_left_out, "crowds in flood are not answered for: too many are in flood at once"),
        (sum(|worker| worker.misowned), "packets came to a worker that does not own them; report this"),
    ];
    let lines: String = lines
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}\n"))
        .collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// How the cache does, in two lines.
fn cached(cache: &v1::DnsCacheStatus) -> String {
    let given = cache.hits + cache.stale;
    let share = 100.0 * given as f64 / (given + cache.misses).max(1) as f64;
    format!(
        "cache: {given} queries answered ({share:.1} %), {} of them with old answers\n  {} answers in {} KiB now, {} gave \
         way to newer ones",
        cache.stale,
        cache.answers,
        cache.bytes.div_ceil(1024),
        cache.evicted
    )
}

fn counts(counts: &[v1::Count]) -> String {
    let lines = counts.iter().map(|count| format!("  {:<22} {:>14}\n", count.name, count.count));
    lines.collect()
}

/// Upstreams, a line each.
fn upstreams(upstreams: &[v1::DnsUpstream]) -> Table {
    let mut table = Table::new(["<UPSTREAM", "<IS", ">ASKED", ">ANSWERED", ">CHECKS", ">FAILED", ">DOWNS"]);
    for upstream in upstreams {
        table.row([
            (&upstream.name).into(),
            (if upstream.up { "up" } else { "DOWN" }).into(),
            upstream.asked.into(),
            upstream.answered.into(),
            upstream.checks.into(),
            upstream.failed_checks.into(),
            upstream.downs.into(),
        ]);
    }
    table
}

/// What would have become of packets, a line for each service and effect.
fn services(services: &[v1::ServiceShadow]) -> Table {
    let mut table = Table::new(["<SERVICE", "<EFFECT", ">PACKETS", ">BYTES"]);
    for v1::ServiceShadow { service, effects } in services {
        for effect in effects {
            table.row([
                service::name(service).into(),
                (&effect.name).into(),
                effect.packets.into(),
                effect.bytes.into(),
            ]);
        }
    }
    table
}

fn workers(workers: &[v1::WorkerStatus]) -> Table {
    let mut table =
        Table::new([">WORKER", ">POLICY", ">SOURCES", ">EVICTED", ">REFUSED", ">LOST REPORTS", "<CLOCK"]);
    for worker in workers {
        let sources = worker.table.unwrap_or_default();
        let clock = match worker.silent_ms {
            0..1000 => "runs".to_owned(),
            ms => format!("silent {}", span(ms)),
        };
        table.row([
            worker.worker.into(),
            worker.policy_version.into(),
            format!("{}/{}", sources.tracked, sources.capacity).into(),
            sources.evicted.into(),
            sources.refused.into(),
            worker.reports_lost.into(),
            clock.into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_shouted_and_lines_stay_narrow() {
        let port = v1::PortStatus { name: "outside".into(), role: "outside".into(), ..Default::default() };
        let report = v1::StatusReport {
            ports: vec![v1::PortStatus { received: 12_345_678_901, conserved: true, ..port }],
            workers: vec![v1::WorkerStatus { silent_ms: 65_000, ..Default::default() }],
            ..Default::default()
        };
        let text = human(&report);
        assert!(text.contains("packets conserved: NO") && text.contains("silent 1 min 5 s"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains("HANDED"), "{text}");
    }

    #[test]
    fn shadow_mode_is_told_and_what_it_forwards() {
        let policy = |shadow| Some(v1::PolicyInForce { shadow, ..Default::default() });
        let count = v1::Count { name: "syn-retry".into(), count: 77, ..Default::default() };
        let effect = v1::Effect { name: "slowed".into(), packets: 70, bytes: 7000, ..Default::default() };
        let service = |name: &str| v1::ServiceShadow { service: name.into(), effects: vec![effect.clone()] };
        let report = v1::StatusReport {
            policy: policy(true),
            shadow: vec![count],
            shadow_services: vec![service("database"), service("")],
            ..Default::default()
        };
        let text = human(&report);
        assert!(text.contains("SHADOW MODE: everything is judged"), "{text}");
        assert!(text.contains("IN PLACE OF\n  syn-retry") && text.contains(" 77\n"), "{text}");
        assert!(text.contains("database      slowed") && text.contains("(no service)  slowed"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let on = human(&v1::StatusReport { policy: policy(false), ..Default::default() });
        assert!(!on.to_lowercase().contains("shadow"), "{on}");
    }

    #[test]
    fn queries_and_the_cache_are_shown_where_there_are_any() {
        let count = |name: &str, count| v1::Count { name: name.into(), count, ..Default::default() };
        let cache =
            v1::DnsCacheStatus { hits: 59, stale: 1, misses: 20, kept: 5, bytes: 1500, ..Default::default() };
        let dns =
            v1::DnsStatus { paths: vec![count("cached", 80)], cache: Some(cache), ..Default::default() };
        let text = human(&v1::StatusReport { dns: Some(dns), ..Default::default() });
        assert!(text.contains("SERVERS BY PATH\n  cached "), "{text}");
        assert!(
            text.contains("cache: 60 queries answered (75.0 %), 1 of them") && text.contains("2 KiB"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let idle = human(&v1::StatusReport { dns: Some(v1::DnsStatus::default()), ..Default::default() });
        assert!(!idle.contains("SERVERS") && !idle.contains("cache"), "{idle}");
    }

    #[test]
    fn upstreams_are_shown_where_there_are_any() {
        let upstream =
            |name: &str, up| v1::DnsUpstream { name: name.into(), up, asked: 7, ..Default::default() };
        let upstreams = vec![upstream("192.0.2.53", true), upstream("[2001:db8::53]:5353", false)];
        let dns = v1::DnsStatus { upstreams, ..Default::default() };
        let text = human(&v1::StatusReport { dns: Some(dns), ..Default::default() });
        assert!(text.contains("QUERIES GO ON TO\n") && text.contains("[2001:db8::53]:5353  DOWN"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn oddities_are_named_where_there_are_any() {
        let worker = |held, misowned| v1::WorkerStatus { held, misowned, ..Default::default() };
        let report = |workers| v1::StatusReport { workers, ..Default::default() };
        assert_eq!(oddities(&report(vec![worker(0, 0)])), "");
        let text = oddities(&report(vec![worker(3, 0), worker(4, 1)]));
        assert!(text.starts_with("\n7 packets are held") && text.contains("\n1 packets came"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn detours_are_shown_where_there_are_any() {
        let port = |name: &str| v1::PortStatus { name: name.into(), received: 2000, ..Default::default() };
        let finding = "the driver offers no RSS; about 50 of 100 packets are handed over to another worker";
        let handed = v1::PortStatus {
            handed: 987,
            rss: "absent".into(),
            rss_finding: finding.into(),
            ..port("outside")
        };
        let text = detours(&[handed, port("inside")]);
        assert!(
            text.contains("987") && text.contains("49.4 %") && text.contains("outside: the driver"),
            "{text}"
        );
        assert!(!text.contains("inside"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
