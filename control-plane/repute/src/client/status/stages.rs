//! `repute status --stages`: what the work of every worker costs, in cycles, time and memory.
//!
//! A block per worker and, where there are several, one for all of them. Every ratio is over what was measured;
//! where nothing was, it says so.

use std::fmt::Write;

use repute_proto::v1;

use super::super::table::Table;
use super::super::units::{short, span};

/// The whole account of the work.
pub fn human(report: &v1::StatusReport) -> String {
    let blocks =
        report.workers.iter().map(|worker| block(&format!("worker {}", worker.worker), worker, report));
    let mut blocks: Vec<String> = blocks.collect();
    if report.workers.len() > 1 {
        blocks.push(block("all workers", &total(report), report));
    }
    blocks.join("\n")
}

/// All workers as one: what the report has summed, and the figures that only workers have.
fn total(report: &v1::StatusReport) -> v1::WorkerStatus {
    let workers = || report.workers.iter();
    v1::WorkerStatus {
        batches: workers().map(|worker| worker.batches).sum(),
        hand_over_depth: workers().map(|worker| worker.hand_over_depth).sum(),
        longest_breath_ns: workers().map(|worker| worker.longest_breath_ns).max().unwrap_or_default(),
        table: report.table,
        work: report.work,
        ..Default::default()
    }
}

/// One worker's figures. Writing to a `String` cannot fail.
fn block(title: &str, worker: &v1::WorkerStatus, report: &v1::StatusReport) -> String {
    let (work, table) = (worker.work.unwrap_or_default(), worker.table.unwrap_or_default());
    let mut out = format!("{title}\n{}", stages(&work).render());
    let per_batch =
        ratio(work.packets, worker.batches).map_or_else(String::new, |n| format!(", {n:.1} each"));
    let _ = writeln!(out, "batches: {} with {} packets{per_batch}", worker.batches, work.packets);
    let _ = writeln!(
        out,
        "table: {} admitted, {} evicted, {} packets refused an entry",
        table.admitted, table.evicted, table.refused
    );
    let _ = writeln!(out, "prefilter: {}", prefilter(&work, report.uptime_ms));
    let _ = writeln!(out, "crowds: {} packets beyond, {} rows wait", work.crowd_beyond, work.crowd_waiting);
    let _ = writeln!(
        out,
        "sweep {}, longest breath {}, memory {}B, ring depth {}",
        span(work.sweep_ms),
        breath(worker.longest_breath_ns),
        short(work.memory_bytes as f64),
        worker.hand_over_depth
    );
    out
}

fn stages(work: &v1::WorkStatus) -> Table {
    let mut table = Table::new(["<STAGE", ">CYCLES", "<PER", ">MEASURED"]);
    for (stage, cycles, per, measured) in [
        ("tick", work.tick_cycles, "tick", work.measured_ticks),
        ("find", work.find_cycles, "packet", work.measured_packets),
        ("judge", work.judge_cycles, "packet", work.measured_packets),
        ("send", work.send_cycles, "packet", work.measured_packets),
    ] {
        let cost = ratio(cycles, measured).map_or("not measured".to_owned(), |cost| format!("{cost:.1}"));
        table.row([stage.into(), cost.into(), per.into(), measured.into()]);
    }
    table
}

/// How long the prefilter remembers: in insertions, and in seconds at the mean rate since the start.
fn prefilter(work: &v1::WorkStatus, uptime_ms: u64) -> String {
    let (insertions, window) = (work.prefilter_insertions, work.prefilter_window);
    let seconds = ratio(uptime_ms, insertions).map_or_else(String::new, |ms_each| {
        format!(" = {}s at the mean rate so far", short(window as f64 * ms_each / 1000.0))
    });
    format!("{insertions} insertions, forgets after {window}{seconds}")
}

fn breath(ns: u64) -> String {
    if ns == 0 { "not measured".to_owned() } else { format!("{:.1} µs", ns as f64 / 1000.0) }
}

/// `None` where there is nothing to divide by.
fn ratio(amount: u64, by: u64) -> Option<f64> {
    (by > 0).then(|| amount as f64 / by as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(number: u32, work: v1::WorkStatus) -> v1::WorkerStatus {
        v1::WorkerStatus { worker: number, batches: 10, work: Some(work), ..Default::default() }
    }

    #[test]
    fn cycles_are_per_packet_and_per_tick() {
        let work = v1::WorkStatus {
            tick_cycles: 9000,
            judge_cycles: 2530,
            measured_packets: 100,
            measured_ticks: 3,
            packets: 320,
            prefilter_insertions: 500,
            prefilter_window: 1000,
            ..Default::default()
        };
        let mut busy = worker(0, work);
        busy.longest_breath_ns = 12_340;
        let report = v1::StatusReport { uptime_ms: 10_000, workers: vec![busy], ..Default::default() };
        let text = human(&report);
        let row = |stage: &str| text.lines().find(|line| line.starts_with(stage)).unwrap_or_default();
        assert_eq!(row("tick").split_whitespace().collect::<Vec<_>>(), ["tick", "3000.0", "tick", "3"]);
        assert_eq!(row("judge").split_whitespace().collect::<Vec<_>>(), ["judge", "25.3", "packet", "100"]);
        assert!(text.contains("10 with 320 packets, 32.0 each"), "{text}");
        assert!(text.contains("forgets after 1000 = 20s") && text.contains("12.3 µs"), "{text}");
        assert!(!text.contains("all workers") && !text.contains("not measured"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_not_zero() {
        let text =
            human(&v1::StatusReport { workers: vec![v1::WorkerStatus::default()], ..Default::default() });
        assert_eq!(text.matches("not measured").count(), 5, "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn several_workers_have_a_total() {
        let with = |ns, depth| v1::WorkerStatus {
            longest_breath_ns: ns,
            hand_over_depth: depth,
            ..worker(0, v1::WorkStatus::default())
        };
        let report = v1::StatusReport { workers: vec![with(5000, 1), with(3000, 2)], ..Default::default() };
        let total = total(&report);
        assert_eq!((total.batches, total.longest_breath_ns, total.hand_over_depth), (20, 5000, 3));
        assert!(human(&report).contains("\nall workers\n"));
    }
}
