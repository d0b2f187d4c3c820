//! The atomics that threads share: the standard library's, or loom's, which try every order of events.
//!
//! Used by [`crate::SeqLock`], so that `tests/loom.rs` checks the code that runs. With `--cfg loom` nothing
//! that uses these works outside a loom model.

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicU64, Ordering, fence},
};
#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::atomic::{AtomicU64, Ordering, fence},
};
