//! The command line `repute`: picks the subcommand, prints its error, sets the exit code.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use repute::client;
use repute::dns::{self, Dns};
use repute::inspect::{self, Inspect};
use repute::replay::{self, Replay};

/// Senders have a standing; the standing decides what the wire gives them.
#[derive(Parser)]
#[command(name = "repute", version)]
struct Cli {
    #[command(flatten)]
    global: client::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Client(client::Command),
    Dns(Dns),
    Inspect(Inspect),
    Replay(Replay),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Client(command) => client::run(command, &cli.global, Cli::command()),
        Command::Dns(args) => dns::run(&args, &cli.global),
        Command::Inspect(args) => inspect::run(&args),
        Command::Replay(args) => replay::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
