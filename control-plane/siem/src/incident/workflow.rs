//! The state machine of incidents: pure, with time and randomness passed in.
//!
//! ```text
//! mitigation began ─> step 1 ─ not acknowledged ─> step 2 ─ … ─> last step ─> (stays open)
//!                        └──────── acknowledged: nobody else is told ────────┘
//! mitigation ended ─> those who were told are told that it is over ─> gone
//! ```

mod incident;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use repute_model::{Factor, Source};

use super::config::{WorkflowConfig, WorkflowError};
use super::signature::hex;
use super::{Delivery, DeliveryOutcome, Matter, Message};
use crate::event::{EventId, IncidentStep, Mitigation, Phase, Severity, StepState};

pub use incident::Incident;

/// Longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(3600);
/// An incident whose end nobody told us of ends by itself.
const AGE_MAX: Duration = Duration::from_secs(30 * 86_400);
/// Longest name of who acknowledges, in bytes; the rest is cut.
const WHO_MAX: usize = 128;

/// What a step needs to know about time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StepPlan {
    pub name: String,
    pub acknowledge: Duration,
    pub tries: u32,
    pub retry: Duration,
}

/// All open incidents.
#[derive(Debug)]
pub struct Workflow {
    steps: Vec<StepPlan>,
    least: Severity,
    open_max: usize,
    incidents: BTreeMap<EventId, Incident>,
    /// Incidents whose mitigation lasts.
    live: BTreeMap<(Source, Factor), EventId>,
}

/// Why an incident cannot be acknowledged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AckError {
    /// It is over, or never was.
    #[error("there is no open incident `{0}`; `repute incident list` shows those there are")]
    Unknown(String),
    /// Another token than the one that was sent with it.
    #[error("the token is not that of this incident")]
    Token,
}

impl Workflow {
    /// The machine of a config.
    ///
    /// # Errors
    /// A value is out of its range.
    pub fn new(config: &WorkflowConfig) -> Result<Self, WorkflowError> {
        config.check()?;
        let plan = |step: &super::StepConfig| StepPlan {
            name: step.name.clone(),
            acknowledge: Duration::from_secs(step.acknowledge_s),
            tries: step.tries,
            retry: Duration::from_secs(step.retry_s),
        };
        Ok(Self {
            steps: config.steps.iter().map(plan).collect(),
            least: config.least,
            open_max: config.open,
            incidents: BTreeMap::new(),
            live: BTreeMap::new(),
        })
    }

    /// Takes note of a mitigation, told by the event `id`; `token` is for the incident that may open, which nobody
    /// can acknowledge by token without one. Returns what to publish.
    pub fn take(
        &mut self,
        id: EventId,
        mitigation: &Mitigation,
        token: Option<[u8; 16]>,
        now: Instant,
    ) -> Vec<IncidentStep> {
        let key = (mitigation.source, mitigation.cause);
        if mitigation.phase == Phase::Ended {
            return self.end(mitigation, now);
        }
        if let Some(incident) = self.live.get(&key).and_then(|id| self.incidents.get_mut(id)) {
            incident.mitigation = mitigation.clone();
            return vec![];
        }
        if crate::What::from(mitigation.clone()).severity() < self.least {
            return vec![];
        }
        let matter = Matter { source: mitigation.source, cause: mitigation.cause };
        let token = token.map(|token| hex(&token)).unwrap_or_default();
        let incident = Incident::new(id, matter, mitigation.clone(), token, now);
        if self.incidents.len() >= self.open_max {
            return vec![incident.says(StepState::Refused, None, None)];
        }
        let mut said = vec![incident.says(StepState::Opened, None, None)];
        let incident = self.incidents.entry(id).or_insert(incident);
        self.live.insert(key, id);
        said.extend(incident.begin(0, &self.steps, now));
        said
    }

