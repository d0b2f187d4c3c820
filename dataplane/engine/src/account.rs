//! What a worker has counted, and how others may read it.
//!
//! The worker adds to plain numbers and publishes a copy once a tick. Both conservation identities
//! can be checked on any published account:
//! *in*: received = forwarded + Σ dropped by reason, per port;
//! *out*: sent = forwarded to it − refused by it, per port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use crossbeam::utils::CachePadded;
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

const WORDS: usize = size_of::<Account>() / 8;

fn words(account: &Account) -> &[u64; WORDS] {
    zerocopy::transmute_ref!(account)
}

fn words_mut(account: &mut Account) -> &mut [u64; WORDS] {
    zerocopy::transmute_mut!(account)
}

/// A worker's account where others can read it: a sequence lock with one writer.
///
/// Padded, so that its readers never share a cache line with anything else a worker writes.
#[derive(Debug)]
pub struct Published {
    sequence: CachePadded<AtomicU64>,
    words: CachePadded<[AtomicU64; WORDS]>,
}

impl Published {
    /// An account of zeros, to be shared between the worker and its readers.
    pub fn shared() -> Arc<Self> {
        Arc::new(Self {
            sequence: CachePadded::new(AtomicU64::new(0)),
            words: CachePadded::new([const { AtomicU64::new(0) }; WORDS]),
        })
    }

    /// Replaces the account. Only the worker calls this.
    pub fn publish(&self, account: &Account) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (to, from) in self.words.iter().zip(words(account)) {
            to.store(*from, Ordering::Relaxed);
        }
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// A copy that was published as a whole; tries again while the worker is writing.
    pub fn read(&self) -> Account {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            let mut account = Account::zero();
            for (to, from) in words_mut(&mut account).iter_mut().zip(self.words.iter()) {
                *to = from.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && before == self.sequence.load(Ordering::Relaxed) {
                return account;
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_never_see_half_an_account() {
        let published = Published::shared();
        let reader = Arc::clone(&published);
        let writer = std::thread::spawn(move || {
            for n in 0..20_000 {
                let mut account = Account::zero();
                words_mut(&mut account).fill(n);
                published.publish(&account);
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let account = reader.read();
            let all = words(&account);
            assert!(all.iter().all(|&word| word == all[0]));
            assert!(all[0] >= last);
            last = all[0];
        }
        writer.join().unwrap();
        assert_eq!(reader.read().batches, 19_999);
    }

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
