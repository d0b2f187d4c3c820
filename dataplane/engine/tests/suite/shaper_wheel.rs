//! The timing wheel against a sorted list.

use proptest::collection::vec;
use proptest::prelude::*;
use repute_engine::shaper::{Place, Wheel};
use repute_model::Tick;

use crate::common::cases;

/// What may be asked of a wheel.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Put a thing in, due so many ticks from the last time that was asked for (or before it).
    Put(i64),
    /// Take room for a thing that is put in later.
    Reserve,
    /// Use the oldest room taken, so many ticks ahead.
    Fill(i64),
    /// Let so much time pass and take out at most so many that are due.
    Advance(u64, usize),
    /// Take out the first, due or not.
    Pop,
}

fn step() -> impl Strategy<Value = Step> {
    let due = prop_oneof![-5..=20i64, -500..=20_000i64];
    let ms = prop_oneof![0..=3u64, 0..=300u64, 10_000..=200_000u64];
    prop_oneof![
        8 => due.clone().prop_map(Step::Put),
        1 => Just(Step::Reserve),
        1 => due.prop_map(Step::Fill),
        4 => (ms, prop_oneof![Just(usize::MAX), 0..4usize]).prop_map(|(ms, most)| Step::Advance(ms, most)),
        1 => Just(Step::Pop),
    ]
}

/// Everything that waits as (tick, number), in order of departure.
#[derive(Default)]
struct Model {
    waits: Vec<(u64, u32)>,
    now: u64,
    reach: u64,
}

impl Model {
    fn put(&mut self, at: u64, number: u32) {
        let at = at.clamp(self.now, self.now + self.reach);
        let behind = self.waits.partition_point(|&(other, _)| other <= at);
        self.waits.insert(behind, (at, number));
    }

    fn pop_due(&mut self, now: u64) -> Option<u32> {
        match self.waits.first() {
            Some(&(at, _)) if at <= now => self.pop(),
            _ => {
                self.now = self.now.max(now);
                None
            }
        }
    }

    fn pop(&mut self) -> Option<u32> {
        let (at, number) = (!self.waits.is_empty()).then(|| self.waits.remove(0))?;
        self.now = at;
        Some(number)
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_wheel_is_a_list_sorted_by_time(
        horizon in prop_oneof![1..=70u32, 900..=1_100u32, Just(10_000u32)],
        capacity in 1..60u32,
        // Also where the low 32 bits of the clock wrap.
        start in prop_oneof![Just(0u64), (1u64 << 32) - 3_000..(1u64 << 32)],
        steps in vec(step(), 1..300),
    ) {
        let mut wheel = Wheel::new(horizon, capacity);
        let mut model = Model { reach: wheel.reach(), ..Model::default() };
        let mut places: Vec<Place> = Vec::new();
        let mut now = start;
        prop_assert!(wheel.reach() >= u64::from(horizon) && wheel.capacity() == capacity);
        prop_assert_eq!((wheel.pop_due(Tick(now)), model.pop_due(now)), (None, None));
        for (number, step) in (0..).zip(steps) {
            let full = model.waits.len() + places.len() == capacity as usize;
            match step {
                Step::Put(ahead) => {
                    let place = wheel.reserve();
                    prop_assert_eq!(place.is_none(), full);
                    if let Some(place) = place {
                        wheel.fill(place, Tick(now.saturating_add_signed(ahead)), number);
                        model.put(now.saturating_add_signed(ahead), number);
                    }
                }
                Step::Reserve => places.extend(wheel.reserve()),
                Step::Fill(ahead) => if !places.is_empty() {
                    wheel.fill(places.remove(0), Tick(now.saturating_add_signed(ahead)), number);
                    model.put(now.saturating_add_signed(ahead), number);
                },
                Step::Advance(ms, most) => {
                    now += ms;
                    for _ in 0..most.min(capacity as usize + 1) {
                        let out = wheel.pop_due(Tick(now));
                        prop_assert_eq!(out, model.pop_due(now));
                        if out.is_none() {
                            break;
                        }
                    }
                }
                Step::Pop => prop_assert_eq!(wheel.pop(), model.pop()),
            }
            prop_assert_eq!(wheel.len() as usize, model.waits.len());
            prop_assert_eq!(wheel.is_empty(), model.waits.is_empty());
            prop_assert_eq!(wheel.next(), model.waits.first().map(|&(at, _)| Tick(at)));
        }
    }
}
