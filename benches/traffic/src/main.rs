//! `repute-traffic`: generates labelled captures and judges what a defence let through.
//!
//! Exit status: 0 done (and thresholds held), 1 thresholds missed, 2 bad flags or files.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// Seeded, labelled network traffic: generate captures, score what a defence let through.
#[derive(Parser)]
#[command(name = "repute-traffic", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Write captures with their labels; the same flags give the same bytes
    ///
    /// A component flag takes key=value pairs separated by commas; keys left out keep their defaults. It may be
    /// repeated. Named at all, it replaces what the preset has of its kind; `none` removes that kind. Times carry
    /// a unit (500us, 20ms, 10s, 2m) and count from the start of the capture; rates are per second.
    ///
    /// Example: repute-traffic generate --preset benign --scan rate=20,probes=300,start=10s --out all.pcap
    #[command(verbatim_doc_comment)]
    Generate(Box<cli::generate::Generate>),
    /// Compare output captures with the labels; exit 0 when the thresholds hold, 1 when not, 2 on bad input
    ///
    /// Frames are matched by digest over all output captures together. Packets labelled response count neither way.
    Score(cli::score::ScoreCommand),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Generate(command) => command.run(),
        Command::Score(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}
