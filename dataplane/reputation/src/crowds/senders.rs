//! Who sends what floods a crowd: the heaviest network, the heaviest port, and how widely the senders are spread.
//!
//! Called by [`super::watch`] with the samples that come with rows ([`super::sender`]). Heavy hitters by the space-saving
//! algorithm (Metwally, Agrawal, El Abbadi 2005), spread as the entropy of a keyed histogram of networks, with Miller's
//! correction (1955) for few samples. Always holds: what was counted halves every second; nothing is said of fewer than
//! [`LEAST`] samples, so that the first packets that a crowd ever gets are no network.

use repute_model::{Address, Spread};

use super::sender::{Network, Sender};
use crate::Secret;

/// Fewer samples say nothing.
const LEAST: f32 = 32.0;
/// A network or a port that has a smaller share is not told.
const TOLD: f32 = 0.1;
/// So many times as many come from the wide network as from the narrow one where that is not all of it.
const MUCH: f32 = 1.5;
/// Cells of the histogram.
const CELLS: usize = 32;

/// Senders of one kind of flood to one crowd.
#[derive(Clone, Copy, Debug)]
pub(super) struct Senders {
    narrow: Heaviest<4>,
    wide: Heaviest<4>,
    ports: Heaviest<2>,
    /// Samples by keyed hash of their wide network.
    cells: [f32; CELLS],
    seen: f32,
}

/// The heaviest of many keys.
#[derive(Clone, Copy, Debug)]
struct Heaviest<const N: usize>([Heavy; N]);

/// A key that came at most `count` times, and at least as often as that is more than what it took over.
#[derive(Clone, Copy, Debug)]
struct Heavy {
    key: u64,
    count: f32,
    taken_over: f32,
}

impl Heavy {
    const NONE: Self = Self { key: 0, count: 0.0, taken_over: 0.0 };

    fn certain(&self) -> f32 {
        self.count - self.taken_over
    }
}

impl<const N: usize> Heaviest<N> {
    const NONE: Self = Self([Heavy::NONE; N]);

    fn count(&mut self, key: u64) {
        if let Some(heavy) = self.0.iter_mut().find(|heavy| heavy.key == key && heavy.count > 0.0) {
            heavy.count += 1.0;
        } else if let Some(least) = self.0.iter_mut().min_by(|a, b| a.count.total_cmp(&b.count)) {
            *least = Heavy { key, count: least.count + 1.0, taken_over: least.count };
        }
    }

    fn halve(&mut self) {
        for heavy in &mut self.0 {
            heavy.count /= 2.0;
            heavy.taken_over /= 2.0;
        }
    }

    /// The one that certainly came most often, and its share of all that were seen.
    fn heaviest(&self, seen: f32) -> (u64, f32) {
        let heaviest = self.0.iter().max_by(|a, b| a.certain().total_cmp(&b.certain()));
        heaviest.map_or((0, 0.0), |heavy| (heavy.key, (heavy.certain() / seen).min(1.0)))
    }
}

impl Senders {
    pub const NONE: Self = Self {
        narrow: Heaviest::NONE,
        wide: Heaviest::NONE,
        ports: Heaviest::NONE,
        cells: [0.0; CELLS],
        seen: 0.0,
    };

    /// Counts one that was drawn.
    pub fn note(&mut self, sender: &Sender, secret: &Secret) {
        let [narrow, wide] = [false, true].map(|is_wide| sender.network(is_wide).number);
        self.narrow.count(narrow);
        self.wide.count(wide);
        self.ports.count(sender.port.into());
        self.cells[secret.address(Address(wide.into())) as usize % CELLS] += 1.0;
        self.seen += 1.0;
    }

    /// A second has passed.
    pub fn halve(&mut self) {
        self.narrow.halve();
        self.wide.halve();
        self.ports.halve();
        self.cells.iter_mut().for_each(|cell| *cell /= 2.0);
        self.seen /= 2.0;
    }

    /// What is known of them; `None` while they are too few.
    pub fn spread(&self) -> Option<Spread> {
        if self.seen < LEAST {
            return None;
        }
        let (port, port_share) = self.ports.heaviest(self.seen);
        Some(Spread {
            samples: self.seen.into(),
            network: self.network().map(|(network, share)| (network.prefix(), share.into())),
            port: (port_share >= TOLD).then(|| (port as u16, port_share.into())),
            entropy: self.entropy(),
        })
    }

