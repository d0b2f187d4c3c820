//! Bounded fan-out of events: one publisher side, any number of subscriptions.
//!
//! ```text
//! publish ─> number, stamp ─┬─ queue ─> file
//!                           ├─ queue ─> syslog
//!                           └─ queue ─> gRPC stream
//! ```
//!
//! **Always holds:** publishing never waits for a subscription. Every subscription has a queue of its own with a
//! maximum; what finds it full is counted for that subscription alone, and once the queue is at most half full
//! again the loss is announced to everybody as `events-lost`. Every queue holds events in the order of their ids.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::event::{BootId, Event, EventId, EventsLost, SchemaId, What};

/// Longest queue of a subscription.
pub const QUEUE_MAX: usize = 65_536;
/// Most subscriptions at once.
pub const SUBSCRIPTIONS_MAX: usize = 64;

/// There are [`SUBSCRIPTIONS_MAX`] subscriptions already.
#[derive(Debug, thiserror::Error)]
#[error("{SUBSCRIPTIONS_MAX} sinks and streams take events already, {0} cannot; end one of them first")]
pub struct TooManySubscriptions(String);

/// The place where events are published. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bus {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    host: Arc<str>,
    boot: BootId,
    policy: AtomicU64,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    /// Number of the last event.
    sequence: u64,
    queues: Vec<Queue>,
}

#[derive(Debug)]
struct Queue {
    events: mpsc::Sender<Arc<Event>>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    name: String,
    taken: AtomicU64,
    lost: AtomicU64,
    /// Lost and not announced yet.
    unannounced: AtomicU64,
}

/// How a subscription is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubscriptionStatus {
    /// Its name.
    pub name: String,
    /// Events that wait in its queue.
    pub waiting: usize,
    /// Events that its queue may hold.
    pub queue: usize,
    /// Events it has taken from the queue.
    pub taken: u64,
    /// Events that found the queue full.
    pub lost: u64,
}

impl Bus {
    /// A bus for the box `host` in the run `boot`, with the first policy's version in force.
    pub fn new(host: &str, boot: BootId, policy_version: u64) -> Self {
        let (host, policy) = (host.into(), AtomicU64::new(policy_version));
        Self { inner: Arc::new(Inner { host, boot, policy, desk: Mutex::default() }) }
    }

    /// The name of the box.
    pub fn host(&self) -> Arc<str> {
        Arc::clone(&self.inner.host)
    }

    /// Another policy version is in force: later events carry it.
    pub fn set_policy_version(&self, version: u64) {
        self.inner.policy.store(version, Ordering::Relaxed);
    }

    /// Publishes what happened at `at` to every subscription, and gives its id.
    pub fn publish(&self, at: SystemTime, what: impl Into<What>) -> EventId {
        let (what, inner) = (what.into(), &*self.inner);
        let severity = what.severity();
        let mut desk = inner.desk();
        desk.sequence += 1;
        let id = EventId { boot: inner.boot, sequence: desk.sequence };
        let policy_version = inner.policy.load(Ordering::Relaxed);
        let host = Arc::clone(&inner.host);
        let event = Arc::new(Event { schema: SchemaId, id, at, host, policy_version, severity, what });
        desk.queues.retain(|queue| queue.offer(&event));
        id
    }

    /// A subscription with a queue of 1 to [`QUEUE_MAX`] events (others are clamped). It ends when it is dropped.
    ///
    /// # Errors
    /// There are [`SUBSCRIPTIONS_MAX`] already.
    pub fn subscribe(&self, name: &str, queue: usize) -> Result<Subscription, TooManySubscriptions> {
        let mut desk = self.inner.desk();
        desk.queues.retain(|queue| !queue.events.is_closed());
        if desk.queues.len() >= SUBSCRIPTIONS_MAX {
            return Err(TooManySubscriptions(name.to_owned()));
        }
        let (sender, events) = mpsc::channel(queue.clamp(1, QUEUE_MAX));
        let zero = || AtomicU64::new(0);
        let counts =
            Arc::new(Counts { name: name.to_owned(), taken: zero(), lost: zero(), unannounced: zero() });
        desk.queues.push(Queue { events: sender, counts: Arc::clone(&counts) });
        Ok(Subscription { events, counts, bus: Arc::downgrade(&self.inner) })
    }

    /// How every subscription is doing.
    pub fn status(&self) -> Vec<SubscriptionStatus> {
        let desk = self.inner.desk();
        desk.queues.iter().filter(|queue| !queue.events.is_closed()).map(Queue::status).collect()
    }

