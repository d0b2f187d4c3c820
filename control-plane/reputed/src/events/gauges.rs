//! What Prometheus sees: accounts as the workers publish them, and what the last look at the hub saw.

use std::sync::Arc;
use std::time::SystemTime;

use repute_engine::dns::{CacheCounters, Unkept};
use repute_engine::{Account, DnsAccount, PortAccount, Stage, UpstreamAccount};
use repute_metrics::{
    BoxSnapshot, Build, CrowdChanges, DnsSnapshot, EventInput, EventSink, Health, Named, PolicyInForce,
    PortSnapshot, Probe, ServiceSnapshot, UpstreamSnapshot, WorkerSnapshot,
};
use repute_model::{Band, CrowdState, Effect, Finding, Flood, Path, Reason};
use repute_server::{Hub, PortInfo, ServiceView, StatusView};
use repute_siem::{Bus, IntakeCounts};
use repute_wire::Class;
use tokio::sync::watch;

use super::crowds::InFlood;
use super::{Parts, dnstap, garden};

/// A worker whose clock stands still for so long makes the box ill.
const ILL: std::time::Duration = std::time::Duration::from_secs(3);

/// The numbers of the box.
#[derive(Debug)]
pub struct Gauges {
    hub: Hub,
    bus: Bus,
    parts: Arc<Parts>,
    /// What the last look at the hub saw, at most a second old; `None` = nobody has looked yet.
    seen: watch::Receiver<Option<StatusView>>,
    in_flood: watch::Receiver<InFlood>,
    started: SystemTime,
}

impl Gauges {
    pub fn new(
        hub: Hub,
        bus: Bus,
        parts: Arc<Parts>,
        seen: watch::Receiver<Option<StatusView>>,
        in_flood: watch::Receiver<InFlood>,
    ) -> Self {
        Self { hub, bus, parts, seen, in_flood, started: SystemTime::now() }
    }

    fn sinks(&self) -> Vec<EventSink> {
        let queues = self.bus.status();
        let sink = |(name, sink): &(String, repute_siem::Sink)| {
            let (counts, queue) = (sink.counts(), queues.iter().find(|queue| queue.name == *name));
            EventSink {
                name: name.clone(),
                queued: queue.map_or(0, |queue| queue.waiting as u64),
                capacity: queue.map_or(0, |queue| queue.queue as u64),
                sent: counts.delivered,
                dropped: counts.lost + queue.map_or(0, |queue| queue.lost),
            }
        };
        self.parts.sinks.iter().map(sink).collect()
    }

    fn inputs(&self) -> Vec<EventInput> {
        let input = |(name, entrance): &(String, super::Entrance)| {
            let IntakeCounts { alerts, bad, too_long, dropped, .. } = entrance.counts();
            EventInput { name: name.clone(), received: alerts, refused: bad + too_long + dropped }
        };
        self.parts.inputs.iter().map(input).collect()
    }
}

impl Probe for Gauges {
    fn snapshot(&self) -> BoxSnapshot {
        let accounts = self.hub.accounts();
        let (seen, in_flood) = (self.seen.borrow(), *self.in_flood.borrow());
        let ports: &[PortInfo] = seen.as_ref().map_or(&[], |seen| &seen.info.ports);
        BoxSnapshot {
            build: Build {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                revision: option_env!("REPUTE_REVISION").unwrap_or("unknown").to_owned(),
                dpdk: dpdk::Eal::version(),
            },
            started: Some(self.started),
            policy: seen.as_ref().map_or_else(PolicyInForce::default, |seen| PolicyInForce {
                version: seen.policy.version,
                applied: Some(seen.policy.applied),
                shadow: seen.shadow,
            }),
            workers: (0..).zip(&accounts).map(|(number, account)| worker(number, account, ports)).collect(),
            upstreams: seen.as_ref().map_or_else(Vec::new, |seen| upstreams(seen, &accounts)),
            services: seen.as_ref().map_or_else(Vec::new, |seen| seen.services.iter().map(service).collect()),
            mitigations_active: seen.as_ref().map_or(0, |seen| seen.mitigations[0]),
            crowds_in_flood: named(Flood::ALL.iter().map(|flood| (flood.name(), in_flood[flood.index()]))),
            crowd_changes: seen.as_ref().map_or_else(Vec::new, crowd_changes),
            feeds: self.hub.feed_numbers(),
            geo: self.hub.geo_numbers(),
            store: self.hub.store_numbers(),
            requests: self.hub.request_numbers(),
            garden: self.parts.garden.as_deref().map(garden::numbers),
            dnstap: self.parts.dnstap.as_ref().map(dnstap::numbers),
            sinks: self.sinks(),
            inputs: self.inputs(),
        }
    }

