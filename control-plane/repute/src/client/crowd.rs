//! `repute crowd`: floods of strangers, which no single source reveals.

use std::fmt::Write;

use clap::{Args, Subcommand};
use repute_proto::v1;
use tokio_stream::StreamExt;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::table::Table;
use super::units::{measured, ms_ago, short, span, wrapped};

/// List and watch floods of strangers: what no single source reveals
#[derive(Subcommand, Debug)]
pub enum Crowd {
    List(List),
    Show(Show),
    Watch(Watch),
}

/// List crowds that are not calm: a line for each kind of flood
#[derive(Args, Debug)]
pub struct List {
    /// Also calm ones to which something happens
    #[arg(long)]
    all: bool,
    /// Rows at most; 0 = all
    #[arg(long, value_name = "ROWS", default_value_t = 1000)]
    limit: u64,
}

/// Show how the crowds stand around an address or inside a prefix, and what strangers get there
#[derive(Args, Debug)]
pub struct Show {
    /// Address or prefix, such as 192.0.2.7 or 192.0.2.0/24
    prefix: String,
}

/// Show crowds as they change their state
#[derive(Args, Debug)]
pub struct Watch {
    /// Begin with so many changes of the past, at most 1000
    #[arg(long, value_name = "CHANGES", default_value_t = 0)]
    past: u32,
}

/// Runs the subcommand.
pub async fn run(args: Crowd, connection: &Connection, output: Output) -> anyhow::Result<()> {
    match args {
        Crowd::List(List { all, limit }) => {
            let asked = v1::ListCrowdsRequest { all, max_rows: limit, within: String::new() };
            print(&ask(connection, asked).await?, output, |rows| table(rows).render())
        }
        Crowd::Show(Show { prefix }) => {
            let asked = v1::ListCrowdsRequest { all: true, max_rows: 0, within: prefix };
            print(&ask(connection, asked).await?, output, shown)
        }
        Crowd::Watch(Watch { past }) => watch(past, connection, output).await,
    }
}

async fn ask(
    connection: &Connection,
    asked: v1::ListCrowdsRequest,
) -> anyhow::Result<Vec<v1::CrowdStanding>> {
    let mut parts = connection.crowds().list(asked).await.map_err(refused)?.into_inner();
    let mut rows = Vec::new();
    while let Some(part) = parts.next().await {
        rows.extend(part.map_err(refused)?.rows);
    }
    Ok(rows)
}

fn print(
    rows: &[v1::CrowdStanding],
    output: Output,
    human: impl FnOnce(&[v1::CrowdStanding]) -> String,
) -> anyhow::Result<()> {
    match output {
        Output::Human => text(&human(rows)),
        Output::Json => rows.iter().try_for_each(json_line),
    }
}

async fn watch(past: u32, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let asked = v1::WatchCrowdsRequest { past };
    let events = connection.crowds().watch(asked).await.map_err(refused)?.into_inner();
    output.stream(events, line).await
}

fn line(event: &v1::CrowdEvent) -> String {
    let Some(change) = &event.change else { return format!("missed {} changes\n", event.missed) };
    let numbers = change.numbers.clone().unwrap_or_default();
    format!(
        "{:<20} {:<8} {} -> {}: {}, {} ago\n",
        change.crowd,
        change.flood,
        change.from,
        change.to,
        measure(&numbers),
        span(ms_ago(change.at_unix_ms))
    )
}

/// The numbers that a state follows from, in a few words.
pub fn measure(numbers: &v1::CrowdNumbers) -> String {
    format!(
        "{}/s, {}/s completed, excess {} of {}",
        short(numbers.per_s),
        short(numbers.completed_per_s),
        short(numbers.excess),
        short(numbers.limit)
    )
}

fn table(rows: &[v1::CrowdStanding]) -> Table {
    let mut table =
        Table::new(["<CROWD", "<FLOOD", "<STATE", ">PER S", ">COMPLETED", ">EXCESS OF", ">USUAL", "<HEARD"]);
    for row in rows {
        let numbers = row.numbers.clone().unwrap_or_default();
        table.row([
            (&row.crowd).into(),
            (&row.flood).into(),
            (&row.state).into(),
            short(numbers.per_s).into(),
            short(numbers.completed_per_s).into(),
            format!("{} {}", short(numbers.excess), measured(numbers.limit)).into(),
            short(numbers.usual_per_s).into(),
            (if numbers.heard { "yes" } else { "no" }).into(),
        ]);
    }
    table
}

