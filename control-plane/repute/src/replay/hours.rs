//! The hours of the week by capture time: a replay learns what is usual as it goes, as the box does by its clock.
//!
//! Held by a [`Rehearsal`](super::rehearsal::Rehearsal). Always holds: what is learnt follows from packets and their stamps
//! alone. It begins with nothing, so that it takes captures of several weeks to count.

use std::sync::Arc;

use repute_engine::{Handle, Published};
use repute_learning::{Learner, Shown};
use repute_model::{Command, HourTerms};
use repute_policy::Checked;

/// From one look at what the worker has counted to the next, in seconds of the capture.
const LOOK_EVERY_S: u64 = 5;

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
    /// Nothing learnt; `None` where the config says that hours do not count.
    pub fn new(checked: &Checked, published: Arc<Published>) -> Option<Self> {
        let (terms, services) = (checked.hour_terms()?, checked.service_names());
        let learner = Learner::default();
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
