//! Captures: pcap and pcapng files, gzipped or not, read one packet at a time.
//!
//! Called by `inspect` and `replay`. Always holds: memory is bounded whatever the file says; a file that
//! is cut short or breaks in the middle gives every packet before the break, and [`Capture::warning`]
//! then says where and why it ended; timestamps are given as they are, even when they run backwards.

mod framing;
mod input;
mod link;
mod pcap;
mod pcapng;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use framing::Framing;
use input::{Filled, Input};
use pcap::Pcap;
use pcapng::Pcapng;

pub use link::Link;

/// The longest packet a capture may hold, in bytes: libpcap's own limit.
pub const PACKET_LEN_MAX: usize = 256 * 1024;

/// One captured packet.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Microseconds since 1970; nanoseconds are truncated. 0 where the format keeps no time.
    pub ts_us: u64,
    /// Bytes the packet had on the wire.
    pub wire_len: u32,
    /// What `data` starts with.
    pub link: Link,
    /// The captured bytes: possibly fewer than `wire_len`.
    pub data: &'a [u8],
}

/// Why a file cannot be used as a capture at all.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("{}: cannot open", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is of another kind.
    #[error(
        "{}: not a capture: starts with {start}; expected pcap or pcapng, either may be gzipped \
         (other formats: convert with `editcap -F pcapng`)",
        path.display()
    )]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// Its first bytes in hexadecimal.
        start: String,
    },
    /// The packets are of a link type that leads to no Ethernet or IP header.
    #[error(
        "{}: link type {number} ({name}) is not supported; supported: {} (capture on an Ethernet \
         interface, or on `any`)",
        path.display(),
        Framing::SUPPORTED
    )]
    LinkType {
        /// The file.
        path: PathBuf,
        /// The number in the file (tcpdump.org/linktypes.html).
        number: u16,
        /// Its name there.
        name: &'static str,
    },
}

/// Turns captures that cannot be used into messages, so that one of many does not stop the others.
#[derive(Debug, Default)]
pub struct Unusable(usize);

impl Unusable {
    /// Passes other errors on; a capture that cannot be used is named on standard error and counted.
    ///
    /// # Errors
    /// Whatever is not a [`CaptureError`].
    pub fn note(&mut self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        match outcome {
            Err(error) if error.is::<CaptureError>() => {
                eprintln!("error: {error:#}");
                self.0 += 1;
                Ok(())
            }
            other => other,
        }
    }

    /// Fails if a capture could not be used.
    ///
    /// # Errors
    /// Says how many.
    pub fn finish(self) -> anyhow::Result<()> {
        anyhow::ensure!(self.0 == 0, "{} of the captures could not be used", self.0);
        Ok(())
    }
}

/// Why reading stopped before the end of the file, from a format's reader.
enum Break {
    /// The file ends where a record may end.
    End,
    /// The file cannot be followed any further.
    Broken(String),
    /// The next packet is of an unsupported link type.
    Foreign(u16),
}

/// A packet's fields as a format's reader found them; its bytes are in the shared buffer.
struct Found {
    ts_us: u64,
    wire_len: u32,
    framing: Framing,
    data: std::ops::Range<usize>,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
    /// Nothing more to read.
    Done,
}

/// A capture being read.
pub struct Capture {
    path: PathBuf,
    input: Input,
    format: Format,
    buffer: Vec<u8>,
    packets: u64,
    warning: Option<String>,
}

impl Capture {
    /// Opens the capture at `path`.
    ///
    /// # Errors
    /// The file cannot be opened, is no capture, or is a pcap file of an unsupported link type. A file that
    /// ends before its first packet is no error: it is an empty capture with a warning.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let path = path.as_ref().to_path_buf();
        let open = |source| CaptureError::Open { path: path.clone(), source };
        let file = File::open(&path).map_err(open)?;
        let total = file.metadata().map_err(open)?.len();
        Self::from_reader(&path, file, total)
    }

    /// Reads a capture of `total_bytes` from any reader; `path` names it in messages.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn from_reader(
        path: impl AsRef<Path>,
        reader: impl Read + Send + 'static,
        total_bytes: u64,
    ) -> Result<Self, CaptureError> {
        let mut capture = Self {
            path: path.as_ref().to_path_buf(),
            input: Input::new(reader, total_bytes),
            format: Format::Done,
            buffer: Vec::new(),
            packets: 0,
            warning: None,
        };
        let start = capture.start();
        capture.settle(start)?;
        Ok(capture)
    }

    /// Recognises the format by the first four bytes and reads its file header.
    fn start(&mut self) -> Result<(), Start> {
        let mut magic = [0; 4];
        match self.input.fill(&mut magic) {
            Filled::Full => {}
            Filled::End => return Err(Break::Broken("the file is empty".into()).into()),
            Filled::Cut(why) => return Err(Break::Broken(format!("in the first bytes: {why}")).into()),
        }
        self.format = if let Some(pcapng) = Pcapng::recognise(magic) {
            Format::Pcapng(pcapng)
        } else if let Some(pcap) = Pcap::recognise(magic, &mut self.input)? {
            Format::Pcap(pcap)
        } else {
            return Err(Start::NotACapture(magic));
        };
        Ok(())
    }

    /// Turns the outcome of [`start`](Self::start) into an error or a warning.
    fn settle(&mut self, start: Result<(), Start>) -> Result<(), CaptureError> {
        match start {
            Ok(()) => Ok(()),
            Err(Start::Break(stop)) => self.stop(stop),
            Err(Start::NotACapture(magic)) => Err(CaptureError::NotACapture {
                path: self.path.clone(),
                start: magic.map(|byte| format!("{byte:02x}")).join(" "),
            }),
        }
    }

    /// The next packet, or `None` at the end. Its bytes live until the next call.
    ///
    /// # Errors
    /// The packet was captured on a pcapng interface of an unsupported link type.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its buffer")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.input, &mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.input, &mut self.buffer),
            Format::Done => Err(Break::End),
        };
        match found {
            Ok(found) => {
                self.packets += 1;
                let Found { ts_us, wire_len, framing, data } = found;
                let (link, data, wire_len) = framing.open(&mut self.buffer, data, wire_len);
                Ok(Some(Record { ts_us, wire_len, link, data: &self.buffer[data] }))
            }
            Err(stop) => self.stop(stop).map(|()| None),
        }
    }

    fn stop(&mut self, stop: Break) -> Result<(), CaptureError> {
        self.format = Format::Done;
        match stop {
            Break::End => Ok(()),
            Break::Broken(why) => {
                let (path, packets) = (self.path.display(), self.packets);
                self.warning = Some(format!("{path}: cut short behind packet {packets}: {why}"));
                Ok(())
            }
            Break::Foreign(number) => {
                Err(CaptureError::LinkType { path: self.path.clone(), number, name: link::name(number) })
            }
        }
    }

    /// Why the capture ended early, with file and place; `None` before the end and after a clean one.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// How many bytes of the file have been read, before decompression.
    pub fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }

    /// The size of the file in bytes; 0 where there is none (a pipe).
    pub fn total_bytes(&self) -> u64 {
        self.input.total_bytes()
    }
}

/// Why the file header could not be used.
enum Start {
    NotACapture([u8; 4]),
    Break(Break),
}

impl From<Break> for Start {
    fn from(stop: Break) -> Self {
        Self::Break(stop)
    }
}

#[cfg(test)]
mod tests;
