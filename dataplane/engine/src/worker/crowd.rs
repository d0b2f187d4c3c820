//! What a worker notes of the destinations it protects.
//!
//! Packets and bytes are noted while a batch is looked at, facts about them where they are found. Always holds: every
//! packet from the owner side is noted once, by the worker that received it.

use repute_model::{Address, Tick};
use repute_reputation::{Counts, Crowds, Happening, Place, Secret};

use crate::crowd_mesh::CrowdMesh;

/// A worker's part of the crowds, and its way to the leader.
#[derive(Debug)]
pub struct Crowd {
    crowds: Crowds,
    mesh: CrowdMesh,
    secret: Secret,
    /// Rows that were left to publish, and packets without a row, at the end of the last tick.
    waiting: u32,
    beyond: u64,
}

impl Crowd {
    /// Nothing noted yet; rows for this many destinations, a power of two.
    pub fn new(rows: u32, seed: u64, mesh: CrowdMesh) -> Self {
        let secret = Secret::from_seed(!seed);
        Self { crowds: Crowds::new(rows), mesh, secret, waiting: 0, beyond: 0 }
    }

    /// One packet of `bytes` bytes to a destination; where it is counted.
    #[inline(always)]
    pub fn note(&mut self, to: Address, bytes: u32) -> Place {
        self.crowds.note(self.secret.address(to), to, Happening::NOTHING, bytes)
    }

    /// A packet to a destination that was noted here in this breath came from a stranger.
    #[inline(always)]
    pub fn mark_stranger(&mut self, place: Place, to: Address) {
        if !self.crowds.mark(place, Happening::STRANGER) {
            self.mark(to, Counts { strangers: 1, ..Counts::default() });
        }
    }

    /// Facts about packets to a destination that were noted before.
    #[inline]
    pub fn mark(&mut self, to: Address, facts: Counts<u32>) {
        if facts != Counts::default() {
            self.crowds.add(self.secret.address(to), to, facts);
        }
    }

    /// Ends a tick: what was noted is on its way to the leader.
    pub fn tick(&mut self, now: Tick) {
        self.mesh.tick(&mut self.crowds, now);
        (self.waiting, self.beyond) = (self.crowds.waiting(), self.crowds.beyond());
    }

    /// As of the last tick: packets to destinations without a row of their own, and rows that wait to be published;
    /// and bytes of memory.
    pub fn gauges(&self) -> (u64, u32, usize) {
        (self.beyond, self.waiting, self.crowds.bytes())
    }
}
