//! What the box notices about itself, told on the bus: bands, mitigations, policies, workers, links.
//!
//! Each function is a task that ends with the hub, or with the process.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use dpdk::Port;
use repute_model::{BandChange, Lured, UpstreamChange};
use repute_policy::value::UpstreamServer;
use repute_server::{HISTORY_MAX, Hub, LimitChange, LimitEvent, StatusView, VersionInfo, VersionState};
use repute_siem::{
    BandChanged, Bus, EventsLost, HoneypotAsked, InspectionHit, Mitigation, Phase, PolicyApplied,
    PolicyExpired, PolicyRolledBack, PortLink, ReportsLost, UpstreamChanged, What, WorkerLagging,
    WorkerRecovered,
};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::bound::Bound;
use super::settings::hex;

/// Between two looks at workers and links.
const LOOK: Duration = Duration::from_secs(1);
/// A worker whose clock stands still for so long is lagging.
const LAGGING: Duration = Duration::from_secs(2);
/// What changes of bands are called there.
const BANDS: &str = "band-changed";
/// What hits are called there.
const HITS: &str = "inspection-hit";
/// The same of queries for honeypots.
const LURES: &str = "honeypot-asked";
/// What changes of upstreams are called there.
const UPSTREAMS: &str = "upstream-changed";
/// What the mitigations are called where some are lost before they reach the bus.
const LEDGER: &str = "mitigations";

/// Mitigations as they begin, change and end.
pub async fn mitigations(hub: Hub, bus: Bus) {
    let mut events = hub.subscribe_mitigations();
    loop {
        let what: What = match events.recv().await {
            Ok(event) => mitigation(&event).into(),
            Err(RecvError::Lagged(lost)) => EventsLost { sink: LEDGER.to_owned(), lost }.into(),
            Err(RecvError::Closed) => return,
        };
        bus.publish(SystemTime::now(), what);
    }
}

fn mitigation(LimitEvent { change, limit }: &LimitEvent) -> Mitigation {
    Mitigation {
        phase: match change {
            LimitChange::Began => Phase::Began,
            LimitChange::Changed => Phase::Changed,
            LimitChange::Ended => Phase::Ended,
        },
        source: limit.source,
        band: limit.band,
        score: limit.score,
        treatment: limit.treatment,
        cause: limit.cause,
        began: limit.began,
        duration: limit.duration(SystemTime::now()),
        shadow: limit.shadow,
    }
}

/// Changes between bands that limit nobody, within a bound.
pub async fn bands(hub: Hub, bus: Bus) {
    within_bound(hub.subscribe_bands(), bus, BANDS, |change| {
        let BandChange { source, from, to, score, cause, untold } = change;
        (untold, BandChanged { source, from, to, score, cause }.into())
    })
    .await;
}

/// Upstreams that come up or go down.
pub async fn upstreams(hub: Hub, bus: Bus) {
    let mut changes = hub.subscribe_upstreams();
    loop {
        let what: What = match changes.recv().await {
            Ok(UpstreamChange { upstream, is_up: up, up: left, .. }) => {
                UpstreamChanged { upstream: UpstreamServer(upstream).to_string(), up, left }.into()
            }
            Err(RecvError::Lagged(lost)) => EventsLost { sink: UPSTREAMS.to_owned(), lost }.into(),
            Err(RecvError::Closed) => return,
        };
        bus.publish(SystemTime::now(), what);
    }
}

/// What inspection finds, within a bound.
pub async fn hits(hub: Hub, bus: Bus) {
    within_bound(hub.subscribe_hits(), bus, HITS, |hit| {
        let repute_server::InspectionHit { source, finding, signature, destination, to, untold } = hit;
        let (protocol, port) = (to.protocol, to.port);
        (untold, InspectionHit { source, finding, signature, destination, protocol, port }.into())
    })
    .await;
}

/// Who asks for honeypots, within a bound.
pub async fn lures(hub: Hub, bus: Bus) {
    within_bound(hub.subscribe_lures(), bus, LURES, |Lured { source, name, counted, untold }| {
        let name = name.name().map(|name| name.to_string()).unwrap_or_default();
        (untold, HoneypotAsked { source, name, counted }.into())
    })
    .await;
}

