//! `repute replay`: the live engine on a capture's own time.
//!
//! Called by `main`. What happens here to a packet is what the appliance would have done with it: the
//! same engine, the same batches (see `repute_engine::batch_len`), only clock and I/O differ. The same
//! command gives the same bytes, always.

mod against;
mod crowds;
mod feed;
mod hours;
mod rehearsal;
mod services;
mod sources;
mod summary;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use repute_feeds::geo::Atlas;
use repute_model::{Homes, Judgement, Prefix};
use repute_policy::{Checked, Config};
use repute_wire::Columns;

use crate::capture::Unusable;
use against::Against;
use feed::Feed;
use hours::Weeks;
use rehearsal::{Judged, Rehearsal};
use services::Services;
use sources::Sources;
use summary::Summary;

/// Replay captures through a policy with the live engine
///
/// Without --inside every source is outside and every destination protected. Packets and sources can be
/// written out for other tools; a summary always goes to standard output.
#[derive(Args, Debug)]
pub struct Replay {
    /// The policy to judge by
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Protected prefixes: what comes from there is inside
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    inside: Vec<Prefix>,
    /// Write one line a packet: the columns of inspect, then verdict reason band score treatment
    #[arg(long, value_name = "FILE.tsv")]
    packets: Option<PathBuf>,
    /// Write the standing of every source at the end, as a JSON list
    #[arg(long, value_name = "FILE.json")]
    sources: Option<PathBuf>,
    /// Write what became of each service's packets, as a JSON list; with --against also there
    #[arg(long, value_name = "FILE.json")]
    services: Option<PathBuf>,
    /// Write every change of a crowd's state, as a JSON list
    #[arg(long, value_name = "FILE.json")]
    crowds: Option<PathBuf>,
    /// Show what would change under this other policy, and what each service's packets would go through
    #[arg(long, value_name = "OTHER.toml")]
    against: Option<PathBuf>,
    /// Begin with what a box has learnt of its services' weeks: the output of `repute service show NAME --json`, of one
    /// or several services
    #[arg(long, value_name = "FILE.json")]
    weeks: Option<PathBuf>,
    /// Merge the captures by time into one run, in place of a fresh engine for each
    #[arg(long)]
    together: bool,
    /// pcap or pcapng files, gzipped or not; Ethernet, raw IP, loopback or `tcpdump -i any`
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

/// Runs the subcommand.
///
/// # Errors
/// A policy with mistakes, a capture that cannot be opened or is of no supported kind, output that
/// cannot be written.
pub fn run(args: &Replay) -> anyhow::Result<()> {
    let policy = Standard::read(&args.config)?;
    let other = args.against.as_deref().map(Standard::read).transpose()?;
    let weeks = args.weeks.as_deref().map(hours::read).transpose()?.unwrap_or_default();
    let several = args.captures.len() > 1;
    let mut out = Output::create(args, several)?;
    let runs: Vec<&[PathBuf]> =
        if args.together { vec![&args.captures] } else { args.captures.chunks(1).collect() };
    let by = Standards { policy: &policy, other: other.as_ref(), weeks: &weeks };
    let mut unusable = Unusable::default();
    for captures in runs {
        unusable.note(replay(args, captures, &by, &mut out))?;
    }
    out.finish()?;
    unusable.finish()
}

/// One policy, and where it knows sources to be at home.
struct Standard {
    checked: Checked,
    homes: Homes,
}

impl Standard {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
        let checked = Config::parse(&path.display().to_string(), &text)
            .map_err(|mistakes| anyhow::anyhow!("{mistakes}"))?;
        let homes = Atlas::open(&checked.home_files())?.homes()?;
        Ok(Self { checked, homes })
    }
}

/// What captures are judged by.
struct Standards<'a> {
    policy: &'a Standard,
    /// The policy of `--against`.
    other: Option<&'a Standard>,
    weeks: &'a Weeks,
}

