//! What runs: the feeds with their last good imports, and all of them joined.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use repute_feeds::{Cuts, Delivery, FeedConfig, Handle, Import, Merged, Origin, Status, run};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// Pushes under way at most: each may hold as many bytes as its feed allows.
const PUSHES_MAX: usize = 2;

/// One feed that runs.
#[derive(Debug)]
struct Running {
    config: Arc<FeedConfig>,
    handle: Arc<Handle>,
    latest: Option<Arc<Import>>,
}

/// One feed as people see it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub config: Arc<FeedConfig>,
    pub status: Status,
    /// What is in force.
    pub latest: Option<Arc<Import>>,
    pub cuts: Cuts,
}

/// All feeds. Locks are held for a few pointers at a time.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// In the order of the config.
    running: Mutex<Vec<Running>>,
    /// The joined feeds by which workers judge, without their table.
    merged: Mutex<Arc<Merged>>,
    /// How many changes there have been.
    changes: watch::Sender<u64>,
    /// How many of them workers have been told of.
    told: watch::Sender<u64>,
    pub pushes: Semaphore,
    seed: u64,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            merged: Mutex::default(),
            changes: watch::Sender::new(0),
            told: watch::Sender::new(0),
            pushes: Semaphore::new(PUSHES_MAX),
            seed: RandomState::new().hash_one("feeds"),
        }
    }
}

impl Shelf {
    /// Starts what is new, ends what is gone, and lets alone what stays as it is. What has changed begins anew; where
    /// it says the same things from the same place its last entries count meanwhile.
    pub fn follow(self: &Arc<Self>, wanted: Vec<FeedConfig>) {
        let mut running = self.running();
        let mut old: VecDeque<_> = std::mem::take(&mut *running).into();
        for config in wanted {
            let at = old.iter().position(|feed| feed.config.name == config.name);
            let before = at.and_then(|at| old.remove(at));
            running.push(match before {
                Some(before) if *before.config == config => before,
                before => self.start(config, before),
            });
        }
        drop(running);
        self.changed();
    }

    fn start(self: &Arc<Self>, config: FeedConfig, before: Option<Running>) -> Running {
        let same = |old: &Running| old.config.origin == config.origin && old.config.action == config.action;
        let latest = before.filter(same).and_then(|old| old.latest);
        let shelf = Arc::downgrade(self);
        let deliver = move |delivery| take(&shelf, delivery);
        let config = Arc::new(config);
        let handle = run((*config).clone(), self.seed, latest.clone(), SystemTime::now, deliver);
        Running { config, handle: Arc::new(handle), latest }
    }

    /// Ends all feeds.
    pub fn end(&self) {
        self.running().clear();
    }

    /// All feeds, or the one of this name.
    pub fn shown(&self, name: Option<&str>) -> Vec<Shown> {
        let cuts: Vec<_> = self.merged().cuts().map(|(feed, cuts)| (feed.to_owned(), cuts)).collect();
        let cuts_of = |name: &str| cuts.iter().find(|(feed, _)| feed == name).map(|(_, cuts)| *cuts);
        let running = self.running();
        let asked = running.iter().filter(|feed| name.is_none_or(|name| feed.config.name == name));
        let show = |feed: &Running| Shown {
            config: Arc::clone(&feed.config),
            status: feed.handle.status(),
            latest: feed.latest.clone(),
            cuts: cuts_of(&feed.config.name).unwrap_or_default(),
        };
        asked.map(show).collect()
    }

    /// The handle of a feed.
    pub fn handle(&self, name: &str) -> Option<(Arc<FeedConfig>, Arc<Handle>)> {
        let running = self.running();
        let found = running.iter().find(|feed| feed.config.name == name)?;
        Some((Arc::clone(&found.config), Arc::clone(&found.handle)))
    }

    /// Names of all feeds that can be asked.
    pub fn askable(&self) -> Vec<String> {
        let running = self.running();
        let asked = running.iter().filter(|feed| !matches!(feed.config.origin, Origin::Pushed));
        asked.map(|feed| feed.config.name.clone()).collect()
    }

    /// The imports of all feeds, to be joined, and which change they are of.
    pub fn imports(&self) -> (Vec<(Arc<str>, Arc<Import>)>, u64) {
        let running = self.running();
        let one = |feed: &Running| Some((feed.config.name.as_str().into(), Arc::clone(feed.latest.as_ref()?)));
        (running.iter().filter_map(one).collect(), *self.changes.borrow())
    }

    /// Waits until every change so far has been sent to the workers, at most `within`.
    pub async fn caught_up(&self, within: Duration) -> bool {
        let wanted = *self.changes.borrow();
        let mut told = self.told.subscribe();
        timeout(within, told.wait_for(|told| *told >= wanted)).await.is_ok_and(|told| told.is_ok())
    }

    /// Workers judge by `merged` from now on, which has everything up to change `of`.
    pub fn tell(&self, merged: Merged, of: u64) {
        *self.merged.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(merged);
        self.told.send_replace(of);
    }

    /// The joined feeds by which workers judge.
    pub fn merged(&self) -> Arc<Merged> {
        Arc::clone(&self.merged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// Takes what a feed has brought. A feed that has ended meanwhile, or begun anew, says nothing any more.
fn take(shelf: &Weak<Shelf>, delivery: Delivery) {
    let Some(shelf) = shelf.upgrade() else { return };
    if let Some(feed) = shelf.running().iter_mut().find(|feed| *feed.config.name == *delivery.feed) {
        feed.latest = Some(delivery.import);
    }
    shelf.changed();
}
