//! What survives a restart: one redb file in one folder.
//!
//! Called by the daemon. It opens the store before the workers start, gives them back what is known of every
//! source ([`Store::restore_sources`]), and from then on writes rounds of snapshots as the sweep hands them out
//! ([`Store::begin_round`]), explanations as bands change, nudges, policies, the last good import of every feed, names of honeypots that came meanwhile, and what is usual
//! at each hour of the week.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (folder, now) = (folder.path(), std::time::SystemTime::now());
//! use repute_store::{Limits, SourceRecord, Store};
//!
//! let opened = Store::open(folder, Limits::default(), now)?;
//! if let Some(set_aside) = &opened.set_aside {
//!     eprintln!("{set_aside}");
//! }
//! let store = opened.store;
//! for restored in store.restore_sources(now)? {
//!     let restored = restored?; // one per source; decay its score by `restored.age`
//!     println!("{} had {}, {:?} ago", restored.record.source, restored.record.score, restored.age);
//! }
//! let mut round = store.begin_round(now)?;
//! round.add(&[SourceRecord::new("192.0.2.7".parse().expect("an address"), now)], now)?;
//! round.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! Every call may wait for the disk: call from a thread that may block, never from a worker.
//!
//! **What always holds:** every change is one durable transaction, so a kill at any moment leaves the state before or
//! after it. Every row carries its version and a checksum. Nothing in a file can make this crate panic: a file that
//! cannot be trusted is set aside and an empty store takes its place. Every table has a maximum; where it is full the
//! oldest goes, or the call says so.
#![forbid(unsafe_code)]

mod backend;
mod chunk;
mod error;
mod explained;
mod fault;
mod feed;
mod honeypots;
mod hours;
mod limits;
mod mark;
mod nudge;
mod open;
mod pace;
mod policy;
mod restore;
mod round;
mod seal;
mod source;
mod store;
mod tables;
mod time;

pub use error::StoreError;
pub use explained::{EXPIRE_AT_ONCE, Explained, ExplainedTerm, NAME_MAX, TERMS_MAX};
pub use feed::{
    FEED_ENTRIES_MAX, FEED_NAMES_MAX, FEEDS_MAX, FeedEntries, FeedEntry, FeedHead, FeedName, FeedState,
    LABELS_MAX,
};
pub use honeypots::{HONEYPOTS_MAX, KeptHoneypot};
pub use hours::{ServiceWeek, WEEKS_MAX, WeekHour};
pub use limits::Limits;
pub use mark::{MARK_BYTES_MAX, MARKS_MAX};
pub use nudge::{NUDGES_MAX, Nudge};
pub use open::{FILE, Opened, SetAside};
pub use pace::Pace;
pub use policy::{POLICIES_MAX, POLICY_TEXTS_MAX, PolicyState, PolicyVersion};
pub use restore::{Restore, Restored};
pub use round::{BATCH_MAX, Round, UNFINISHED_MAX};
pub use source::{SourceFlags, SourceRecord};
pub use store::Store;
