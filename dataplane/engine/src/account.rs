//! What a worker has counted.
//!
//! The worker adds to plain numbers and publishes a copy once a tick ([`crate::Published`]). Both conservation
//! identities can be checked on any published account:
//! *in*: received = forwarded + Σ dropped by reason, per port;
//! *out*: sent = forwarded to it − refused by it, per port.

use repute_model::{Band, Reason};
use repute_wire::Class;
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
    /// Meant for this port.
    pub offered: u64,
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

    /// Notes a packet that is dropped; there is always a reason.
    pub(crate) fn drop(&mut self, reason: Option<Reason>) {
        if let Some(reason) = reason {
            self.dropped[reason.index()] += 1;
        }
    }

    /// Dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Whether no packet was lost sight of.
    pub fn is_conserved(&self) -> bool {
        self.received == self.forwarded + self.dropped_total() && self.offered == self.sent + self.refused
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
    /// Band changes.
    pub changes: u64,
    /// Reports that found the ring full.
    pub reports_lost: u64,
    /// Log lines beyond the limit per tick.
    pub log_lines_suppressed: u64,
    /// Jumps in time.
    pub jumps: u64,
}

impl Account {
    /// Nothing counted.
    pub fn zero() -> Self {
        Self::new_zeroed()
    }

    /// Whether both identities hold on every port and between them.
    pub fn is_conserved(&self) -> bool {
        let forwarded: u64 = self.ports.iter().map(|port| port.forwarded).sum();
        let offered: u64 = self.ports.iter().map(|port| port.offered).sum();
        forwarded == offered && self.ports.iter().all(PortAccount::is_conserved)
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
