//! What a worker has counted.
//!
//! The worker adds to plain numbers and publishes a copy once a tick ([`crate::Published`]). Both conservation
//! identities can be checked on any published account:
//! *in*: received + taken = forwarded + Σ dropped by reason + queued + handed, per port;
//! *out*: sent = forwarded to it + released to it + mirrored to it + answered by it + reset by it + own − refused by it, per
//! port. What is answered is dropped by its reason, and the answer made of it is new; so are resets, and what a box with an
//! address of its own asks its neighbours.

use repute_model::{Band, Finding, Judgement, Reason};
use repute_wire::Class;

use crate::dns::DnsAccount;
use crate::endpoint::EndpointAccount;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// Ports of a worker at most.
pub const PORTS: usize = 8;

/// One port's packets, in and out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PortAccount {
    /// Taken from the port.
    pub received: u64,
    /// Their bytes on the wire.
    pub received_bytes: u64,
    /// Of those: sent on, whether or not the way out took them.
    pub forwarded: u64,
    /// Of those: dropped, by [`Reason::index`].
    pub dropped: [u64; Reason::COUNT],
    /// Of those: held back, to be released later.
    pub queued: u64,
    /// Of those: handed over to the worker that owns their source.
    pub handed: u64,
    /// Taken from another worker that received them by this port.
    pub taken: u64,
    /// Meant for this port: forwarded or released to it, copied to it, answered or reset by it.
    pub offered: u64,
    /// Of those: had been held back before.
    pub released: u64,
    /// Of those: copies for whoever listens at a mirror port.
    pub mirrored: u64,
    /// Of those: what the box answered in place of whom was asked.
    pub answered: u64,
    /// Of those: resets of the box's own, for connections that it ends.
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

impl PortAccount {
    /// Notes packets that came in.
    pub(crate) const fn receive(&mut self, packets: u64, bytes: u64) {
        self.received += packets;
        self.received_bytes += bytes;
    }

    /// Notes a packet of `bytes` bytes that came in, or was taken from another worker.
    pub(crate) fn take_in(&mut self, taken: bool, bytes: u32) {
        match taken {
            true => self.taken += 1,
            false => self.receive(1, bytes.into()),
        }
    }

    /// Notes a packet that is dropped; there is always a reason.
    pub(crate) fn drop(&mut self, reason: Option<Reason>) {
        if let Some(reason) = reason {
            self.dropped[reason.index()] += 1;
        }
    }

    /// Notes packets that are all dropped; most often for one reason.
    pub(crate) fn drop_all(&mut self, judgements: &[Judgement]) {
        let Some(reason) = judgements.first().and_then(|first| first.reason) else { return };
        // All are compared: to stop at the first that differs costs each of them a branch.
        let others = judgements.iter().filter(|judgement| judgement.reason != Some(reason)).count();
        if others == 0 {
            self.dropped[reason.index()] += judgements.len() as u64;
        } else {
            judgements.iter().for_each(|judgement| self.drop(judgement.reason));
        }
    }

    /// Dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Whether no packet was lost sight of.
    pub fn is_conserved(&self) -> bool {
        let out = self.forwarded + self.dropped_total() + self.queued + self.handed;
        self.received + self.taken == out && self.offered == self.sent + self.refused
    }
}

