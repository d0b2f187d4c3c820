//! `repute dns`: the DNS side of the box, as far as it needs no server.
//!
//! Called by `main`. Always holds: works offline.

mod names;
mod text;

use clap::{Args, Subcommand};

/// Look at what the box makes of DNS
#[derive(Args, Debug)]
pub struct Dns {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Names(names::Names),
}

/// Runs the subcommand.
///
/// # Errors
/// What the subcommand cannot do.
pub fn run(args: &Dns) -> anyhow::Result<()> {
    match &args.command {
        Command::Names(args) => names::run(args),
    }
}