    /// A handle that does not keep the bus alive.
    pub(crate) fn downgrade(&self) -> WeakBus {
        WeakBus(Arc::downgrade(&self.inner))
    }
}

/// For sinks, which report on themselves: the bus ends when its owner drops it.
#[derive(Clone, Debug)]
pub(crate) struct WeakBus(Weak<Inner>);

impl WeakBus {
    /// Publishes now, if the bus still exists.
    pub fn publish(&self, what: impl Into<What>) {
        if let Some(inner) = self.0.upgrade() {
            Bus { inner }.publish(SystemTime::now(), what);
        }
    }
}

impl Inner {
    /// Nothing that holds the lock can panic, but if it did the desk would still be whole.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Whether the subscription still exists.
    fn offer(&self, event: &Arc<Event>) -> bool {
        match self.events.try_send(Arc::clone(event)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                self.counts.unannounced.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }

    fn status(&self) -> SubscriptionStatus {
        let queue = self.events.max_capacity();
        SubscriptionStatus {
            name: self.counts.name.clone(),
            waiting: queue - self.events.capacity(),
            queue,
            taken: self.counts.taken.load(Ordering::Relaxed),
            lost: self.counts.lost.load(Ordering::Relaxed),
        }
    }
}

/// Events for one reader: a sink, or a client of the event stream.
#[derive(Debug)]
pub struct Subscription {
    events: mpsc::Receiver<Arc<Event>>,
    counts: Arc<Counts>,
    bus: Weak<Inner>,
}

impl Subscription {
    /// The next event, when there is one; `None` once the bus is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        let event = self.events.recv().await?;
        self.counts.taken.fetch_add(1, Ordering::Relaxed);
        self.announce();
        Some(event)
    }

    /// Events that found the queue full so far.
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Once the queue is at most half full again, what was lost is announced.
    fn announce(&self) {
        if self.events.len() <= self.events.max_capacity() / 2
            && self.counts.unannounced.load(Ordering::Relaxed) > 0
            && let Some(inner) = self.bus.upgrade()
        {
            let lost = self.counts.unannounced.swap(0, Ordering::Relaxed);
            let sink = self.counts.name.clone();
            Bus { inner }.publish(SystemTime::now(), EventsLost { sink, lost });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PortLink;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn bus() -> Bus {
        Bus::new("box-1", BootId(7), 1)
    }

    fn link() -> PortLink {
        PortLink { port: "outside".to_owned(), up: true }
    }

    #[tokio::test]
    async fn a_slow_subscription_loses_alone_and_says_so() {
        let bus = bus();
        let mut slow = bus.subscribe("slow", 4).unwrap();
        let mut quick = bus.subscribe("quick", 100).unwrap();
        for _ in 0..10 {
            bus.publish(NOW, link());
        }
        assert_eq!((slow.lost(), quick.lost()), (6, 0));
        for sequence in 1..=4 {
            assert_eq!(slow.next().await.unwrap().id.sequence, sequence);
        }
        let told = slow.next().await.unwrap();
        assert_eq!(told.what, EventsLost { sink: "slow".to_owned(), lost: 6 }.into());
        for sequence in 1..=10 {
            assert_eq!(quick.next().await.unwrap().id.sequence, sequence);
        }
        assert_eq!(quick.next().await.unwrap(), told);
        assert_eq!(bus.status()[0].lost, 6);
    }

    #[tokio::test]
    async fn dropped_subscriptions_are_forgotten_and_there_is_a_limit() {
        let bus = bus();
        let many: Vec<_> = (0..SUBSCRIPTIONS_MAX).map(|_| bus.subscribe("s", 1).unwrap()).collect();
        assert!(bus.subscribe("one-more", 1).is_err());
        drop(many);
        let mut last = bus.subscribe("one-more", 0).unwrap();
        bus.set_policy_version(3);
        bus.publish(NOW, link());
        assert_eq!(bus.status().len(), 1);
        drop(bus);
        assert_eq!(last.next().await.unwrap().policy_version, 3);
        assert!(last.next().await.is_none());
    }

    #[tokio::test]
    async fn ids_are_in_order_whoever_publishes() {
        let bus = bus();
        let mut all = bus.subscribe("all", 4000).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        bus.publish(NOW, link());
                    }
                });
            }
        });
        for sequence in 1..=4000 {
            assert_eq!(all.next().await.unwrap().id.sequence, sequence);
        }
    }
}
