//! One incident: which step it is at, who was told, who takes care.

use std::time::Instant;

use super::{StepPlan, back_off, is_wanted, name};
use crate::event::{EventId, IncidentStep, Mitigation, StepState};
use crate::incident::{Delivery, DeliveryOutcome, Matter, Message};

/// One incident.
#[derive(Clone, PartialEq, Debug)]
pub struct Incident {
    /// Its id: that of the event that opened it.
    pub id: EventId,
    /// What it is about.
    pub matter: Matter,
    /// The mitigation as last told.
    pub mitigation: Mitigation,
    /// Who takes care.
    pub acknowledged: Option<String>,
    /// The step it has reached, from 0.
    pub step: usize,
    /// Lets its holder acknowledge it: 32 hexadecimal digits; empty = nobody.
    pub(in crate::incident) token: String,
    pub(super) opened: Instant,
    /// When the next step begins.
    escalate: Option<Instant>,
    over: bool,
    /// Steps whose receivers know that it began.
    told: Vec<usize>,
    pending: Vec<Pending>,
}

/// A message that its receiver has not taken yet.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Pending {
    step: usize,
    message: Message,
    /// Tries that were begun.
    tried: u32,
    /// When the next try is due; `None` = one is under way.
    due: Option<Instant>,
}

impl Incident {
    pub(super) fn new(
        id: EventId,
        matter: Matter,
        mitigation: Mitigation,
        token: String,
        now: Instant,
    ) -> Self {
        Self {
            id,
            matter,
            mitigation,
            acknowledged: None,
            step: 0,
            token,
            opened: now,
            escalate: None,
            over: false,
            told: vec![],
            pending: vec![],
        }
    }

    /// Whether the mitigation lasts.
    pub fn is_open(&self) -> bool {
        !self.over
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.over && self.pending.is_empty()
    }

    /// Compares in constant time.
    pub(super) fn has_token(&self, token: &str) -> bool {
        !self.token.is_empty()
            && aws_lc_rs::constant_time::verify_slices_are_equal(self.token.as_bytes(), token.as_bytes())
                .is_ok()
    }

    pub(super) fn says(
        &self,
        state: StepState,
        step: Option<String>,
        detail: Option<String>,
    ) -> IncidentStep {
        let Matter { source, cause } = self.matter;
        IncidentStep { incident: self.id.to_string(), source, cause, state, step, detail }
    }

    /// Begins a step, if there is one.
    pub(super) fn begin(&mut self, step: usize, steps: &[StepPlan], now: Instant) -> Option<IncidentStep> {
        let plan = steps.get(step)?;
        self.step = step;
        self.escalate = (step + 1 < steps.len()).then(|| now + plan.acknowledge);
        self.pending.push(Pending { step, message: Message::Opened, tried: 0, due: Some(now) });
        (step > 0).then(|| self.says(StepState::Escalated, name(steps, step), None))
    }

    /// Begins the next step where nobody was heard of in time.
    pub(super) fn escalate(&mut self, steps: &[StepPlan], now: Instant) -> Option<IncidentStep> {
        if self.escalate.is_some_and(|at| at <= now) { self.begin(self.step + 1, steps, now) } else { None }
    }

    pub(super) fn acknowledge(&mut self, who: &str) -> IncidentStep {
        self.acknowledged = Some(who.to_owned());
        self.escalate = None;
        self.drop_unwanted();
        self.says(StepState::Acknowledged, None, Some(who.to_owned()))
    }

    /// The mitigation is over: who was told is told.
    pub(super) fn end(&mut self, now: Instant) -> IncidentStep {
        self.over = true;
        self.escalate = None;
        self.drop_unwanted();
        for step in std::mem::take(&mut self.told) {
            self.pending.push(Pending { step, message: Message::Ended, tried: 0, due: Some(now) });
        }
        self.says(StepState::Ended, None, None)
    }

    /// Messages that nobody needs any more; those under way are waited for.
    fn drop_unwanted(&mut self) {
        let (open, acknowledged) = (!self.over, self.acknowledged.is_some());
        self.pending.retain(|one| one.due.is_none() || is_wanted(one.message, open, acknowledged));
    }

    /// Tries that are due, begun one by one as they are taken.
    pub(super) fn due(&mut self, now: Instant) -> impl Iterator<Item = Delivery> {
        let incident = self.id;
        self.pending.iter_mut().filter(move |one| one.due.is_some_and(|due| due <= now)).map(move |one| {
            one.due = None;
            one.tried += 1;
            Delivery { incident, step: one.step, message: one.message, attempt: one.tried }
        })
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.pending.iter().filter_map(|one| one.due).chain(self.escalate).min()
    }

    pub(super) fn delivered(
        &mut self,
        delivery: &Delivery,
        outcome: DeliveryOutcome,
        steps: &[StepPlan],
        now: Instant,
    ) -> Vec<IncidentStep> {
        let &Delivery { step, message, .. } = delivery;
        let is_it = |one: &Pending| one.due.is_none() && (one.step, one.message) == (step, message);
        let Some(at) = self.pending.iter().position(is_it) else { return vec![] };
        let mut one = self.pending.swap_remove(at);
        let reason = match outcome {
            DeliveryOutcome::Delivered => return self.was_told(one, steps, now),
            DeliveryOutcome::Failed(_) if !is_wanted(message, !self.over, self.acknowledged.is_some()) => {
                return vec![];
            }
            DeliveryOutcome::Failed(_) if one.tried < steps[step].tries => {
                one.due = Some(now + back_off(&steps[step], one.tried));
                self.pending.push(one);
                return vec![];
            }
            DeliveryOutcome::Failed(reason) => format!("{reason}, after {} tries", one.tried),
            DeliveryOutcome::Refused(reason) => reason,
        };
        let mut said = vec![self.says(StepState::Failed, name(steps, step), Some(reason))];
        // Nobody will acknowledge what did not arrive: go on at once.
        if message == Message::Opened && self.step == step && self.escalate.is_some() {
            said.extend(self.begin(step + 1, steps, now));
        }
        said
    }

    fn was_told(&mut self, one: Pending, steps: &[StepPlan], now: Instant) -> Vec<IncidentStep> {
        match (one.message, self.over) {
            (Message::Ended, _) => return vec![],
            (Message::Opened, false) => self.told.push(one.step),
            // It ended while the message was under way.
            (Message::Opened, true) => {
                let (step, message) = (one.step, Message::Ended);
                self.pending.push(Pending { step, message, tried: 0, due: Some(now) });
            }
        }
        vec![self.says(StepState::Notified, name(steps, one.step), None)]
    }
}
