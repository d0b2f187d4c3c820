//! A NIC in software: it spreads packets over queues as a port would that hashes right, wrong or not at all.
//!
//! Stands in for ports in tests, which mostly have no RSS.

use repute_model::toeplitz::{Flow, Input, Spread};

/// What arrives: the queue and the hash that the descriptor carries.
pub type Arrival = (u16, Option<u32>);

/// A port with as many queues as its table names.
#[derive(Clone, Debug)]
pub struct SoftNic {
    /// What it hashes; `None`: it deals packets out by itself and says nothing.
    pub input: Option<Input>,
    /// Its key and its table.
    pub spread: Spread,
}

impl SoftNic {
    /// Where a packet arrives.
    pub fn receive(&self, flow: &Flow) -> Arrival {
        let hash = self.input.map(|input| self.spread.toeplitz().hash(&input.bytes(flow)));
        let by_itself = flow.src.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (self.spread.reta().queue(hash.unwrap_or(by_itself as u32)), hash)
    }
}
