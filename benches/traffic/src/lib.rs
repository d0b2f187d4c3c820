//! Seeded, labelled traffic for tests, demonstrations and benchmarks.
//!
//! A [`Plan`] is a list of components (wanted traffic in [`benign`], unwanted in [`attack`]), a seed and a
//! duration. [`Plan::events`] is the stream of packets ordered by time; [`capture`] writes it as pcap files with
//! one label per packet and a summary per source; [`score`] judges the captures a defence let through.
//!
//! What always holds: the same plan and seed give byte-identical files on every machine; every checksum is right;
//! a packet's label is known by its [`digest`](fn@digest), whatever path the packet took.
//!
//! ```
//! use repute_traffic::{Plan, Preset, event::Label};
//!
//! let plan = Plan { duration_us: 2_000_000, ..Preset::Benign.plan(7) };
//! assert!(plan.events().unwrap().all(|event| event.tag.label == Label::Benign));
//! ```
#![forbid(unsafe_code)]

pub mod address;
pub mod attack;
pub mod benign;
pub mod capture;
pub mod conversation;
pub mod digest;
pub mod event;
pub mod labels;
pub mod merge;
pub mod net;
mod payload;
pub mod plan;
pub mod preset;
pub mod rng;
pub mod score;
pub mod spec;

pub use digest::digest;
pub use plan::{Component, Plan, PlanError};
pub use preset::Preset;
