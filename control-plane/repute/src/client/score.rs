//! `repute score`: the standing of sources.

use clap::{Args, Subcommand, ValueEnum};
use repute_proto::v1;
use tokio_stream::StreamExt;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::table::{Cell, Table};
use super::treatment::{hardness, name};
use super::units::{brief, short};

/// Look up, list, watch and move scores
#[derive(Subcommand, Debug)]
pub enum Score {
    /// Show the standing of one source
    Get {
        /// Address or prefix, such as 192.0.2.7 or 2001:db8:0:1::/64
        source: String,
    },
    List(List),
    /// Show the standing of sources now, and again whenever it changes
    Watch {
        /// Addresses or prefixes, at most 64
        #[arg(required = true, num_args = 1..=64)]
        sources: Vec<String>,
        /// Milliseconds between looks, 100 to 60000
        #[arg(long, value_name = "MS", default_value_t = 1000)]
        interval: u32,
    },
    Nudge(Nudge),
}

/// List sources, the worst first
#[derive(Args, Debug)]
pub struct List {
    /// Only this band and worse
    #[arg(long, value_enum)]
    band: Option<BandName>,
    /// Only sources in this service, with what they do there
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,
    /// Only sources with at least so many packets per second now
    #[arg(long, value_name = "PPS", default_value_t = 0.0)]
    min_rate: f32,
    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
    /// Rows at most
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// All rows, as they come, unsorted
    #[arg(long, conflicts_with_all = ["limit", "sort"])]
    all: bool,
}

/// Move one source's score
#[derive(Args, Debug)]
pub struct Nudge {
    /// Address or prefix; gets an entry if it has none
    source: String,
    /// Points of 10000, -10000 to 10000; positive is more trust
    #[arg(allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-10_000..=10_000))]
    delta: i32,
    /// Also forget what was counted against it
    #[arg(long)]
    forgive: bool,
    /// Why, for the log
    #[arg(long, default_value = "")]
    note: String,
}

/// A band on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BandName {
    Excellent,
    Good,
    Neutral,
    Poor,
    Malicious,
}

impl From<BandName> for v1::Band {
    fn from(name: BandName) -> Self {
        match name {
            BandName::Excellent => Self::Excellent,
            BandName::Good => Self::Good,
            BandName::Neutral => Self::Neutral,
            BandName::Poor => Self::Poor,
            BandName::Malicious => Self::Malicious,
        }
    }
}

/// What comes first in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Sort {
    /// The lowest score
    #[default]
    Score,
    /// The most packets per second
    Rate,
    /// The hardest treatment
    Treatment,
    /// The lowest score in its services
    Standing,
}

impl Sort {
    /// Puts the rows in order; equal ones by source.
    pub fn sort(self, rows: &mut [v1::SourceRow]) {
        rows.sort_by(|a, b| {
            let order = match self {
                Self::Score => a.score.cmp(&b.score),
                Self::Rate => b.packets_per_s.total_cmp(&a.packets_per_s),
                Self::Treatment => hardness(b.treatment.as_ref()).cmp(&hardness(a.treatment.as_ref())),
                Self::Standing => in_service(a).cmp(&in_service(b)),
            };
            order.then_with(|| a.score.cmp(&b.score)).then_with(|| a.source.cmp(&b.source))
        });
    }
}

/// The score in its services; whoever has none comes last.
fn in_service(row: &v1::SourceRow) -> u32 {
    row.service_standing.map_or(u32::MAX, |standing| standing.score)
}

/// Runs the subcommand.
pub async fn run(args: Score, connection: &Connection, output: Output) -> anyhow::Result<()> {
    match args {
        Score::Get { source } => get(source, connection, output).await,
        Score::List(list) if list.all => list_all(&list, connection, output).await,
        Score::List(list) => list_best(&list, connection, output).await,
        Score::Watch { sources, interval } => watch(sources, interval, connection, output).await,
        Score::Nudge(args) => nudge(args, connection, output).await,
    }
}

async fn get(source: String, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let asked = v1::GetScoreRequest { source };
    let standing = connection.scores().get(asked).await.map_err(refused)?.into_inner();
    output.one(&standing, |standing| standings(std::slice::from_ref(standing)).render())
}

async fn watch(
    sources: Vec<String>,
    interval_ms: u32,
    connection: &Connection,
    output: Output,
) -> anyhow::Result<()> {
    let asked = v1::WatchScoresRequest { sources, interval_ms };
    let mut standings = connection.scores().watch(asked).await.map_err(refused)?.into_inner();
    while let Some(standing) = standings.next().await {
        let standing = standing.map_err(refused)?;
        match output {
            Output::Human => text(&watched(&standing))?,
            Output::Json => json_line(&standing)?,
        }
    }
    Ok(())
}

fn watched(standing: &v1::Standing) -> String {
    let (score, band) = (standing.score, standing.band().name());
    let treatment = name(standing.treatment.as_ref());
    format!("{:<20} {score:>5} {band:<9} {treatment}\n", standing.source)
}

