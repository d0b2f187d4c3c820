//! `repute-bench`: measures the data plane against DPDK's own programs, in one run on one machine.
//!
//! Called by `scripts/bench`, which prepares the machine. `rows` says what is measured, [`slices`] how, and
//! [`subject`] is the one file that touches the engine.
#![deny(unsafe_code)]

mod args;
mod bench;
mod beside;
mod capture;
mod clock;
mod contender;
mod keys;
mod lists;
mod machine;
mod memory;
mod policy;
mod report;
mod results;
mod ring;
mod road;
mod row;
mod rows;
mod rte_hash;
mod schedule;
mod second;
mod slices;
mod stamp;
mod stats;
mod subject;
mod switches;
mod testpmd;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use args::{Args, Effort};
use bench::Bench;
use beside::Beside;
use clap::Parser;
use report::{Line, Report};
use row::Row;
use rows::ROWS;

/// Rows that a smoke run runs where none are named.
const SMOKE: [&str; 2] = ["B1", "B3"];

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let rows = choose(&args)?;
    if args.list {
        rows.iter().for_each(|row| println!("{:5} {}", row.id, row.workload));
        return Ok(ExitCode::SUCCESS);
    }
    machine::take_precedence();
    let cores = machine::cores(args.core)?;
    let core = *cores.first().context("no core may be used")?;
    let effort = args.effort();
    let folder = args.folder.clone();
    // A thread of its own: EAL and the main thread stay where the kernel puts them.
    let measuring = std::thread::Builder::new().name("measuring".to_owned()).spawn(move || {
        ensure!(core_affinity::set_for_current(core), "cannot run on core {}", core.id);
        let mut bench = Bench::new(&folder, effort, cores)?;
        eprintln!("{}; measuring on core {}", bench.eal.memory_note(), core.id);
        Ok(measure(&mut bench, &rows))
    })?;
    let lines = measuring.join().map_err(|_| anyhow!("the measuring thread panicked; see above"))??;
    let report = Report {
        machine: machine::describe(),
        commit: machine::commit(),
        dpdk: dpdk::Eal::version(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        rows: lines,
    };
    publish(&args, &report)?;
    Ok(if report.is_ok() || effort == Effort::Smoke { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The rows that the command line names.
fn choose(args: &Args) -> anyhow::Result<Vec<&'static Row>> {
    let smoke = SMOKE.map(str::to_owned);
    let wanted: &[String] = if args.smoke && args.rows.is_empty() { &smoke } else { &args.rows };
    let is_meant = |row: &Row, name: &String| {
        let tail = row.id.strip_prefix(name.as_str());
        tail.is_some_and(|tail| !tail.starts_with(|c: char| c.is_ascii_digit()))
    };
    for name in wanted {
        let known = ROWS.iter().any(|row| is_meant(row, name));
        ensure!(known, "there is no row {name:?}; `repute-bench --list` shows them");
    }
    let all = wanted.is_empty();
    Ok(ROWS.iter().filter(|row| all || wanted.iter().any(|name| is_meant(row, name))).collect())
}

/// Runs the rows one after the other, with progress on standard error.
fn measure(bench: &mut Bench, rows: &[&Row]) -> Vec<Line> {
    let begun = Instant::now();
    let mut lines = Vec::with_capacity(rows.len());
    for (k, row) in rows.iter().enumerate() {
        let each = if k == 0 { 0.0 } else { begun.elapsed().as_secs_f64() / k as f64 };
        let left = each * (rows.len() - k) as f64;
        eprintln!("row {} of {}, about {left:.0} s left: {} {}", k + 1, rows.len(), row.id, row.workload);
        lines.push(Line::new(row, (row.run)(bench)));
    }
    lines
}

/// Writes the report, and prints it.
fn publish(args: &Args, report: &Report) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    let path = args.folder.join("report.json");
    std::fs::write(&path, &json).with_context(|| format!("{}: cannot write", path.display()))?;
    if let Some(path) = &args.write_results {
        let mut page = results::page(report)?;
        if let Some(beside) = Beside::read(&args.folder)? {
            page += &format!("\n{beside}");
        }
        std::fs::write(path, page).with_context(|| format!("{}: cannot write", path.display()))?;
    }
    if args.json {
        println!("{json}")
    } else {
        println!("{report}")
    }
    Ok(())
}
