//! The secrets of server cookies: new ones every day, and those of the day before still count (RFC 9018, 5).
//!
//! Asked when a cookie is judged or made. Always holds: nobody outside can make a cookie; workers with one seed make the
//! same ones.

use repute_model::{Address, Tick};
use repute_reputation::Secret;
use repute_wire::dns::CookieSecrets;

const DAY_MS: u64 = 86_400_000;

/// What every day's secret is made of.
#[derive(Clone, Copy, Debug)]
pub struct Secrets(Secret);

impl Secrets {
    /// Secrets that only who knows the seed can tell.
    pub const fn new(seed: u64) -> Self {
        Self(Secret::from_seed(seed.rotate_left(29)))
    }

    /// Those that count now.
    pub fn at(&self, now: Tick) -> CookieSecrets {
        let day = now.0 / DAY_MS;
        CookieSecrets { current: self.of(day), previous: day.checked_sub(1).map(|day| self.of(day)) }
    }

    fn of(&self, day: u64) -> [u8; 16] {
        let half = |n: u128| self.0.pair(Address(n), Address(day.into()), 0);
        (u128::from(half(1)) << 64 | u128::from(half(2))).to_be_bytes()
    }
}

/// The time that cookies carry, in seconds modulo 2^32: it is compared only with itself.
pub const fn seconds(now: Tick) -> u32 {
    (now.0 / 1000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_secret_and_the_one_before_counts() {
        let (one, other) = (Secrets::new(1), Secrets::new(2));
        let days = [0, 1, 2].map(|day| one.at(Tick(day * DAY_MS + 5)));
        assert_eq!(days[0].previous, None);
        assert_eq!(days[2].previous, Some(days[1].current));
        assert_ne!(days[0].current, days[1].current);
        assert_ne!(other.at(Tick(5)).current, days[0].current);
    }
}
