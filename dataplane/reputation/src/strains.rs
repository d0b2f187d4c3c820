//! Which of the answers that flood a crowd are the flood: those of a port and make that many come of.
//!
//! Asked by the engine for answers to a crowd in flood that nobody asked for. Reflectors answer from the port of what
//! they serve, and what they answer shows what they were asked: one port and one make, or a few, make the flood, and a
//! stray answer of another kind has no part in it. Each kind is counted by itself, and all small ones of a crowd together,
//! so that a flood from random ports is one as well. Always holds: counts fade by half every second and include what was
//! dropped, so that a flood that goes on stays one.

use repute_memory::Table;
use repute_model::Tick;

/// Ports and makes counted at the same time, a power of two; who shares a place with somebody counts with him.
const PLACES: usize = 1024;
/// Above this, about 3 a second, answers of one port and make are a strain of the flood…
const STRAIN: f32 = 4.0;
/// …and above this, about 8 a second, those of all that are none.
const OTHERS: f32 = 12.0;

/// Counts by crowd, port and make.
#[derive(Debug)]
pub struct Strains {
    places: Table<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    count: f32,
    at: u32,
}

impl Place {
    fn count(&mut self, now: Tick) -> f32 {
        let seconds = now.low().wrapping_sub(self.at) as f32 / 1e3;
        self.count = self.count * (-seconds).exp2() + 1.0;
        self.at = now.low();
        self.count
    }
}

impl Default for Strains {
    fn default() -> Self {
        Self { places: Table::new(PLACES, Place { count: 0.0, at: 0 }) }
    }
}

impl Strains {
    /// Counts an answer; whether it is part of the flood. `strain` is a keyed hash of crowd, port and make, `all` one of
    /// the crowd alone.
    pub fn count(&mut self, strain: u64, all: u64, now: Tick) -> bool {
        if self.place(strain).count(now) >= STRAIN {
            return true;
        }
        self.place(all).count(now) >= OTHERS
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.places.bytes()
    }

    fn place(&mut self, key: u64) -> &mut Place {
        &mut self.places[key as usize & (PLACES - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use repute_model::Address;

    /// Answers per second from so many ports for ten seconds; the share that is part of the flood, but for the first.
    fn flood(per_s: u64, ports: u64) -> f64 {
        let secret = Secret::from_seed(9);
        let (mut strains, mut stopped) = (Strains::default(), 0);
        let key = |port: u64| secret.pair(Address::v4(1), Address(0), port);
        for i in 0..10 * per_s {
            let now = Tick(i * 1000 / per_s);
            let is_flood = strains.count(key(i % ports), key(99_999), now);
            stopped += u64::from(is_flood && i >= per_s);
        }
        stopped as f64 / (9 * per_s) as f64
    }

    #[test]
    fn one_port_or_all_of_them_are_a_flood_and_a_few_answers_are_none() {
        assert_eq!(flood(20, 1), 1.0);
        assert_eq!(flood(200, 3), 1.0);
        assert_eq!(flood(20, 200), 1.0);
        assert_eq!(flood(2, 1), 0.0);
        assert_eq!(flood(6, 60), 0.0);
    }
}
