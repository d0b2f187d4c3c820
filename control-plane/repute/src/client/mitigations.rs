//! `repute mitigations`: who is limited, and who was.

use clap::{Args, Subcommand};
use repute_proto::v1;
use tokio_stream::StreamExt;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::table::{Cell, Table};
use super::treatment::name;
use super::units::span;

/// List and watch limits imposed on sources
#[derive(Subcommand, Debug)]
pub enum Mitigations {
    List(List),
    /// Show limits as they begin, change and end
    Watch,
}

/// List limits: active ones by source, past ones from the latest on
#[derive(Args, Debug)]
pub struct List {
    /// Only those in force
    #[arg(long, conflicts_with = "past")]
    active: bool,
    /// Only those that have ended
    #[arg(long)]
    past: bool,
    /// Rows at most; 0 = all that are remembered
    #[arg(long, value_name = "ROWS", default_value_t = 1000)]
    limit: u64,
}

/// Runs the subcommand.
pub async fn run(args: &Mitigations, connection: &Connection, output: Output) -> anyhow::Result<()> {
    match args {
        Mitigations::List(args) => list(args, connection, output).await,
        Mitigations::Watch => watch(connection, output).await,
    }
}

async fn list(args: &List, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let List { active, past, limit } = *args;
    let asked = v1::ListMitigationsRequest { active, past, max_rows: limit };
    let mut parts = connection.mitigations().list(asked).await.map_err(refused)?.into_inner();
    let mut rows = Vec::new();
    while let Some(part) = parts.next().await {
        rows.extend(part.map_err(refused)?.rows);
    }
    match output {
        Output::Human => text(&table(&rows).render()),
        Output::Json => rows.iter().try_for_each(json_line),
    }
}

async fn watch(connection: &Connection, output: Output) -> anyhow::Result<()> {
    let events =
        connection.mitigations().watch(v1::WatchMitigationsRequest {}).await.map_err(refused)?.into_inner();
    output.stream(events, line).await
}

fn line(event: &v1::MitigationEvent) -> String {
    let Some(limit) = &event.mitigation else { return format!("missed  {} events\n", event.missed) };
    let change = event.change().name();
    let (source, treatment, cause) = (&limit.source, name(limit.treatment.as_ref()), &limit.cause);
    let after = match event.change() {
        v1::MitigationChange::Ended => format!(" after {}", span(limit.duration_ms)),
        _ => String::new(),
    };
    let only = if limit.shadow { "only told: " } else { "" };
    format!("{change:<7} {source:<20} {only}{treatment} because of {cause} (score {}){after}\n", limit.score)
}

fn state(limit: &v1::Mitigation) -> &'static str {
    match (limit.ended_unix_ms.is_some(), limit.shadow) {
        (false, false) => "active",
        (true, false) => "past",
        (false, true) => "shadow",
        (true, true) => "past shadow",
    }
}

fn table(rows: &[v1::Mitigation]) -> Table {
    let mut table = Table::new(["<SOURCE", "<STATE", "<BAND", ">SCORE", "<TREATMENT", "<CAUSE", ">LASTED"]);
    for limit in rows {
        table.row([
            (&limit.source).into(),
            state(limit).into(),
            Cell::band(limit.band()),
            limit.score.into(),
            name(limit.treatment.as_ref()).into(),
            (&limit.cause).into(),
            span(limit.duration_ms).into(),
        ]);
    }
    table
}
