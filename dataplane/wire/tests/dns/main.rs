//! DNS messages: by example, against the `domain` crate, on captures, and answered.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../captures/mod.rs"]
mod captures;
mod cookies;
mod corpus;
mod messages;
mod oracle;
mod replies;
mod table;
