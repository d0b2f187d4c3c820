//! The incident workflow as a state machine, on a clock of the test's own.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::time::{Duration, Instant};

use repute_siem::*;

const S: Duration = Duration::from_secs(1);
const TOKEN: [u8; 16] = [0xab; 16];

fn config(steps: &[&str]) -> WorkflowConfig {
    let step = |name: &&str| StepConfig {
        name: (*name).to_owned(),
        url: "https://pager.example/hook".to_owned(),
        secret: "/dev/null".into(),
        acknowledge_s: 60,
        tries: 3,
        retry_s: 5,
        timeout_s: 10,
    };
    WorkflowConfig { steps: steps.iter().map(step).collect(), least: Severity::Warning, open: 3, ca: None }
}

struct Story {
    workflow: Workflow,
    begun: Instant,
    now: Instant,
    events: u64,
}

impl Story {
    fn new(steps: &[&str]) -> Self {
        let now = Instant::now();
        Self { workflow: Workflow::new(&config(steps)).unwrap(), begun: now, now, events: 0 }
    }

    fn take(&mut self, phase: Phase, who: &str) -> Vec<StepState> {
        self.events += 1;
        let id = EventId { boot: BootId(1), sequence: self.events };
        let said = self.workflow.take(id, &common::mitigation(phase, who), Some(TOKEN), self.now);
        said.into_iter().map(|step| step.state).collect()
    }

    /// What is due now, as `step message try`.
    fn due(&mut self) -> Vec<(Delivery, String)> {
        let due = self.workflow.due(self.now, 100);
        let text = |one: &Delivery| format!("{} {:?} {}", one.step, one.message, one.attempt);
        due.into_iter().map(|one| (one, text(&one))).collect()
    }

    fn one(&mut self, expected: &str) -> Delivery {
        let due = self.due();
        assert_eq!(due.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), [expected]);
        due[0].0
    }

    fn done(&mut self, delivery: Delivery, outcome: DeliveryOutcome) -> Vec<StepState> {
        let said = self.workflow.delivered(&delivery, outcome, self.now);
        said.into_iter().map(|step| step.state).collect()
    }

    /// Sleeps until the machine wants to do something; says when that was, in seconds from the beginning.
    fn sleep(&mut self) -> Option<u64> {
        self.now = self.workflow.next()?;
        Some(self.now.duration_since(self.begun).as_secs())
    }

    fn advance(&mut self) -> Vec<StepState> {
        self.workflow.advance(self.now).into_iter().map(|step| step.state).collect()
    }

    fn id(&self) -> String {
        self.workflow.iter().next().unwrap().id.to_string()
    }
}

fn failed() -> DeliveryOutcome {
    DeliveryOutcome::Failed("no answer".to_owned())
}

#[test]
fn nobody_answers_and_the_next_one_is_told_until_the_last() {
    let mut story = Story::new(&["chat", "pager"]);
    assert_eq!(story.take(Phase::Began, "192.0.2.7"), [StepState::Opened]);
    let first = story.one("0 Opened 1");
    assert_eq!(story.done(first, DeliveryOutcome::Delivered), [StepState::Notified]);
    assert_eq!(story.sleep(), Some(60));
    assert_eq!(story.advance(), [StepState::Escalated]);
    let second = story.one("1 Opened 1");
    assert_eq!(story.done(second, DeliveryOutcome::Delivered), [StepState::Notified]);
    assert_eq!(story.sleep(), None, "there is nobody else to tell");

    assert_eq!(story.take(Phase::Ended, "192.0.2.7"), [StepState::Ended]);
    let due: Vec<_> = story.due();
    assert_eq!(due.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["0 Ended 1", "1 Ended 1"]);
    for (delivery, _) in due {
        assert_eq!(story.done(delivery, DeliveryOutcome::Delivered), []);
    }
    assert_eq!(story.workflow.iter().count(), 0);
}