fn replay(args: &Replay, captures: &[PathBuf], by: &Standards<'_>, out: &mut Output) -> anyhow::Result<()> {
    let mut feed = Feed::open(captures)?;
    let mut rehearsal = Rehearsal::new(by.policy, &args.inside, by.weeks);
    let mut against = by.other.map(|other| Against::new(other, &args.inside, by.weeks));
    let (mut sources, mut summary) = (Sources::default(), Summary::default());
    let mut services = Services::new(against.is_some());
    while let Some(batch) = feed.next_batch()? {
        let changed = against.as_mut().map(|against| against.judge(&batch));
        let judged = rehearsal.judge(&batch);
        if let (Some(against), Some(changed)) = (&mut against, &changed) {
            against.compare(&judged, changed);
        }
        for (i, one) in judged.iter().enumerate() {
            services.note(one, changed.as_ref().and_then(|changed| changed.get(i)));
            sources.note(one);
            summary.note(one);
            out.packet(one, captures)?;
        }
    }
    feed.finish();
    let file = (out.several && !args.together).then(|| captures[0].as_path());
    out.sources(sources.into_rows(&rehearsal, file))?;
    out.crowds(crowds::rows(&rehearsal, file));
    summary.print(captures, &rehearsal);
    if let Some(against) = against {
        against.print();
    }
    print!("{}", services.table());
    out.services(services.into_rows(file));
    Ok(())
}

/// The files that a run writes.
struct Output {
    packets: Option<BufWriter<File>>,
    sources: Option<(PathBuf, Vec<sources::Row>)>,
    services: Option<(PathBuf, Vec<services::Row>)>,
    crowds: Option<(PathBuf, Vec<crowds::Row>)>,
    several: bool,
}

impl Output {
    fn create(args: &Replay, several: bool) -> anyhow::Result<Self> {
        let packets = args.packets.as_deref().map(create).transpose()?;
        let sources = args.sources.clone().map(|path| (path, Vec::new()));
        let services = args.services.clone().map(|path| (path, Vec::new()));
        let crowds = args.crowds.clone().map(|path| (path, Vec::new()));
        let mut out = Self { packets, sources, services, crowds, several };
        if let Some(packets) = &mut out.packets {
            let file = if several { "file\t" } else { "" };
            writeln!(packets, "{file}n\t{}\t{}", Columns::HEADER, Judgement::COLUMNS)?;
        }
        Ok(out)
    }

    fn packet(&mut self, one: &Judged, captures: &[PathBuf]) -> anyhow::Result<()> {
        let Some(packets) = &mut self.packets else { return Ok(()) };
        if self.several {
            write!(packets, "{}\t", captures[one.file].display())?;
        }
        writeln!(packets, "{}\t{}\t{}", one.n, Columns(&one.parsed), one.judgement)?;
        Ok(())
    }

    fn sources(&mut self, rows: Vec<sources::Row>) -> anyhow::Result<()> {
        if let Some((_, all)) = &mut self.sources {
            all.extend(rows);
        }
        Ok(())
    }

    fn services(&mut self, rows: Vec<services::Row>) {
        if let Some((_, all)) = &mut self.services {
            all.extend(rows);
        }
    }

    fn crowds(&mut self, rows: Vec<crowds::Row>) {
        if let Some((_, all)) = &mut self.crowds {
            all.extend(rows);
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        if let Some(mut packets) = self.packets {
            packets.flush()?;
        }
        if let Some((path, rows)) = self.sources {
            write_list(&path, &rows)?;
        }
        if let Some((path, rows)) = self.services {
            write_list(&path, &rows)?;
        }
        if let Some((path, rows)) = self.crowds {
            write_list(&path, &rows)?;
        }
        Ok(())
    }
}

fn write_list<R: serde::Serialize>(path: &Path, rows: &[R]) -> anyhow::Result<()> {
    let mut file = create(path)?;
    serde_json::to_writer_pretty(&mut file, rows)?;
    writeln!(file)?;
    file.flush()?;
    Ok(())
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("{}: cannot create", path.display()))?;
    Ok(BufWriter::new(file))
}
