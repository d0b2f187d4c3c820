//! The redirection table of RSS (RETA): from the last bits of a hash to a queue.
//!
//! Made at boot, given to every port and to the software alike.

use std::fmt;

/// A redirection table of 1..=[`Reta::MAX`] entries, a power of two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reta(Box<[u16]>);

/// A table size that no NIC has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetaError(pub usize);

impl fmt::Display for RetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a redirection table of {} entries; NICs have a power of two, at most {}",
            self.0,
            Reta::MAX
        )
    }
}

impl std::error::Error for RetaError {}

impl Reta {
    /// Entries at most: the largest table of NICs in use.
    pub const MAX: usize = 2048;

    /// A table as it stands: a queue for each entry.
    ///
    /// # Errors
    /// A size that is no power of two or above [`Self::MAX`].
    pub fn new(queues: &[u16]) -> Result<Self, RetaError> {
        if !queues.len().is_power_of_two() || queues.len() > Self::MAX {
            return Err(RetaError(queues.len()));
        }
        Ok(Self(queues.into()))
    }

    /// A table of `size` entries that gives each of `queues` queues one unbroken, equal run of them.
    ///
    /// Not in turn, as drivers set it: runs look at the first bits of the index, and these are the ones that
    /// depend on every bit of a source under [`super::Key::for_sources`]. For a port with a larger table than
    /// its peer, ask [`Self::queue`] for each of its entries: the smaller table, repeated.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn even(size: usize, queues: u16) -> Result<Self, RetaError> {
        let run: Vec<u16> = (0..size).map(|entry| (entry * usize::from(queues) / size) as u16).collect();
        Self::new(&run)
    }

    /// Entries.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// How many bits of a hash count.
    pub fn index_bits(&self) -> u32 {
        self.size().ilog2()
    }

    /// The queue of packets with this hash.
    #[inline]
    pub fn queue(&self, hash: u32) -> u16 {
        self.0[hash as usize & (self.0.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_two() {
        for size in [0, 3, 100, 4096] {
            assert_eq!(Reta::new(&vec![0; size]), Err(RetaError(size)));
            assert_eq!(Reta::even(size, 2), Err(RetaError(size)));
        }
        assert!(RetaError(3).to_string().contains("power of two"));
    }

    #[test]
    fn queues_share_the_table_evenly() {
        for (size, queues) in [(128, 1), (128, 2), (128, 3), (512, 7), (64, 64)] {
            let reta = Reta::even(size, queues).unwrap();
            let mut counts = vec![0; usize::from(queues)];
            (0..size as u32).for_each(|hash| counts[usize::from(reta.queue(hash))] += 1);
            let least = size / usize::from(queues);
            assert!(counts.iter().all(|&count| count == least || count == least + 1), "{counts:?}");
        }
    }

    #[test]
    fn only_the_last_bits_of_a_hash_count() {
        let reta = Reta::even(128, 4).unwrap();
        assert_eq!((reta.queue(0x1234_5600), reta.queue(0x1234_567f)), (0, 3));
        assert_eq!((reta.size(), reta.index_bits()), (128, 7));
        let doubled: Vec<u16> = (0..256).map(|entry| reta.queue(entry)).collect();
        let doubled = Reta::new(&doubled).unwrap();
        assert!((0..4096).all(|hash| doubled.queue(hash) == reta.queue(hash)));
    }
}
