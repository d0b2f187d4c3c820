//! One service's week: what is usual for a source of it at each of the 168 hours.
//!
//! Filled by [`Learner`](crate::Learner) when hours end, read when they begin and by people. Always holds: what is usual was
//! there in every week of the warm-up, and from then on a week moves it by a bounded factor, up as down: neither an attack
//! nor a holiday is the new normal at once.

use repute_model::{Hour, HourTerms, Rates};

/// A week counts as at most so many times, and at least such a part of, what was usual until then.
const MOST: f32 = 64.0;

/// One hour of a week.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Slot {
    /// What is usual for one source: geometric means over weeks, in which one odd week counts for little; while it warms
    /// up the least of its weeks.
    pub rates: Rates,
    /// Weeks learnt, saturating.
    pub weeks: u8,
}

impl Slot {
    /// What is usual, once enough weeks were seen.
    pub fn usual(&self, terms: &HourTerms) -> Option<Rates> {
        (self.weeks >= terms.warm_up.max(1)).then_some(self.rates)
    }

    /// Learns one more week.
    fn learn(&mut self, seen: Rates, terms: &HourTerms) {
        let share = 1.0 / f32::from(terms.weeks.max(1));
        let (first, warm) = (self.weeks == 0, self.weeks >= terms.warm_up);
        let moved = |usual: f32, seen: f32, least: f32| {
            let (usual, seen) = (usual.max(least), seen.max(least));
            match (first, warm) {
                (true, _) => seen,
                (_, false) => usual.min(seen),
                (_, true) => moved(usual, seen, share).max(least),
            }
        };
        self.rates = Rates {
            packets_per_s: moved(self.rates.packets_per_s, seen.packets_per_s, terms.least.packets_per_s),
            bytes_per_s: moved(self.rates.bytes_per_s, seen.bytes_per_s, terms.least.bytes_per_s),
        };
        self.weeks = self.weeks.saturating_add(1);
    }
}

fn moved(usual: f32, seen: f32, share: f32) -> f32 {
    usual * (seen / usual).clamp(MOST.recip(), MOST).powf(share)
}

/// All hours of a service's week.
#[derive(Clone, PartialEq, Debug)]
pub struct Week {
    slots: Box<[Slot; Hour::COUNT]>,
}

impl Week {
    /// Nothing learnt.
    pub fn new() -> Self {
        Self { slots: Box::new([Slot::default(); Hour::COUNT]) }
    }

    /// The week of these slots; `None` where they are not as many as hours, or hold what no week could have taught.
    pub fn of(slots: &[Slot]) -> Option<Self> {
        let sound = |rate: f32| rate.is_finite() && rate >= 0.0;
        let all = |slot: &Slot| sound(slot.rates.packets_per_s) && sound(slot.rates.bytes_per_s);
        let slots: [Slot; Hour::COUNT] = slots.try_into().ok()?;
        slots.iter().all(all).then(|| Self { slots: Box::new(slots) })
    }

    /// The slots, from Monday 00:00 UTC on.
    pub fn slots(&self) -> &[Slot; Hour::COUNT] {
        &self.slots
    }

    /// One of them.
    pub fn slot(&self, hour: Hour) -> &Slot {
        &self.slots[hour.index()]
    }

    /// Learns what an hour has shown.
    pub fn learn(&mut self, hour: Hour, seen: Rates, terms: &HourTerms) {
        self.slots[hour.index()].learn(seen, terms);
    }
}

impl Default for Week {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    const LEAST: Rates = Rates { packets_per_s: 10.0, bytes_per_s: 1000.0 };
    const TERMS: HourTerms = HourTerms { weeks: 4, warm_up: 3, least: LEAST };

    const fn rates(bytes_per_s: f32) -> Rates {
        Rates { packets_per_s: 100.0, bytes_per_s }
    }

    fn learnt(weeks: &[f32]) -> Slot {
        let mut slot = Slot::default();
        weeks.iter().for_each(|&bytes| slot.learn(rates(bytes), &TERMS));
        slot
    }

