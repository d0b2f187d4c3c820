//! Numbers about senders: who they are, what they did, what they are worth. No packets.
//!
//! A [`Shard`] belongs to one worker; no other thread reads or writes it, so nothing here is atomic
//! or locked, and nothing allocates after [`Shard::new`]. Time comes in as [`repute_model::Tick`],
//! randomness as a secret; the same calls in the same order give the same state to the bit.
#![forbid(unsafe_code)]

mod baseline;
mod calm;
mod conduct;
mod contact;
mod crowds;
mod entry;
mod excess;
mod gcra;
mod hash;
mod hosts;
mod hours;
mod index;
mod inputs;
pub mod names;
mod neighbours;
mod pairs;
mod prefilter;
mod recent;
mod requester;
mod resident;
mod rollups;
pub mod scoring;
mod shard;
mod state;
mod step;
mod strains;
mod sweep;
mod tally;

pub use baseline::Ewma;
pub use conduct::{Act, Exchange, Observed, Parties, RequestKeys};
pub use contact::{Contact, ContactState, Contacts};
pub use crowds::{
    Alarm, Alarms, Counts, CrowdRow, Crowds, Fact, Happening, Openings, Place, Seen, Sender, Standing, Sums,
    Totals, Watches,
};
pub use entry::{Flags, Hot, Shortcut, Warm};
pub use excess::{ExcessPlace, Excesses, Kind, Part};
pub use gcra::{Departure, Pace, Refused, conforms, departure};
pub use hash::{Conversation, Secret};
pub use hosts::Hosts;
pub use hours::{Hours, Ordinary};
pub use inputs::{Context, Inputs};
pub use neighbours::Neighbours;
pub use pairs::{PAIRS_MAX, Pair, Pairs};
pub use prefilter::Prefilter;
pub use recent::Recent;
pub use requester::{Inquiry, Outcome, Requester};
pub use resident::Resident;
pub use rollups::{Gathered, RollUps};
pub use shard::{AHEAD, Change, Occupancy, Rules, Shard, Slot, Sought};
pub use state::aged;
pub use strains::Strains;
pub use tally::Tally;
