//! EVE from a file that Suricata writes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::tail::{Position, Start, Tail};
use super::{Counts, Input, IntakeCounts, Output, Received};
use crate::alert::parse_eve;

/// How often the file is looked at when there was nothing to read.
const EVERY: Duration = Duration::from_millis(250);
/// How long is waited after an error.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// A file of EVE records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// What events and rules call it.
    pub name: String,
    /// The file; it need not exist yet.
    pub path: PathBuf,
    /// Without a position from an earlier run: read what is there already.
    #[serde(default)]
    pub from_start: bool,
}

/// A running file input.
#[derive(Debug)]
pub struct FileInput {
    input: Input,
    position: Arc<Mutex<Option<Position>>>,
}

impl FileInput {
    /// Follows the file, from where an earlier run was. To be called in a tokio runtime.
    pub fn start(config: FileConfig, position: Option<Position>, alerts: mpsc::Sender<Received>) -> Self {
        let start = match position {
            Some(position) => Start::At(position),
            None if config.from_start => Start::Beginning,
            None => Start::End,
        };
        let output = Output::new(&config.name, parse_eve, alerts);
        let counts = Arc::clone(&output.counts);
        let position = Arc::default();
        let task = tokio::spawn(follow(config.path, start, output, Arc::clone(&position)));
        Self { input: Input { counts, tasks: vec![task.abort_handle()], address: None }, position }
    }

    /// What came in so far.
    pub fn counts(&self) -> IntakeCounts {
        self.input.counts()
    }

    /// Behind the last record whose alert was handed on: to be kept, for [`FileInput::start`] of the next run.
    pub fn position(&self) -> Option<Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn follow(path: PathBuf, start: Start, output: Output, position: Arc<Mutex<Option<Position>>>) {
    let fresh = |start| Tail::new(path.clone(), start);
    let mut tail = fresh(start);
    loop {
        let out = output.clone();
        let read = tail.position().map_or(0, |position| position.offset);
        let place = format!("{} after byte {read}", path.display());
        let look = move || {
            let mut found = Vec::new();
            let more = tail.poll(|record| found.extend(out.read(record, &place)));
            (tail, found, more)
        };
        let Ok((back, found, more)) = spawn_blocking(look).await else {
            // The reader panicked and took its place with it: the newest records are what matters.
            tail = fresh(Start::End);
            continue;
        };
        tail = back;
        for received in found {
            if !output.send(received).await {
                return;
            }
        }
        *position.lock().unwrap_or_else(PoisonError::into_inner) = tail.position().cloned();
        output.counts.rotations.store(tail.rotations, std::sync::atomic::Ordering::Relaxed);
        match more {
            Ok(true) => {}
            Ok(false) => sleep(EVERY).await,
            Err(error) => {
                Counts::add(&output.counts.bad);
                output.counts.error(&format_args!("{}: {error}", path.display()));
                sleep(AFTER_ERROR).await;
            }
        }
    }
}
