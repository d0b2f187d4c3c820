//! `repute inspect`: what the parser sees in a capture, one line a packet.
//!
//! Called by `main`. Always holds: tab-separated lines in capture order, one header line in front; warnings
//! go to standard error and do not fail the command.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use repute_wire::{Columns, Parsed, parse_ethernet, parse_ip};

use crate::capture::{Capture, Link, Record, Unusable};

/// Print what the parser sees in captures, one line a packet
///
/// Columns, tab-separated: n l2 vlan l3 src dst l4 sport dport tcp_flags ip_len ttl frag_off frag_more
/// icmp_type error. With several captures a file column comes first. Empty: does not apply.
#[derive(Args, Debug)]
pub struct Inspect {
    /// pcap or pcapng files, gzipped or not; Ethernet, raw IP, loopback or `tcpdump -i any`
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Write the lines to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    tsv: Option<PathBuf>,
}

/// Reads a captured packet as what its link type says it is.
pub fn parse(record: &Record<'_>) -> Parsed {
    match record.link {
        Link::Ethernet => parse_ethernet(record.data, record.wire_len),
        Link::RawIp => parse_ip(record.data, record.wire_len),
    }
}

/// Runs the subcommand.
///
/// # Errors
/// A capture that cannot be opened or is of no supported kind; output that cannot be written. A reader of
/// the output that goes away early (`| head`) is no error.
pub fn run(args: &Inspect) -> anyhow::Result<()> {
    let written = match &args.tsv {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{}: cannot create", path.display()))?;
            write_all(args, file).with_context(|| format!("{}: cannot write", path.display()))
        }
        None => write_all(args, io::stdout().lock()),
    };
    written.or_else(|error| match error.downcast_ref::<io::Error>() {
        Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

fn write_all(args: &Inspect, out: impl Write) -> anyhow::Result<()> {
    let mut out = BufWriter::new(out);
    let several = args.captures.len() > 1;
    let file = if several { "file\t" } else { "" };
    writeln!(out, "{file}n\t{}", Columns::HEADER)?;
    let mut unusable = Unusable::default();
    for path in &args.captures {
        unusable.note(write_one(path, several, &mut out))?;
    }
    out.flush()?;
    unusable.finish()
}

fn write_one(path: &Path, several: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let mut capture = Capture::open(path)?;
    let mut n = 0_u64;
    while let Some(record) = capture.next()? {
        n += 1;
        if several {
            write!(out, "{}\t", path.display())?;
        }
        writeln!(out, "{n}\t{}", Columns(&parse(&record)))?;
    }
    if let Some(warning) = capture.warning() {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
