//! The folder of what survives a restart: which one, opened before workers start.
//!
//! Called by the control thread. Always holds: whatever is wrong with it is told, and the box starts.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use repute_policy::Checked;
use repute_server::{Hub, Keeper, VersionInfo, past};
use repute_store::{Limits, Opened, Store};

use crate::args::{Clock, Run, StatePlace};

/// Where root keeps it.
const DEFAULT: &str = "/var/lib/repute";
/// Bytes of the store's file for each source: two rounds of 64 bytes, twice for what redb needs between.
const BYTES_PER_SOURCE: u64 = 256;

/// An open store and what it is to be used with.
pub struct State {
    store: Store,
    window: Duration,
    /// Policy versions of earlier starts, the oldest first.
    pub past: Vec<VersionInfo>,
}

/// Opens the store of a box; `None` where none is kept, which is told.
pub fn open(run: &Run, checked: &Checked) -> Option<State> {
    let Some(folder) = folder(run, checked) else {
        tracing::info!("no state is kept: standings end with this process");
        return None;
    };
    let config = &checked.config().state;
    let (workers, sources) = (checked.topology().workers.count, checked.limits().sources);
    let all = u64::from(workers) * u64::from(sources);
    let usual = Limits::default();
    let limits = Limits {
        file_bytes: usual.file_bytes.max(all.saturating_mul(BYTES_PER_SOURCE)),
        sources: usual.sources.max(all),
        retention: Duration::from_millis(config.retention.get()),
        ..usual
    };
    let opened = Store::open(&folder, limits, SystemTime::now());
    let found = opened.map(|Opened { store, set_aside }| {
        if let Some(set_aside) = set_aside {
            tracing::error!("{set_aside}");
        }
        let past = past(&store).unwrap_or_else(|error| {
            tracing::error!("earlier policies are not shown: {error}");
            Vec::new()
        });
        State { window: Duration::from_millis(config.every.get()), past, store }
    });
    match found {
        Ok(state) => {
            tracing::info!("state is kept in {}", folder.display());
            Some(state)
        }
        Err(error) => {
            tracing::error!("no state is kept, standings end with this process: {error}");
            None
        }
    }
}

impl State {
    /// Restores, and keeps from then on; to be called on the runtime once workers run.
    pub fn keep(self, hub: &Hub) -> Keeper {
        Keeper::start(hub, self.store, self.window, SystemTime::now)
    }
}

fn folder(run: &Run, checked: &Checked) -> Option<PathBuf> {
    if let Clock::Capture(_) = run.clock {
        return None; // Captures have a time of their own, and are judged the same every time.
    }
    match &run.state {
        Some(StatePlace::None) => None,
        Some(StatePlace::Folder(folder)) => Some(folder.clone()),
        None => {
            let named = checked.config().state.folder.as_ref().map(|text| PathBuf::from(text.as_str()));
            named.or_else(|| repute_server::is_root().then(|| PathBuf::from(DEFAULT)))
        }
    }
}
