//! Runs the workflow: mitigations from the bus, webhooks out, acknowledgements in.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use reqwest::Client;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep_until;

use super::config::{WorkflowConfig, WorkflowError};
use super::payload::body;
use super::webhook::{self, Hook};
use super::{AckError, Delivery, DeliveryOutcome, Incident, Secret, Workflow};
use crate::bus::{Bus, Subscription, WeakBus};
use crate::event::{Event, IncidentStep, What};

/// Webhooks under way at most; more wait.
const SENDING_MAX: usize = 16;
/// Requests that wait for the desk at most; more callers wait for their turn.
const JOBS_MAX: usize = 64;
/// Events that may wait for the desk.
const QUEUE: usize = 8192;

/// A running workflow. Dropping it ends it.
#[derive(Debug)]
pub struct IncidentDesk {
    jobs: mpsc::Sender<Job>,
    task: AbortHandle,
}

/// Why the desk did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeskError {
    /// The incident cannot be acknowledged.
    #[error(transparent)]
    Ack(#[from] AckError),
    /// The desk is gone.
    #[error("the incident workflow does not run any more")]
    Gone,
}

#[derive(Debug)]
enum Job {
    Acknowledge {
        incident: String,
        token: Option<String>,
        who: String,
        answer: oneshot::Sender<Result<(), AckError>>,
    },
    List(oneshot::Sender<Vec<Incident>>),
}

impl IncidentDesk {
    /// Starts the workflow on the tokio runtime that this is called in.
    ///
    /// # Errors
    /// The config is wrong, a secret cannot be read, or the bus has no room.
    pub fn start(bus: &Bus, config: &WorkflowConfig) -> Result<Self, WorkflowError> {
        let desk = Desk {
            client: webhook::client(config.ca.as_deref())?,
            hooks: config.steps.iter().map(hook).collect::<Result<_, _>>()?,
            names: config.steps.iter().map(|step| step.name.as_str().into()).collect(),
            host: bus.host(),
            bus: bus.downgrade(),
            workflow: Workflow::new(config)?,
            sending: JoinSet::new(),
        };
        let events = bus.subscribe("incidents", QUEUE)?;
        let (jobs, receiver) = mpsc::channel(JOBS_MAX);
        Ok(Self { jobs, task: tokio::spawn(desk.run(events, receiver)).abort_handle() })
    }

    /// `who` takes care of an incident: nobody else is told.
    ///
    /// # Errors
    /// There is no such open incident.
    pub async fn acknowledge(&self, incident: &str, who: &str) -> Result<(), DeskError> {
        self.ask_acknowledge(incident, None, who).await
    }

    /// The same for who has the token that the webhook carried.
    ///
    /// # Errors
    /// There is no such open incident, or the token is another one.
    pub async fn acknowledge_by_token(
        &self,
        incident: &str,
        token: &str,
        who: &str,
    ) -> Result<(), DeskError> {
        self.ask_acknowledge(incident, Some(token.to_owned()), who).await
    }

    async fn ask_acknowledge(
        &self,
        incident: &str,
        token: Option<String>,
        who: &str,
    ) -> Result<(), DeskError> {
        let (answer, wait) = oneshot::channel();
        let (incident, who) = (incident.to_owned(), who.to_owned());
        self.ask(Job::Acknowledge { incident, token, who, answer }, wait).await?.map_err(DeskError::from)
    }

    /// Every incident that is open, or of whose end not everybody knows, oldest first.
    ///
    /// # Errors
    /// The workflow does not run any more.
    pub async fn list(&self) -> Result<Vec<Incident>, DeskError> {
        let (answer, wait) = oneshot::channel();
        self.ask(Job::List(answer), wait).await
    }

    async fn ask<T>(&self, job: Job, wait: oneshot::Receiver<T>) -> Result<T, DeskError> {
        self.jobs.send(job).await.map_err(|_| DeskError::Gone)?;
        wait.await.map_err(|_| DeskError::Gone)
    }
}

impl Drop for IncidentDesk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn hook(step: &super::StepConfig) -> Result<Hook, WorkflowError> {
    let unreadable =
        |error| WorkflowError::Secret { step: step.name.clone(), path: step.secret.clone(), error };
    Ok(Hook {
        url: step.url.clone(),
        secret: Secret::read(&step.secret).map_err(unreadable)?,
        timeout: Duration::from_secs(step.timeout_s),
    })
}

/// What the task owns.
struct Desk {
    client: Client,
    hooks: Vec<Hook>,
    names: Vec<Arc<str>>,
    host: Arc<str>,
    bus: WeakBus,
    workflow: Workflow,
    sending: JoinSet<(Delivery, DeliveryOutcome)>,
}

impl Desk {
    async fn run(mut self, mut events: Subscription, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let said = self.workflow.advance(now());
            self.publish(said);
            self.send();
            let next = self.workflow.next().filter(|_| self.sending.len() < SENDING_MAX);
            let next = next.map(tokio::time::Instant::from_std);
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.take(&event),
                    None => return,
                },
                job = jobs.recv() => match job {
                    Some(job) => self.answer(job),
                    None => return,
                },
                Some(sent) = self.sending.join_next() => if let Ok((delivery, outcome)) = sent {
                    let said = self.workflow.delivered(&delivery, outcome, now());
                    self.publish(said);
                },
                () = async { match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    fn take(&mut self, event: &Event) {
        let What::Mitigation(mitigation) = &event.what else { return };
        let said = self.workflow.take(event.id, mitigation, random(), now());
        self.publish(said);
    }

    fn answer(&mut self, job: Job) {
        // Who asked may have gone away.
        match job {
            Job::Acknowledge { incident, token, who, answer } => {
                let done = match token {
                    Some(token) => self.workflow.acknowledge_by_token(&incident, &token, &who),
                    None => self.workflow.acknowledge(&incident, &who),
                };
                let _ = answer.send(done.map(|said| self.publish(vec![said])));
            }
            Job::List(answer) => {
                let _ = answer.send(self.workflow.iter().cloned().collect());
            }
        }
    }

    fn send(&mut self) {
        let room = SENDING_MAX - self.sending.len().min(SENDING_MAX);
        for delivery in self.workflow.due(now(), room) {
            let Some(incident) = self.workflow.get(delivery.incident) else { continue };
            let body = body(&delivery, incident, &self.names[delivery.step], &self.host, SystemTime::now());
            let (client, hook) = (self.client.clone(), self.hooks[delivery.step].clone());
            self.sending.spawn(async move {
                let outcome = match random() {
                    Some(nonce) => webhook::post(client, hook, nonce, body).await,
                    None => DeliveryOutcome::Failed("the system gives no random numbers".to_owned()),
                };
                (delivery, outcome)
            });
        }
    }

    fn publish(&self, said: Vec<IncidentStep>) {
        said.into_iter().for_each(|step| self.bus.publish(step));
    }
}

/// The runtime's clock, which tests may stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Bytes that nobody can guess, if the system gives any.
fn random() -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok().map(|()| bytes)
}
