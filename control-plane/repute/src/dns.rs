//! `repute dns`: the DNS side of the box. What needs a server is in `client/dns`.
//!
//! Called by `main`. Always holds: names are scored offline.

mod names;
mod text;

use clap::{Args, Subcommand};

use crate::client::{self, Global};

/// Look at what the box makes of DNS
#[derive(Args, Debug)]
pub struct Dns {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Names(names::Names),
    #[command(flatten)]
    Online(client::Dns),
}

/// Runs the subcommand.
///
/// # Errors
/// What the subcommand cannot do.
pub fn run(args: &Dns, global: &Global) -> anyhow::Result<()> {
    match &args.command {
        Command::Names(args) => names::run(args),
        Command::Online(command) => client::run_dns(command, global),
    }
}
