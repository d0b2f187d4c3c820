//! The standing of a source in a service, of a source over its services and of a service over its sources (E2): a
//! weighted average of four parts, each 0..1 and 1 = good.
//!
//! | part | weight | value |
//! |---|---|---|
//! | baseline | 0.5 | how much of what is usual is known: windows learnt, of those that the warm-up asks for |
//! | deviation | 0.2 | 1 − \|volume − baseline\| / baseline of the last window with traffic, at least 0 |
//! | destinations | 0.15 | reputation of those whom it talks to |
//! | criticality | 0.15 | of the service; 0.5 of none |
//!
//! The weights are those of E13, whose score before the interval the baseline takes the place of. Worked out by workers
//! for explanations and lists, by the control plane from the sums of all workers. Always holds: several pairs count by
//! their usual volume, so that a roll-up of one pair is that pair.

use crate::Score;

/// Weights of baseline, deviation, destinations and criticality.
const WEIGHTS: [f64; 4] = [0.5, 0.2, 0.15, 0.15];
/// What is one in the sums of a roll-up.
const ONE: f64 = 255.0;

/// The four parts of a standing, each 0..1, 1 = good.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Standing {
    /// How much of what is usual is known.
    pub baseline: f64,
    /// How near it was to that.
    pub deviation: f64,
    /// Reputation of its destinations.
    pub destinations: f64,
    /// Criticality of the service.
    pub criticality: f64,
}

impl Standing {
    /// The weighted average.
    pub fn score(&self) -> Score {
        let parts = [self.baseline, self.deviation, self.destinations, self.criticality];
        Score::from_unit(parts.iter().zip(WEIGHTS).map(|(part, weight)| part * weight).sum())
    }
}

/// What one source shows in one service: bytes a second, and the rest in 255ths.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Habit {
    /// Its usual volume.
    pub usual_per_s: f32,
    /// Its volume in the window under way.
    pub volume_per_s: f32,
    /// How much of what is usual is known.
    pub known: u8,
    /// How far the last window with traffic was from it.
    pub deviation: u8,
    /// How bad its destinations are.
    pub destination: u8,
}

/// Habits added up: of a source over its services, of a service over its sources, over workers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RollUp {
    /// Usual volume, bytes a second.
    pub usual_per_s: u64,
    /// Volume in the windows under way, bytes a second.
    pub volume_per_s: u64,
    /// The other numbers of habits, in 255ths, by usual volume; whoever has none counts for one byte.
    pub known: u64,
    /// See [`known`](Self::known).
    pub deviation: u64,
    /// See [`known`](Self::known).
    pub destination: u64,
    /// What these are sums over.
    pub weight: u64,
}

impl RollUp {
    /// Adds one habit.
    pub fn note(&mut self, habit: &Habit) {
        let weight = (habit.usual_per_s as u64).max(1);
        self.usual_per_s += habit.usual_per_s as u64;
        self.volume_per_s += habit.volume_per_s as u64;
        self.known += weight * u64::from(habit.known);
        self.deviation += weight * u64::from(habit.deviation);
        self.destination += weight * u64::from(habit.destination);
        self.weight += weight;
    }

    /// Adds what others have added up.
    pub fn add(&mut self, other: &Self) {
        self.usual_per_s += other.usual_per_s;
        self.volume_per_s += other.volume_per_s;
        self.known += other.known;
        self.deviation += other.deviation;
        self.destination += other.destination;
        self.weight += other.weight;
    }

    /// The standing; `None` where nothing was added.
    pub fn standing(&self, criticality: f64) -> Option<Standing> {
        let mean = |sum: u64| sum as f64 / self.weight as f64 / ONE;
        (self.weight > 0).then(|| Standing {
            baseline: mean(self.known),
            deviation: 1.0 - mean(self.deviation),
            destinations: 1.0 - mean(self.destination),
            criticality,
        })
    }
}

/// How a source stands in one of its services.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PairStanding {
    /// The number of the service; `None` = what it does in none.
    pub service: Option<u8>,
    /// Its numbers there.
    pub habit: Habit,
    /// What they come to.
    pub standing: Standing,
}

impl PairStanding {
    /// A habit in a service of this criticality.
    pub fn of(service: Option<u8>, habit: Habit, criticality: f64) -> Self {
        let part = |value: u8| f64::from(value) / ONE;
        let standing = Standing {
            baseline: part(habit.known),
            deviation: 1.0 - part(habit.deviation),
            destinations: 1.0 - part(habit.destination),
            criticality,
        };
        Self { service, habit, standing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABIT: Habit =
        Habit { usual_per_s: 1000.0, volume_per_s: 500.0, known: 255, deviation: 51, destination: 102 };

    #[test]
    fn golden_part_by_part() {
        let standing = PairStanding::of(Some(0), HABIT, 0.9).standing;
        assert_eq!((standing.baseline, standing.deviation, standing.destinations), (1.0, 0.8, 0.6));
        // 0.5 · 1 + 0.2 · 0.8 + 0.15 · 0.6 + 0.15 · 0.9
        assert_eq!(standing.score(), Score::new(8850));
        let page = PairStanding::of(Some(1), HABIT, 0.1).standing;
        assert_eq!(page.score(), Score::new(7650), "the same habit in what is less critical");
    }

    #[test]
    fn a_roll_up_of_one_is_that_one_and_larger_ones_count_more() {
        let mut sum = RollUp::default();
        assert_eq!(sum.standing(0.5), None);
        sum.note(&HABIT);
        assert_eq!(sum.standing(0.9), Some(PairStanding::of(None, HABIT, 0.9).standing));
        let mut other = RollUp::default();
        other.note(&Habit { usual_per_s: 3000.0, deviation: 255, ..HABIT });
        sum.add(&other);
        assert_eq!((sum.usual_per_s, sum.volume_per_s), (4000, 1000));
        let deviation = sum.standing(0.9).unwrap().deviation;
        assert!((deviation - 0.2).abs() < 1e-9, "a quarter of 0.8, three quarters of 0: {deviation}");
    }
}
