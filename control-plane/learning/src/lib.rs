//! What is usual, learnt from what workers publish: for now, for the sources of each service at each hour of the week.
//!
//! Called by the control plane's task that follows the wall clock, and by replays that follow their captures'. A
//! [`Learner`] is shown from time to time what all workers have counted; when an hour ends, it folds what that has shown
//! into the service's [`Week`]. Always holds: time is passed in and nothing here reads a clock; what is learnt of a service
//! takes the same few bytes for ever; no single week makes something usual that was not.
//!
//! ```
//! use repute_learning::{Learner, Shown};
//! use repute_model::{HourTerms, Lesson, Rates};
//!
//! let least = Rates { packets_per_s: 100.0, bytes_per_s: 125_000.0 };
//! let terms = HourTerms { weeks: 4, warm_up: 3, least };
//! let services = ["backup".to_owned()];
//! let mut learner = Learner::default();
//! let (mut lesson, mut turned) = (Lesson::default(), 0);
//! for second in (0..7200).step_by(10) {
//!     lesson.note(Rates { packets_per_s: 1_000.0, bytes_per_s: 1e6 });
//!     turned += u32::from(learner.look(second, &terms, &services, &[Shown { since: 0, lessons: vec![lesson], others: 0 }]));
//! }
//! assert_eq!(turned, 2, "an hour began, and another one");
//! let hour = learner.hour().expect("it was shown something");
//! assert_eq!(hour.to_string(), "Thu 01:00");
//! // One week says nothing yet.
//! assert_eq!(learner.usuals(&terms, &services).of(Some(0)), None);
//! ```
#![forbid(unsafe_code)]

mod learner;
mod minutes;
mod week;

pub use learner::{Learner, Shown};
pub use week::{Slot, Week};
