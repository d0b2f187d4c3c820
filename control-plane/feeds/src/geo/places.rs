//! Where somebody was seen, fading with time.

use std::fmt;
use std::time::{Duration, SystemTime};

/// An ISO 3166-1 alpha-2 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// A code of two letters; small ones are made large. `None` for anything else.
    pub fn new(code: &str) -> Option<Self> {
        let &[a, b] = code.as_bytes() else { return None };
        let letters = a.is_ascii_alphabetic() && b.is_ascii_alphabetic();
        letters.then_some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
    }

    /// Its two letters, large ones.
    pub const fn letters(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// So many different values of one kind are told apart; the least seen one makes room.
const KEPT: usize = 8;

/// How often each of a few values was seen, halved every half-life. 8 values at most.
#[derive(Clone, Debug)]
pub(super) struct Tally<T> {
    seen: Vec<(T, f64)>,
    at: SystemTime,
}

impl<T: Copy + Eq> Tally<T> {
    pub fn new(at: SystemTime) -> Self {
        Self { seen: Vec::new(), at }
    }

    /// Lets time pass; a clock that goes backwards stands still.
    pub fn fade(&mut self, now: SystemTime, half_life: Duration) {
        let passed = now.duration_since(self.at).unwrap_or_default();
        let left = (-(passed.as_secs_f64() / half_life.as_secs_f64().max(1.0))).exp2();
        self.seen.iter_mut().for_each(|(_, weight)| *weight *= left);
        self.at = self.at.max(now);
    }

    pub fn add(&mut self, value: T) {
        if let Some((_, weight)) = self.seen.iter_mut().find(|(known, _)| *known == value) {
            *weight += 1.0;
            return;
        }
        if self.seen.len() == KEPT {
            let least = (0..KEPT).min_by(|&a, &b| self.seen[a].1.total_cmp(&self.seen[b].1));
            least.map(|least| self.seen.swap_remove(least));
        }
        self.seen.push((value, 1.0));
    }

    /// Share of `value` in all that was seen, 0..=1.
    pub fn share(&self, value: T) -> f64 {
        let total: f64 = self.seen.iter().map(|(_, weight)| weight).sum();
        let of = self.seen.iter().find(|(known, _)| *known == value).map_or(0.0, |(_, weight)| *weight);
        if total > 0.0 { of / total } else { 0.0 }
    }

    /// How many values there are in effect: the exponential of the entropy, 1 where one is all, 8 where all of eight
    /// are equal.
    pub fn spread(&self) -> f64 {
        let total: f64 = self.seen.iter().map(|(_, weight)| weight).sum();
        let shares = self.seen.iter().map(|(_, weight)| weight / total).filter(|share| *share > 0.0);
        shares.map(|share| -share * share.ln()).sum::<f64>().exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_two_letters() {
        assert_eq!(Country::new("de").unwrap().to_string(), "DE");
        assert!(["", "D", "DEU", "D1", "é"].iter().all(|code| Country::new(code).is_none()));
    }

    #[test]
    fn tallies_fade_and_stay_small() {
        let start = SystemTime::UNIX_EPOCH;
        let day = Duration::from_secs(86_400);
        let mut tally = Tally::new(start);
        (0..3).for_each(|_| tally.add(1));
        tally.fade(start + day, day);
        tally.fade(start, day);
        tally.add(2);
        assert!((tally.share(1) - 0.6).abs() < 1e-9);
        assert!(tally.spread() > 1.9 && tally.spread() < 2.0);
        (0..1000).for_each(|n| tally.add(n));
        assert_eq!(tally.seen.len(), KEPT);
    }
}
