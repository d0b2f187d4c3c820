//! Bands of standing, their thresholds with hysteresis, and how long a source dwells in one.

use std::fmt;

use crate::Score;

/// The five bands, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Band {
    /// Long proven.
    Excellent,
    /// Nothing known against it.
    Good,
    /// Something is odd: look closer.
    Neutral,
    /// Suspicious: slow it.
    Poor,
    /// Stop it.
    Malicious,
}

impl Band {
    /// Every band, best first: also the order of counter arrays.
    pub const ALL: [Self; 5] = [Self::Excellent, Self::Good, Self::Neutral, Self::Poor, Self::Malicious];

    /// The name used in config, API, CLI and captures' accounts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Neutral => "neutral",
            Self::Poor => "poor",
            Self::Malicious => "malicious",
        }
    }

    /// The position in arrays by band.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The band at `index` of [`Band::ALL`]; the worst beyond it.
    pub const fn from_index(index: u8) -> Self {
        match index {
            0 => Self::Excellent,
            1 => Self::Good,
            2 => Self::Neutral,
            3 => Self::Poor,
            _ => Self::Malicious,
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Least scores of the four upper bands; below `poor` is malicious.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// Least score of excellent, good, neutral and poor, strictly falling.
    pub least: [Score; 4],
    /// How far above a threshold a score must climb before the better band is entered.
    pub hysteresis: u16,
}

/// How long a source stays in a band at least, in ms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dwell {
    /// Before a worse band is entered.
    pub worse_ms: u32,
    /// Before a better band is entered.
    pub better_ms: u32,
}

impl Thresholds {
    /// The band of a score without a past.
    pub fn band(&self, score: Score) -> Band {
        let above = self.least.iter().position(|&least| score >= least);
        Band::from_index(above.unwrap_or(4) as u8)
    }

    /// The band of a score for a source that stands in `current`: worse at once, better only when
    /// the score clears the threshold by the hysteresis.
    pub fn step(&self, current: Band, score: Score) -> Band {
        let plain = self.band(score);
        if plain >= current {
            return plain;
        }
        self.band(score.nudged(-(self.hysteresis as i16))).min(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Thresholds = Thresholds {
        least: [Score::new(8500), Score::new(6500), Score::new(4500), Score::new(2500)],
        hysteresis: 300,
    };

    #[test]
    fn thresholds_are_inclusive() {
        for (score, band) in [
            (10_000, Band::Excellent),
            (8500, Band::Excellent),
            (8499, Band::Good),
            (4500, Band::Neutral),
            (2500, Band::Poor),
            (2499, Band::Malicious),
            (0, Band::Malicious),
        ] {
            assert_eq!(T.band(Score::new(score)), band, "{score}");
        }
    }

    #[test]
    fn better_needs_the_hysteresis_worse_does_not() {
        assert_eq!(T.step(Band::Poor, Score::new(4600)), Band::Poor);
        assert_eq!(T.step(Band::Poor, Score::new(4800)), Band::Neutral);
        assert_eq!(T.step(Band::Good, Score::new(6499)), Band::Neutral);
        assert_eq!(T.step(Band::Malicious, Score::new(9000)), Band::Excellent);
        assert_eq!(T.step(Band::Malicious, Score::new(8600)), Band::Good);
    }
}
