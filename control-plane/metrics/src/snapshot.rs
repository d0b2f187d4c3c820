//! What the daemon says about the box: plain numbers of one moment.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::{RequestSeries, UpstreamSnapshot, WorkerSnapshot};

/// A count under a name from a closed set: a reason, a band, a class, a stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// The name as in config, API and CLI.
    pub name: Cow<'static, str>,
    /// How many.
    pub count: u64,
}

impl Named {
    /// So many of that.
    pub fn new(name: impl Into<Cow<'static, str>>, count: u64) -> Self {
        Self { name: name.into(), count }
    }
}

/// Everything about one box.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BoxSnapshot {
    /// What runs.
    pub build: Build,
    /// When it began.
    pub started: Option<SystemTime>,
    /// The latest policy.
    pub policy: PolicyInForce,
    /// By their numbers.
    pub workers: Vec<WorkerSnapshot>,
    /// By unique names, and one with an empty name for what belongs to no service; none where the policy has none.
    pub services: Vec<ServiceSnapshot>,
    /// Upstreams that queries go on to, of the whole box.
    pub upstreams: Vec<UpstreamSnapshot>,
    /// Sources that are limited now.
    pub mitigations_active: u64,
    /// Crowds in flood now, by kind of flood.
    pub crowds_in_flood: Vec<Named>,
    /// Changes of crowds since the start.
    pub crowd_changes: Vec<CrowdChanges>,
    /// Feeds by unique names.
    pub feeds: Vec<FeedSnapshot>,
    /// Where addresses are.
    pub geo: GeoSnapshot,
    /// Where events go, by unique names.
    pub sinks: Vec<EventSink>,
    /// Where events come from, by unique names.
    pub inputs: Vec<EventInput>,
    /// What survives a restart; `None` where the box runs without.
    pub store: Option<StoreSnapshot>,
    /// The walled garden's page; `None` where there is none.
    pub garden: Option<GardenSnapshot>,
    /// Where copies of DNS messages go; `None` = nowhere.
    pub dnstap: Option<DnstapSnapshot>,
    /// How long the API took, from [`crate::RequestLatency::series`].
    pub requests: Vec<RequestSeries>,
}

/// One service, over all workers. Totals since the services of the policy were last changed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ServiceSnapshot {
    /// Its name in the config.
    pub name: String,
    /// Packets that shadow mode forwarded, by what would have become of them.
    pub shadow_packets: Vec<Named>,
    /// Their bytes on the wire.
    pub shadow_bytes: Vec<Named>,
    /// Sources in it now, by band.
    pub sources: Vec<Named>,
    /// Its score over them, 0..1; `None` where it has none.
    pub score: Option<f64>,
    /// Usual volume of its sources, bytes per second.
    pub usual_per_s: u64,
    /// Their volume in the windows under way.
    pub volume_per_s: u64,
    /// Packets and bytes per second that are usual for one source at this hour of the week, where that is known.
    pub at_this_hour: Option<(f64, f64)>,
}

/// How often crowds went to a state; both names are from closed sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrowdChanges {
    /// The kind of flood.
    pub flood: &'static str,
    /// The state they went to.
    pub state: &'static str,
    /// How often.
    pub count: u64,
}

/// What runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Build {
    /// Version of reputed.
    pub version: String,
    /// The commit it was built from.
    pub revision: String,
    /// Version of DPDK.
    pub dpdk: String,
}

/// The latest policy, whether or not every worker has taken it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyInForce {
    /// Its version.
    pub version: u64,
    /// When it was applied.
    pub applied: Option<SystemTime>,
    /// Whether it is in shadow mode: everything is judged, and nothing done.
    pub shadow: bool,
}

/// One feed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FeedSnapshot {
    /// Its name in the config.
    pub name: String,
    /// Entries in force.
    pub entries: u64,
    /// When it was last imported or found unchanged.
    pub refreshed: Option<SystemTime>,
    /// Refreshes tried.
    pub refreshes: u64,
    /// Of those: failed; the entries before stay in force.
    pub failures: u64,
    /// Whether the last one failed.
    pub failing: bool,
}

/// Where addresses are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GeoSnapshot {
    /// Databases by unique kinds, and when each was built.
    pub databases: Vec<(String, SystemTime)>,
    /// Accounts, tokens, SPIFFE IDs and services that geolocation consistency knows.
    pub subjects: u64,
    /// Sources that it has lowered and still remembers.
    pub lowered: u64,
}

/// One way out for events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventSink {
    /// Its name in the config.
    pub name: String,
    /// Events that wait now.
    pub queued: u64,
    /// Events that may wait.
    pub capacity: u64,
    /// Events sent.
    pub sent: u64,
    /// Events dropped because the queue was full or the sink refused them.
    pub dropped: u64,
}

/// One way in for events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventInput {
    /// Its name in the config.
    pub name: String,
    /// Events taken.
    pub received: u64,
    /// Events that no rule or no parser understood.
    pub refused: u64,
}

/// The walled garden's page, since the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GardenSnapshot {
    /// Pages given, each with a task.
    pub pages: u64,
    /// Right solutions, by what they were to the worker.
    pub solutions: Vec<Named>,
    /// Visitors that were refused, by reason.
    pub refused: Vec<Named>,
}

/// Where copies of DNS messages go, since the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DnstapSnapshot {
    /// Messages that the receiver's connection took.
    pub sent: u64,
    /// Messages that were lost with a connection.
    pub lost: u64,
    /// Connections that were agreed on.
    pub connected: u64,
}

/// What survives a restart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StoreSnapshot {
    /// Bytes of its file.
    pub file_bytes: u64,
    /// When the last finished round of snapshots began.
    pub last_round: Option<SystemTime>,
    /// Sources in it.
    pub sources: u64,
    /// Explanations that are kept.
    pub explanations: u64,
    /// Writes that failed.
    pub failures: u64,
}
