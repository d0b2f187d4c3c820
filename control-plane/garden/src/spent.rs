//! Tasks that were solved: none counts twice.
//!
//! Always holds: whatever is not remembered is either unsolved or too old to count. **When it is full** nothing is forgotten to
//! make room: solutions are refused as [`Refusal::Busy`] until the oldest ends.

use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

use crate::Refusal;
use crate::token::Nonce;

/// Solved tasks that are remembered at most.
pub const SPENT_MAX: usize = 16_384;

/// Solved tasks whose time is not over.
#[derive(Debug, Default)]
pub struct Spent {
    nonces: HashSet<Nonce>,
    /// The same by when they end.
    ends: BTreeSet<(Instant, Nonce)>,
}

impl Spent {
    /// Takes note that a task was solved which counts for nobody from `end` on.
    pub fn spend(&mut self, nonce: Nonce, end: Instant, now: Instant) -> Result<(), Refusal> {
        while let Some(&(ended, nonce)) = self.ends.first()
            && ended < now
        {
            self.ends.pop_first();
            self.nonces.remove(&nonce);
        }
        if self.nonces.contains(&nonce) {
            return Err(Refusal::Spent);
        }
        if self.nonces.len() >= SPENT_MAX {
            return Err(Refusal::Busy);
        }
        self.nonces.insert(nonce);
        self.ends.insert((end, nonce));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    #[test]
    fn who_is_full_refuses_and_forgets_nobody() {
        let (mut spent, begin) = (Spent::default(), Instant::now());
        let end = begin + Duration::from_secs(9);
        for n in 0..SPENT_MAX as u64 {
            assert_eq!(spent.spend(n.to_be_bytes(), end, begin), Ok(()));
        }
        assert_eq!(spent.spend([0xff; 8], end, begin), Err(Refusal::Busy));
        assert_eq!(spent.spend([0; 8], end, begin), Err(Refusal::Spent));
        assert_eq!(spent.spend([0xff; 8], end, end), Err(Refusal::Busy), "it still counts then");
        assert_eq!(spent.spend([0xff; 8], end, end + Duration::from_millis(1)), Ok(()));
        assert_eq!((spent.nonces.len(), spent.ends.len()), (1, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(0x6a7d), ..ProptestConfig::default() })]

        /// Against a map that never forgets.
        #[test]
        fn no_task_counts_twice_within_its_time(
            steps in prop::collection::vec((0u64..40, 0u8..20), 1..200),
        ) {
            let (mut spent, begin) = (Spent::default(), Instant::now());
            let mut plain: HashMap<u8, u64> = HashMap::new();
            let mut ms = 0;
            for (gap, nonce) in steps {
                ms += gap;
                let at = |ms| begin + Duration::from_millis(ms);
                let counts = plain.get(&nonce).is_none_or(|&end| end < ms);
                prop_assert_eq!(spent.spend([nonce; 8], at(ms + 100), at(ms)).is_ok(), counts);
                if counts {
                    plain.insert(nonce, ms + 100);
                }
            }
        }
    }
}
