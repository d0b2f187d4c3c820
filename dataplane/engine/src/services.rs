//! What a worker counts by service, beside its account.
//!
//! Counted by the worker, published a few times a second ([`crate::Published`]): rows have numbers, names are the control
//! plane's. Always holds: numbers mean what they mean in the policy of [`ServiceBoard::policy_version`]; where another
//! policy has other services, everybody begins anew.

use repute_model::{Band, Effect, Judgement, Lesson, Policy, RollUp, Tick};
use repute_reputation::{Gathered, Shard};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// A row for each service that a policy may number, and one for whatever belongs to none.
pub const SERVICE_ROWS: usize = 256;

/// Ticks from one publication to the next: readers are people and scrapers.
const EVERY: u64 = 256;

/// One service at one worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ServiceAccount {
    /// Packets that would not have passed and were forwarded because the policy is in shadow mode, by
    /// [`Effect::index`].
    pub shadow_packets: [u64; Effect::COUNT],
    /// Their bytes on the wire.
    pub shadow_bytes: [u64; Effect::COUNT],
    /// Sources in it now, by band; those in several services are in each.
    pub sources: [u64; Band::ALL.len()],
    /// What a [`RollUp`] has, in its order.
    roll_up: [u64; 6],
}

impl ServiceAccount {
    /// The habits of its sources, added up.
    pub const fn roll_up(&self) -> RollUp {
        let [usual_per_s, volume_per_s, known, deviation, destination, weight] = self.roll_up;
        RollUp { usual_per_s, volume_per_s, known, deviation, destination, weight }
    }

    fn take(&mut self, gathered: &Gathered) {
        let RollUp { usual_per_s, volume_per_s, known, deviation, destination, weight } = gathered.sum;
        self.sources = gathered.sources;
        self.roll_up = [usual_per_s, volume_per_s, known, deviation, destination, weight];
    }

    /// Adds what another worker has counted.
    pub fn add(&mut self, other: &Self) {
        for (sum, add) in self.as_mut_words().iter_mut().zip(other.as_words()) {
            *sum += add;
        }
    }

    fn as_words(&self) -> &[u64; size_of::<Self>() / 8] {
        zerocopy::transmute_ref!(self)
    }

    fn as_mut_words(&mut self) -> &mut [u64; size_of::<Self>() / 8] {
        zerocopy::transmute_mut!(self)
    }
}

/// All services at one worker.
#[derive(Clone, PartialEq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ServiceBoard {
    /// The policy that the rows are numbered by; 0 = none has services.
    pub policy_version: u64,
    /// The tick of publication.
    pub tick: u64,
    /// The tick since which rows and lessons are counted.
    pub since: u64,
    rows: [ServiceAccount; SERVICE_ROWS],
    /// What a [`Lesson`] has, in its order.
    lessons: [[f64; 6]; SERVICE_ROWS],
}

/// The board as plain words.
pub(crate) const SERVICE_WORDS: usize = size_of::<ServiceBoard>() / 8;

impl ServiceBoard {
    /// Nothing counted.
    pub fn zero() -> Box<Self> {
        Box::new(Self::new_zeroed())
    }

    /// Nothing counted yet under a policy.
    pub(crate) fn under(policy: &Policy) -> Box<Self> {
        let mut board = Self::zero();
        board.adopt(policy, policy, Tick(0));
        board
    }

    /// The row of a service, or of whatever belongs to none.
    pub fn row(&self, service: Option<u8>) -> &ServiceAccount {
        &self.rows[place(service)]
    }

    /// What the windows of a service's sources have taught since [`ServiceBoard::since`].
    pub fn lesson(&self, service: Option<u8>) -> Lesson {
        let [windows, bad, p0, p1, b0, b1] = self.lessons[place(service)];
        Lesson { windows: windows as u64, bad: bad as u64, packets: [p0, p1], bytes: [b0, b1] }
    }

    /// The lessons of so many services, by number.
    pub fn lessons(&self, services: usize) -> impl Iterator<Item = Lesson> {
        (0..u8::MAX).take(services).map(|number| self.lesson(Some(number)))
    }

    /// Takes note of what would have become of a packet of `wire_len` bytes.
    pub(crate) fn shadow(&mut self, service: Option<u8>, judgement: &Judgement, wire_len: u32) {
        let (row, effect) = (&mut self.rows[place(service)], Effect::of(judgement).index());
        row.shadow_packets[effect] += 1;
        row.shadow_bytes[effect] += u64::from(wire_len);
    }

    /// Takes over what the sweep has gathered of so many services.
    pub(crate) fn take(&mut self, shard: &Shard, services: usize) {
        let numbers = (0..=u8::MAX).take(services).map(Some).chain([None]);
        for service in numbers {
            self.rows[place(service)].take(shard.gathered(service));
            let Lesson { windows, bad, packets: [p0, p1], bytes: [b0, b1] } = *shard.lesson(service);
            self.lessons[place(service)] = [windows as f64, bad as f64, p0, p1, b0, b1];
        }
    }

    /// Goes on under another policy. Whether that has other services.
    pub(crate) fn adopt(&mut self, old: &Policy, new: &Policy, now: Tick) -> bool {
        // Feeds come under the same version.
        let changed = old.version != new.version && old.services != new.services;
        if changed {
            self.rows = [ServiceAccount::new_zeroed(); SERVICE_ROWS];
            self.lessons = [[0.0; 6]; SERVICE_ROWS];
            self.since = now.0;
        }
        self.policy_version = if new.services.is_empty() { 0 } else { new.version };
        changed
    }

    /// Whether it is time to publish it: then it is done.
    pub(crate) const fn is_due(&mut self, now: Tick) -> bool {
        let due = self.policy_version > 0 && now.0 / EVERY != self.tick / EVERY;
        if due {
            self.tick = now.0;
        }
        due
    }

    pub(crate) fn words(&self) -> &[u64; SERVICE_WORDS] {
        zerocopy::transmute_ref!(self)
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64; SERVICE_WORDS] {
        zerocopy::transmute_mut!(self)
    }
}

fn place(service: Option<u8>) -> usize {
    usize::from(service.unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use repute_model::Reason;

    use super::*;

    #[test]
    fn rows_are_kept_apart_and_added_up() {
        let mut boards = [ServiceBoard::zero(), ServiceBoard::zero()];
        boards[0].shadow(Some(3), &Judgement::drop(Reason::MeterBytes), 100);
        boards[1].shadow(Some(3), &Judgement::drop(Reason::MeterPackets), 50);
        boards[1].shadow(None, &Judgement::drop(Reason::Standing), 7);
        let mut sum = *boards[0].row(Some(3));
        sum.add(boards[1].row(Some(3)));
        let of = |row: &ServiceAccount, effect: Effect| {
            (row.shadow_packets[effect.index()], row.shadow_bytes[effect.index()])
        };
        assert_eq!((of(&sum, Effect::Slowed), of(&sum, Effect::Cut)), ((2, 150), (0, 0)));
        assert_eq!(of(boards[1].row(None), Effect::Cut), (1, 7));
    }
}
