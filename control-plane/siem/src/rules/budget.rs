//! How much alerts may still do to a source, prefix or service.
//!
//! Two GCRA buckets a subject: points and treatments. **Always holds:** within any `per_s` no more than twice a
//! bucket's size is granted, and never more than its size at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use repute_model::{Prefix, Source};

use super::config::{Action, Bounds, Scope};
use super::{Change, Subject};
use crate::alert::Culprit;

/// Subjects with a budget of their own; those beyond share one.
const BUDGETS_MAX: usize = 65_536;
/// How often the table is looked through for budgets that are whole again, once it is full.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What was granted of an action.
pub enum Granted {
    /// All that may be done has been done.
    Nothing,
    /// This much.
    Change(Change),
}

/// Every subject's budget.
#[derive(Debug)]
pub struct Budgets {
    bounds: Bounds,
    table: HashMap<Subject, Budget>,
    /// Of the subjects that the table has no room for.
    shared: Budget,
    looked: Option<Instant>,
}

/// When each bucket is whole again; `None` = it is.
#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    points: Bucket,
    treatments: Bucket,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket(Option<Instant>);

impl Bucket {
    /// Takes up to `wanted` of `size` units, which come back one by one within `per`.
    fn take(&mut self, wanted: u16, size: u16, per: Duration, now: Instant) -> u16 {
        let each = per / u32::from(size.max(1));
        let whole = self.0.map_or(now, |whole| whole.max(now));
        let used = whole.duration_since(now).as_nanos().div_ceil(each.as_nanos().max(1));
        let left = u128::from(size).saturating_sub(used);
        let taken = wanted.min(u16::try_from(left).unwrap_or(u16::MAX));
        self.0 = Some(whole + each * u32::from(taken));
        taken
    }

    fn is_whole(self, now: Instant) -> bool {
        self.0.is_none_or(|whole| whole <= now)
    }
}

impl Budgets {
    pub fn new(bounds: &Bounds) -> Self {
        Self { bounds: *bounds, table: HashMap::new(), shared: Budget::default(), looked: None }
    }

    /// What may be done of `action`.
    pub fn grant(&mut self, action: &Action, culprit: &Culprit, source: Source, now: Instant) -> Granted {
        match action {
            Action::Ignore => Granted::Nothing,
            Action::Nudge { points, forgive } => self.nudge(*points, *forgive, source, now),
            Action::Treat { scope, treatment, seconds } => {
                let Some(subject) = subject(scope, culprit, source) else { return Granted::Nothing };
                let Bounds { treatments, per_s, .. } = self.bounds;
                let bucket = &mut self.of(&subject, now).treatments;
                if bucket.take(1, treatments, Duration::from_secs(per_s), now) == 0 {
                    return Granted::Nothing;
                }
                let (treatment, lifetime) = (treatment.clone(), Duration::from_secs(*seconds));
                Granted::Change(Change::Treat { subject, treatment, lifetime })
            }
        }
    }

    /// Only what makes a score worse is bounded.
    fn nudge(&mut self, points: i16, forgive: bool, source: Source, now: Instant) -> Granted {
        let mut granted = points;
        if points < 0 {
            let Bounds { points: size, per_s, .. } = self.bounds;
            let bucket = &mut self.of(&Subject::Source(source), now).points;
            let taken = bucket.take(points.unsigned_abs(), size, Duration::from_secs(per_s), now);
            granted = i16::try_from(taken).map_or(points, |taken| -taken);
        }
        match granted {
            0 => Granted::Nothing,
            points => Granted::Change(Change::Nudge { source, points, forgive }),
        }
    }

    fn of(&mut self, subject: &Subject, now: Instant) -> &mut Budget {
        if self.table.len() >= BUDGETS_MAX && !self.table.contains_key(subject) {
            if self.looked.is_none_or(|looked| now.duration_since(looked) >= LOOK_EVERY) {
                self.looked = Some(now);
                self.table
                    .retain(|_, budget| !(budget.points.is_whole(now) && budget.treatments.is_whole(now)));
            }
            if self.table.len() >= BUDGETS_MAX {
                return &mut self.shared;
            }
        }
        self.table.entry(subject.clone()).or_default()
    }
}

/// Whom an action is for; a prefix that cannot be read was refused when the table was made.
fn subject(scope: &Scope, culprit: &Culprit, source: Source) -> Option<Subject> {
    Some(match scope {
        Scope::Source => Subject::Source(source),
        Scope::Around { v4, v6 } => {
            let len = if culprit.address.is_v4() { v4 + 96 } else { *v6 };
            Subject::Prefix(Prefix::containing(culprit.address, len))
        }
        Scope::Prefix(prefix) => Subject::Prefix(prefix.parse().ok()?),
        Scope::Service(name) => Subject::Service(name.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_size_and_refills_evenly() {
        let (mut bucket, now, per) = (Bucket::default(), Instant::now(), Duration::from_secs(100));
        assert_eq!(bucket.take(30, 100, per, now), 30);
        assert_eq!(bucket.take(90, 100, per, now), 70);
        assert_eq!(bucket.take(1, 100, per, now), 0);
        assert_eq!(bucket.take(50, 100, per, now + Duration::from_secs(10)), 10);
        assert!(!bucket.is_whole(now + Duration::from_secs(109)));
        assert!(bucket.is_whole(now + Duration::from_secs(110)));
        assert_eq!(bucket.take(1000, 100, per, now + Duration::from_secs(1000)), 100);
    }

    #[test]
    fn subjects_beyond_the_table_share_one_budget() {
        let (now, action) = (Instant::now(), Action::Nudge { points: -3000, forgive: false });
        let mut budgets = Budgets::new(&Bounds { points: 3000, ..Bounds::default() });
        let mut hit = |n: u32, now| {
            let address = repute_model::Address::v4(0x0a00_0000 + n);
            let culprit = Culprit { address, victim: address, side: repute_model::Side::Outside };
            let source = Source::from_parts(address, 128);
            matches!(budgets.grant(&action, &culprit, source, now), Granted::Change(_))
        };
        for n in 0..BUDGETS_MAX as u32 {
            assert!(hit(n, now), "{n}");
        }
        assert!(hit(BUDGETS_MAX as u32, now), "the shared one");
        assert!(!hit(BUDGETS_MAX as u32 + 1, now), "it is used up");
        assert!(hit(BUDGETS_MAX as u32 + 1, now + Duration::from_secs(3600)), "the others are whole again");
    }
}
