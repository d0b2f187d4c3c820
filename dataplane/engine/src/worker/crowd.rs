//! What a worker notes of the destinations it protects, and what it knows of those in flood.
//!
//! Packets and bytes are noted while a batch is looked at, facts about them where they are found. Always holds: every
//! packet from the owner side is noted once, by the worker that received it.

use repute_model::{Address, BATCH, CrowdChange, CrowdRules, Flood, Tick};
use repute_reputation::{Alarms, Counts, Crowds, Exchange, Fact, Happening, Place, Secret, Sender, Watches};

use crate::Account;
use crate::crowd_mesh::CrowdMesh;

/// A worker's part of the crowds, and its way to the leader.
#[derive(Debug)]
pub struct Crowd {
    crowds: Crowds,
    mesh: CrowdMesh,
    secret: Secret,
    alarms: Alarms,
    /// When strangers may next send something to each crowd in flood, ns: questions, segments.
    allowed: [[u64; 2]; Alarms::MAX],
    /// Rows that were left to publish, and packets without a row, at the end of the last tick.
    waiting: u32,
    beyond: u64,
}

/// What strangers may have at once that they may have in a second.
const BURST_NS: u64 = 1_000_000_000;

impl Crowd {
    /// Nothing noted yet; rows for this many destinations, a power of two.
    pub fn new(rows: u32, seed: u64, mesh: CrowdMesh) -> Self {
        Self {
            crowds: Crowds::new(rows),
            mesh,
            secret: Secret::from_seed(!seed),
            alarms: Alarms::default(),
            allowed: [[0; 2]; Alarms::MAX],
            waiting: 0,
            beyond: 0,
        }
    }

    /// One packet of `bytes` bytes to a destination; where it is counted.
    #[inline(always)]
    pub fn note(&mut self, to: Address, bytes: u32) -> Place {
        self.crowds.note(self.secret.address(to), to, Happening::NOTHING, bytes)
    }

    /// The packets of a batch, each its place in the batch, the address that it is for and its bytes; where they are counted
    /// is told to `places`.
    #[inline(always)]
    pub fn note_all(
        &mut self,
        packets: impl Iterator<Item = (usize, Address, u32)>,
        places: &mut [Place; BATCH],
    ) {
        self.crowds.note_all(&self.secret, packets, places);
    }

    /// A packet to a destination that was noted here in this breath came from a stranger.
    #[inline(always)]
    pub fn mark_stranger(&mut self, place: Place, to: Address) {
        if !self.crowds.mark(place, Fact::Stranger) {
            self.mark(to, Fact::Stranger.into());
        }
    }

    /// Facts about a packet to a destination that was noted before.
    #[inline]
    pub fn mark(&mut self, to: Address, what: Happening) {
        if !what.is_nothing() {
            self.crowds.add(self.secret.address(to), to, Counts::facts(what));
        }
    }

    /// The same, several times.
    pub fn mark_times(&mut self, to: Address, fact: Fact, times: u16) {
        self.crowds.add(self.secret.address(to), to, Counts::times(fact, times));
    }

    /// Facts about a packet to a destination that was noted before, which may be part of a flood: its sender may be looked
    /// at more closely.
    pub fn mark_from(&mut self, x: &Exchange, what: Happening, now: Tick) {
        let Some(flood) = what.flood() else { return self.mark(x.dst, what) };
        let sender = Sender::new(x.src, x.dport, flood);
        let rank = self.secret.pair(x.src, x.dst, now.0) as u32;
        self.crowds.add_from(self.secret.address(x.dst), x.dst, Counts::facts(what), sender, rank);
    }

    /// A destination has sent something itself.
    #[inline]
    pub fn hear(&mut self, address: Address) {
        self.crowds.hear(self.secret.address(address), address);
    }

    /// Ends a tick: what was noted is on its way to the leader, and what it says is known. The leader tells of crowds
    /// that changed their state.
    pub fn tick(&mut self, now: Tick, told: impl FnMut(CrowdChange)) {
        self.mesh.tick(&mut self.crowds, now, told);
        if self.mesh.read(&mut self.alarms) {
            self.allowed = [[now.nanos(); 2]; Alarms::MAX];
        }
        (self.waiting, self.beyond) = (self.crowds.waiting(), self.crowds.beyond());
    }

    /// What the leader looks for from now on.
    pub fn adopt(&mut self, rules: CrowdRules) {
        self.mesh.adopt(rules);
    }

    /// The crowds in flood.
    #[inline(always)]
    pub const fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The crowds under watch, where this worker leads.
    pub fn watches(&self) -> Option<&Watches> {
        self.mesh.watches()
    }

    /// Whether one more stranger may pass to crowd number `at`, which is in flood (GCRA, ITU-T I.371).
    pub fn allows(&mut self, at: usize, flood: Flood, now: Tick) -> bool {
        let Some(alarm) = self.alarms.iter().nth(at) else { return true };
        let per_s = alarm.openings(flood).per_s;
        let next = &mut self.allowed[at][usize::from(flood == Flood::Segment)];
        let allowed = *next <= now.nanos().saturating_add(BURST_NS);
        if allowed {
            *next = (*next).max(now.nanos()).saturating_add((1e9 / per_s.max(1e-3)) as u64);
        }
        allowed
    }

    /// What it has counted, as of the last tick.
    pub fn tell(&self, account: &mut Account) {
        account.crowd_beyond = self.beyond;
        account.crowd_waiting = self.waiting.into();
        if let Some(watches) = self.watches() {
            account.crowd_refused = watches.refused();
            account.crowd_left_out = watches.left_out();
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.crowds.bytes() + self.watches().map_or(0, Watches::bytes)
    }
}
