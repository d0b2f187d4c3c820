//! The daemon: boots the ports, pins the workers, serves the API, and gives a closing account.
//!
//! Exit codes: 0 ended as asked, 1 failed (`preflight`: found a problem), 2 wrong usage.
//!
//! **Architecture invariant:** nothing that happens on the control thread can stop a worker; a worker ends
//! only by its stop flag or with its captures.
#![forbid(unsafe_code)]

mod args;
mod boot;
mod breaths;
mod capture;
mod closing;
mod config;
mod control;
mod cores;
mod crew;
mod devices;
mod events;
mod io;
mod links;
mod live;
mod machine;
mod memory;
mod ports;
mod preflight;
mod privileges;
mod rss;
mod security;
mod service;
mod staff;
mod state;
mod worker;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("REPUTE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal).init();
    let outcome = match cli.command {
        Command::Run(run) => machine::check().and_then(|()| control::run(&run)).map(|()| ExitCode::SUCCESS),
        Command::Preflight(preflight) => preflight::run(&preflight),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
