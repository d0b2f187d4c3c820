//! The worker loop on capture time: stamps from the driver, ports merged by stamp, the end found.
//!
//! `net_pcap` hands out packets as fast as it can, never says that a capture has ended, and does not
//! merge two ports by time: all of that happens here. Batches are cut by the engine's own function, so
//! a worker on capture time gives the verdicts of a replay to the byte.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Duration;

use anyhow::Context;
use dpdk::{Burst, Cycles, Mbuf};
use repute_engine::{Batch, Grid, Worker, batch_len};
use repute_model::{BATCH, Judgement, Tick};
use repute_wire::{Columns, Parsed, parse_ethernet};

use crate::crew::Crew;
use crate::io::Queues;

/// Empty polls after which a capture has ended: the driver reads a file, it does not wait for one.
const END: u32 = 32;
/// How far the loop may lag before it looks at the clock again.
const NAP: Duration = Duration::from_micros(200);

/// How captures are played.
#[derive(Debug)]
pub struct Playing {
    /// Capture seconds per second; `None` = as fast as it goes.
    pub speed: Option<f64>,
    /// One line a packet, as `repute replay --packets` writes it.
    pub packets: Option<BufWriter<File>>,
    /// Go on answering commands after the end, until the stop.
    pub linger: bool,
}

/// Runs until every capture has ended or `stop`.
///
/// # Errors
/// A port whose packets carry no stamps; the packets file cannot be written.
pub fn run(
    worker: &mut Worker<Mbuf>,
    queues: &mut Queues,
    cycles: Cycles,
    playing: &mut Playing,
    crew: &Crew,
) -> anyhow::Result<()> {
    let mut merge = Merge::new(queues.rx.len());
    let mut pace = Pace { cycles, speed: playing.speed, start: None };
    let mut recorder = Recorder { out: playing.packets.as_mut(), n: 0, parsed: Vec::with_capacity(BATCH) };
    recorder.header()?;
    let mut batch = Batch::new();
    while !crew.is_stopping() {
        merge.refill(queues)?;
        let Some((tick, stamp_us)) = merge.next_batch(&mut batch) else { break };
        pace.wait_for(stamp_us, worker, crew);
        recorder.before(&batch);
        let judgements = worker.breathe(tick, &mut batch, &mut queues.out);
        recorder.after(judgements)?;
    }
    recorder.finish()?;
    worker.release_all(&mut queues.out);
    while playing.linger && !crew.is_stopping() {
        worker.attend();
        std::thread::sleep(NAP);
    }
    Ok(())
}

/// Packets read ahead, merged.
struct Merge {
    ports: Vec<Ahead>,
    grid: Grid,
    /// In order of time, with their ticks.
    waiting: VecDeque<(Tick, u64, (u8, Mbuf))>,
    scratch: Burst,
}

/// What has been read ahead of one port.
#[derive(Default)]
struct Ahead {
    frames: VecDeque<Mbuf>,
    ended: bool,
}

impl Merge {
    fn new(ports: usize) -> Self {
        Self {
            ports: (0..ports).map(|_| Ahead::default()).collect(),
            grid: Grid::default(),
            waiting: VecDeque::with_capacity(2 * BATCH),
            scratch: Burst::new(),
        }
    }

    /// Reads ahead until a whole batch waits or every capture has ended.
    fn refill(&mut self, queues: &mut Queues) -> anyhow::Result<()> {
        while self.waiting.len() <= BATCH {
            for port in 0..self.ports.len() {
                self.read_ahead(port, queues);
            }
            let Some((stamp_us, port)) = self.earliest()? else { return Ok(()) };
            if let Some(packet) = self.ports[port].frames.pop_front() {
                let arrival = (port as u8, packet);
                self.waiting.push_back((self.grid.tick(stamp_us), stamp_us, arrival));
            }
        }
        Ok(())
    }

    fn read_ahead(&mut self, port: usize, queues: &mut Queues) {
        let ahead = &mut self.ports[port];
        let mut empty = 0;
        while ahead.frames.is_empty() && !ahead.ended {
            if queues.rx[port].queue.recv(&mut self.scratch) == 0 {
                empty += 1;
                ahead.ended = empty == END;
            }
            ahead.frames.extend(self.scratch.drain(..));
        }
    }

    /// The port with the earliest packet; of equal ones the first.
    fn earliest(&self) -> anyhow::Result<Option<(u64, usize)>> {
        let mut earliest = None;
        for (port, ahead) in self.ports.iter().enumerate() {
            let Some(frame) = ahead.frames.front() else { continue };
            let stamp = frame.timestamp_us().with_context(|| {
                format!(
                    "port {port} gives packets no stamps; --clock capture needs net_pcap with rx_pcap=FILE"
                )
            })?;
            if earliest.is_none_or(|(least, _)| stamp < least) {
                earliest = Some((stamp, port));
            }
        }
        Ok(earliest)
    }

    /// Moves the next batch out; its tick and the stamp of its first packet.
    fn next_batch(&mut self, batch: &mut Batch<Mbuf>) -> Option<(Tick, u64)> {
        let &(tick, stamp_us, _) = self.waiting.front()?;
        let len = batch_len(self.waiting.iter().map(|(tick, ..)| *tick));
        batch.extend(self.waiting.drain(..len).map(|(.., arrival)| arrival));
        Some((tick, stamp_us))
    }
}

/// Keeps capture time and the machine's clock together.
struct Pace {
    cycles: Cycles,
    speed: Option<f64>,
    /// Counter and stamp of the first packet.
    start: Option<(u64, u64)>,
}

impl Pace {
    /// Waits until a stamp is due. Commands are answered meanwhile, at the tick that has been reached.
    fn wait_for(&mut self, stamp_us: u64, worker: &mut Worker<Mbuf>, crew: &Crew) {
        let Some(speed) = self.speed else { return };
        let (start, first_us) = *self.start.get_or_insert((self.cycles.now(), stamp_us));
        let due_ns = (stamp_us.saturating_sub(first_us) as f64 * 1e3 / speed) as u64;
        while self.cycles.to_ns(self.cycles.now().saturating_sub(start)) < due_ns {
            if crew.is_stopping() {
                return;
            }
            worker.attend();
            std::thread::sleep(NAP);
        }
    }
}

/// Writes what happened to every packet.
struct Recorder<'a> {
    out: Option<&'a mut BufWriter<File>>,
    n: u64,
    parsed: Vec<Parsed>,
}

impl Recorder<'_> {
    fn header(&mut self) -> anyhow::Result<()> {
        if let Some(out) = &mut self.out {
            writeln!(out, "n\t{}\t{}", Columns::HEADER, Judgement::COLUMNS)?;
        }
        Ok(())
    }

    fn before(&mut self, batch: &Batch<Mbuf>) {
        self.parsed.clear();
        if self.out.is_some() {
            let parsed = batch.iter().map(|(_, mbuf)| parse_ethernet(mbuf.data(), mbuf.wire_len()));
            self.parsed.extend(parsed);
        }
    }

    fn after(&mut self, judgements: &[Judgement]) -> anyhow::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        for (parsed, judgement) in self.parsed.iter().zip(judgements) {
            self.n += 1;
            writeln!(out, "{}\t{}\t{judgement}", self.n, Columns(parsed))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(out) = &mut self.out {
            out.flush()?;
        }
        Ok(())
    }
}
