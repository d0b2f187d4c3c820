//! `repute dns names`: how random names look to the built-in model.
//!
//! Called by `dns`. Always holds: one line out for each good line in, in that order; memory is bounded whatever the
//! input holds; a bad line is told with its number and stops nothing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use repute_reputation::names::NameModel;

use super::text::{BadName, labels};
use crate::client::output;

/// Score domain names, one a line: name, tab, how likely a machine made it up (0 to 1)
///
/// Works offline. Scored is the label in front of the public suffix, and what tunnels put in front of it. Unusual
/// bytes are written as in zone files, \. and \DDD. The exit code is 1 if a line was no name.
#[derive(Args, Debug)]
pub struct Names {
    /// The file to read [default: standard input]
    file: Option<PathBuf>,
}

/// The longest line: a name of 253 bytes, each escaped, with room for a line's end.
const LINE_MAX: usize = 1024;
/// How much is gathered before it is written.
const PIECE: usize = 1 << 16;

/// Runs the subcommand.
///
/// # Errors
/// A file that cannot be read; output that cannot be written; lines that are no names, after all others were scored.
pub fn run(args: &Names) -> anyhow::Result<()> {
    let model = NameModel::built_in()?;
    let bad = match &args.file {
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).with_context(|| format!("{name}: cannot open"))?;
            score(&model, &name, BufReader::new(file))?
        }
        None => score(&model, "standard input", io::stdin().lock())?,
    };
    match bad {
        0 => Ok(()),
        1 => bail!("1 line was no domain name"),
        _ => bail!("{bad} lines were no domain names"),
    }
}

/// Scores every line; how many were bad.
fn score(model: &NameModel, source: &str, mut input: impl BufRead) -> anyhow::Result<u64> {
    let (mut line, mut out, mut number, mut bad) = (Vec::new(), Vec::new(), 0_u64, 0);
    loop {
        number += 1;
        let whole = next(&mut input, &mut line).with_context(|| format!("{source}:{number}: cannot read"))?;
        let Some(whole) = whole else { break };
        let name = line.trim_ascii();
        match if whole { labels(name) } else { Err(BadName::Line(LINE_MAX)) } {
            Ok(labels) => {
                let probability = model.probability(labels.iter().map(Vec::as_slice));
                out.extend_from_slice(name);
                writeln!(out, "\t{probability:.4}")?;
            }
            Err(error) => {
                bad += 1;
                eprintln!("{source}:{number}: {error}");
            }
        }
        if out.len() >= PIECE {
            output::bytes(&out)?;
            out.clear();
        }
    }
    output::bytes(&out)?;
    Ok(bad)
}

/// Reads the next line. `None` at the end; false if it was too long, when the rest of it is passed over.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    if input.by_ref().take(LINE_MAX as u64).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let whole = line.ends_with(b"\n") || line.len() < LINE_MAX;
    if !whole {
        input.skip_until(b'\n')?;
    }
    Ok(Some(whole))
}