fn standings(standings: &[v1::Standing]) -> Table {
    let mut table = Table::new(["<SOURCE", ">SCORE", "<BAND", "<TREATMENT", "<TRACKED", ">POLICY"]);
    for standing in standings {
        table.row([
            (&standing.source).into(),
            standing.score.into(),
            Cell::band(standing.band()),
            name(standing.treatment.as_ref()).into(),
            (if standing.tracked { "yes" } else { "no" }).into(),
            standing.policy_version.into(),
        ]);
    }
    table
}

async fn nudge(args: Nudge, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let Nudge { source, delta, forgive, note } = args;
    let asked = v1::NudgeRequest { source, delta, forgive, note };
    let nudged = connection.scores().nudge(asked).await.map_err(refused)?.into_inner();
    output.one(&nudged, |n| format!("{}: score {} -> {}\n", n.source, n.before, n.after))
}

fn request(list: &List) -> v1::ListScoresRequest {
    v1::ListScoresRequest {
        band: list.band.map_or(v1::Band::Unspecified, v1::Band::from).into(),
        min_packets_per_s: list.min_rate,
        max_rows: 0,
        page_token: String::new(),
        service: list.service.clone(),
    }
}

async fn list_all(list: &List, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut pages = connection.scores().list(request(list)).await.map_err(refused)?.into_inner();
    while let Some(page) = pages.next().await {
        let page = page.map_err(refused)?;
        match output {
            Output::Human if page.rows.is_empty() => {}
            Output::Human => text(&table(&page.rows).render())?,
            Output::Json => page.rows.iter().try_for_each(json_line)?,
        }
    }
    Ok(())
}

async fn list_best(list: &List, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let (rows, seen) = best(connection, request(list), list.sort, list.limit as usize).await?;
    if output == Output::Json {
        return rows.iter().try_for_each(json_line);
    }
    text(&table(&rows).render())?;
    if seen > rows.len() as u64 {
        eprintln!("{} of {seen} sources; --limit ROWS or --all shows more", rows.len());
    }
    Ok(())
}

/// The first `limit` rows in the order of `sort`, and how many there are. Keeps no more than it must.
pub async fn best(
    connection: &Connection,
    request: v1::ListScoresRequest,
    sort: Sort,
    limit: usize,
) -> anyhow::Result<(Vec<v1::SourceRow>, u64)> {
    let mut pages = connection.scores().list(request).await.map_err(refused)?.into_inner();
    let (mut rows, mut seen) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.map_err(refused)?;
        seen += page.rows.len() as u64;
        rows.extend(page.rows);
        if rows.len() > limit * 2 + 4096 {
            sort.sort(&mut rows);
            rows.truncate(limit);
        }
    }
    sort.sort(&mut rows);
    rows.truncate(limit);
    Ok((rows, seen))
}

/// Rows for people; where the config has services, with how they stand there.
pub fn table(rows: &[v1::SourceRow]) -> Table {
    const HEADER: [&str; 7] = ["<SOURCE", ">SCORE", "<BAND", "<TREATMENT", ">PKT/S", ">BIT/S", ">IDLE"];
    if rows.iter().all(|row| row.service_standing.is_none()) {
        let mut table = Table::new(HEADER);
        rows.iter().for_each(|row| table.row(cells(row)));
        return table;
    }
    let [source, score, band, treatment, packets, bits, idle] = HEADER;
    let mut table = Table::new([source, score, band, treatment, packets, bits, idle, "<SERVICE", ">THERE"]);
    for row in rows {
        let there = row.service_standing.map_or_else(String::new, |standing| standing.score.to_string());
        let [source, score, band, treatment, packets, bits, idle] = cells(row);
        table.row([source, score, band, treatment, packets, bits, idle, (&row.service).into(), there.into()]);
    }
    table
}

fn cells(row: &v1::SourceRow) -> [Cell; 7] {
    [
        (&row.source).into(),
        row.score.into(),
        Cell::band(row.band()),
        name(row.treatment.as_ref()).into(),
        short(row.packets_per_s.into()).into(),
        short(f64::from(row.bytes_per_s) * 8.0).into(),
        brief(row.idle_ms.into()).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_that_was_asked_for() {
        let row = |source: &str, score, rate, drop| v1::SourceRow {
            source: source.into(),
            score,
            packets_per_s: rate,
            treatment: Some(v1::Treatment { log: true, drop, ..Default::default() }),
            ..Default::default()
        };
        let mut rows = vec![row("a", 5, 1.0, false), row("b", 3, 9.0, false), row("c", 7, 2.0, true)];
        for (sort, order) in [(Sort::Score, "bac"), (Sort::Rate, "bca"), (Sort::Treatment, "cba")] {
            sort.sort(&mut rows);
            assert_eq!(rows.iter().map(|row| row.source.as_str()).collect::<String>(), order);
        }
    }
}