#[test]
fn tries_back_off_and_give_up_to_the_next_step_at_once() {
    let mut story = Story::new(&["chat", "pager"]);
    story.take(Phase::Began, "192.0.2.7");
    for (attempt, then) in [(1, 5), (2, 15)] {
        let delivery = story.one(&format!("0 Opened {attempt}"));
        assert_eq!(story.done(delivery, failed()), []);
        assert_eq!(story.sleep(), Some(then));
        assert_eq!(story.advance(), []);
    }
    let last = story.one("0 Opened 3");
    assert_eq!(story.done(last, failed()), [StepState::Failed, StepState::Escalated]);
    let refused = story.one("1 Opened 1");
    assert_eq!(story.done(refused, DeliveryOutcome::Refused("404".to_owned())), [StepState::Failed]);
    assert_eq!(story.take(Phase::Ended, "192.0.2.7"), [StepState::Ended]);
    assert_eq!(story.workflow.iter().count(), 0, "nobody was told, nobody need be told");
}

#[test]
fn an_acknowledgement_ends_escalation_and_needs_the_right_token() {
    let mut story = Story::new(&["chat", "pager"]);
    story.take(Phase::Began, "192.0.2.7");
    let (first, id) = (story.one("0 Opened 1"), story.id());
    story.done(first, DeliveryOutcome::Delivered);
    let token = "ab".repeat(16);
    for bad in ["", "ab", &token.replace('a', "b")] {
        assert_eq!(story.workflow.acknowledge_by_token(&id, bad, "eve"), Err(AckError::Token));
    }
    let unknown = AckError::Unknown("0".to_owned());
    assert_eq!(story.workflow.acknowledge_by_token("0", &token, "eve"), Err(unknown));
    let said = story.workflow.acknowledge_by_token(&id, &token, "bob\n\u{7}").unwrap();
    assert_eq!((said.state, said.detail.as_deref()), (StepState::Acknowledged, Some("bob  ")));
    assert_eq!(story.sleep(), None);
    story.now += 600 * S;
    assert_eq!(story.advance(), []);
    assert_eq!(story.take(Phase::Ended, "192.0.2.7"), [StepState::Ended]);
    assert!(matches!(story.workflow.acknowledge(&id, "late"), Err(AckError::Unknown(_))));
    story.one("0 Ended 1");
}

#[test]
fn who_is_told_too_late_is_told_that_it_is_over() {
    let mut story = Story::new(&["chat"]);
    story.take(Phase::Began, "192.0.2.7");
    let under_way = story.one("0 Opened 1");
    story.take(Phase::Ended, "192.0.2.7");
    assert!(story.due().is_empty());
    assert_eq!(story.done(under_way, DeliveryOutcome::Delivered), [StepState::Notified]);
    let over = story.one("0 Ended 1");
    assert_eq!(story.done(over, failed()), []);
    story.sleep();
    let over = story.one("0 Ended 2");
    story.done(over, DeliveryOutcome::Delivered);
    assert_eq!(story.workflow.iter().count(), 0);
}

#[test]
fn incidents_are_bounded_and_one_matter_is_one_incident() {
    let mut story = Story::new(&["chat"]);
    for who in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(story.take(Phase::Began, who), [StepState::Opened]);
        assert_eq!(story.take(Phase::Changed, who), [], "the same matter");
    }
    assert_eq!(story.take(Phase::Began, "192.0.2.4"), [StepState::Refused]);
    assert_eq!(story.due().len(), 3);
    story.now += 40 * 86_400 * S;
    assert_eq!(story.advance(), [StepState::Ended; 3], "nobody told of their end");
}

#[test]
fn deliveries_are_begun_only_as_far_as_there_is_room() {
    let mut story = Story::new(&["chat"]);
    story.take(Phase::Began, "192.0.2.1");
    story.take(Phase::Began, "192.0.2.2");
    assert_eq!(story.workflow.due(story.now, 0).len(), 0);
    assert_eq!(story.workflow.due(story.now, 1).len(), 1);
    assert_eq!(story.workflow.due(story.now, 9).len(), 1);
}

#[test]
fn bad_configs_name_the_place() {
    let mut bad = config(&["chat"]);
    bad.steps[0].tries = 0;
    let error = Workflow::new(&bad).unwrap_err().to_string();
    assert_eq!(error, "step chat: tries = 0; expected 1 to 100");
    let mut bad = config(&["chat"]);
    bad.steps[0].url = "ftp://x".to_owned();
    assert!(Workflow::new(&bad).unwrap_err().to_string().contains("`ftp://x` is no URL"));
    assert!(Workflow::new(&config(&[])).is_err());
}