/// The table, and what strangers get where they are held up. Writing to a `String` cannot fail.
fn shown(rows: &[v1::CrowdStanding]) -> String {
    if rows.is_empty() {
        return "nothing happens there that says anything of a flood\n".to_owned();
    }
    let mut out = table(rows).render();
    for row in rows {
        let senders = row.numbers.as_ref().and_then(|numbers| numbers.senders.as_ref());
        if let Some(senders) = senders {
            let text = format!("{}, {}: {}.", row.crowd, row.flood, self::senders(senders));
            let _ = write!(out, "\n{}\n", wrapped(&text, 80));
        }
        if !row.becomes.is_empty() {
            let text = format!("{}, {}: {} is held up; {}.", row.crowd, row.flood, who(row), row.becomes);
            let _ = write!(out, "\n{}\n", wrapped(&text, 80));
        }
    }
    out
}

/// Who is held up.
fn who(row: &v1::CrowdStanding) -> String {
    let numbers = row.numbers.as_ref().filter(|numbers| numbers.narrow);
    let network = numbers.and_then(|numbers| numbers.senders.as_ref()).map(|senders| &senders.network);
    network.map_or_else(
        || "a stranger".to_owned(),
        |network| format!("a stranger from {network}, and no other,"),
    )
}

/// Where senders are, in a few words.
pub fn senders(senders: &v1::CrowdSenders) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let network = match senders.network.as_str() {
        "" => "no network stands out among the senders".to_owned(),
        network => format!("{} of the senders are in {network}", percent(senders.network_share)),
    };
    let port = senders.port.map(|port| format!(", {} go to port {port}", percent(senders.port_share)));
    let port = port.unwrap_or_default();
    format!("{network}{port}, spread {:.2} of 1 ({} samples)", senders.entropy, short(senders.samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> v1::CrowdNumbers {
        v1::CrowdNumbers {
            excess: 24.0,
            limit: 12.0,
            per_s: 312.4,
            completed_per_s: 2.25,
            usual_per_s: 3.0,
            heard: true,
            senders: None,
            narrow: false,
        }
    }

    fn from_one_network() -> v1::CrowdSenders {
        v1::CrowdSenders {
            samples: 210.0,
            network: "198.51.100.0/24".into(),
            network_share: 0.934,
            port: Some(443),
            port_share: 1.0,
            entropy: 0.041,
        }
    }

    #[test]
    fn a_flood_is_a_line_and_a_sentence() {
        let row = v1::CrowdStanding {
            crowd: "2001:db8:1234:5678::/64".into(),
            flood: "syn".into(),
            state: "recovering".into(),
            numbers: Some(numbers()),
            becomes: "its SYN is withheld".into(),
        };
        let text = shown(&[row]);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("CROWD ") && lines[0].ends_with("HEARD"), "{text}");
        let cells: Vec<_> = lines[1].split_whitespace().collect();
        let expected = ["2001:db8:1234:5678::/64", "syn", "recovering", "312", "2.2", "24", "12", "3", "yes"];
        assert_eq!(cells, expected);
        assert!(lines.iter().all(|line| line.chars().count() <= 90), "{text}");
        assert!(text.contains("a stranger is held up; its SYN is withheld."), "{text}");
        assert!(shown(&[]).starts_with("nothing happens there"));
    }

    #[test]
    fn senders_are_told_and_who_of_them_is_held_up() {
        let numbers = v1::CrowdNumbers { senders: Some(from_one_network()), narrow: true, ..numbers() };
        let row = v1::CrowdStanding {
            crowd: "192.0.2.80/32".into(),
            flood: "syn".into(),
            numbers: Some(numbers),
            becomes: "its SYN is withheld".into(),
            ..Default::default()
        };
        let text = shown(&[row]).replace('\n', " ");
        let told = "syn: 93 % of the senders are in 198.51.100.0/24, 100 % go to port 443, spread 0.04 of 1 (210 samples).";
        assert!(text.contains(told), "{text}");
        assert!(
            text.contains("a stranger from 198.51.100.0/24, and no other, is held up; its SYN"),
            "{text}"
        );
        let nobody = v1::CrowdSenders { network: String::new(), port: None, ..from_one_network() };
        assert!(senders(&nobody).starts_with("no network stands out among the senders, spread"));
    }

    #[test]
    fn changes_are_lines_and_so_are_missed_ones() {
        let change = v1::CrowdChange {
            crowd: "192.0.2.80/32".into(),
            flood: "syn".into(),
            from: "suspect".into(),
            to: "flood".into(),
            numbers: Some(numbers()),
            at_unix_ms: u64::MAX,
        };
        let text = line(&v1::CrowdEvent { change: Some(change), missed: 0 });
        let expected = "192.0.2.80/32        syn      suspect -> flood: 312/s, 2.2/s completed, excess 24 of 12, \
                        0 ms ago\n";
        assert_eq!(text, expected);
        assert_eq!(line(&v1::CrowdEvent { change: None, missed: 3 }), "missed 3 changes\n");
    }
}
