//! What would change under another policy: two engines, the same packets.

use std::collections::BTreeMap;

use repute_model::{Prefix, Source};

use super::Standard;
use super::feed::FeedBatch;
use super::hours::Weeks;
use super::rehearsal::{Judged, Rehearsal};

/// Sources named at most.
const NAMED: usize = 20;

/// The other policy's engine, and the differences so far.
pub struct Against {
    rehearsal: Rehearsal,
    packets: u64,
    /// Packets by what they got here and there.
    changes: BTreeMap<(String, String), u64>,
    sources: BTreeMap<Source, u64>,
}

impl Against {
    /// A fresh engine with the other policy.
    pub fn new(other: &Standard, inside: &[Prefix], weeks: &Weeks) -> Self {
        Self {
            rehearsal: Rehearsal::new(other, inside, weeks),
            packets: 0,
            changes: BTreeMap::new(),
            sources: BTreeMap::new(),
        }
    }

    /// Judges a batch by the other policy.
    pub fn judge(&mut self, batch: &FeedBatch) -> Vec<Judged> {
        self.rehearsal.judge(batch)
    }

    /// Notes where the two differ.
    pub fn compare(&mut self, here: &[Judged], there: &[Judged]) {
        for (here, there) in here.iter().zip(there) {
            self.packets += 1;
            let (before, after) = (outcome(here), outcome(there));
            if before != after {
                *self.changes.entry((before, after)).or_default() += 1;
                if let Some(source) = there.source.or(here.source) {
                    *self.sources.entry(source).or_default() += 1;
                }
            }
        }
    }

    /// Prints the differences, the most affected sources first.
    pub fn print(&self) {
        let changed: u64 = self.changes.values().sum();
        println!("against the other policy: {changed} of {} packets would change", self.packets);
        for ((before, after), n) in &self.changes {
            println!("  {n:>10}  {before} -> {after}");
        }
        let mut sources: Vec<_> = self.sources.iter().collect();
        sources.sort_by_key(|&(source, n)| (std::cmp::Reverse(n), source));
        for (source, n) in sources.iter().take(NAMED) {
            let band = self.rehearsal.explain(**source).map_or("unknown", |now| now.band.name());
            println!("  {source}: {n} packets; there it ends {band}");
        }
        if sources.len() > NAMED {
            println!("  and {} more sources", sources.len() - NAMED);
        }
    }
}

/// The verdict with its reason.
fn outcome(one: &Judged) -> String {
    match one.judgement.reason {
        Some(reason) => format!("{} ({reason})", one.judgement.verdict),
        None => one.judgement.verdict.to_string(),
    }
}
