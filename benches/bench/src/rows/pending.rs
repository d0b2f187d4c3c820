//! Rows B11, B12 and B23: measures that a worker does not take yet.
//!
//! They are in the table so that a report never looks complete without them.

use anyhow::bail;

use crate::bench::Bench;
use crate::row::Outcome;

pub fn b11(_: &mut Bench) -> anyhow::Result<Outcome> {
    bail!("a worker does not hold packets back yet")
}

pub fn b12(_: &mut Bench) -> anyhow::Result<Outcome> {
    bail!("a worker does not mirror packets yet")
}

pub fn b23(_: &mut Bench) -> anyhow::Result<Outcome> {
    bail!("a worker does not hand packets over yet")
}
