//! The incident workflow (E5): people are told of a mitigation step by step until somebody takes care.
//!
//! [`Workflow`] is the state machine, with time passed in; [`IncidentDesk`] runs it: reads mitigations from the bus,
//! sends webhooks, takes acknowledgements. **Always holds:** incidents, deliveries and their tries are bounded;
//! nothing here can hold up whoever publishes events.

mod config;
mod delivery;
mod desk;
mod payload;
mod signature;
mod verifier;
mod webhook;
mod workflow;

use repute_model::{Factor, Source};

pub use config::{StepConfig, WorkflowConfig, WorkflowError};
pub use delivery::{Delivery, Message, Outcome as DeliveryOutcome};
pub use desk::{DeskError, IncidentDesk};
pub use signature::{SIGNATURE_HEADER, Secret, SecretError, sign};
pub use verifier::{Verifier, VerifyError};
pub use workflow::{AckError, Incident, Workflow};

/// What an incident is about: one source limited for one cause.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Matter {
    /// Who.
    pub source: Source,
    /// The factor that weighed most when the mitigation began.
    pub cause: Factor,
}
