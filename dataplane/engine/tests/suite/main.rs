//! The worker as a whole, on hand-made packets and a virtual clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod benign;
mod botnet;
mod commands;
mod conservation;
mod cookies;
mod crowd_mesh;
mod detection;
mod determinism;
mod dns;
mod dns_cache;
mod dns_look;
mod endpoint;
mod excess;
mod flood_parts;
mod floods;
mod golden;
mod handover;
mod hours;
mod inspect;
mod ladder;
mod mirror;
mod packet_table;
mod queue;
mod requesters;
mod resets;
mod restore;
mod rpz;
mod services;
mod shadow;
mod shaper;
mod shaper_rates;
mod shaper_wheel;
mod soften;
mod strangers;
mod systems;
mod tap;
mod team;
mod treatments;
