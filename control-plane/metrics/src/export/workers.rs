//! What workers know and do.

use std::fmt;

use crate::family::{About, Families};
use crate::{Named, WorkerSnapshot};

pub(super) const fn about(name: &'static str, unit: &'static str, help: &'static str) -> About {
    About { name, unit, help }
}

pub(super) type Counter = (About, fn(&WorkerSnapshot) -> u64);
pub(super) type Gauge = (About, fn(&WorkerSnapshot) -> f64);
pub(super) type Breakdown = (About, &'static str, fn(&WorkerSnapshot) -> &[Named]);

const COUNTERS: [Counter; 25] = [
    (
        about(
            "worker_ticks",
            "",
            "Ticks of 1 ms on the worker's clock; it stands still where a worker hangs.",
        ),
        |w| w.ticks,
    ),
    (about("worker_batches", "", "Batches with packets."), |w| w.batches),
    (about("stranger", "packets", "Judged packets whose source had no entry before them."), |w| w.strangers),
    (about("protected", "packets", "Packets that [protect] passed."), |w| w.protected),
    (about("unjudged", "packets", "Packets that were forwarded without being judged."), |w| w.unjudged),
    (
        about(
            "misowned",
            "packets",
            "Packets handed to a worker that does not own their source either; never any.",
        ),
        |w| w.misowned,
    ),
    (about("sources_admitted", "", "Sources that were given an entry."), |w| w.admitted),
    (about("sources_evicted", "", "Sources whose entry was taken to make room."), |w| w.evicted),
    (about("sources_expired", "", "Sources whose entry said nothing any more."), |w| w.expired),
    (about("sources_refused", "packets", "Packets whose source got no entry."), |w| w.refused),
    (about("contacts_forgotten", "", "Requests pushed out of the contact table."), |w| w.forgotten),
    (about("pairs_forgotten", "", "Rows of sources in several services that made room for others."), |w| {
        w.pairs_forgotten
    }),
    (about("band_changes", "", "Sources that changed their band."), |w| w.changes),
    (about("reports_lost", "", "Reports of workers that found their ring full."), |w| w.reports_lost),
    (about("log_lines_suppressed", "", "Log lines beyond the limit per tick."), |w| w.log_lines_suppressed),
    (about("time_jumps", "", "Jumps of the worker's clock."), |w| w.jumps),
    (
        about("mirror_withheld", "packets", "Copies that the mirror's limit or its empty pool withheld."),
        |w| w.mirror_withheld,
    ),
    (about("softened", "packets", "TCP segments whose window or largest segment was made smaller."), |w| {
        w.softened
    }),
    (
        about("softened_forgotten", "", "Connections softened no more because others needed their place."),
        |w| w.softened_forgotten,
    ),
    (
        about(
            "resets_withheld",
            "packets",
            "Resets that were due and not made: too many at once, or no buffer.",
        ),
        |w| w.resets_withheld,
    ),
    (about("prefilter_insertions", "", "Sources offered to the prefilter."), |w| w.prefilter_insertions),
    (
        about("crowd_beyond", "packets", "Packets to destinations without a row of their own in the crowds."),
        |w| w.crowd_beyond,
    ),
    (
        about(
            "crowd_refused",
            "rows",
            "Rows of the crowds that nobody watched because all places were taken by crowds that are not calm.",
        ),
        |w| w.crowd_refused,
    ),
    (about("measured", "packets", "Packets in breaths that were measured by stage."), |w| w.measured_packets),
    (about("measured_breaths", "", "Breaths that were measured by stage."), |w| w.measured_breaths),
];

const GAUGES: [Gauge; 11] = [
    (about("worker_policy_version", "", "Version of the policy that the worker judges by."), |w| {
        w.policy_version as f64
    }),
    (about("sources_tracked", "", "Sources with an entry now."), |w| w.tracked as f64),
    (about("sources_capacity", "", "Entries that the worker has."), |w| w.capacity as f64),
    (about("held", "packets", "Packets held back now."), |w| w.held as f64),
    (
        about(
            "hand_over_waiting",
            "packets",
            "Packets that waited in the rings from other workers at the last look.",
        ),
        |w| w.hand_over_depth as f64,
    ),
    (
        about(
            "prefilter_window",
            "insertions",
            "Insertions after which the prefilter has forgotten a single sighting.",
        ),
        |w| w.prefilter_window as f64,
    ),
    (
        about("sweep", "seconds", "The longest that a source waited for the sweep in its last whole round."),
        |w| w.sweep_ms as f64 / 1e3,
    ),
    (about("longest_breath", "seconds", "The longest breath since boot; 0 where nobody measures."), |w| {
        w.longest_breath_ns as f64 / 1e9
    }),
    (about("table_memory", "bytes", "Memory of all tables of the worker."), |w| w.memory_bytes as f64),
    (about("crowd_waiting", "rows", "Rows of the crowds that wait to be published."), |w| {
        w.crowd_waiting as f64
    }),
    (
        about(
            "crowd_left_out",
            "crowds",
            "Crowds in flood that nobody answers for: the list of those is full.",
        ),
        |w| w.crowd_left_out as f64,
    ),
];

const BREAKDOWNS: [Breakdown; 5] = [
    (about("judged", "packets", "Judged packets by the band of their source."), "band", |w| &w.bands),
    (about("control", "packets", "Packets of the always-forward class, by kind."), "class", |w| &w.control),
    (
        about(
            "shadow",
            "packets",
            "Packets that shadow mode forwarded, by the reason for which they would not have been.",
        ),
        "reason",
        |w| &w.shadow,
    ),
    (about("inspected", "packets", "Packets in which inspection has found something."), "finding", |w| {
        &w.findings
    }),
    (about("stage", "cycles", "Cycles by stage, of the breaths that were measured."), "stage", |w| {
        &w.stage_cycles
    }),
];

pub(super) fn export(workers: &[WorkerSnapshot], families: &mut Families) -> fmt::Result {
    Tables { counters: &COUNTERS, gauges: &GAUGES, breakdowns: &BREAKDOWNS }.export(workers, families)
}

/// Families whose every sample is of one worker.
pub(super) struct Tables<'a> {
    pub counters: &'a [Counter],
    pub gauges: &'a [Gauge],
    /// With a second label.
    pub breakdowns: &'a [Breakdown],
}

impl Tables<'_> {
    pub fn export(&self, workers: &[WorkerSnapshot], families: &mut Families) -> fmt::Result {
        let numbers: Vec<String> = workers.iter().map(|worker| worker.number.to_string()).collect();
        let all = || numbers.iter().map(String::as_str).zip(workers);
        for &(about, value) in self.counters {
            families
                .counter(about, all().map(|(number, worker)| (vec![("worker", number)], value(worker))))?;
        }
        for &(about, value) in self.gauges {
            families.gauge(about, all().map(|(number, worker)| (vec![("worker", number)], value(worker))))?;
        }
        for &(about, label, list) in self.breakdowns {
            let samples = all().flat_map(|(number, worker)| {
                list(worker)
                    .iter()
                    .map(move |named| (vec![("worker", number), (label, &*named.name)], named.count))
            });
            families.counter(about, samples)?;
        }
        Ok(())
    }
}
