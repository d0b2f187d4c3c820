//! `repute feed`: what others know about sources, and whether a file of theirs can be read.

mod discover;
mod push;
mod test;
mod view;
mod zone;

use clap::{Args, Subcommand};
use repute_proto::v1;
use tokio_stream::StreamExt;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use view::{feeds, one};

pub use view::terms;

pub use test::{Test, run as run_test};

/// Feeds: what others know about sources
#[derive(Subcommand, Debug)]
pub enum Feed {
    List(List),
    Show(Show),
    Refresh(Refresh),
    Push(push::Push),
    Test(Test),
}

/// List the feeds of the policy in force and how they are doing
#[derive(Args, Debug)]
pub struct List {}

/// Show one feed and its entries
#[derive(Args, Debug)]
pub struct Show {
    /// The feed
    name: String,
    /// Entries at most; 0 = all
    #[arg(long, default_value_t = 20, value_name = "N")]
    max: u64,
}

/// Ask publishers now, and wait until the workers judge by what they say
#[derive(Args, Debug)]
pub struct Refresh {
    /// The feed; without one all that can be asked
    name: Option<String>,
}

/// Runs the subcommand.
pub async fn run(feed: Feed, connection: &Connection, output: Output) -> anyhow::Result<()> {
    match feed {
        Feed::List(List {}) => {
            let list = connection.feeds().list(v1::ListFeedsRequest {}).await.map_err(refused)?.into_inner();
            print(&list.feeds, output)
        }
        Feed::Show(args) => show(args, connection, output).await,
        Feed::Refresh(args) => refresh(args, connection, output).await,
        Feed::Push(args) => push::run(&args, connection, output).await,
        Feed::Test(args) => run_test(&args, output),
    }
}

async fn refresh(args: Refresh, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let asked = v1::RefreshFeedsRequest { name: args.name.unwrap_or_default() };
    let list = connection.feeds().refresh(asked).await.map_err(refused)?.into_inner();
    print(&list.feeds, output)?;
    let failed: Vec<_> = list.feeds.iter().filter(|feed| !feed.error.is_empty()).collect();
    match failed.as_slice() {
        [] => Ok(()),
        [one] => anyhow::bail!("{}; the last good one stays in force", one.error),
        many => anyhow::bail!("{} feeds failed; their last good ones stay in force", many.len()),
    }
}

async fn show(args: Show, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut client = connection.feeds();
    if output == Output::Human {
        let list = client.list(v1::ListFeedsRequest {}).await.map_err(refused)?.into_inner();
        if let Some(feed) = list.feeds.iter().find(|feed| feed.name == args.name) {
            text(&one(feed))?;
        }
    }
    let asked = v1::ShowFeedRequest { name: args.name, max_rows: args.max };
    let mut parts = client.show(asked).await.map_err(refused)?.into_inner();
    while let Some(part) = parts.next().await.transpose().map_err(refused)? {
        match output {
            Output::Human => text(&view::entries(&part.rows))?,
            Output::Json => part.rows.iter().try_for_each(json_line)?,
        }
    }
    Ok(())
}

fn print(list: &[v1::Feed], output: Output) -> anyhow::Result<()> {
    match output {
        Output::Human => text(&feeds(list)),
        Output::Json => list.iter().try_for_each(json_line),
    }
}
