//! The rings of all workers: commands out, reports in, and which answer belongs to which question.
//!
//! Owned by the actor alone. Nothing here waits.

use std::collections::HashMap;
use std::sync::Arc;

use repute_engine::{Handle, Published};
use repute_model::{
    Command, CrowdChange, Explanation, NameLook, Passed, Policy, Report, Score, SourceRow, SourceState,
    Token, TopLook, Usuals,
};
use tokio::sync::oneshot;

use crate::HubError;

/// The control plane's ends of one worker: its rings and its published account.
#[derive(Debug)]
pub struct WorkerLink {
    /// Commands out, reports in.
    pub handle: Handle,
    /// What it counts.
    pub published: Arc<Published>,
}

/// What came back for a question.
#[derive(Debug)]
pub(crate) enum Answer {
    Explained(Box<Explanation>),
    Nudged(Option<(Score, Score)>),
    Passed(Passed),
    Page(Vec<SourceRow>, Option<u32>),
    States(Vec<SourceState>, Option<u32>),
    Crowds(Vec<CrowdChange>, Option<u32>),
    Restored(u32),
    Name(Box<NameLook>),
    Top(Box<TopLook>),
}

/// Questions under way at most.
const QUESTIONS_MAX: usize = 1024;
/// Reports taken from one worker before others have their turn.
const REPORTS_PER_TURN: usize = 4096;

#[derive(Debug)]
struct Question {
    rows: Vec<SourceRow>,
    states: Vec<SourceState>,
    crowds: Vec<CrowdChange>,
    answer: oneshot::Sender<Answer>,
}

/// All rings, and the questions that wait for answers.
#[derive(Debug)]
pub(crate) struct Post {
    handles: Vec<Handle>,
    questions: HashMap<Token, Question>,
    next: u64,
}

impl Post {
    pub fn new(handles: Vec<Handle>) -> Self {
        Self { handles, questions: HashMap::new(), next: 0 }
    }

    /// Whether somebody waits for an answer.
    pub fn is_awaited(&self) -> bool {
        !self.questions.is_empty()
    }

    /// Sends a question; the answer comes through the receiver, or never.
    pub fn ask(
        &mut self,
        worker: u16,
        command: impl FnOnce(Token) -> Command,
    ) -> Result<oneshot::Receiver<Answer>, HubError> {
        if self.questions.len() >= QUESTIONS_MAX {
            return Err(HubError::TooManyQuestions(QUESTIONS_MAX));
        }
        self.next += 1;
        let token = Token(self.next);
        let busy = HubError::Busy { worker };
        let handle = self.handles.get_mut(usize::from(worker)).ok_or(HubError::Gone)?;
        handle.commands.push(command(token)).map_err(|_| busy)?;
        let (answer, receiver) = oneshot::channel();
        let question = Question { rows: Vec::new(), states: Vec::new(), crowds: Vec::new(), answer };
        self.questions.insert(token, question);
        Ok(receiver)
    }

    /// Sends every worker its copy of a policy, or nobody.
    pub fn install(&mut self, policies: Vec<Policy>) -> Result<(), HubError> {
        let full = self.handles.iter().position(|handle| handle.commands.slots() == 0);
        if let Some(worker) = full {
            return Err(HubError::Busy { worker: worker as u16 });
        }
        for (worker, (handle, policy)) in self.handles.iter_mut().zip(policies).enumerate() {
            let sent = handle.commands.push(Command::Install(Box::new(policy)));
            // There was a slot, and nobody else fills it.
            sent.map_err(|_| HubError::Busy { worker: worker as u16 })?;
        }
        Ok(())
    }

    /// Tells every worker what is usual from now on, or nobody; whether they were told.
    pub fn begin_hour(&mut self, usuals: &Usuals) -> bool {
        if self.handles.iter().any(|handle| handle.commands.slots() == 0) {
            return false;
        }
        let tell = |handle: &mut Handle| handle.commands.push(Command::BeginHour(Box::new(usuals.clone())));
        self.handles.iter_mut().all(|handle| tell(handle).is_ok())
    }

    /// Takes the reports that wait, a bounded number, and gives answers to those who asked. What is no
    /// answer goes to `other`, with the number of the worker. Returns how many reports were taken.
    pub fn collect(&mut self, mut other: impl FnMut(u16, Report)) -> usize {
        self.questions.retain(|_, question| !question.answer.is_closed());
        let Self { handles, questions, .. } = self;
        let mut taken = 0;
        for (worker, handle) in handles.iter_mut().enumerate() {
            for _ in 0..REPORTS_PER_TURN {
                let Ok(report) = handle.reports.pop() else { break };
                taken += 1;
                if let Some(report) = deliver(questions, report) {
                    other(worker as u16, report);
                }
            }
        }
        taken
    }
}

/// Gives an answer to who asked for it; hands back what is no answer. Answers that nobody waits for any
/// more are dropped.
fn deliver(questions: &mut HashMap<Token, Question>, report: Report) -> Option<Report> {
    let (token, answer) = match report {
        Report::Row(token, row) => {
            if let Some(question) = questions.get_mut(&token) {
                question.rows.push(row);
            }
            return None;
        }
        Report::State(token, state) => {
            if let Some(question) = questions.get_mut(&token) {
                question.states.push(state);
            }
            return None;
        }
        Report::CrowdStands(token, stands) => {
            if let Some(question) = questions.get_mut(&token) {
                question.crowds.push(stands);
            }
            return None;
        }
        // The states are freed here: a worker never frees.
        Report::Restored { token, taken, states: _ } => (token, Answer::Restored(taken)),
        Report::Explained(token, explanation) => (token, Answer::Explained(Box::new(explanation))),
        Report::Nudged(token, change) => (token, Answer::Nudged(change)),
        Report::Passed(token, passed) => (token, Answer::Passed(passed)),
        Report::Name(token, look) => (token, Answer::Name(look)),
        Report::Top(token, look) => (token, Answer::Top(look)),
        Report::Page(token, next) => (token, Answer::Page(Vec::new(), next)),
        other => return Some(other),
    };
    if let Some(question) = questions.remove(&token) {
        let answer = match answer {
            Answer::Page(_, next) if !question.states.is_empty() => Answer::States(question.states, next),
            Answer::Page(_, next) if !question.crowds.is_empty() => Answer::Crowds(question.crowds, next),
            Answer::Page(_, next) => Answer::Page(question.rows, next),
            answer => answer,
        };
        // Who asked may have gone away meanwhile.
        let _ = question.answer.send(answer);
    }
    None
}
