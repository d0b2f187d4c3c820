//! Remembers alerts, so that the same one counts once.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use crate::alert::{Alert, Culprit};

/// Alerts remembered at most; beyond, the oldest is forgotten and could count again, which budgets bound.
const REMEMBERED_MAX: usize = 65_536;

/// The alerts of the last while.
#[derive(Debug)]
pub struct Duplicates {
    within: Duration,
    /// Keyed anew in every process: nobody outside can make two alerts collide.
    keys: RandomState,
    seen: HashSet<u64>,
    order: VecDeque<(Instant, u64)>,
}

impl Duplicates {
    pub fn new(within: Duration) -> Self {
        Self { within, keys: RandomState::new(), seen: HashSet::new(), order: VecDeque::new() }
    }

    /// Whether the same alert was seen within the time; if not it is remembered from now on.
    pub fn has(&mut self, alert: &Alert, culprit: Culprit, now: Instant) -> bool {
        while let Some(&(at, key)) = self.order.front()
            && (self.order.len() >= REMEMBERED_MAX || now.duration_since(at) >= self.within)
        {
            self.order.pop_front();
            self.seen.remove(&key);
        }
        let parts = (culprit.address, culprit.victim, &alert.signature_text, &alert.reference);
        let key = self.keys.hash_one(parts);
        let new = self.seen.insert(key);
        if new {
            self.order.push_back((now, key));
        }
        !new
    }
}
