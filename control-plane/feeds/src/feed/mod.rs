//! One named source of outside knowledge: what it is, when it is asked, and what it said last.
//!
//! [`Feed`] is a pure state machine over time that is passed in; [`run`] drives it with a clock, files and HTTP. The
//! daemon starts one runner a feed and joins what they deliver. **Always holds:** a refresh that fails, is cut off,
//! malformed or empty leaves the last good import in force.

mod ask_one;
mod back_off;
mod config;
mod decisions;
mod discovery;
mod error;
mod fetch;
mod http;
mod run;
mod state;
mod taxii;

pub(crate) use ask_one::AskOne;
pub use config::{ConfigError, FeedConfig, Header, Origin, Weights};
pub use decisions::Decisions;
pub use discovery::{COLLECTIONS_MAX, Collection, ROOTS_MAX, taxii_collections};
pub use error::FetchError;
pub(crate) use fetch::version;
pub use run::{Delivery, Handle, run};
pub use state::{Ask, Feed, Outcome, Status, Validators};
