//! What every row of the packet table costs: nanoseconds from breath to sent, per packet.
//!
//! `cargo bench -p repute-engine --bench packet_table [-- PART_OF_A_NAME]`. Rows take turns in short slices, so that
//! a slow moment of the machine hits all of them; least and median tell how noisy it was. Time stands still for
//! the worker: nothing is swept, decayed or published. A row's packets lie in the cache, as those of one source
//! do. Strangers come one after another and soon meet a full table, as in a flood.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark reads the clock, and ends by panicking"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::SMALL;
use common::frame::Frame;
use common::packets::{Row, introduce, policy, table};
use common::rig::Rig;
use repute_engine::Batch;
use repute_model::{BATCH, Io, Outbox};

/// Breaths that are timed together.
const BREATHS: u32 = 16;
/// Slices of each row.
const ROUNDS: usize = 100;

/// Takes everything, and gives it back to who asks.
#[derive(Default)]
struct Pool(Vec<Frame>);

impl Io for Pool {
    type Packet = Frame;

    fn send(&mut self, _: u8, packets: &mut Outbox<Frame>) {
        self.0.extend(packets.drain(..));
    }

    fn free(&mut self, packets: &mut Outbox<Frame>) {
        self.0.extend(packets.drain(..));
    }

    fn copy(&mut self, _: &Frame, _: u32) -> Option<Frame> {
        None
    }
}

/// A row with a worker of its own.
struct Lap {
    row: Row,
    rig: Rig,
    pool: Pool,
    strangers: u32,
    slices: Vec<Duration>,
}

impl Lap {
    fn new(row: Row) -> Self {
        let mut rig = Rig::sized(policy(), SMALL);
        introduce(&mut rig, &row);
        let pool = Pool((0..BATCH).map(|_| row.frame(0)).collect());
        Self { row, rig, pool, strangers: 0, slices: Vec::new() }
    }

    /// Times some breaths; what goes on between them is not counted.
    fn slice(&mut self) {
        let mut time = Duration::ZERO;
        let mut batch: Batch<Frame> = Batch::new();
        for _ in 0..BREATHS {
            if self.row.is_of_strangers() {
                self.renew();
            }
            batch.extend(self.pool.0.drain(..).map(|frame| (self.row.port, frame)));
            let begun = Instant::now();
            self.rig.worker.breathe(self.rig.now, &mut batch, &mut self.pool);
            time += begun.elapsed();
        }
        self.slices.push(time);
    }

    /// Puts packets of strangers that nobody has seen before into the pool.
    fn renew(&mut self) {
        for frame in &mut self.pool.0 {
            self.strangers = (self.strangers + 1) % (1 << 20);
            *frame = self.row.frame(self.strangers);
        }
    }

    /// Least and median of the slices, in ns per packet.
    fn nanos(&mut self) -> (f64, f64) {
        self.slices.sort_unstable();
        let per_packet = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(BREATHS) / BATCH as f64;
        (per_packet(self.slices[0]), per_packet(self.slices[self.slices.len() / 2]))
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so when it measures; a test run only wants to see that everything works.
    let rounds = if arguments.iter().any(|argument| argument == "--bench") { ROUNDS } else { 1 };
    let wanted =
        |row: &Row| arguments.iter().all(|part| part.starts_with('-') || row.name.contains(part.as_str()));
    let mut laps: Vec<Lap> = table().into_iter().filter(wanted).map(Lap::new).collect();
    for _ in 0..rounds {
        laps.iter_mut().for_each(Lap::slice);
    }
    println!("{:<44} {:>9} {:>9}", "ns per packet", "least", "median");
    for lap in &mut laps {
        let (least, median) = lap.nanos();
        println!("{:<44} {least:>9.1} {median:>9.1}", lap.row.name);
    }
}
