//! Where the files of alerts were read to: kept over restarts, so that no alert is lost or taken twice.
//!
//! The task of the rules saves them while nothing waits for it. **Always holds:** every alert before a place that is
//! kept was decided; a kill takes those of the last second again, an end that was asked for none but where it comes in
//! the middle of a burst, of which it takes a part again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use repute_server::Hub;
use repute_siem::Position;

use super::{Entrance, Parts};

/// The places of all files, and what of them is on the disk.
#[derive(Debug)]
pub struct Places {
    hub: Hub,
    parts: Arc<Parts>,
    kept: Vec<(PathBuf, Position)>,
}

/// Where an earlier run was in this file.
pub async fn kept(hub: &Hub, path: &Path) -> Option<Position> {
    let mark = hub.mark(name(path)).await;
    let mark = mark.inspect_err(|error| tracing::error!("{}: begins anew: {error}", path.display()));
    serde_json::from_slice(&mark.ok()??).ok()
}

impl Places {
    pub fn new(hub: Hub, parts: Arc<Parts>) -> Self {
        Self { hub, parts, kept: Vec::new() }
    }

    /// Where the files are read to now: every alert before that was handed to the rules.
    pub fn now(&self) -> Vec<(PathBuf, Position)> {
        let place = |(_, entrance): &(String, Entrance)| match entrance {
            Entrance::File(path, input) => Some((path.clone(), input.position()?)),
            Entrance::Listener(_) => None,
        };
        self.parts.inputs.iter().filter_map(place).collect()
    }

    /// Keeps what is new of these places.
    pub async fn keep(&mut self, places: Vec<(PathBuf, Position)>) {
        for place in places.iter().filter(|place| !self.kept.contains(place)) {
            let (path, position) = place;
            let Ok(bytes) = serde_json::to_vec(position) else { continue };
            if let Err(error) = self.hub.set_mark(name(path), bytes).await {
                tracing::error!("{}: alerts may come twice after a restart: {error}", path.display());
            }
        }
        self.kept = places;
    }
}

/// By its path, not by the input's name: another file is read as a new one.
fn name(path: &Path) -> String {
    format!("alerts {}", path.display())
}
