//! One worker's counters, as it published them: all of one moment, so that they add up exactly.

use crate::{DnsSnapshot, Named};

/// One port's packets at one worker. All totals since boot.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PortSnapshot {
    /// Name in the config, unique on the box.
    pub name: String,
    /// Taken from the port.
    pub received: u64,
    /// Their bytes on the wire.
    pub received_bytes: u64,
    /// Of those: sent on, whether or not the way out took them.
    pub forwarded: u64,
    /// Of those: dropped, by reason.
    pub dropped: Vec<Named>,
    /// Of those: held back, to be released later.
    pub queued: u64,
    /// Of those: handed over to the worker that owns their source.
    pub handed: u64,
    /// Taken from another worker that received them by this port.
    pub taken: u64,
    /// Meant for this port: forwarded or released to it, copied to it, or answered or reset by it.
    pub offered: u64,
    /// Of those: had been held back before.
    pub released: u64,
    /// Of those: copies for whoever listens at a mirror port.
    pub mirrored: u64,
    /// Of those: what the box answered in place of whom was asked.
    pub answered: u64,
    /// Of those: resets of the box's own, for connections that it ended.
    pub resets: u64,
    /// Of those: what the box asks by itself: who has an address, and whether an upstream is up.
    pub own: u64,
    /// Taken by this port.
    pub sent: u64,
    /// Their bytes on the wire.
    pub sent_bytes: u64,
    /// Refused by this port because its queue was full; freed.
    pub refused: u64,
}

impl PortSnapshot {
    /// What came in and has no known fate: received + taken − forwarded − Σ dropped − queued − handed. Never anything
    /// but 0.
    pub fn imbalance_in(&self) -> i64 {
        let dropped = self.dropped.iter().map(|dropped| dropped.count).fold(0, u64::wrapping_add);
        let parts = [self.forwarded, dropped, self.queued, self.handed];
        difference(self.received.wrapping_add(self.taken), &parts)
    }

    /// What was meant for the port and has no known fate: offered − sent − refused. Never anything but 0.
    pub fn imbalance_out(&self) -> i64 {
        difference(self.offered, &[self.sent, self.refused])
    }
}

/// One worker. All totals since boot unless said otherwise.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct WorkerSnapshot {
    /// Which worker.
    pub number: u16,
    /// Its clock: ticks of 1 ms. It stands still where a worker hangs.
    pub ticks: u64,
    /// Version of the policy it judges by.
    pub policy_version: u64,
    /// Batches with packets.
    pub batches: u64,
    /// Its ports.
    pub ports: Vec<PortSnapshot>,
    /// Judged packets by the band of their source.
    pub bands: Vec<Named>,
    /// Always-forward packets by class.
    pub control: Vec<Named>,
    /// Rows of sources in several services that made room for others.
    pub pairs_forgotten: u64,
    /// Packets that shadow mode forwarded, by what would have become of them.
    pub shadow: Vec<Named>,
    /// Judged packets whose source had no entry before them.
    pub strangers: u64,
    /// Packets that `[protect]` passed.
    pub protected: u64,
    /// Packets forwarded without being judged.
    pub unjudged: u64,
    /// Packets handed to this worker whose source it does not own either.
    pub misowned: u64,
    /// Sources with an entry now.
    pub tracked: u64,
    /// Entries there are.
    pub capacity: u64,
    /// Entries given.
    pub admitted: u64,
    /// Entries taken to make room.
    pub evicted: u64,
    /// Packets whose source got no entry.
    pub refused: u64,
    /// Entries freed because they said nothing any more.
    pub expired: u64,
    /// Requests pushed out of the contact table.
    pub forgotten: u64,
    /// Band changes.
    pub changes: u64,
    /// Reports that found the ring full.
    pub reports_lost: u64,
    /// Log lines beyond the limit per tick.
    pub log_lines_suppressed: u64,
    /// Jumps in time.
    pub jumps: u64,
    /// Packets held back now.
    pub held: u64,
    /// Packets that waited in the rings from other workers at the last look.
    pub hand_over_depth: u64,
    /// Copies that the mirror's limit withheld.
    pub mirror_withheld: u64,
    /// Segments whose window or largest segment was made smaller.
    pub softened: u64,
    /// Connections that were softened no more because others needed their place.
    pub softened_forgotten: u64,
    /// Resets that were due and not made.
    pub resets_withheld: u64,
    /// What inspection has found, by kind.
    pub findings: Vec<Named>,
    /// Sources offered to the prefilter.
    pub prefilter_insertions: u64,
    /// After so many of them the prefilter has forgotten a single sighting.
    pub prefilter_window: u64,
    /// The longest that a source waited for the sweep in its last whole round, ms.
    pub sweep_ms: u64,
    /// The longest breath, ns; 0 where nobody measures.
    pub longest_breath_ns: u64,
    /// Bytes of all tables.
    pub memory_bytes: u64,
    /// Packets to destinations without a row of their own in the crowds.
    pub crowd_beyond: u64,
    /// Rows of the crowds that wait to be published.
    pub crowd_waiting: u64,
    /// Reports about crowds that were not watched because all places were taken.
    pub crowd_refused: u64,
    /// Crowds in flood now that nobody answers for, because the list of those is full.
    pub crowd_left_out: u64,
    /// Queries to DNS servers and their answers.
    pub dns: DnsSnapshot,
    /// Queries to upstreams that made room for newer ones before they were answered.
    pub flows_displaced: u64,
    /// TCP connections to upstreams that made room for newer ones before they were over.
    pub connections_displaced: u64,
    /// Cycles by stage, of the breaths that were measured.
    pub stage_cycles: Vec<Named>,
    /// Packets in the breaths that were measured.
    pub measured_packets: u64,
    /// Breaths that were measured.
    pub measured_breaths: u64,
}

impl WorkerSnapshot {
    /// What left a port and reached none, or the other way: Σ forwarded + released + mirrored + answered + resets + own −
    /// Σ offered. Never anything but 0.
    pub fn imbalance_between(&self) -> i64 {
        let left = self.ports.iter().flat_map(|port| {
            [port.forwarded, port.released, port.mirrored, port.answered, port.resets, port.own]
        });
        let offered: Vec<u64> = self.ports.iter().map(|port| port.offered).collect();
        difference(left.fold(0, u64::wrapping_add), &offered)
    }
}

/// `whole` less its parts; counters wrap, so does this.
fn difference(whole: u64, parts: &[u64]) -> i64 {
    whole.wrapping_sub(parts.iter().copied().fold(0, u64::wrapping_add)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_packet_shows_in_its_identity() {
        let inside = PortSnapshot {
            received: 10,
            taken: 1,
            forwarded: 5,
            dropped: vec![Named::new("standing", 2), Named::new("queue-full", 1)],
            queued: 2,
            handed: 1,
            ..PortSnapshot::default()
        };
        let outside =
            PortSnapshot { offered: 6, released: 1, sent: 4, refused: 2, ..PortSnapshot::default() };
        assert_eq!((inside.imbalance_in(), outside.imbalance_out()), (0, 0));
        let worker = WorkerSnapshot { ports: vec![inside, outside], ..WorkerSnapshot::default() };
        assert_eq!(worker.imbalance_between(), 0);
        let mut lossy = worker;
        lossy.ports[0].received += 3;
        lossy.ports[1].sent += 1;
        lossy.ports[1].offered -= 1;
        assert_eq!((lossy.ports[0].imbalance_in(), lossy.ports[1].imbalance_out()), (3, -2));
        assert_eq!(lossy.imbalance_between(), 1);
    }
}
