//! The destinations without a row that had most packets, of one tick.
//!
//! Called by [`super::Crowds`]. Always holds: one place a destination; who comes later with as many does not
//! displace who was there.

use std::cmp::Reverse;

use repute_model::Address;

/// Destinations that may get a row at the end of one tick.
const PLACES: usize = 8;

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Heavy {
    pub hash: u64,
    pub address: Address,
    /// At most so many packets in the sketch's window; 0 = a free place.
    pub packets: u32,
}

/// The heaviest of a tick.
#[derive(Debug)]
pub(super) struct Heaviest {
    places: [Heavy; PLACES],
    /// The least number of packets among them.
    least: u32,
}

const FREE: Heavy = Heavy { hash: 0, address: Address(0), packets: 0 };

impl Heaviest {
    pub const fn new() -> Self {
        Self { places: [FREE; PLACES], least: 0 }
    }

    /// One more packet of somebody who may be among them.
    #[inline(always)]
    pub fn meet(&mut self, heavy: Heavy) {
        if heavy.packets > self.least {
            self.place(heavy);
        }
    }

    #[inline(never)]
    fn place(&mut self, heavy: Heavy) {
        let held = self.places.iter().position(|held| held.packets > 0 && held.address == heavy.address);
        let least = (0..PLACES).min_by_key(|&i| self.places[i].packets);
        if let Some(place) = held.or(least) {
            self.places[place] = heavy;
        }
        self.least = self.places.iter().map(|held| held.packets).min().unwrap_or(0);
    }

    /// Those of the tick that ends, heaviest first; begins anew.
    pub fn take(&mut self) -> impl Iterator<Item = Heavy> + use<> {
        let mut places = std::mem::replace(self, Self::new()).places;
        places.sort_unstable_by_key(|heavy| (Reverse(heavy.packets), heavy.address));
        places.into_iter().filter(|heavy| heavy.packets > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heavy(i: u32, packets: u32) -> Heavy {
        Heavy { hash: u64::from(i), address: Address::v4(i), packets }
    }

    #[test]
    fn keeps_the_heaviest_once_each() {
        let mut heaviest = Heaviest::new();
        for packets in 1..=3 {
            (0..100).for_each(|i| heaviest.meet(heavy(i, packets * (i % 50))));
        }
        let got: Vec<_> = heaviest.take().collect();
        let expected = [49, 99, 48, 98, 47, 97, 46, 96].map(|i| heavy(i, 3 * (i % 50)));
        assert_eq!(got, expected);
        assert_eq!(heaviest.take().count(), 0);
    }

    #[test]
    fn equals_do_not_displace() {
        let mut heaviest = Heaviest::new();
        (0..20).for_each(|i| heaviest.meet(heavy(i, 5)));
        assert!(heaviest.take().eq((0..8).map(|i| heavy(i, 5))));
    }
}
