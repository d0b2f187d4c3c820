//! Results to standard output: people or JSON. A reader that goes away early (`| head`) is no error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use repute_proto::v1::Band;
use serde::Serialize;
use tokio_stream::StreamExt;
use tonic::Streaming;

use super::connect::refused;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

impl Output {
    /// Prints what comes until its sender ends, a line each: what `human` makes of it, or JSON.
    pub async fn stream<T: Serialize>(
        self,
        mut events: Streaming<T>,
        human: impl Fn(&T) -> String,
    ) -> anyhow::Result<()> {
        while let Some(event) = events.next().await {
            let event = event.map_err(refused)?;
            match self {
                Self::Human => text(&human(&event))?,
                Self::Json => json_line(&event)?,
            }
        }
        Ok(())
    }

    /// Prints one result: what `human` makes of it, or JSON over several lines.
    pub fn one<T: Serialize>(self, result: &T, human: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        match self {
            Self::Human => text(&human(result)),
            Self::Json => text(&(serde_json::to_string_pretty(result)? + "\n")),
        }
    }
}

/// One JSON object on one line.
pub fn json_line<T: Serialize>(result: &T) -> anyhow::Result<()> {
    text(&(serde_json::to_string(result)? + "\n"))
}

/// Prints text as it is.
pub fn text(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are. Ends the process in silence when nobody reads any more.
pub fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}

/// Whether standard output shows colours: a terminal, and nobody asked for none (<https://no-color.org>).
pub fn has_colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The escape sequence (ECMA-48 SGR) of a band's colour; empty for the good ones.
pub fn colour(band: Band) -> &'static str {
    match band {
        Band::Malicious => "\x1b[31m",
        Band::Poor => "\x1b[33m",
        Band::Neutral => "\x1b[36m",
        Band::Unspecified | Band::Excellent | Band::Good => "",
    }
}
