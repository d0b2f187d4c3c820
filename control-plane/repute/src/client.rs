//! The subcommands that talk to a running `reputed`, and those that only need the config language.
//!
//! Called by `main`. **Always holds:** results go to standard output, everything else to standard error;
//! with `-o json` standard output carries JSON and nothing else: one object, or one a line where a command
//! lists or watches.

mod connect;
mod crowd;
mod dns;
mod events;
mod explain;
mod feed;
mod honeypot;
mod keys;
mod mitigations;
pub(crate) mod output;
mod past;
mod pki;
mod policy;
mod policy_check;
mod score;
mod service;
mod status;
mod table;
mod top;
mod treatment;
mod units;
mod week;

use clap::{Args, Subcommand};

use connect::{Connection, Server};
pub use dns::Dns;
use output::Output;
use tokio::runtime::Runtime;

/// Options of every subcommand that talks to reputed.
#[derive(Args, Debug)]
pub struct Global {
    #[command(flatten)]
    server: Server,
    /// How to print results
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
#[expect(
    missing_docs,
    reason = "clap shows what stands at each variant's arguments, unless it has a text of its own"
)]
pub enum Command {
    Status(status::Status),
    Top(top::Top),
    #[command(subcommand)]
    Score(score::Score),
    Explain(explain::Explain),
    #[command(subcommand)]
    Service(service::Service),
    #[command(subcommand)]
    Mitigations(mitigations::Mitigations),
    #[command(subcommand)]
    Crowd(crowd::Crowd),
    #[command(subcommand)]
    Events(events::Events),
    #[command(subcommand)]
    Incident(events::Incident),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Key(keys::Key),
    #[command(subcommand)]
    Token(keys::Token),
    #[command(subcommand)]
    Pki(pki::Pki),
    #[command(subcommand)]
    Audit(pki::Audit),
    #[command(subcommand)]
    Feed(feed::Feed),
    #[command(subcommand)]
    Config(Config),
    Completions(Completions),
}

/// About the config language
#[derive(Subcommand, Debug)]
pub enum Config {
    /// Print the JSON Schema of the config, for editors
    Schema,
}

/// Print a completion script for a shell
#[derive(Args, Debug)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Runs a subcommand; `cli` is the whole command line, for completions.
///
/// # Errors
/// A server that cannot be reached or refuses; a file that cannot be read; a policy with mistakes. Each
/// error names a way out.
pub fn run(command: Command, global: &Global, cli: clap::Command) -> anyhow::Result<()> {
    match command {
        Command::Config(Config::Schema) => output::text(&(repute_policy::json_schema() + "\n")),
        Command::Events(events::Events::Schema) => events::schema(),
        Command::Completions(Completions { shell }) => completions(shell, cli),
        Command::Pki(args) => pki::run(args),
        Command::Audit(args) => pki::run_audit(&args, global.output),
        Command::Policy(policy::Policy::Check(check)) => policy_check::run(&check, global.output),
        Command::Feed(feed::Feed::Test(test)) => feed::run_test(&test, global.output),
        command => online(command, global),
    }
}

fn completions(shell: clap_complete::Shell, mut cli: clap::Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "repute", &mut script);
    output::bytes(&script)
}

/// Runs a subcommand of `repute dns` that needs a server.
///
/// # Errors
/// A server that cannot be reached or refuses.
pub fn run_dns(command: &Dns, global: &Global) -> anyhow::Result<()> {
    let (runtime, connection) = connected(global)?;
    runtime.block_on(dns::run(command, &connection, global.output))
}

/// A connection, and what runs on this thread alone.
fn connected(global: &Global) -> anyhow::Result<(Runtime, Connection)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let connection = runtime.block_on(Connection::open(&global.server))?;
    Ok((runtime, connection))
}

/// What needs a server: on this thread alone.
fn online(command: Command, global: &Global) -> anyhow::Result<()> {
    let (runtime, connection) = connected(global)?;
    let output = global.output;
    if let Command::Top(args) = command {
        return top::run(&args, &connection, &runtime, output);
    }
    runtime.block_on(async {
        match command {
            Command::Status(args) => status::run(&args, &connection, output).await,
            Command::Score(args) => score::run(args, &connection, output).await,
            Command::Explain(args) => explain::run(&args, &connection, output).await,
            Command::Service(args) => service::run(args, &connection, output).await,
            Command::Mitigations(args) => mitigations::run(&args, &connection, output).await,
            Command::Crowd(args) => crowd::run(args, &connection, output).await,
            Command::Events(args) => events::run(args, &connection, output).await,
            Command::Incident(args) => events::incident(args, &connection, output).await,
            Command::Policy(args) => policy::run(args, &connection, output).await,
            Command::Key(args) => keys::run(args, &connection, output).await,
            Command::Token(args) => keys::run_token(args, &connection, output).await,
            Command::Feed(args) => feed::run(args, &connection, output).await,
            Command::Top(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Pki(_)
            | Command::Audit(_) => Ok(()),
        }
    })
}
