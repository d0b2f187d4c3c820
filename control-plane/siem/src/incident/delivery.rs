//! One message to one step's receiver, and what became of a try to send it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::EventId;

/// What a receiver is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// A mitigation began and nobody takes care yet.
    Opened,
    /// The mitigation is over; for those who were told that it began.
    Ended,
}

/// A try to send a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Delivery {
    /// The incident.
    pub incident: EventId,
    /// The step, from 0.
    pub step: usize,
    /// What is said.
    pub message: Message,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The receiver took it (2xx).
    Delivered,
    /// Not this time: no connection, no answer, 408, 425, 429 or 5xx.
    Failed(String),
    /// The receiver will never take it: any other answer.
    Refused(String),
}
