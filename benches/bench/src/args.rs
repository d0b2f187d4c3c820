//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// How much time a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Seconds: shows that everything runs; the numbers mean nothing.
    Smoke,
    /// Minutes.
    Quick,
    /// As long as it takes to be sure.
    Full,
}

/// Measures the data plane on this machine: rows of ratios against a reference in the same run.
#[derive(Debug, Parser)]
#[command(name = "repute-bench", version)]
pub struct Args {
    /// Rows to run, such as B3 or B7a; B7 stands for all that begin with it. Default: all.
    pub rows: Vec<String>,
    /// Fewer slices: under eight minutes for all rows.
    #[arg(long, conflicts_with = "smoke")]
    pub quick: bool,
    /// Two rows, or those named, over tiny tables on ordinary pages, to show that the harness works; and for counting
    /// instructions: `valgrind --tool=callgrind repute-bench --smoke B19`.
    #[arg(long)]
    pub smoke: bool,
    /// List the rows and end.
    #[arg(long)]
    pub list: bool,
    /// Print the report as JSON in place of the table.
    #[arg(long)]
    pub json: bool,
    /// The core to measure on. Default: the last one that this process may use.
    #[arg(long)]
    pub core: Option<usize>,
    /// Folder for captures and the report.
    #[arg(long, default_value = "target/bench")]
    pub folder: PathBuf,
    /// Write the report as a page of Markdown too.
    #[arg(long, value_name = "FILE")]
    pub write_results: Option<PathBuf>,
}

impl Args {
    /// How much time the run may take.
    pub fn effort(&self) -> Effort {
        match (self.smoke, self.quick) {
            (true, _) => Effort::Smoke,
            (_, true) => Effort::Quick,
            _ => Effort::Full,
        }
    }
}
