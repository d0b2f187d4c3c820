//! How the box is doing, in one view.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_engine::Account;

use crate::ledger::LedgerCounts;
use crate::{CrowdCounts, Hub, HubError, ServiceView, VersionInfo};

/// What the daemon knows about the box and the hub does not.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BoxInfo {
    /// Version of the daemon.
    pub version: String,
    /// What kind of memory the packets live in, for people.
    pub memory: String,
    /// The ports by their number in the workers' accounts, at most [`repute_engine::PORTS`].
    pub ports: Vec<PortInfo>,
}

/// One port.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PortInfo {
    /// Name in the config.
    pub name: String,
    /// DPDK device.
    pub device: String,
    /// `inside`, `outside`, `both` or `mirror`.
    pub role: String,
    /// Name of the port its packets leave by; empty = none.
    pub peer: String,
    /// What its receive-side scaling does for several workers.
    pub rss: PortRss,
}

/// What receive-side scaling (RSS) of a port was found to be worth.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PortRss {
    /// `right`: packets arrive at their owner; `wrong`; `absent`; empty: one worker, or not known yet.
    pub hint: &'static str,
    /// The finding in one sentence; empty with an empty hint.
    pub finding: String,
}

/// One worker.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkerView {
    /// What it has published.
    pub account: Account,
    /// For how long its clock has stood still.
    pub silent: Duration,
}

/// The whole box at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct StatusView {
    /// What the daemon said.
    pub info: BoxInfo,
    /// Time since the hub began.
    pub uptime: Duration,
    /// The version in force.
    pub policy: VersionInfo,
    /// Whether it is in shadow mode: everything is judged, and nothing done.
    pub shadow: bool,
    /// Whether every worker judges by it.
    pub everywhere: bool,
    /// Until when it has to be confirmed.
    pub confirm_until: Option<SystemTime>,
    /// By worker.
    pub workers: Vec<WorkerView>,
    /// Mitigations that are remembered: active, past, and how many were forgotten.
    pub mitigations: [u64; 3],
    /// Changes of crowds since the start.
    pub crowd_changes: CrowdCounts,
    /// By service, what all workers have counted; at the end what belongs to none.
    pub services: Vec<ServiceView>,
    /// What the upstreams are called whose numbers are in the accounts, in their order.
    pub upstreams: Vec<String>,
}

impl StatusView {
    /// The sum over workers.
    pub fn total(&self) -> Account {
        self.workers.iter().fold(Account::zero(), |sum, worker| sum.plus(&worker.account))
    }
}

impl Hub {
    /// How the box is doing now. Asks no worker: a box whose workers hang still has a status.
    ///
    /// # Errors
    /// [`HubError::Gone`].
    pub async fn status(&self) -> Result<StatusView, HubError> {
        let asked = self.run(|state| {
            let installing = state.is_installing();
            let policy = state.history.get(0, installing)?;
            let confirm_until = state.history.unconfirmed().map(|waits| waits.until);
            let counts = (state.ledger.counts(), state.crowds.counts());
            let checked = Arc::clone(state.history.checked());
            Ok::<_, HubError>((policy, checked, !installing, confirm_until, counts, state.silences()))
        });
        let (policy, checked, everywhere, confirm_until, (counts, crowd_changes), silences) = asked.await??;
        let services = self.by_service(policy.version, &checked);
        let published = self.inner.published.iter().zip(silences);
        let workers = published.map(|(p, silent)| WorkerView { account: p.read(), silent }).collect();
        let LedgerCounts { active, past, forgotten } = counts;
        Ok(StatusView {
            info: self.inner.info.borrow().clone(),
            uptime: self.inner.started.elapsed(),
            policy,
            shadow: checked.is_shadow(),
            everywhere,
            confirm_until,
            workers,
            mitigations: [active, past, forgotten],
            crowd_changes,
            services,
            upstreams: checked.upstreams(),
        })
    }

    /// Names of the services of the policy in force, by number.
    ///
    /// # Errors
    /// [`HubError::Gone`].
    pub(crate) async fn services(&self) -> Result<Arc<[String]>, HubError> {
        self.run(|state| state.history.services().clone()).await
    }
}
