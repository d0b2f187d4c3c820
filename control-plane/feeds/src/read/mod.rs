//! Readers that keep their limits: bytes, expansion, lines, and the shape of JSON.

mod json;
mod lines;
mod loose;
mod unpacked;

pub(crate) use json::{Json, list_of};
pub(crate) use lines::Lines;
pub(crate) use loose::Loose;
pub(crate) use unpacked::Unpacked;