/// Tells what comes, of which there may be more than anybody reads: what is beyond the bound is counted under this name.
/// `event` is what there is to tell, and how many went untold before.
async fn within_bound<T: Clone>(
    mut changes: Receiver<T>,
    bus: Bus,
    name: &str,
    event: impl Fn(T) -> (u32, What),
) {
    let mut bound = Bound::default();
    loop {
        let change = match changes.recv().await {
            Ok(change) => change,
            Err(RecvError::Lagged(missed)) => {
                bound.missed(missed);
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let (untold, what) = event(change);
        bound.missed(untold.into());
        let Some(lost) = bound.take(Instant::now()) else { continue };
        if lost > 0 {
            bus.publish(SystemTime::now(), EventsLost { sink: name.to_owned(), lost });
        }
        bus.publish(SystemTime::now(), what);
    }
}

/// Versions that every worker has taken. `told` = the one that the box has begun with.
pub async fn policies(hub: Hub, bus: Bus, mut told: u64) {
    let mut installed = hub.subscribe_installed();
    loop {
        installed.mark_unchanged();
        let Ok(history) = hub.history(HISTORY_MAX).await else { return };
        // Editions that feeds make are no versions; the latest version may be on its way still.
        let taken = |info: &&VersionInfo| info.version > told && info.state != VersionState::Installing;
        let shadow = hub.config().await.is_ok_and(|config| config.is_shadow());
        for info in history.iter().rev().filter(taken) {
            bus.set_policy_version(info.version);
            bus.publish(SystemTime::now(), policy(info, &history, shadow));
        }
        told = history
            .iter()
            .find(|info| info.state != VersionState::Installing)
            .map_or(told, |info| info.version);
        if installed.changed().await.is_err() {
            return;
        }
    }
}

/// `shadow`: the mode of the latest one, which is that of the one before it where both were taken at once.
fn policy(info: &VersionInfo, history: &[VersionInfo], shadow: bool) -> What {
    let VersionInfo { version, name, digest, who, restores, .. } = info;
    let version = *version;
    let Some(restores) = *restores else {
        let (name, who) = (name.clone(), who.clone());
        return PolicyApplied { version, digest: hex(digest), name, who, shadow }.into();
    };
    let expired = version - 1;
    let before = history.iter().find(|info| info.version == expired);
    if before.is_some_and(|before| before.state == VersionState::Expired) {
        PolicyExpired { version, restores, expired, shadow }.into()
    } else {
        PolicyRolledBack { version, restores, who: who.clone(), shadow }.into()
    }
}

/// Workers that stand still or move again, and reports that they lost. Shows `view` what it sees.
pub async fn workers(hub: Hub, bus: Bus, view: watch::Sender<Option<StatusView>>) {
    let mut workers = vec![Standing::default(); usize::from(hub.workers())];
    let mut look = ticks();
    loop {
        look.tick().await;
        let Ok(status) = hub.status().await else { return };
        for ((number, standing), seen) in (0..).zip(&mut workers).zip(&status.workers) {
            for what in standing.look(number, seen.silent, seen.account.reports_lost) {
                bus.publish(SystemTime::now(), what);
            }
        }
        view.send_replace(Some(status));
    }
}

/// What was told of one worker.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// How long it stood still at the last look, while it is lagging.
    lagging: Option<Duration>,
    lost: u64,
}

impl Standing {
    fn look(&mut self, worker: u16, silent: Duration, lost: u64) -> Vec<What> {
        let mut news = Vec::new();
        match self.lagging {
            None if silent >= LAGGING => {
                news.push(WorkerLagging { worker, silent_ms: silent.as_millis() as u64 }.into());
            }
            Some(longest) if silent < LAGGING => {
                news.push(WorkerRecovered { worker, silent_ms: longest.as_millis() as u64 }.into());
            }
            _ => {}
        }
        self.lagging = (silent >= LAGGING).then_some(silent);
        let more = lost.saturating_sub(self.lost);
        if more > 0 {
            news.push(ReportsLost { worker, lost: more }.into());
        }
        self.lost = lost;
        news
    }
}

/// The ports and what they are called, by number.
pub struct Links {
    /// The ports.
    pub ports: Arc<Vec<Port>>,
    /// Their names in the config.
    pub names: Vec<String>,
}

/// Links that go up or down.
pub async fn links(Links { ports, names }: Links, bus: Bus) {
    let has_link = |port: &Port| port.link().is_ok_and(|link| link.up);
    let mut up: Vec<bool> = ports.iter().map(has_link).collect();
    let mut look = ticks();
    loop {
        look.tick().await;
        for ((was, port), name) in up.iter_mut().zip(ports.iter()).zip(&names) {
            let is = has_link(port);
            if is != *was {
                bus.publish(SystemTime::now(), PortLink { port: name.clone(), up: is });
            }
            *was = is;
        }
    }
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_told_of_once_when_it_lags_and_once_when_it_moves() {
        let mut standing = Standing::default();
        let mut kinds = |silent_ms, lost| {
            let news = standing.look(3, Duration::from_millis(silent_ms), lost);
            news.iter().map(What::kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(20, 0), [""; 0]);
        assert_eq!(kinds(2_100, 0), ["worker-lagging"]);
        assert_eq!(kinds(3_100, 7), ["reports-lost"]);
        assert_eq!(kinds(10, 7), ["worker-recovered"]);
        assert_eq!(kinds(10, 7), [""; 0]);
    }
}