    #[test]
    fn what_is_the_same_every_week_is_usual_after_the_warm_up() {
        for weeks in 0..3 {
            assert_eq!(learnt(&[5e6; 3][..weeks]).usual(&TERMS), None);
        }
        let usual = learnt(&[5e6; 9]).usual(&TERMS).unwrap();
        assert!(
            (usual.bytes_per_s - 5e6).abs() < 5e3 && (usual.packets_per_s - 100.0).abs() < 0.1,
            "{usual:?}"
        );
    }

    #[test]
    fn one_odd_week_moves_little() {
        let of = |weeks: &[f32]| learnt(weeks).rates.bytes_per_s;
        // An attack of a thousand times as much, in a week of many and in the very first.
        let attacked = of(&[1e4, 1e4, 1e4, 1e4, 1e7]);
        assert!(attacked < 3e4, "{attacked}");
        assert!(of(&[1e4, 1e4, 1e4, 1e4, 1e7, 1e4, 1e4]) < 2e4);
        assert_eq!([of(&[1e7, 1e4, 1e4]), of(&[1e4, 1e7, 1e7])], [1e4; 2]);
        // A week without the backup.
        assert!(of(&[1e7, 1e7, 1e7, 1e7, 0.0]) > 3e6);
    }

    #[test]
    fn what_stays_is_usual_in_the_end() {
        let weeks: Vec<_> = [1e4; 8].into_iter().chain([1e6; 16]).collect();
        let usual = learnt(&weeks).rates.bytes_per_s;
        assert!((usual - 1e6).abs() < 5e4, "{usual}");
    }

    #[test]
    fn only_a_whole_and_sound_week_is_taken() {
        let mut slots = vec![Slot { rates: rates(7.0), weeks: 3 }; Hour::COUNT];
        assert_eq!(Week::of(&slots).unwrap().slots(), slots.as_slice());
        assert_eq!(Week::of(&slots[1..]), None);
        slots[9].rates.bytes_per_s = f32::NAN;
        assert_eq!(Week::of(&slots), None);
    }

    proptest! {
        #![proptest_config(Config { cases: 512, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() })]

        /// A slot is the least of the warm-up and then the weighted mean of the logarithms, computed here week by week in f64
        /// with the same bounds, and no week moves it up further than its weight allows.
        #[test]
        fn a_slot_is_a_bounded_geometric_mean(weeks in proptest::collection::vec(0.0..1e10f32, 1..40)) {
            let mut slot = Slot::default();
            let mut model: Option<f64> = None;
            for (n, &seen) in weeks.iter().enumerate() {
                let before = slot;
                slot.learn(rates(seen), &TERMS);
                let least = f64::from(LEAST.bytes_per_s).ln();
                let log = f64::from(seen).ln().max(least);
                let most = f64::from(MOST).ln();
                let warm = |old: f64| (old + 0.25 * (log - old).clamp(-most, most)).max(least);
                let next = model.map_or(log, |old| if n < 3 { old.min(log) } else { warm(old) });
                model = Some(next);
                let got = f64::from(slot.rates.bytes_per_s).ln();
                prop_assert!((got - next).abs() < 1e-3 * (n as f64 + 1.0), "week {n}: {got} is not {next}");
                if n > 0 {
                    let factor = f64::from(slot.rates.bytes_per_s / before.rates.bytes_per_s);
                    let bound = if n < 3 { 1.0 } else { f64::from(MOST).powf(0.25) * 1.001 };
                    prop_assert!(factor <= bound && (n < 3 || factor >= bound.recip()), "{factor}");
                }
            }
            prop_assert_eq!(usize::from(slot.weeks), weeks.len());
        }

        /// Who sends more teaches at least as much.
        #[test]
        fn it_is_monotone(weeks in proptest::collection::vec(0.0..1e10f32, 1..20), more in 1.0..50.0f32) {
            let larger: Vec<_> = weeks.iter().map(|seen| seen * more).collect();
            prop_assert!(learnt(&larger).rates.bytes_per_s >= 0.999 * learnt(&weeks).rates.bytes_per_s);
        }
    }
}