    /// Somebody takes care of an incident. A later one takes over.
    ///
    /// # Errors
    /// There is no such open incident.
    pub fn acknowledge(&mut self, id: &str, who: &str) -> Result<IncidentStep, AckError> {
        let unknown = || AckError::Unknown(crate::format::one_line(id));
        let incident =
            self.incidents.values_mut().find(|incident| incident.is_open() && incident.id.to_string() == id);
        let who = crate::format::one_line(who);
        let who = &who[..who.floor_char_boundary(WHO_MAX)];
        Ok(incident.ok_or_else(unknown)?.acknowledge(who))
    }

    /// The same for who has the token that the webhook carried.
    ///
    /// # Errors
    /// There is no such open incident, or the token is another one.
    pub fn acknowledge_by_token(
        &mut self,
        id: &str,
        token: &str,
        who: &str,
    ) -> Result<IncidentStep, AckError> {
        let incident = self.incidents.values().find(|incident| incident.id.to_string() == id);
        if incident.is_some_and(|incident| !incident.has_token(token)) {
            return Err(AckError::Token);
        }
        self.acknowledge(id, who)
    }

    /// What became of a delivery that [`Workflow::due`] gave. Returns what to publish.
    pub fn delivered(
        &mut self,
        delivery: &Delivery,
        outcome: DeliveryOutcome,
        now: Instant,
    ) -> Vec<IncidentStep> {
        let Some(incident) = self.incidents.get_mut(&delivery.incident) else { return vec![] };
        let said = incident.delivered(delivery, outcome, &self.steps, now);
        self.forget(delivery.incident);
        said
    }

    /// Moves on to `now`: who was not heard of in time is passed over. Returns what to publish.
    pub fn advance(&mut self, now: Instant) -> Vec<IncidentStep> {
        let (mut said, mut old) = (vec![], vec![]);
        for incident in self.incidents.values_mut() {
            said.extend(incident.escalate(&self.steps, now));
            if incident.is_open() && now.duration_since(incident.opened) >= AGE_MAX {
                old.push(incident.mitigation.clone());
            }
        }
        for mitigation in old {
            said.extend(self.end(&mitigation, now));
        }
        said
    }

    /// At most `max` deliveries that are due at `now`; each is to be answered by [`Workflow::delivered`].
    pub fn due(&mut self, now: Instant, max: usize) -> Vec<Delivery> {
        self.incidents.values_mut().flat_map(|incident| incident.due(now)).take(max).collect()
    }

    /// When something has to be done next, if nothing happens before.
    pub fn next(&self) -> Option<Instant> {
        self.incidents.values().filter_map(Incident::next).min()
    }

    /// An incident.
    pub fn get(&self, id: EventId) -> Option<&Incident> {
        self.incidents.get(&id)
    }

    /// Every incident, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Ends every incident about the source.
    fn end(&mut self, mitigation: &Mitigation, now: Instant) -> Vec<IncidentStep> {
        let source = mitigation.source;
        let mut said = vec![];
        for cause in Factor::ALL {
            let Some(id) = self.live.remove(&(source, *cause)) else { continue };
            if let Some(incident) = self.incidents.get_mut(&id) {
                incident.mitigation = Mitigation { phase: Phase::Ended, ..mitigation.clone() };
                said.push(incident.end(now));
            }
            self.forget(id);
        }
        said
    }

    /// An incident that is over is gone once everybody who was told knows.
    fn forget(&mut self, id: EventId) {
        if self.incidents.get(&id).is_some_and(Incident::is_done) {
            self.incidents.remove(&id);
        }
    }
}

/// How long is waited after so many tries.
fn back_off(plan: &StepPlan, tried: u32) -> Duration {
    let doubled = 1u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX);
    plan.retry.saturating_mul(doubled).min(RETRY_MAX)
}

/// Names a step in an event.
fn name(steps: &[StepPlan], step: usize) -> Option<String> {
    steps.get(step).map(|plan| plan.name.clone())
}

/// Whether a message may still be sent to a step.
fn is_wanted(message: Message, open: bool, acknowledged: bool) -> bool {
    match message {
        Message::Opened => open && !acknowledged,
        Message::Ended => !open,
    }
}
