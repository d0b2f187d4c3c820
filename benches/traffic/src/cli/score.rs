//! `score`: label table and output captures in, judgement out.

use std::{error::Error, path::PathBuf, process::ExitCode};

use repute_traffic::{
    labels,
    score::{self, Forwarded, Thresholds},
};

use super::report;

/// Flags of `score`.
#[derive(clap::Args)]
pub struct ScoreCommand {
    /// The label table of the input, as `generate --labels` writes it
    #[arg(long, value_name = "FILE.tsv")]
    labels: PathBuf,
    /// An output capture of the defence; repeat for every port
    #[arg(long, value_name = "OUT.pcap", required = true)]
    forwarded: Vec<PathBuf>,
    /// Attack sources with more packets than this are judged
    #[arg(long, default_value_t = 20)]
    min_packets: u64,
    /// Least share of the judged sources' attack packets that must be stopped
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    min_stopped: f64,
    /// Largest share of the benign packets that may be missing
    #[arg(long, default_value_t = 0.01, value_parser = share)]
    max_harmed: f64,
    /// Form of the report
    #[arg(short, long, value_enum, default_value_t = report::Form::Human)]
    output: report::Form,
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    number.ok_or_else(|| "expected a share from 0 to 1".to_owned())
}

impl ScoreCommand {
    /// Prints the report; the status says whether the thresholds hold.
    pub fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let labelled = labels::read(&self.labels)?;
        let mut forwarded = Forwarded::new();
        for capture in &self.forwarded {
            score::read_forwarded(capture, &mut forwarded)?;
        }
        let score = score::score(&labelled, forwarded);
        let Self { min_packets, min_stopped, max_harmed, .. } = self;
        let thresholds = Thresholds { min_packets, min_stopped, max_harmed };
        let judgement = score.judge(&thresholds);
        report::print(self.output, &score, &thresholds, &judgement)?;
        Ok(if judgement.pass { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}
