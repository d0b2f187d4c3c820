//! `repute top`: the sources that matter now, live.

mod state;
mod view;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use repute_proto::v1;
use tokio::runtime::Runtime;

use self::state::{State, Step};
use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::score::{Sort, best, table};
use super::{explain, units};

/// Sources kept and shown at most.
const ROWS_MAX: usize = 1000;
/// How long a key is waited for before the screen is looked at again.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// How long a server may take before the last picture stays.
const PATIENCE: Duration = Duration::from_secs(2);

/// Show the sources that matter now, live
///
/// Keys: s, r, t sort by score, rate, treatment; Enter explains the selected source; ? help; q quits.
/// Without a terminal, and with -o json, one frame is printed.
#[derive(Args, Debug)]
pub struct Top {
    /// Print one frame and end
    #[arg(long)]
    once: bool,
    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
    /// Milliseconds between looks, 200 to 60000
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(200..=60_000))]
    interval: u64,
}

/// One look at the box.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub rows: Vec<v1::SourceRow>,
    /// How many sources there are.
    pub sources: u64,
    pub status: v1::StatusReport,
}

/// Runs the subcommand.
pub fn run(args: &Top, connection: &Connection, runtime: &Runtime, output: Output) -> anyhow::Result<()> {
    if args.once || output == Output::Json || !std::io::stdout().is_terminal() {
        let look = runtime.block_on(look(connection, args.sort))?;
        return print(&look, output);
    }
    let mut state = State::new(args.sort);
    let interval = Duration::from_millis(args.interval);
    let mut terminal = ratatui::try_init()?;
    let outcome = live(&mut terminal, &mut state, connection, runtime, interval);
    ratatui::restore();
    outcome
}

fn print(look: &Look, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => look.rows.iter().try_for_each(json_line),
        Output::Human => text(&format!("{}\n{}", summary(look), table(&look.rows).render())),
    }
}

/// One line about the whole box.
fn summary(look: &Look) -> String {
    let received: u64 = look.status.ports.iter().map(|port| port.received).sum();
    let dropped: u64 = look.status.dropped.iter().map(|count| count.count).sum();
    format!(
        "{} sources, {} limited; {} packets, {} dropped; conserved: {}",
        look.sources,
        look.status.mitigations_active,
        units::short(received as f64),
        units::short(dropped as f64),
        if look.status.conserved { "yes" } else { "NO" },
    )
}

async fn look(connection: &Connection, sort: Sort) -> anyhow::Result<Look> {
    let status = connection.status().get(v1::GetStatusRequest {}).await.map_err(refused)?.into_inner();
    let all = v1::ListScoresRequest::default();
    let (rows, sources) = best(connection, all, sort, ROWS_MAX).await?;
    Ok(Look { rows, sources, status })
}

fn live(
    terminal: &mut ratatui::DefaultTerminal,
    state: &mut State,
    connection: &Connection,
    runtime: &Runtime,
    interval: Duration,
) -> anyhow::Result<()> {
    let mut due = Instant::now();
    loop {
        if Instant::now() >= due {
            state.take(runtime.block_on(patiently(look(connection, state.sort()))));
            due = Instant::now() + interval;
        }
        terminal.draw(|frame| view::draw(frame, state))?;
        if !event::poll(KEY_WAIT)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        match state.key(key) {
            Step::Go => {}
            Step::Look => due = Instant::now(),
            Step::Explain(source) => {
                let asked = runtime.block_on(patiently(explain::ask(connection, &source)));
                state.explained(asked);
            }
            Step::Quit => return Ok(()),
        }
    }
}

async fn patiently<T>(asked: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => anyhow::bail!("no answer within {} s; the last picture stays", PATIENCE.as_secs()),
    }
}
