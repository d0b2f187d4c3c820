//! `repute feed push`: brings a feed in parts, so that no message is large.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use repute_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::test::progress;
use super::view::one;
use crate::client::connect::{Connection, refused};
use crate::client::output::Output;

/// Bytes of a part.
const PART: u64 = 256 << 10;
/// Parts read ahead.
const AHEAD: usize = 4;

/// Bring a feed that has `push = true`, and wait until the workers judge by it
#[derive(Args, Debug)]
pub struct Push {
    /// The feed
    name: String,
    /// What it says now, in its format, packed with gzip or not
    file: PathBuf,
}

/// Runs the subcommand.
pub async fn run(args: &Push, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let path = &args.file;
    let file = File::open(path).with_context(|| format!("{}: cannot open", path.display()))?;
    let bar = progress(file.metadata()?.len());
    let (parts, sent) = mpsc::channel(AHEAD);
    let (name, of_bar) = (args.name.clone(), bar.clone());
    // Reading may block, and this is the one thread there is.
    let reading = tokio::task::spawn_blocking(move || read(file, &name, &of_bar, &parts));
    let answer = connection.feeds().push(ReceiverStream::new(sent)).await;
    bar.finish_and_clear();
    let feed = answer.map_err(refused)?.into_inner();
    reading.await?.with_context(|| format!("{}: cannot read", path.display()))?;
    output.one(&feed, one)
}

/// Sends all of the file; the first part is there whatever it holds.
fn read(
    mut file: File,
    name: &str,
    bar: &ProgressBar,
    parts: &mpsc::Sender<v1::PushFeedRequest>,
) -> std::io::Result<()> {
    let mut name = name.to_owned();
    loop {
        let mut part = Vec::new();
        let read = (&mut file).take(PART).read_to_end(&mut part)?;
        if read == 0 && name.is_empty() {
            return Ok(());
        }
        bar.inc(read as u64);
        let message = v1::PushFeedRequest { name: std::mem::take(&mut name), part };
        if parts.blocking_send(message).is_err() {
            // The answer says why nobody wants more.
            return Ok(());
        }
    }
}
