//! What an input has seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What came in through an input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IntakeCounts {
    /// Alerts handed on.
    pub alerts: u64,
    /// Records that are no alerts.
    pub other: u64,
    /// Records that cannot be read.
    pub bad: u64,
    /// Records longer than [`crate::RECORD_MAX`], skipped.
    pub too_long: u64,
    /// Alerts dropped because nobody took them in time (datagrams only).
    pub dropped: u64,
    /// Connections and datagrams of senders that are not allowed.
    pub refused: u64,
    /// Connections ended because others needed their place, or because they said nothing for too long.
    pub evicted: u64,
    /// How often a file was replaced or cut.
    pub rotations: u64,
    /// The last thing that went wrong, with its place.
    pub last_error: Option<String>,
}

/// Counted by the input's tasks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub alerts: AtomicU64,
    pub other: AtomicU64,
    pub bad: AtomicU64,
    pub too_long: AtomicU64,
    pub dropped: AtomicU64,
    pub refused: AtomicU64,
    pub evicted: AtomicU64,
    pub rotations: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counts {
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn error(&self, error: &dyn std::fmt::Display) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    pub fn get(&self) -> IntakeCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        IntakeCounts {
            alerts: get(&self.alerts),
            other: get(&self.other),
            bad: get(&self.bad),
            too_long: get(&self.too_long),
            dropped: get(&self.dropped),
            refused: get(&self.refused),
            evicted: get(&self.evicted),
            rotations: get(&self.rotations),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
