//! Outside knowledge about sources, made into one table.
//!
//! A *feed* is somebody else's list of addresses with a confidence and an expiry, or of names that nobody honest asks
//! for. [`import`] turns one file or answer into entries, [`Feed`] decides when to ask for the next one and keeps the last
//! good one, [`run`] does the asking. [`Merged`] joins all feeds of addresses into the table that workers read and the
//! index that tells which feed an address stands in; [`Lures`] does so with names. [`rpz`] reads policy zones, which are
//! about names as well. [`geo`] knows where addresses are, [`lookup`] asks services about single ones. The daemon calls
//! all of this; nothing here runs on a worker.
//!
//! ```
//! use std::{sync::Arc, time::SystemTime};
//! use repute_feeds::{Format, Merged, Shape, Terms, import};
//!
//! let terms = Terms::new("drop", SystemTime::now());
//! let drop = import(Format::List, b"# bad ones\n192.0.2.0/24\n".as_slice(), &terms)?;
//! let feeds = [("drop".into(), Arc::new(drop))];
//! let merged = Merged::new(&feeds, &Shape::default(), SystemTime::now());
//! let address = repute_model::Address::v4(0xc000_0207);
//! assert!(merged.table().get(address).is_some());
//! assert_eq!(merged.who(address)[0].feed, "drop");
//! # Ok::<(), repute_feeds::Refusal>(())
//! ```
//!
//! **Invariant:** no input makes anything here panic or grow beyond [`Limits`]; what is not taken over is either
//! counted by reason with the place where it was first seen, or refuses the whole file with its place.
#![forbid(unsafe_code)]

mod collect;
mod entry;
mod feed;
mod format;
pub mod geo;
mod import;
mod limits;
pub mod lookup;
mod merge;
mod read;
mod refusal;
mod skipped;
mod text;
mod time;

pub use entry::{Entry, NameEntry, Note, Until};
pub use feed::{
    Ask, COLLECTIONS_MAX, Collection, ConfigError, Decisions, Delivery, Feed, FeedConfig, FetchError, Handle,
    Header, Origin, Outcome, ROOTS_MAX, Status, Validators, Weights, run, taxii_collections,
};
pub use format::{Categories, Format, detect, detect_and_import, import, rpz};
pub use import::{Action, Import, Notes, Terms};
pub use limits::{Limits, NAMES_MAX};
pub use merge::{Cuts, FEEDS_MAX, Found, Lure, Lures, Merged, RESERVED, Shape};
pub use refusal::{Place, Refusal, Why};
pub use skipped::{Reason, Skip, Skipped};
