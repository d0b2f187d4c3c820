//! One destination's part of a crowd: as a worker keeps it, and as it travels to the leader.
//!
//! Always holds: each is one cache line, so that counting touches one and no two rings share one.

use repute_model::{Address, Tick};

use super::roster::Keyed;
use super::{Counts, Sender};

/// The number of the 64 ms that a tick belongs to: what was counted loses half of its weight with each of them.
pub(super) fn window(now: Tick) -> u32 {
    (now.0 >> 6) as u32
}

/// What one worker saw of one destination since it last said so. Plain data: crosses a ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
pub struct CrowdRow {
    /// Whose row; [`CrowdRow::REST`] for all that have none.
    pub address: Address,
    /// What happened.
    pub counts: Counts,
    /// One of those who sent what may be part of a flood.
    pub sender: Sender,
}

impl CrowdRow {
    /// Stands for all destinations that found no row: `::`, which is nobody's address.
    pub const REST: Address = Address(0);
}

/// A row of one worker.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Row {
    pub address: Address,
    pub hash: u64,
    /// Since it was last published; all zero or at least one packet.
    pub counts: Counts,
    /// Packets published, halved with every window: the worth of the row.
    used: u32,
    /// The window of which `used` speaks.
    window: u32,
}

impl Row {
    /// The row of a destination that was seen to use so many packets.
    pub fn new(hash: u64, address: Address, used: u32, now: Tick) -> Self {
        Self { address, hash, counts: Counts::default(), used, window: window(now) }
    }

    /// Whether nothing happened since it was last published.
    #[inline(always)]
    pub fn is_clean(&self) -> bool {
        self.counts.packets == 0
    }

    /// What it is worth at `now`.
    pub fn used(&self, now: Tick) -> u32 {
        let halvings = window(now).wrapping_sub(self.window);
        self.used.checked_shr(halvings).unwrap_or(0)
    }

    /// What there is to publish.
    pub fn published(&self, sender: Sender) -> CrowdRow {
        CrowdRow { address: self.address, counts: self.counts, sender }
    }

    /// It has been published: begins anew.
    pub fn clear(&mut self, now: Tick) {
        (self.used, self.window) = (self.used(now).saturating_add(self.counts.packets), window(now));
        self.counts = Counts::default();
    }
}

impl Keyed for Row {
    fn vacant(hash: u64) -> Self {
        Self::new(hash, CrowdRow::REST, 0, Tick(0))
    }

    #[inline(always)]
    fn hash(&self) -> u64 {
        self.hash
    }

    #[inline(always)]
    fn address(&self) -> Address {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_here_and_on_the_ring() {
        assert_eq!((size_of::<Row>(), align_of::<Row>()), (64, 64));
        assert_eq!((size_of::<CrowdRow>(), align_of::<CrowdRow>()), (64, 64));
    }

    #[test]
    fn worth_halves_with_every_window_and_ends() {
        let row = Row::new(1, Address(7), 1000, Tick(10));
        assert_eq!([63, 64, 128, 5000].map(|at| row.used(Tick(at))), [1000, 500, 250, 0]);
    }

    #[test]
    fn who_is_always_busy_is_worth_no_more_than_two_windows() {
        let mut row = Row::new(1, Address(7), 0, Tick(0));
        for now in 0..10_000 {
            row.counts.packets = 10;
            row.clear(Tick(now));
            assert!(row.is_clean() && row.used(Tick(now)) <= 2 * 640);
        }
        assert!(row.used(Tick(10_000)) > 640);
    }
}
