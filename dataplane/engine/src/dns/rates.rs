//! How often one network asks for the same: response rate limiting at the question, before there is a response.
//!
//! Whoever forges somebody's address to flood him with answers asks for the same over and over. Asked for queries of
//! those who have not proved to receive what is sent to them. Always holds: nobody's first queries exceed a rate, and what is
//! pushed out of a full set begins anew.

use repute_memory::Table;
use repute_model::Tick;

/// Buckets of a set: one cache line.
const WAYS: usize = 8;
const SETS: usize = 4096;
/// Time is counted in so many parts of a ms; 32 bits of them are eighteen hours.
const PARTS: u32 = 64;
/// What may come at once that may come in so many ms.
const BURST_MS: u32 = 2_000;

/// One bucket (GCRA, ITU-T I.371).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Bucket {
    /// What is asked by whom.
    tag: u32,
    /// When all that was asked for has been earned, in parts of a ms.
    earned: u32,
}

/// The buckets.
#[derive(Debug)]
pub struct Rates {
    sets: Table<[Bucket; WAYS]>,
}

impl Rates {
    /// Nobody has asked for anything.
    pub fn new() -> Self {
        Self { sets: Table::new(SETS, [Bucket { tag: 0, earned: 0 }; WAYS]) }
    }

    /// Whether one more of what `key` names is more than `per_s` in a second, 1..=64 000; it is not counted then. 0 =
    /// nothing is, and nothing is counted.
    #[inline]
    pub fn exceeds(&mut self, per_s: u16, now: Tick, key: impl FnOnce() -> u64) -> bool {
        per_s > 0 && self.is_more(key(), per_s.into(), now)
    }

    fn is_more(&mut self, key: u64, per_s: u32, now: Tick) -> bool {
        let (set, tag, now) = (key as usize % SETS, (key >> 32) as u32, now.low().wrapping_mul(PARTS));
        let set = &mut self.sets[set];
        let ahead = |bucket: &Bucket| (bucket.earned.wrapping_sub(now) as i32).max(0) as u32;
        let known = set.iter().position(|bucket| bucket.tag == tag);
        let at = known.or_else(|| (0..WAYS).min_by_key(|&way| ahead(&set[way]))).unwrap_or(0);
        let ahead = if known.is_some() { ahead(&set[at]) } else { 0 };
        if ahead > BURST_MS * PARTS {
            return true;
        }
        set[at] = Bucket { tag, earned: now.wrapping_add(ahead + 1_000 * PARTS / per_s) };
        false
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_others_have_their_own() {
        let mut rates = Rates::new();
        let mut passed = |key: u64, from_ms: u64| {
            (0..10_000).filter(|ms| !rates.exceeds(50, Tick(from_ms + ms), || key)).count()
        };
        let first = passed(7 << 32 | 7, 5);
        assert!((595..=605).contains(&first), "{first}: ten seconds and a burst of two");
        assert_eq!(passed(8 << 32 | 7, 5), first);
        assert_eq!(passed(7 << 32 | 7, 80_000_000), first, "time has gone round");
    }

    #[test]
    fn a_full_set_gives_up_who_asked_least() {
        let mut rates = Rates::new();
        let key = |n: u64| n << 32;
        for n in (0..500).map(|_| 1).chain(2..40) {
            rates.exceeds(50, Tick(1), || key(n));
        }
        assert!(rates.exceeds(50, Tick(1), || key(1)));
        assert!(!rates.exceeds(50, Tick(1), || key(2)));
    }
}
