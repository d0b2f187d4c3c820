//! The seeded pseudo-random generator (xoshiro256++, Blackman and Vigna 2019) every component draws from.
//!
//! Own code because the byte-identity of captures hangs on it: a generator whose algorithm changes with a
//! library version would change every published capture. What always holds: the same seed and stream give
//! the same numbers on every machine. Not for secrets.

/// A deterministic stream of numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a bijective mix, used for seeding and as a plain hash.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream numbered `stream` of the family `seed`; streams of one seed are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut word = mix(seed) ^ mix(stream.wrapping_add(1)).rotate_left(17);
        let state = std::array::from_fn(|_| {
            word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(word)
        });
        Self { state }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// 32 bits, for sequence numbers and identifiers.
    pub fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// 16 bits, for identifiers of headers.
    pub fn half(&mut self) -> u16 {
        (self.bits() >> 48) as u16
    }

    /// A number in `low..=high`; `low` when the range is empty. The bias of 2⁻⁶⁴·range is of no matter here.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = u128::from(high.saturating_sub(low)) + 1;
        low + ((u128::from(self.bits()) * span) >> 64) as u64
    }

    /// An ephemeral port as Linux picks them (`ip_local_port_range`).
    pub fn ephemeral_port(&mut self) -> u16 {
        self.between(32_768, 60_999) as u16
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability (0..=1).
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An exponentially distributed interval with this mean, as between events of a Poisson process; at least 1.
    pub fn interval(&mut self, mean: f64) -> u64 {
        ((-(1.0 - self.unit()).ln() * mean) as u64).max(1)
    }

    /// A bounded Pareto size (shape 1.2): most are near `low`, a few reach `high`, as web objects do.
    pub fn heavy_tail(&mut self, low: u64, high: u64) -> u64 {
        let size = low as f64 / (1.0 - self.unit()).powf(1.0 / 1.2);
        (size as u64).clamp(low, high.max(low))
    }

    /// One of the items; callers pass non-empty constant tables.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.between(0, items.len() as u64 - 1) as usize]
    }

    /// So many random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 7);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.bits().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, stream| {
            let mut rng = Rng::new(seed, stream);
            (0..8).map(|_| rng.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn draws_stay_in_range_and_reach_both_ends() {
        let mut rng = Rng::new(7, 0);
        let draws: Vec<u64> = (0..500).map(|_| rng.between(3, 6)).collect();
        assert_eq!(draws.iter().min(), Some(&3));
        assert_eq!(draws.iter().max(), Some(&6));
        assert_eq!(rng.between(9, 2), 9);
        assert_eq!(rng.bytes(13).len(), 13);
        assert!((0..500).all(|_| (10..=50).contains(&rng.heavy_tail(10, 50))));
    }

    #[test]
    fn intervals_have_their_mean() {
        let mut rng = Rng::new(7, 1);
        let mean = (0..20_000).map(|_| rng.interval(1000.0)).sum::<u64>() as f64 / 20_000.0;
        assert!((950.0..1050.0).contains(&mean), "{mean}");
    }
}
