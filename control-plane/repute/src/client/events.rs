//! `repute events` and `repute incident`: what happens on the box, and who takes care of it.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use repute_proto::v1;
use tokio_stream::StreamExt;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::table::Table;
use super::units::{ms_ago, span};

/// Largest alert that is sent, in bytes.
const ALERT_MAX: u64 = 32 << 10;

/// Watch what happens on the box, and hand in alerts
#[derive(Subcommand, Debug)]
pub enum Events {
    Watch(Watch),
    Alert(Alert),
    /// Print the JSON Schema of events
    Schema,
}

/// Show events as they happen
#[derive(Args, Debug)]
pub struct Watch {
    /// Only this kind; may be given several times
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Only this severity or worse: info, notice, warning, error, critical
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    least: String,
}

/// Hand in one alert: an EVE record, or a line that carries CEF or EVE
#[derive(Args, Debug)]
pub struct Alert {
    /// File of the alert; - = standard input
    #[arg(default_value = "-")]
    file: PathBuf,
}

/// See who is limited and whether somebody takes care
#[derive(Subcommand, Debug)]
pub enum Incident {
    /// List open incidents, the oldest first
    List,
    Ack(Ack),
}

/// Take care of an incident: nobody else is told
#[derive(Args, Debug)]
pub struct Ack {
    /// Its id, from `repute incident list`
    incident: String,
    /// Who takes care
    #[arg(long, value_name = "NAME", env = "USER")]
    who: String,
}

/// Prints the schema; needs no server.
pub fn schema() -> anyhow::Result<()> {
    text(&format!("{:#}\n", repute_siem::json_schema()))
}

/// Runs the subcommand.
pub async fn run(args: Events, connection: &Connection, output: Output) -> anyhow::Result<()> {
    match args {
        Events::Watch(args) => watch(args, connection, output).await,
        Events::Alert(args) => alert(&args, connection, output).await,
        Events::Schema => schema(),
    }
}

async fn watch(args: Watch, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let Watch { kind, least } = args;
    let asked = v1::SubscribeRequest { kinds: kind, least };
    let mut events = connection.events().subscribe(asked).await.map_err(refused)?.into_inner();
    while let Some(event) = events.next().await {
        let event = event.map_err(refused)?;
        match output {
            Output::Human => text(&format!("{:<8} {:<18} {}\n", event.severity, event.kind, event.text))?,
            Output::Json => text(&(event.json + "\n"))?,
        }
    }
    Ok(())
}

async fn alert(args: &Alert, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let name = args.file.display();
    let mut record = Vec::new();
    let read = if args.file.as_os_str() == "-" {
        std::io::stdin().take(ALERT_MAX + 1).read_to_end(&mut record)
    } else {
        std::fs::File::open(&args.file).and_then(|file| file.take(ALERT_MAX + 1).read_to_end(&mut record))
    };
    read.with_context(|| format!("{name}: cannot read the alert"))?;
    anyhow::ensure!(
        record.len() as u64 <= ALERT_MAX,
        "{name}: longer than {ALERT_MAX} bytes: hand in one alert"
    );
    let answer = connection.events().alert(v1::AlertRequest { record }).await.map_err(refused)?.into_inner();
    output.one(&answer, |answer| {
        let taken = "taken; repute events watch shows what becomes of it\n";
        if answer.is_alert { taken } else { "no alert: another event, left out\n" }.to_owned()
    })
}

/// Runs the subcommand.
pub async fn incident(args: Incident, connection: &Connection, output: Output) -> anyhow::Result<()> {
    match args {
        Incident::List => list(connection, output).await,
        Incident::Ack(Ack { incident, who }) => {
            let asked = v1::AcknowledgeRequest { incident, who };
            let done = connection.events().acknowledge(asked).await.map_err(refused)?.into_inner();
            output.one(&done, |_| "acknowledged\n".to_owned())
        }
    }
}

async fn list(connection: &Connection, output: Output) -> anyhow::Result<()> {
    let answer = connection.events().incidents(v1::IncidentsRequest {}).await.map_err(refused)?.into_inner();
    match output {
        Output::Human => text(&table(&answer.incidents).render()),
        Output::Json => answer.incidents.iter().try_for_each(json_line),
    }
}

fn table(incidents: &[v1::Incident]) -> Table {
    let mut table = Table::new(["<INCIDENT", "<SOURCE", "<CAUSE", ">SINCE", ">STEP", "<TAKEN CARE OF BY"]);
    for one in incidents {
        table.row([
            (&one.id).into(),
            (&one.source).into(),
            (&one.cause).into(),
            span(ms_ago(one.began_unix_ms)).into(),
            one.step.into(),
            (&one.acknowledged).into(),
        ]);
    }
    table
}