/// Everything one worker counts. All totals since boot unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Account {
    /// The tick of publication.
    pub tick: u64,
    /// Version of the policy in force.
    pub policy_version: u64,
    /// Batches with packets.
    pub batches: u64,
    /// By port number.
    pub ports: [PortAccount; PORTS],
    /// Judged packets by the band of their source.
    pub bands: [u64; Band::ALL.len()],
    /// Judged packets whose source had no entry before them.
    pub strangers: u64,
    /// Always-forward packets by [`Class::index`] (ordinary ones stay 0).
    pub control: [u64; Class::COUNT],
    /// Packets that would have been dropped, held back or answered, by [`Reason::index`], and were forwarded because the
    /// policy is in shadow mode.
    pub shadow: [u64; Reason::COUNT],
    /// Packets that `[protect]` passed.
    pub protected: u64,
    /// Packets that were forwarded without being judged: their direction has no profile, both ends
    /// are on one side, their sender is nobody, or they are not IP.
    pub unjudged: u64,
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
    /// Rows of sources in several services that made room for others.
    pub pairs_forgotten: u64,
    /// Band changes.
    pub changes: u64,
    /// Reports that found the ring full.
    pub reports_lost: u64,
    /// Log lines beyond the limit per tick.
    pub log_lines_suppressed: u64,
    /// Jumps in time.
    pub jumps: u64,
    /// Packets handed to this worker whose source it does not own either: forwarded unjudged. Never, unless
    /// workers disagree about who owns whom.
    pub misowned: u64,
    /// Packets held back now.
    pub held: u64,
    /// Packets that waited in the rings from other workers at the last look.
    pub hand_over_depth: u64,
    /// Copies that the mirror's rate limit or its empty pool withheld.
    pub mirror_withheld: u64,
    /// Segments whose window or largest segment was made smaller.
    pub softened: u64,
    /// Connections that were softened no more because others needed their place.
    pub softened_forgotten: u64,
    /// Resets that were due and not made: too many in one tick, or no buffer.
    pub resets_withheld: u64,
    /// What inspection has found, by [`Finding::index`].
    pub findings: [u64; Finding::COUNT],
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
    /// Of queries to DNS servers and of their answers.
    pub dns: DnsAccount,
    /// Of what goes on from an address of the box's own.
    pub endpoint: EndpointAccount,
    /// Rows of the crowds, since boot, that nobody watched because all places were taken; of the leader.
    pub crowd_refused: u64,
    /// Crowds in flood now whose strangers are not held up because the list of alarms is full; of the leader.
    pub crowd_left_out: u64,
    /// Cycles by [`Stage`], of the breaths that were measured.
    pub stage_cycles: [u64; Stage::ALL.len()],
    /// Packets in the breaths that were measured.
    pub measured_packets: u64,
    /// Breaths that were measured: one in [`MEASURED_ONE_IN`].
    pub measured_breaths: u64,
    /// Ticks that were measured (sweep, commands, publication): all of them.
    pub measured_ticks: u64,
}

/// One breath in so many is measured by stage.
pub const MEASURED_ONE_IN: u64 = 64;

/// What a breath consists of, for its telemetry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Once a tick: release, sweep, commands, publication.
    Tick,
    /// Outlines, owners, and the look-up of the whole batch.
    Find,
    /// Judgements.
    Judge,
    /// Sending and freeing.
    Send,
}

impl Stage {
    /// Every stage, in counter order.
    pub const ALL: [Self; 4] = [Self::Tick, Self::Find, Self::Judge, Self::Send];

    /// The name used in API and CLI.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::Find => "find",
            Self::Judge => "judge",
            Self::Send => "send",
        }
    }
}

impl Account {
    /// Adds the cycles of one stage.
    pub(crate) const fn stage(&mut self, stage: Stage, cycles: u64) {
        self.stage_cycles[stage as usize] += cycles;
    }

    /// Nothing counted.
    pub fn zero() -> Self {
        Self::new_zeroed()
    }

    /// Whether both identities hold on every port and between them.
    pub fn is_conserved(&self) -> bool {
        let forwarded: u64 = self.ports.iter().map(|port| port.forwarded).sum();
        let offered: u64 = self.ports.iter().map(|port| port.offered).sum();
        let own = |port: &PortAccount| port.mirrored + port.answered + port.resets + port.own;
        let later: u64 = self.ports.iter().map(|port| port.released + own(port)).sum();
        forwarded + later == offered && self.ports.iter().all(PortAccount::is_conserved)
    }

    /// The sum over workers; gauges and totals alike, tick and version of the later one.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = *self;
        for (word, add) in words_mut(&mut sum).iter_mut().zip(words(other)) {
            *word += add;
        }
        sum.tick = self.tick.max(other.tick);
        sum.policy_version = self.policy_version.max(other.policy_version);
        sum.sweep_ms = self.sweep_ms.max(other.sweep_ms);
        sum.longest_breath_ns = self.longest_breath_ns.max(other.longest_breath_ns);
        sum
    }
}

/// An account as plain words.
pub(crate) const WORDS: usize = size_of::<Account>() / 8;

pub(crate) fn words(account: &Account) -> &[u64; WORDS] {
    zerocopy::transmute_ref!(account)
}

pub(crate) fn words_mut(account: &mut Account) -> &mut [u64; WORDS] {
    zerocopy::transmute_mut!(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conservation_notices_a_lost_packet() {
        let mut account = Account::zero();
        account.ports[0].received = 3;
        account.ports[0].forwarded = 2;
        account.ports[0].dropped[Reason::Standing.index()] = 1;
        account.ports[1].offered = 2;
        account.ports[1].sent = 1;
        account.ports[1].refused = 1;
        assert!(account.is_conserved());
        account.ports[1].refused = 0;
        assert!(!account.is_conserved());
    }
}
