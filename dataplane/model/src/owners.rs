//! Which worker owns a source.
//!
//! Asked by every worker for every packet, and by the control plane for every question about a source. Always
//! holds: fixed at boot and the same everywhere, so that no two workers ever write one source. Where
//! receive-side scaling (RSS) hashes otherwise, or not at all, packets are handed over and nothing else changes.

use std::sync::Arc;

use crate::Source;
use crate::toeplitz::Spread;

/// How sources are dealt to workers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owners {
    /// By a hash of their own: for one worker, and for ports that do not hash the owner address alone.
    Hash {
        /// How many workers there are, 1 or more.
        workers: u16,
    },
    /// By the queue that RSS gives them, so that nothing need be handed over. Queues are workers.
    Toeplitz(Arc<Spread>),
}

impl Owners {
    /// The worker that alone reads and writes the state of `source`.
    #[inline]
    pub fn owner(&self, source: Source) -> u16 {
        match self {
            Self::Hash { workers } => owner(source, *workers),
            Self::Toeplitz(spread) => spread.queue(source.first()),
        }
    }
}

/// The owner of `source` among `workers` that share sources by [`Owners::Hash`], 0..workers.
#[inline]
pub fn owner(source: Source, workers: u16) -> u16 {
    let bits = source.first().0;
    let folded = (bits as u64) ^ ((bits >> 64) as u64).rotate_left(32);
    let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((u128::from(mixed) * u128::from(workers)) >> 64) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toeplitz::{Key, Reta};
    use crate::{Address, Width};

    fn source(i: u32) -> Source {
        Source::of(Address::v4(0x0a00_0000 + i), Width::OUTSIDE).unwrap()
    }

    #[test]
    fn every_worker_owns_a_fair_part() {
        let key = Key::symmetric(40).unwrap();
        for owners in [
            Owners::Hash { workers: 4 },
            Owners::Toeplitz(Arc::new(Spread::new(&key, Reta::even(128, 4).unwrap()))),
        ] {
            let mut counts = [0u32; 4];
            (0..40_000).for_each(|i| counts[usize::from(owners.owner(source(i)))] += 1);
            assert!(counts.iter().all(|&c| (9_000..11_000).contains(&c)), "{owners:?} {counts:?}");
        }
    }

    #[test]
    fn owner_is_the_queue_of_the_hardware() {
        let key = Key::symmetric(40).unwrap();
        let spread = Spread::new(&key, Reta::even(128, 3).unwrap());
        let owners = Owners::Toeplitz(Arc::new(spread.clone()));
        for i in 0..1000u32 {
            let hash = spread.toeplitz().hash(&(0x0a00_0000 + i).to_be_bytes());
            assert_eq!(owners.owner(source(i)), spread.reta().queue(hash));
        }
    }

    #[test]
    fn one_worker_owns_everything() {
        assert!((0..100).all(|i| Owners::Hash { workers: 1 }.owner(source(i)) == 0));
    }
}
