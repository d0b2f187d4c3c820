//! The hours of the week by capture time: a replay learns what is usual as it goes, as the box does by its clock.
//!
//! Held by a [`Rehearsal`](super::rehearsal::Rehearsal). Always holds: what is learnt follows from packets, their stamps and
//! what it began with: nothing, so that it takes captures of several weeks to count, or what a box has learnt.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use repute_engine::{Handle, Published};
use repute_learning::{Learner, Shown, Slot, Week};
use repute_model::{Command, Hour, HourTerms, Rates};
use repute_policy::Checked;
use serde::Deserialize;

/// From one look at what the worker has counted to the next, in seconds of the capture.
const LOOK_EVERY_S: u64 = 5;

/// Weeks by service.
pub type Weeks = BTreeMap<String, Week>;

/// One service, as `repute service show NAME --json` prints it; what is not said here is passed over.
#[derive(Deserialize)]
struct ShownService {
    service: String,
    week: Vec<ShownHour>,
}

#[derive(Deserialize)]
struct ShownHour {
    weeks: u32,
    packets_per_s: f32,
    bytes_per_s: f32,
}

/// Reads what a box has learnt of its services: what `repute service show NAME --json` has printed, once or several times.
///
/// # Errors
/// A file that cannot be read or is something else; a week that is none.
pub fn read(path: &Path) -> anyhow::Result<Weeks> {
    let at = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("{at}: cannot read"))?;
    let services = serde_json::Deserializer::from_str(&text).into_iter::<ShownService>();
    let week = |shown: serde_json::Result<ShownService>| {
        let ShownService { service, week } =
            shown.with_context(|| format!("{at}: not what `repute service show NAME --json` prints"))?;
        let slots: Vec<_> = week.iter().map(slot).collect();
        let week = Week::of(&slots).with_context(|| {
            let (found, all) = (slots.len(), Hour::COUNT);
            format!("{at}: the week of `{service}` has {found} hours; it takes {all}, with rates from 0 on")
        })?;
        Ok((service, week))
    };
    services.map(week).collect()
}

fn slot(hour: &ShownHour) -> Slot {
    let ShownHour { weeks, packets_per_s, bytes_per_s } = *hour;
    let weeks = u8::try_from(weeks).unwrap_or(u8::MAX);
    Slot { rates: Rates { packets_per_s, bytes_per_s }, weeks }
}

/// What is usual, as far as the captures have shown.
pub struct Hours {
    learner: Learner,
    terms: HourTerms,
    services: Vec<String>,
    published: Arc<Published>,
    next_look_s: u64,
    /// The worker has not been told yet.
    untold: bool,
}

impl Hours {
    /// As much learnt as these weeks say; `None` where the config says that hours do not count.
    pub fn new(checked: &Checked, published: Arc<Published>, weeks: &Weeks) -> Option<Self> {
        let (terms, services) = (checked.hour_terms()?, checked.service_names());
        let learner = Learner::with(weeks.clone());
        Some(Self { learner, terms, services, published, next_look_s: 0, untold: false })
    }

    /// Looks at what has been counted, and tells the worker when an hour begins. To be called before it breathes.
    pub fn look(&mut self, now_s: u64, handle: &mut Handle) {
        if now_s >= self.next_look_s || self.learner.hour().is_none() {
            self.next_look_s = now_s + LOOK_EVERY_S;
            let board = self.published.read_services();
            let (since, others) = (board.since, board.lesson(None).windows);
            let shown = Shown { since, lessons: board.lessons(self.services.len()).collect(), others };
            self.untold |= self.learner.look(now_s, &self.terms, &self.services, &[shown]);
        }
        if self.untold {
            let usuals = Box::new(self.learner.usuals(&self.terms, &self.services));
            // A ring that is full is offered it again with the next batch.
            self.untold = handle.commands.push(Command::BeginHour(usuals)).is_err();
        }
    }
}
