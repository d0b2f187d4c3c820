//! `repute feed test`: reads a file as a feed would, without a server, and says what would come of it.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use repute_feeds::{
    Action, Categories, Format, Import, Limits, Merged, Shape, Terms, detect_and_import, import, rpz,
};
use repute_model::DomainName;
use serde::Serialize;

use super::discover;
use super::view::cuts;
use super::zone;
use crate::client::output::Output;

/// Read a file as a feed would: what is taken over, what is skipped and why, what is cut out; of a TAXII server:
/// which collections it has
#[derive(Args, Debug)]
pub struct Test {
    /// The file, packed with gzip or not; or the URL of a TAXII server or API root, whose collections are listed
    file: PathBuf,
    /// Of a TAXII server: a file with the value of the header Authorization
    #[arg(long, value_name = "FILE")]
    authorization: Option<PathBuf>,
    /// How it is written; without this by its first bytes
    #[arg(long, value_parser = PossibleValuesParser::new(formats()))]
    format: Option<String>,
    /// Its entries are to be allowed, not denied
    #[arg(long, conflicts_with = "honeypots")]
    allow: bool,
    /// Its entries are to be honeypots: names that nobody honest asks for
    #[arg(long)]
    honeypots: bool,
    /// Of a Suricata list: the file that names the categories
    #[arg(long, value_name = "FILE")]
    categories: Option<PathBuf>,
    /// Of a response policy zone: its name, where the file has no start of authority
    #[arg(long, value_name = "NAME")]
    zone: Option<DomainName>,
    /// Bytes at most
    #[arg(long, value_name = "N", default_value_t = Limits::default().bytes)]
    bytes_max: u64,
}

/// What a file may be: feeds, and policy zones.
fn formats() -> Vec<&'static str> {
    Format::ALL.map(Format::name).into_iter().chain([rpz::NAME]).collect()
}

/// What came of it.
#[derive(Serialize)]
struct Report {
    file: String,
    format: &'static str,
    records: u64,
    entries: usize,
    duplicates: u64,
    /// Prefixes with bits behind their length.
    masked: u64,
    /// Entries about part of a source.
    widened: u64,
    skipped: Vec<Skipped>,
    /// In private and reserved space, where inside sources are judged.
    cut: Cut,
}

#[derive(Serialize)]
struct Skipped {
    reason: &'static str,
    text: String,
    count: u64,
    /// Where the first of them is.
    first: String,
}

#[derive(Serialize)]
struct Cut {
    whole: u64,
    partly: u64,
    first: Option<String>,
}

/// Runs the subcommand.
pub fn run(args: &Test, output: Output) -> anyhow::Result<()> {
    let name = args.file.display().to_string();
    if discover::is_url(&name) {
        return discover::run(&name, args.authorization.as_deref(), output);
    }
    let open = || File::open(&args.file).with_context(|| format!("{name}: cannot open"));
    if is_zone(args, &name, open()?)? {
        return test_zone(args, name.clone(), open()?, output);
    }
    let file = open()?;
    let categories = args.categories.as_deref().map(categories).transpose()?;
    let mut terms = Terms::new(&name, SystemTime::now());
    terms.action = match (args.allow, args.honeypots) {
        (true, _) => Action::Allow,
        (_, true) => Action::Honeypot,
        _ => Action::Deny,
    };
    terms.limits = limits(args);
    terms.categories = categories.as_ref();
    let bar = progress(file.metadata()?.len());
    let wanted = Format::ALL.into_iter().find(|format| Some(format.name()) == args.format.as_deref());
    let read = match wanted {
        Some(format) => import(format, bar.wrap_read(file), &terms).map(|import| (format, import)),
        None => detect_and_import(bar.wrap_read(file), &terms),
    };
    bar.finish_and_clear();
    let (format, import) = read?;
    output.one(&report(name, format, import), human)
}

/// Whether it is a policy zone, by what was said or by its begin.
fn is_zone(args: &Test, name: &str, file: File) -> anyhow::Result<bool> {
    match &args.format {
        Some(format) => Ok(format == rpz::NAME),
        None => Ok(rpz::is_zone(file, name, limits(args))?),
    }
}

fn test_zone(args: &Test, name: String, file: File, output: Output) -> anyhow::Result<()> {
    let bar = progress(file.metadata()?.len());
    let read = rpz::read(bar.wrap_read(file), &name, args.zone.clone(), limits(args));
    bar.finish_and_clear();
    output.one(&zone::Report::new(name, &read?), zone::Report::human)
}

fn limits(args: &Test) -> Limits {
    Limits { bytes: args.bytes_max, ..Limits::default() }
}

/// A bar on standard error that counts so many bytes; hidden outside a terminal.
pub fn progress(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn categories(path: &Path) -> anyhow::Result<Categories> {
    let name = path.display().to_string();
    let text = std::fs::read(path).with_context(|| format!("{name}: cannot read"))?;
    Ok(Categories::read(text.as_slice(), &name)?)
}

fn report(file: String, format: Format, import: Import) -> Report {
    let skipped = import.skipped.rows().iter().map(|skip| Skipped {
        reason: skip.reason.name(),
        text: skip.reason.to_string(),
        count: skip.count,
        first: skip.first.to_string().trim_start_matches([',', ' ']).to_owned(),
    });
    let skipped = skipped.collect();
    let Import { records, duplicates, masked, widened, .. } = import;
    let entries = import.len();
    let shape = Shape { inside: Vec::new(), reserved: true };
    let feeds = [(file.as_str().into(), Arc::new(import))];
    let merged = Merged::new(&feeds, &shape, SystemTime::now());
    let cuts = merged.cuts().next().map(|(_, cuts)| cuts).unwrap_or_default();
    let cut =
        Cut { whole: cuts.whole, partly: cuts.partly, first: cuts.first.map(|first| first.to_string()) };
    Report { file, format: format.name(), records, entries, duplicates, masked, widened, skipped, cut }
}

/// Writing to a `String` cannot fail.
fn human(report: &Report) -> String {
    let Report { file, format, records, entries, .. } = report;
    let mut out = format!("{file}: {format}, {records} records, {entries} entries\n");
    for (count, what) in [
        (report.duplicates, "repeat a prefix or a name; the most confident counts, then what lasts longest"),
        (report.masked, "have bits behind their length, read as the network around them"),
        (report.widened, "are about part of a source, read as all of it"),
    ] {
        if count > 0 {
            let _ = writeln!(out, "{count} {what}");
        }
    }
    for Skipped { text, count, first, .. } in &report.skipped {
        let at = if first.is_empty() { String::new() } else { format!(", the first at {first}") };
        let _ = writeln!(out, "skipped: {count} {text}{at}");
    }
    if let Some(first) = &report.cut.first {
        let cut = cuts(report.cut.whole, report.cut.partly, first);
        let _ = writeln!(out, "where inside sources are judged, {cut}");
    }
    out
}
