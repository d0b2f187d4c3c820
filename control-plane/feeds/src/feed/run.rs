//! Drives one feed: sleeps until it is due, asks, hands over what is new.
//!
//! One task a feed, off the workers' cores. A feed that hangs holds up nobody but itself, and itself for its `timeout`
//! only. **When orders pile up** ([`ORDERS_MAX`]) the caller waits.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::config::{FeedConfig, Origin};
use super::fetch::{Fetcher, parse};
use super::state::{Feed, Outcome, Status, Validators};
use crate::import::Import;

/// Orders that wait at most.
const ORDERS_MAX: usize = 4;
/// How long a pushed feed sleeps; orders wake it.
const IDLE: Duration = Duration::from_secs(86_400);

/// Something new of a feed.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whose.
    pub feed: Arc<str>,
    /// What is in force from now on.
    pub import: Arc<Import>,
}

enum Order {
    Refresh(oneshot::Sender<Status>),
    Push(Vec<u8>, oneshot::Sender<Status>),
    Restore(Arc<Import>, SystemTime, oneshot::Sender<Status>),
}

/// A feed that runs. It ends when this is dropped.
#[derive(Debug)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
    status: watch::Receiver<Status>,
    task: JoinHandle<()>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Handle {
    /// What people see of it now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Asks the publisher now, whenever the next refresh is due, and gives the status after that; its `error` says
    /// what went wrong. `None` where the feed has ended.
    pub async fn refresh(&self) -> Option<Status> {
        self.order(Order::Refresh).await
    }

    /// Takes what was brought, in the feed's format, perhaps packed. As for [`refresh`](Self::refresh).
    pub async fn push(&self, body: Vec<u8>) -> Option<Status> {
        self.order(|done| Order::Push(body, done)).await
    }

    /// Takes note that what a store has kept since `at` is in force, unless something has come already; it is not
    /// delivered. As for [`refresh`](Self::refresh).
    pub async fn restore(&self, import: Arc<Import>, at: SystemTime) -> Option<Status> {
        self.order(|done| Order::Restore(import, at, done)).await
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<Status>) -> Order) -> Option<Status> {
        let (done, answer) = oneshot::channel();
        self.orders.send(order(done)).await.ok()?;
        answer.await.ok()
    }
}

/// Starts a feed on the current tokio runtime. `deliver` is called on its task with everything new, and must be quick;
/// `clock` says what time it is, usually `SystemTime::now`.
pub fn run(
    config: FeedConfig,
    seed: u64,
    last_good: Option<Arc<Import>>,
    clock: impl Fn() -> SystemTime + Send + 'static,
    deliver: impl Fn(Delivery) + Send + 'static,
) -> Handle {
    let (orders, inbox) = mpsc::channel(ORDERS_MAX);
    let feed = Feed::new(config, seed, last_good, clock());
    let (shown, status) = watch::channel(feed.status().clone());
    let fetcher = Fetcher::new(Arc::new(feed.config().clone()));
    let runner = Runner { name: feed.config().name.as_str().into(), feed, fetcher, clock, deliver, shown };
    Handle { orders, status, task: tokio::spawn(runner.live(inbox)) }
}

struct Runner<C, D> {
    name: Arc<str>,
    feed: Feed,
    fetcher: Fetcher,
    clock: C,
    deliver: D,
    shown: watch::Sender<Status>,
}

impl<C: Fn() -> SystemTime, D: Fn(Delivery)> Runner<C, D> {
    async fn live(mut self, mut inbox: mpsc::Receiver<Order>) {
        loop {
            let due = self.feed.due_in((self.clock)()).unwrap_or(IDLE);
            tokio::select! {
                order = inbox.recv() => match order {
                    None => return,
                    Some(Order::Refresh(done)) => {
                        self.refresh().await;
                        // Whoever asked may be gone.
                        let _ = done.send(self.feed.status().clone());
                    }
                    Some(Order::Push(body, done)) => {
                        self.push(body).await;
                        let _ = done.send(self.feed.status().clone());
                    }
                    Some(Order::Restore(import, at, done)) => {
                        self.feed.restore(import, at);
                        self.shown.send_replace(self.feed.status().clone());
                        let _ = done.send(self.feed.status().clone());
                    }
                },
                () = tokio::time::sleep(due) => {
                    if !matches!(self.feed.config().origin, Origin::Pushed) {
                        self.refresh().await;
                    }
                }
            }
        }
    }

    async fn refresh(&mut self) {
        let outcome = self.fetcher.fetch(&self.feed.ask((self.clock)()), (self.clock)()).await;
        self.take(outcome);
    }

    async fn push(&mut self, body: Vec<u8>) {
        let config = Arc::new(self.feed.config().clone());
        let outcome = match parse(&config, body, (self.clock)()).await {
            Ok(import) => Outcome::New(Arc::new(import), Validators::default()),
            Err(error) => Outcome::Failed(error.to_string(), None),
        };
        self.take(outcome);
    }

    fn take(&mut self, outcome: Outcome) {
        if let Outcome::Failed(error, _) = &outcome {
            warn!(feed = &*self.name, "{error}");
        }
        if self.feed.take(outcome, (self.clock)())
            && let Some(import) = self.feed.last_good()
        {
            info!(feed = &*self.name, entries = import.len(), skipped = import.skipped.total(), "new");
            (self.deliver)(Delivery { feed: Arc::clone(&self.name), import: Arc::clone(import) });
        }
        self.shown.send_replace(self.feed.status().clone());
    }
}
