//! The way of the first packets from the workers to the self-test.
//!
//! Always holds: a worker never waits; it shows one packet of a burst as long as somebody wants to see some and
//! there is room, and a bounded number altogether.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dpdk::Mbuf;
use repute_engine::Batch;
use repute_model::toeplitz::Flow;
use repute_wire::parse_ethernet;
use rtrb::{Consumer, Producer, RingBuffer};

/// Samples between two looks of the control thread, for each worker.
const SLOTS: usize = 256;
/// Samples that a worker shows at most.
const SAMPLES: u32 = 1 << 16;

/// What was seen of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Number of the port it came by.
    pub port: u8,
    /// The queue, which is the worker.
    pub queue: u16,
    /// Its addresses and ports.
    pub flow: Flow,
    /// The hash that the port gave it.
    pub hash: Option<u32>,
}

/// A worker's end.
#[derive(Debug)]
pub struct Probe {
    queue: u16,
    wanted: Arc<AtomicBool>,
    ring: Producer<Sample>,
    left: u32,
}

/// The control thread's end.
#[derive(Debug)]
pub struct Samples {
    wanted: Arc<AtomicBool>,
    rings: Vec<Consumer<Sample>>,
}

/// Both ends, for so many workers.
pub fn probes(workers: u16) -> (Vec<Probe>, Samples) {
    let wanted = Arc::new(AtomicBool::new(true));
    let ends = (0..workers).map(|queue| {
        let (ring, samples) = RingBuffer::new(SLOTS);
        (Probe { queue, wanted: Arc::clone(&wanted), ring, left: SAMPLES }, samples)
    });
    let (probes, rings) = ends.unzip();
    (probes, Samples { wanted, rings })
}

impl Probe {
    /// Shows the first packet of a burst.
    #[inline]
    pub fn look(&mut self, burst: &Batch<Mbuf>) {
        if self.left > 0 && self.is_wanted() && !self.ring.is_full() {
            self.show(burst);
        }
    }

    /// Whether anybody still wants to see packets.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    #[cold]
    fn show(&mut self, burst: &Batch<Mbuf>) {
        let Some((port, packet)) = burst.iter().next() else { return };
        let Some(flow) = super::flow(&parse_ethernet(packet.data(), packet.wire_len())) else { return };
        self.push(Sample { port, queue: self.queue, flow, hash: packet.rss_hash() });
    }

    /// Shows what was seen; without room it is not seen.
    pub fn push(&mut self, sample: Sample) {
        if self.ring.push(sample).is_ok() {
            self.left -= 1;
        }
    }
}

impl Samples {
    /// Hands out what has been shown since the last time.
    pub fn drain(&mut self, mut each: impl FnMut(Sample)) {
        for ring in &mut self.rings {
            for _ in 0..SLOTS {
                let Ok(sample) = ring.pop() else { break };
                each(sample);
            }
        }
    }
}

impl Drop for Samples {
    /// Nobody wants to see packets any more.
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}