    /// The heaviest network and its share of the samples, if there is one: the narrow one, but where the wide one around
    /// it is much heavier.
    pub fn network(&self) -> Option<(Network, f32)> {
        let (narrow, share) = self.narrow.heaviest(self.seen);
        let (wide, all) = self.wide.heaviest(self.seen);
        let is_wide = all >= MUCH * share;
        let (number, share) = if is_wide { (wide, all) } else { (narrow, share) };
        (self.seen >= LEAST && share >= TOLD).then_some((Network { number, is_wide }, share))
    }

    /// 0 = one network, 1 = as many as can be told apart, all alike.
    fn entropy(&self) -> f64 {
        let used = self.cells.iter().filter(|&&cell| cell > 0.0);
        let plain: f64 = used.clone().map(|&cell| f64::from(cell / self.seen)).map(|p| -p * p.ln()).sum();
        let missing = (used.count() as f64 - 1.0) / (2.0 * f64::from(self.seen));
        ((plain + missing) / (CELLS as f64).ln()).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use repute_model::Flood;

    use super::*;

    /// What is said after so many samples of senders made by number.
    fn spread(samples: u32, sender: impl Fn(u32) -> (u32, u16)) -> Option<Spread> {
        let (secret, mut senders) = (Secret::from_seed(3), Senders::NONE);
        for n in 0..samples {
            let (from, port) = sender(n);
            senders.note(&Sender::new(Address::v4(from), port, Flood::Syn), &secret);
        }
        senders.spread()
    }

    fn anywhere(n: u32) -> u32 {
        (n + 1).wrapping_mul(0x9e37_79b9).rotate_left(7).wrapping_mul(0x85eb_ca6b)
    }

    #[test]
    fn few_samples_are_no_network() {
        assert_eq!(spread(31, |_| (0x0a00_0001, 443)), None);
        let said = spread(32, |_| (0x0a00_0001, 443)).unwrap();
        assert_eq!((said.network.unwrap().0.to_string(), said.entropy), ("10.0.0.0/24".to_owned(), 0.0));
    }

    #[test]
    fn one_network_many_and_a_mixture() {
        let one = spread(500, |n| (0xc633_6400 | (n % 256), 443)).unwrap();
        assert_eq!(
            (one.network.unwrap().0.to_string(), one.port),
            ("198.51.100.0/24".to_owned(), Some((443, 1.0)))
        );
        let wide = spread(500, |n| (0xc633_0000 | anywhere(n) >> 16, 443)).unwrap();
        assert_eq!((wide.network.unwrap().0.to_string(), wide.entropy), ("198.51.0.0/16".to_owned(), 0.0));
        let all = spread(500, |n| (anywhere(n), anywhere(n + 9) as u16)).unwrap();
        assert!(all.entropy > 0.97 && all.network.is_none() && all.port.is_none(), "{all:?}");
        let mixed =
            spread(500, |n| (if n % 10 < 8 { 0xc633_6400 | (n % 256) } else { anywhere(n) }, 443)).unwrap();
        let (network, share) = mixed.network.unwrap();
        assert!(network.to_string() == "198.51.100.0/24" && (0.75..0.9).contains(&share), "{mixed:?}");
        assert!((0.1..0.5).contains(&mixed.entropy), "{mixed:?}");
    }

    #[test]
    fn few_samples_do_not_look_like_few_networks() {
        let said = spread(40, |n| (anywhere(n), 443)).unwrap();
        assert!(said.entropy > 0.85, "{said:?}");
    }

    #[test]
    fn what_was_is_forgotten() {
        let (secret, mut senders) = (Secret::from_seed(3), Senders::NONE);
        let note = |senders: &mut Senders, from| {
            senders.note(&Sender::new(Address::v4(from), 443, Flood::Syn), &secret);
        };
        (0..1000).for_each(|n| note(&mut senders, 0xc633_6400 | (n % 256)));
        for second in 0..4 {
            senders.halve();
            (0..200).for_each(|n| note(&mut senders, anywhere(second * 1000 + n)));
        }
        let share = senders.spread().unwrap().network.map_or(0.0, |(_, share)| share);
        assert!(share < 0.3, "{share}");
        (0..5).for_each(|_| senders.halve());
        assert_eq!(senders.spread(), None);
    }
}