    fn health(&self) -> Health {
        let seen = self.seen.borrow();
        let Some(seen) = seen.as_ref() else { return Health::Ill("the box has just started".to_owned()) };
        let still = seen.workers.iter().position(|worker| worker.silent >= ILL);
        if let Some(number) = still {
            return Health::Ill(format!("worker {number} stands still"));
        }
        if seen.workers.iter().any(|worker| !worker.account.is_conserved()) {
            return Health::Ill("packets are not conserved".to_owned());
        }
        Health::Well
    }
}

fn named(pairs: impl IntoIterator<Item = (&'static str, u64)>) -> Vec<Named> {
    pairs.into_iter().map(|(name, count)| Named::new(name, count)).collect()
}

fn crowd_changes(seen: &StatusView) -> Vec<CrowdChanges> {
    let of = |flood: Flood| {
        let counts = CrowdState::ALL.iter().zip(seen.crowd_changes[flood.index()]);
        counts.map(move |(state, count)| CrowdChanges { flood: flood.name(), state: state.name(), count })
    };
    Flood::ALL.iter().flat_map(|&flood| of(flood)).collect()
}

fn service(view: &ServiceView) -> ServiceSnapshot {
    let effects = Effect::ALL.iter().filter(|&&effect| effect != Effect::Passed);
    let by_effect =
        |counts: &[u64]| named(effects.clone().map(|effect| (effect.name(), counts[effect.index()])));
    ServiceSnapshot {
        name: view.name.clone(),
        shadow_packets: by_effect(&view.counts.shadow_packets),
        shadow_bytes: by_effect(&view.counts.shadow_bytes),
        sources: named(Band::ALL.iter().zip(view.counts.sources).map(|(band, n)| (band.name(), n))),
        score: view.standing().map(|standing| standing.score().unit()),
        usual_per_s: view.counts.roll_up().usual_per_s,
        volume_per_s: view.counts.roll_up().volume_per_s,
        at_this_hour: view
            .hour
            .filter(|hour| hour.is_known)
            .map(|hour| (f64::from(hour.usual.packets_per_s), f64::from(hour.usual.bytes_per_s))),
    }
}

fn worker(number: u16, account: &Account, ports: &[PortInfo]) -> WorkerSnapshot {
    WorkerSnapshot {
        number,
        ticks: account.tick,
        policy_version: account.policy_version,
        batches: account.batches,
        ports: ports.iter().zip(&account.ports).map(|(info, port)| self::port(info, port)).collect(),
        bands: named(Band::ALL.iter().map(|band| (band.name(), account.bands[band.index()]))),
        control: named(Class::ALL.iter().map(|class| (class.name(), account.control[class.index()]))),
        shadow: named(Reason::ALL.iter().map(|reason| (reason.name(), account.shadow[reason.index()]))),
        pairs_forgotten: account.pairs_forgotten,
        strangers: account.strangers,
        protected: account.protected,
        unjudged: account.unjudged,
        misowned: account.misowned,
        tracked: account.tracked,
        capacity: account.capacity,
        admitted: account.admitted,
        evicted: account.evicted,
        refused: account.refused,
        expired: account.expired,
        forgotten: account.forgotten,
        changes: account.changes,
        reports_lost: account.reports_lost,
        log_lines_suppressed: account.log_lines_suppressed,
        jumps: account.jumps,
        held: account.held,
        hand_over_depth: account.hand_over_depth,
        mirror_withheld: account.mirror_withheld,
        findings: named(Finding::ALL.iter().map(|kind| (kind.name(), account.findings[kind.index()]))),
        softened: account.softened,
        softened_forgotten: account.softened_forgotten,
        resets_withheld: account.resets_withheld,
        prefilter_insertions: account.prefilter_insertions,
        prefilter_window: account.prefilter_window,
        sweep_ms: account.sweep_ms,
        longest_breath_ns: account.longest_breath_ns,
        memory_bytes: account.memory_bytes,
        crowd_beyond: account.crowd_beyond,
        crowd_waiting: account.crowd_waiting,
        crowd_refused: account.crowd_refused,
        crowd_left_out: account.crowd_left_out,
        dns: dns(&account.dns),
        flows_displaced: account.endpoint.flows_displaced,
        connections_displaced: account.endpoint.connections_displaced,
        stage_cycles: named(Stage::ALL.iter().zip(account.stage_cycles).map(|(stage, n)| (stage.name(), n))),
        measured_packets: account.measured_packets,
        measured_breaths: account.measured_breaths,
    }
}

fn upstreams(seen: &StatusView, accounts: &[Account]) -> Vec<UpstreamSnapshot> {
    let total = accounts.iter().fold(Account::zero(), |sum, account| sum.plus(account)).endpoint.upstreams;
    let upstream = |(name, counted): (&String, UpstreamAccount)| UpstreamSnapshot {
        name: name.clone(),
        is_up: counted.up > 0,
        asked: counted.asked,
        answered: counted.answered,
        checks: counted.checks,
        failed_checks: counted.failed_checks,
        downs: counted.downs,
    };
    seen.upstreams.iter().zip(total).map(upstream).collect()
}

fn dns(account: &DnsAccount) -> DnsSnapshot {
    let CacheCounters { hits, stale, misses, unfit, learned, unkept, evicted, expired } = account.cache;
    let unkept = Unkept::ALL.iter().map(|why| (why.name(), unkept[why.index()]));
    DnsSnapshot {
        queries: named(Path::ALL.iter().map(|path| (path.name(), account.paths[path.index()]))),
        dry_run: account.dry_run,
        garbled: account.garbled,
        outcomes: named(account.outcomes()),
        unasked: account.unasked,
        attacked: account.attacked,
        forgotten: account.forgotten,
        systems_forgotten: account.systems_forgotten,
        zone_effects: named(account.zone_effects().map(|(effect, n)| (effect.name(), n))),
        zone_triggers: named(account.zone_triggers().map(|(trigger, n)| (trigger.name(), n))),
        lookups: named([("hit", hits), ("stale", stale), ("miss", misses), ("unfit", unfit)]),
        learned: named(std::iter::once(("kept", learned)).chain(unkept)),
        given_up: named([("evicted", evicted), ("expired", expired)]),
        cache_answers: account.cache_answers,
        cache_bytes: account.cache_bytes,
        tapped: named([("copied", account.tapped), ("lost", account.untapped)]),
    }
}

fn port(info: &PortInfo, port: &PortAccount) -> PortSnapshot {
    PortSnapshot {
        name: info.name.clone(),
        received: port.received,
        received_bytes: port.received_bytes,
        forwarded: port.forwarded,
        dropped: named(Reason::ALL.iter().map(|reason| (reason.name(), port.dropped[reason.index()]))),
        queued: port.queued,
        handed: port.handed,
        taken: port.taken,
        offered: port.offered,
        released: port.released,
        mirrored: port.mirrored,
        answered: port.answered,
        resets: port.resets,
        own: port.own,
        sent: port.sent,
        sent_bytes: port.sent_bytes,
        refused: port.refused,
    }
}
