//! The report as a page of Markdown, with a sentence for each row that misses something.
//!
//! Called by `main` for `--write-results`. The sentences stand in `notes.toml`, by row; one that is missing is
//! named on standard error.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Context;

use crate::report::{Line, Report, number};

/// Why rows are as they are, by row.
const NOTES: &str = include_str!("../notes.toml");

/// The page.
///
/// # Errors
/// The notes cannot be read.
pub fn page(report: &Report) -> anyhow::Result<String> {
    let notes: BTreeMap<String, String> = toml::from_str(NOTES).context("benches/bench/notes.toml")?;
    let mut page = head(report);
    for line in &report.rows {
        let sentence = notes.get(&line.id).map_or("", String::as_str);
        if sentence.is_empty() && !line.aim_met && line.aim.is_some() {
            eprintln!("note: row {} misses its aim and has no sentence in benches/bench/notes.toml", line.id);
        }
        page += &table_line(line);
    }
    page += "\n## What there is to say\n\n";
    for line in &report.rows {
        let said = [line.note.as_str(), notes.get(&line.id).map_or("", String::as_str)];
        let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
        if !said.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "* **{}** – {}.", line.id, said.join(". "));
        }
    }
    Ok(page)
}

fn head(report: &Report) -> String {
    let Report { machine, commit, dpdk, command, .. } = report;
    format!(
        "# Results of one run\n\n\
         | | |\n|---|---|\n| machine | {machine} |\n| commit | {commit} |\n| DPDK | {dpdk} |\n| command | `{command}` |\n\n\
         Method and rows: [README.md](README.md). A ratio is that of packets per second on one core, in the same \
         run; the range is that of eight in ten rounds. Bold: below the floor.\n\n\
         | row | workload | ours | reference | unit | ratio | range | floor | aim | |\n\
         |---|---|---:|---:|---|---:|---:|---:|---:|---|\n"
    )
}

fn table_line(line: &Line) -> String {
    let range = line
        .spread
        .map_or("-".to_owned(), |[low, high]| format!("{} – {}", number(Some(low)), number(Some(high))));
    let derived = if line.derived { " (derived)" } else { "" };
    let state = if line.ok { line.state().to_owned() } else { format!("**{}**", line.state()) };
    format!(
        "| {} | {} | {} | {}{derived} | {} | {} | {range} | {} | {} | {state} |\n",
        line.id,
        line.workload,
        number(line.ours),
        number(line.reference),
        line.unit,
        number(line.ratio),
        number(line.floor),
        number(line.aim),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Better, Outcome, Row};

    fn report(ours: f64) -> Report {
        let row = Row {
            id: "B99",
            workload: "nothing : something",
            floor: Some(0.5),
            aim: Some(0.6),
            unit: "cycles",
            better: Better::More,
            run: |_| anyhow::bail!("not run in tests"),
        };
        let outcome = Outcome::compared(&[ours], &[30.0]);
        let text = |text: &str| text.to_owned();
        Report {
            machine: text("m"),
            commit: text("c"),
            dpdk: text("d"),
            command: text("x"),
            rows: vec![Line::new(&row, Ok(outcome)), Line::new(&row, Err(anyhow::anyhow!("no such thing")))],
        }
    }

    #[test]
    fn what_is_below_its_floor_is_bold() {
        let page = page(&report(100.0)).unwrap();
        assert!(page.contains("| 0.300 |") && page.contains("**BELOW FLOOR**"), "{page}");
        assert!(page.contains("**NOT RUN**") && page.contains("no such thing"), "{page}");
    }

    #[test]
    fn what_meets_its_aim_says_so() {
        let page = page(&report(40.0)).unwrap();
        assert!(page.contains("| 0.750 |") && page.contains("| aim met |"), "{page}");
    }

    #[test]
    fn notes_are_about_rows_that_exist() {
        let notes: BTreeMap<String, String> = toml::from_str(NOTES).unwrap();
        for id in notes.keys() {
            assert!(crate::rows::ROWS.iter().any(|row| row.id == id), "{id}");
        }
    }
}
