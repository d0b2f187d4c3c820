//! What a worker notes of the destinations it protects.
//!
//! Packets and bytes are noted while a batch is looked at, facts about them where they are found. Packets come in
//! runs to one destination, so a run is added to its row as a whole. Always holds: every packet from the owner side
//! is noted once, by the worker that received it.

use repute_model::{Address, Tick};
use repute_reputation::{Counts, Crowds, Secret};

use crate::crowd_mesh::CrowdMesh;

/// A worker's part of the crowds, and its way to the leader.
#[derive(Debug)]
pub struct Crowd {
    crowds: Crowds,
    mesh: CrowdMesh,
    secret: Secret,
    to: Address,
    run: Counts<u32>,
    /// Rows that were left to publish, and packets without a row, at the end of the last tick.
    waiting: u32,
    beyond: u64,
}

impl Crowd {
    /// Nothing noted yet; rows for this many destinations, a power of two.
    pub fn new(rows: u32, seed: u64, mesh: CrowdMesh) -> Self {
        let secret = Secret::from_seed(!seed);
        Self {
            crowds: Crowds::new(rows),
            mesh,
            secret,
            to: Address(0),
            run: Counts::default(),
            waiting: 0,
            beyond: 0,
        }
    }

    /// One packet of `bytes` bytes to a destination.
    #[inline(always)]
    pub fn note(&mut self, to: Address, bytes: u32) {
        if to != self.to {
            self.turn_to(to);
        }
        self.run.packets += 1;
        self.run.bytes = self.run.bytes.saturating_add(bytes);
    }

    /// Facts about packets to a destination that were noted before.
    #[inline]
    pub fn mark(&mut self, to: Address, facts: Counts<u32>) {
        if to != self.to {
            self.turn_to(to);
        }
        self.run = self.run.plus(facts);
    }

    #[inline(never)]
    fn turn_to(&mut self, to: Address) {
        if self.run != Counts::default() {
            self.crowds.add(self.secret.address(self.to), self.to, std::mem::take(&mut self.run));
        }
        self.to = to;
    }

    /// Ends a tick: what was noted is on its way to the leader.
    pub fn tick(&mut self, now: Tick) {
        self.turn_to(self.to);
        self.mesh.tick(&mut self.crowds, now);
        (self.waiting, self.beyond) = (self.crowds.waiting(), self.crowds.beyond());
    }

    /// As of the last tick: packets to destinations without a row of their own, and rows that wait to be published;
    /// and bytes of memory.
    pub fn gauges(&self) -> (u64, u32, usize) {
        (self.beyond, self.waiting, self.crowds.bytes())
    }
}
