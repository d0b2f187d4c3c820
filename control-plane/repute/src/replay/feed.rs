//! Captures as batches: packets in order of time, cut as the live engine cuts them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;

use indicatif::{ProgressBar, ProgressStyle};
use repute_engine::{Grid, batch_len};
use repute_model::{BATCH, Tick};

use crate::capture::{Capture, Link, Record};

/// One packet of a capture.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Which capture it is from.
    pub file: usize,
    /// Its number there, from 1.
    pub n: u64,
    /// µs since 1970, as recorded.
    pub ts_us: u64,
    /// The tick it belongs to.
    pub tick: Tick,
    /// Its length on the wire.
    pub wire_len: u32,
    /// What its bytes begin with.
    pub link: Link,
    /// What was captured of it.
    pub data: Vec<u8>,
}

impl Captured {
    /// The packet as the capture reader gave it.
    pub fn record(&self) -> Record<'_> {
        Record { ts_us: self.ts_us, wire_len: self.wire_len, link: self.link, data: &self.data }
    }
}

/// Packets of one tick, at most a batch.
pub struct FeedBatch {
    /// Their tick.
    pub tick: Tick,
    /// In order of time.
    pub packets: Vec<Rc<Captured>>,
}

/// Captures merged by time.
pub struct Feed {
    captures: Vec<Source>,
    grid: Grid,
    waiting: VecDeque<Captured>,
    bar: ProgressBar,
}

struct Source {
    capture: Capture,
    n: u64,
    /// The next packet, read ahead for the merge.
    head: Option<Captured>,
}

impl Feed {
    /// Opens every capture.
    pub fn open(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut captures = Vec::with_capacity(paths.len());
        for (file, path) in paths.iter().enumerate() {
            let mut source = Source { capture: Capture::open(path)?, n: 0, head: None };
            source.read_ahead(file)?;
            captures.push(source);
        }
        let total = captures.iter().map(|source| source.capture.total_bytes()).sum();
        // Drawn on a terminal only, and only where the run takes long enough to be seen.
        let bar = ProgressBar::new(total);
        let style = "{wide_bar} {bytes}/{total_bytes} {eta}";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Ok(Self { captures, grid: Grid::default(), waiting: VecDeque::with_capacity(BATCH + 1), bar })
    }

    /// The next batch; `None` at the end.
    pub fn next_batch(&mut self) -> anyhow::Result<Option<FeedBatch>> {
        while self.waiting.len() <= BATCH {
            let Some(packet) = self.next_packet()? else { break };
            self.waiting.push_back(packet);
        }
        let len = batch_len(self.waiting.iter().map(|packet| packet.tick));
        if len == 0 {
            return Ok(None);
        }
        self.bar.set_position(self.captures.iter().map(|source| source.capture.bytes_read()).sum());
        let packets: Vec<_> = self.waiting.drain(..len).map(Rc::new).collect();
        Ok(Some(FeedBatch { tick: packets[0].tick, packets }))
    }

    /// Clears the progress bar and says which captures ended early.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        for warning in self.captures.iter().filter_map(|source| source.capture.warning()) {
            eprintln!("warning: {warning}");
        }
    }

    /// The earliest of the heads; of equal ones that of the capture named first.
    fn next_packet(&mut self) -> anyhow::Result<Option<Captured>> {
        let heads = self.captures.iter().enumerate();
        let earliest = heads.filter_map(|(i, source)| Some((source.head.as_ref()?.ts_us, i))).min();
        let Some((_, file)) = earliest else { return Ok(None) };
        let packet = self.captures[file].head.take();
        self.captures[file].read_ahead(file)?;
        Ok(packet.map(|mut packet| {
            packet.tick = self.grid.tick(packet.ts_us);
            packet
        }))
    }
}

impl Source {
    fn read_ahead(&mut self, file: usize) -> anyhow::Result<()> {
        let Some(record) = self.capture.next()? else { return Ok(()) };
        self.n += 1;
        self.head = Some(Captured {
            file,
            n: self.n,
            ts_us: record.ts_us,
            tick: Tick::default(),
            wire_len: record.wire_len,
            link: record.link,
            data: record.data.to_vec(),
        });
        Ok(())
    }
}
