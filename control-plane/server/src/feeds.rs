//! The feeds of the config in force: they begin, end and change with it, and what they say goes to all workers.
//!
//! ```text
//! config ─> Shelf ─> a task each (repute_feeds::run) ─ what is new ─> Shelf
//!                keeper <─ joined off the runtime, in one piece <──────┘
//!                   └─> Hub::lay_feeds ─> every worker
//! ```
//!
//! The hub owns the [`Shelf`] and starts the keeper; the API asks the shelf. Treatments that alerts ask for ([`alerts`], [`Hub::treat`](crate::Hub::treat)) are one more list among them. **Always
//! holds:** nothing here waits on
//! the task that serves everybody; a worker that takes no commands is tried again; what fails leaves the last table.

mod alerts;
mod config;
mod keeper;
mod lay;
mod shelf;
mod treat;
mod view;

pub(crate) use alerts::{ALERTS, Asked};
pub(crate) use keeper::keep;
pub(crate) use lay::FeedTables;
pub(crate) use shelf::{Shelf, Shown};
pub use view::FeedView;
