//! Writes a stream of events as files: classic pcap (microseconds, Ethernet, little-endian) and tables.
//!
//! Called by the program and by tests that want files. What always holds: packet `n` of the label table is
//! packet `n` of the merged capture, whether or not that one is written.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pcap_file::{
    DataLink, Endianness, TsResolution,
    pcap::{PcapHeader, PcapPacket, PcapWriter},
};

use crate::{
    digest::digest,
    event::{Event, Label, Side},
    plan::BASE_S,
};

/// Which files to write; what is `None` is left out.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// All packets.
    pub merged: Option<PathBuf>,
    /// Packets that arrive on the outside port.
    pub outside: Option<PathBuf>,
    /// Packets that arrive on the inside port.
    pub inside: Option<PathBuf>,
    /// One line per packet: `n ts side src dst label attack digest`.
    pub labels: Option<PathBuf>,
    /// One line per source: `src label packets attack_packets benign_packets attack`.
    pub sources: Option<PathBuf>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Packets.
    pub packets: u64,
    /// Octets of all frames.
    pub octets: u64,
    /// Packets by label and attack.
    pub kinds: BTreeMap<(Label, Arc<str>), u64>,
    /// Distinct source addresses.
    pub sources: u64,
}

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct CaptureError {
    path: PathBuf,
    source: io::Error,
}

/// Writes the stream.
///
/// # Errors
/// With the file's name when one cannot be created or written.
pub fn write(events: impl Iterator<Item = Event>, outputs: &Outputs) -> Result<Summary, CaptureError> {
    let mut merged = outputs.merged.as_deref().map(Pcap::create).transpose()?;
    let mut outside = outputs.outside.as_deref().map(Pcap::create).transpose()?;
    let mut inside = outputs.inside.as_deref().map(Pcap::create).transpose()?;
    let mut labels = outputs.labels.as_deref().map(|path| Table::create(path, LABELS_HEADER)).transpose()?;
    let mut sources = Sources::default();
    let mut summary = Summary::default();
    for event in events {
        summary.add(&event);
        let port = if event.side == Side::Outside { &mut outside } else { &mut inside };
        for file in [&mut merged, port].into_iter().flatten() {
            file.packet(&event)?;
        }
        if let Some(table) = &mut labels {
            table.line(&label_line(summary.packets, &event))?;
        }
        sources.add(&event);
    }
    for file in [merged, outside, inside].into_iter().flatten() {
        file.finish()?;
    }
    labels.map_or(Ok(()), Table::finish)?;
    summary.sources = sources.all.len() as u64;
    outputs.sources.as_deref().map_or(Ok(()), |path| sources.write(path))?;
    Ok(summary)
}

impl Summary {
    fn add(&mut self, event: &Event) {
        self.packets += 1;
        self.octets += event.frame.len() as u64;
        *self.kinds.entry((event.tag.label, event.tag.attack.clone())).or_insert(0) += 1;
    }
}

/// First line of a label table.
pub const LABELS_HEADER: &str = "n\tts\tside\tsrc\tdst\tlabel\tattack\tdigest";
/// First line of a source table.
pub const SOURCES_HEADER: &str = "src\tlabel\tpackets\tattack_packets\tbenign_packets\tattack";

fn label_line(n: u64, event: &Event) -> String {
    let (seconds, us) = (BASE_S + event.time_us / 1_000_000, event.time_us % 1_000_000);
    let Event { side, src, dst, tag, frame, .. } = event;
    let digest = digest(frame);
    format!("{n}\t{seconds}.{us:06}\t{side}\t{src}\t{dst}\t{}\t{}\t{digest:016x}", tag.label, tag.attack)
}

/// A pcap file being written.
struct Pcap {
    path: PathBuf,
    writer: PcapWriter<BufWriter<File>>,
}

impl Pcap {
    fn create(path: &Path) -> Result<Self, CaptureError> {
        let header = PcapHeader {
            datalink: DataLink::ETHERNET,
            endianness: Endianness::Little,
            ts_resolution: TsResolution::MicroSecond,
            ..PcapHeader::default()
        };
        let file = File::create(path).map_err(|source| CaptureError { path: path.into(), source })?;
        let writer = PcapWriter::with_header(BufWriter::new(file), header);
        let writer =
            writer.map_err(|error| CaptureError { path: path.into(), source: io::Error::other(error) })?;
        Ok(Self { path: path.into(), writer })
    }

    fn packet(&mut self, event: &Event) -> Result<(), CaptureError> {
        let timestamp = Duration::from_secs(BASE_S) + Duration::from_micros(event.time_us);
        let packet = PcapPacket::new(timestamp, event.frame.len() as u32, &event.frame);
        let written = self.writer.write_packet(&packet);
        written.map_err(|error| CaptureError { path: self.path.clone(), source: io::Error::other(error) })?;
        Ok(())
    }

    fn finish(self) -> Result<(), CaptureError> {
        let flushed = self.writer.into_writer().flush();
        flushed.map_err(|source| CaptureError { path: self.path, source })
    }
}

/// A tab-separated file being written.
struct Table {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl Table {
    fn create(path: &Path, header: &str) -> Result<Self, CaptureError> {
        let file = File::create(path).map_err(|source| CaptureError { path: path.into(), source })?;
        let mut table = Self { path: path.into(), writer: BufWriter::new(file) };
        table.line(header)?;
        Ok(table)
    }

    fn line(&mut self, line: &str) -> Result<(), CaptureError> {
        writeln!(self.writer, "{line}").map_err(|source| CaptureError { path: self.path.clone(), source })
    }

    fn finish(mut self) -> Result<(), CaptureError> {
        self.writer.flush().map_err(|source| CaptureError { path: self.path, source })
    }
}

/// What every source sent.
#[derive(Default)]
struct Sources {
    all: BTreeMap<IpAddr, SourceCount>,
}

#[derive(Default)]
struct SourceCount {
    packets: u64,
    attack: u64,
    benign: u64,
    name: Option<Arc<str>>,
}

impl Sources {
    fn add(&mut self, event: &Event) {
        let count = self.all.entry(event.src).or_default();
        count.packets += 1;
        match event.tag.label {
            Label::Attack => {
                count.attack += 1;
                count.name.get_or_insert_with(|| event.tag.attack.clone());
            }
            Label::Benign => count.benign += 1,
            Label::Response => {}
        }
    }

    fn write(&self, path: &Path) -> Result<(), CaptureError> {
        let mut table = Table::create(path, SOURCES_HEADER)?;
        for (src, SourceCount { packets, attack, benign, name }) in &self.all {
            let label = match (attack, benign) {
                (0, 0) => Label::Response,
                (0, _) => Label::Benign,
                _ => Label::Attack,
            };
            let name = name.as_deref().unwrap_or("-");
            table.line(&format!("{src}\t{label}\t{packets}\t{attack}\t{benign}\t{name}"))?;
        }
        table.finish()
    }
}
