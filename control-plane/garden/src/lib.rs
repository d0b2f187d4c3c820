//! The walled garden: where people land whose DNS queries are challenged and whose software answers no challenge.
//!
//! ```text
//! query ──► unproved ──► the garden's address ──► page: a task ──► the browser solves it ──► Gate::pass ──► the queries go on
//! ```
//!
//! The daemon opens one [`Garden`] where `[garden]` of the config says so, and gives it a [`Gate`]: the way to the worker that
//! judges the visitor's source. Who asks what is decided by a [`Desk`], which has no socket and no clock.
//!
//! **What always holds:** nothing is kept of a visitor before it has solved a task: what a task is bound to (the source, the
//! time, the work) is in its token, under a key that is as old as the process. Every table has a limit. What a pass is worth is
//! for the worker to say, within bounds.
#![forbid(unsafe_code)]

mod desk;
mod page;
mod refusal;
mod seats;
mod serve;
mod spent;
mod token;
mod visitor;
mod work;

pub use desk::{Counts, Desk, Settings};
pub use refusal::Refusal;
pub use serve::{Garden, GardenError, Gate, bind};
pub use spent::SPENT_MAX;
pub use work::{WORK_MAX, WORK_MIN, solve};
