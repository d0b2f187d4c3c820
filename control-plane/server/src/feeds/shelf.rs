//! What runs: the feeds with their last good imports, and all of them joined.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use repute_feeds::{Cuts, Delivery, FeedConfig, Handle, Import, Lures, Merged, Origin, Shape, Status, run};
use repute_model::Prefix;
use repute_policy::Checked;
use repute_policy::config::PLACES;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::alerts::{ALERTS, AlertList, Asked, shown_as};
use super::config::{feeds_of, shape_of};
use crate::HubError;
use crate::geo::Selected;

/// A feed's name and what it says.
type NamedImport = (Arc<str>, Arc<Import>);

/// Pushes under way at most: each may hold as many bytes as its feed allows.
const PUSHES_MAX: usize = 2;

/// One feed that runs.
#[derive(Debug)]
struct Running {
    config: Arc<FeedConfig>,
    handle: Arc<Handle>,
    latest: Option<Arc<Import>>,
}

/// What the config in force says, and what runs for it.
#[derive(Debug, Default)]
struct Followed {
    shape: Shape,
    /// In the order of the config.
    feeds: Vec<Running>,
    /// What `[lists]` selects by country and AS.
    places: Vec<Placed>,
}

/// A selection as the feed it looks like.
#[derive(Debug)]
struct Placed {
    config: Arc<FeedConfig>,
    import: Arc<Import>,
    status: Status,
}

impl Placed {
    fn new(selected: Selected) -> Self {
        let Selected { name, action, file, import, at } = selected;
        let config = FeedConfig { action, ..FeedConfig::new(name, Origin::File(file)) };
        let (good_at, confirmed_at) = (Some(at), Some(at));
        let (entries, records, skipped) = (import.len(), import.records, import.skipped.total());
        let counts = [1, 0, 0];
        let status = Status { entries, records, skipped, good_at, confirmed_at, counts, ..Status::default() };
        Self { config: Arc::new(config), import, status }
    }

    fn says(&self, other: &Self) -> bool {
        self.config == other.config && self.import == other.import
    }
}

impl Followed {
    fn is(&self, feeds: &[FeedConfig], shape: &Shape) -> bool {
        let same = self.feeds.iter().map(|feed| &*feed.config).eq(feeds);
        same && (feeds.is_empty() || self.shape == *shape)
    }
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
    followed: Mutex<Followed>,
    /// The joined feeds by which workers judge, without their table.
    merged: Mutex<Arc<Merged>>,
    /// Likewise their names, with live honeypots.
    lures: Mutex<Arc<Lures>>,
    /// How many changes there have been.
    changes: watch::Sender<u64>,
    /// How many of them workers have been told of.
    told: watch::Sender<u64>,
    pub pushes: Semaphore,
    alerts: Mutex<AlertList>,
    /// How often what alerts ask for has changed.
    asked: watch::Sender<u64>,
    seed: u64,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            followed: Mutex::default(),
            merged: Mutex::default(),
            lures: Mutex::default(),
            changes: watch::Sender::new(0),
            told: watch::Sender::new(0),
            pushes: Semaphore::new(PUSHES_MAX),
            alerts: Mutex::default(),
            asked: watch::Sender::new(0),
            seed: RandomState::new().hash_one("feeds"),
        }
    }
}

impl Shelf {
    /// Starts what is new in the config, ends what is gone, and lets alone what stays as it is. What has changed begins
    /// anew; where it says the same things from the same place its last entries count meanwhile. Must be called on a
    /// tokio runtime.
    pub fn follow(self: &Arc<Self>, checked: &Checked) {
        if self.alerts().follow(checked) {
            self.changed();
        }
        let (wanted, shape) = (feeds_of(checked), shape_of(checked));
        let mut followed = self.followed();
        if followed.is(&wanted, &shape) {
            return;
        }
        followed.shape = shape;
        let mut old = std::mem::take(&mut followed.feeds);
        for config in wanted {
            let at = old.iter().position(|feed| feed.config.name == config.name);
            let before = at.map(|at| old.swap_remove(at));
            followed.feeds.push(match before {
                Some(before) if *before.config == config => before,
                before => self.start(config, before),
            });
        }
        drop(followed);
        self.changed();
    }

    /// Takes what is selected in place of what was; workers are told of it, and where sources have `moved`.
    pub fn select(&self, selected: Vec<Selected>, moved: bool) {
        let places: Vec<_> = selected.into_iter().map(Placed::new).collect();
        let mut followed = self.followed();
        let same = places.len() == followed.places.len()
            && places.iter().zip(&followed.places).all(|(new, old)| new.says(old));
        followed.places = places;
        drop(followed);
        if moved || !same {
            self.changed();
        }
    }

    /// Notes that the files are still those from which was selected.
    pub fn select_confirmed(&self, now: SystemTime) {
        self.followed().places.iter_mut().for_each(|placed| placed.status.confirmed_at = Some(now));
    }

    /// Notes that no new selection could be made.
    pub fn select_failed(&self, error: &str) {
        for placed in &mut self.followed().places {
            placed.status.failures += 1;
            placed.status.counts[2] += 1;
            placed.status.error = Some(error.to_owned());
        }
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

    /// All feeds, or the one of this name, and the list of alerts where it says something or is asked for.
    pub fn shown(&self, name: Option<&str>) -> Vec<Shown> {
        let mut shown = self.shown_feeds(name);
        if name.is_none_or(|name| name == ALERTS) {
            let latest = self.alerts().import(SystemTime::now());
            if name.is_some() || !latest.entries().is_empty() {
                let (entries, records) = (latest.entries().len(), latest.records);
                let status = Status { entries, records, ..Status::default() };
                let (config, latest) = (Arc::new(shown_as()), Some(Arc::new(latest)));
                shown.push(Shown { config, status, latest, cuts: Cuts::default() });
            }
        }
        shown
    }

    /// The same without the list of alerts.
    pub fn shown_feeds(&self, name: Option<&str>) -> Vec<Shown> {
        let (merged, lures) = (self.merged(), self.lures());
        // What finds no room counts as little as what is cut.
        let left_out = lures.left_out().map(|(feed, whole)| (feed, Cuts { whole, ..Cuts::default() }));
        let cuts: Vec<_> = left_out.chain(merged.cuts()).collect();
        let cuts_of = |name: &str| cuts.iter().find(|(feed, _)| *feed == name).map(|(_, cuts)| *cuts);
        let followed = self.followed();
        let asked = followed.feeds.iter().filter(|feed| name.is_none_or(|name| feed.config.name == name));
        let show = |feed: &Running| Shown {
            config: Arc::clone(&feed.config),
            status: feed.handle.status(),
            latest: feed.latest.clone(),
            cuts: cuts_of(&feed.config.name).unwrap_or_default(),
        };
        let selected =
            followed.places.iter().filter(|placed| name.is_none_or(|name| placed.config.name == name));
        let show_placed = |placed: &Placed| Shown {
            config: Arc::clone(&placed.config),
            status: placed.status.clone(),
            latest: Some(Arc::clone(&placed.import)),
            cuts: cuts_of(&placed.config.name).unwrap_or_default(),
        };
        asked.map(show).chain(selected.map(show_placed)).collect()
    }

    /// All feeds that come from somewhere else.
    pub fn fetched(&self) -> Vec<Shown> {
        self.shown(None).into_iter().filter(|shown| !PLACES.contains(&shown.config.name.as_str())).collect()
    }

    /// Puts in force what a store has of this very feed, unless something has come already.
    pub fn restore(&self, config: &FeedConfig, import: &Arc<Import>) -> bool {
        let mut followed = self.followed();
        let found = followed.feeds.iter_mut().find(|feed| *feed.config == *config && feed.latest.is_none());
        let Some(feed) = found else { return false };
        feed.latest = Some(Arc::clone(import));
        drop(followed);
        self.changed();
        true
    }

    /// The handle of a feed.
    pub fn handle(&self, name: &str) -> Option<(Arc<FeedConfig>, Arc<Handle>)> {
        let followed = self.followed();
        let found = followed.feeds.iter().find(|feed| feed.config.name == name)?;
        Some((Arc::clone(&found.config), Arc::clone(&found.handle)))
    }

    /// Names of all feeds that can be asked.
    pub fn askable(&self) -> Vec<String> {
        let followed = self.followed();
        let asked = followed.feeds.iter().filter(|feed| !matches!(feed.config.origin, Origin::Pushed));
        let placed = followed.places.iter().map(|placed| &placed.config);
        asked.map(|feed| &feed.config).chain(placed).map(|config| config.name.clone()).collect()
    }

    /// The imports of all feeds with their names, and that of alerts; what must not be denied; and which change this
    /// is of.
    pub fn imports(&self) -> (Vec<NamedImport>, Shape, u64) {
        let of = *self.changes.borrow();
        let alerts = self.alerts().import(SystemTime::now());
        let alerts = (!alerts.entries().is_empty()).then(|| (Arc::from(ALERTS), Arc::new(alerts)));
        let followed = self.followed();
        let one =
            |feed: &Running| Some((Arc::from(feed.config.name.as_str()), Arc::clone(feed.latest.as_ref()?)));
        let placed = |placed: &Placed| (Arc::from(placed.config.name.as_str()), Arc::clone(&placed.import));
        let imports =
            followed.feeds.iter().filter_map(one).chain(followed.places.iter().map(placed)).chain(alerts);
        (imports.collect(), followed.shape.clone(), of)
    }

    /// Takes a treatment that an alert asks for, or that was kept; workers are told soon.
    ///
    /// # Errors
    /// The list is full.
    pub fn ask(&self, asked: Asked, now: SystemTime) -> Result<(), HubError> {
        self.alerts().add(asked, now)?;
        self.asked_anew();
        Ok(())
    }

    /// Ends what alerts have asked against exactly this prefix.
    pub fn lift(&self, prefix: Prefix) {
        if self.alerts().lift(prefix) {
            self.asked_anew();
        }
    }

    /// Everything that alerts have asked for, and what tells when that changes.
    pub fn asked(&self) -> (Vec<Asked>, watch::Receiver<u64>) {
        let changes = self.asked.subscribe();
        (self.alerts().all(), changes)
    }

    fn asked_anew(&self) {
        self.asked.send_modify(|changes| *changes += 1);
        self.changed();
    }

    fn alerts(&self) -> MutexGuard<'_, AlertList> {
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every change so far has been sent to the workers, at most `within`.
    pub async fn caught_up(&self, within: Duration) -> bool {
        let wanted = *self.changes.borrow();
        let mut told = self.told.subscribe();
        timeout(within, told.wait_for(|told| *told >= wanted)).await.is_ok_and(|told| told.is_ok())
    }

    /// Workers judge by `merged` and `lures` from now on, which have everything up to change `of`.
    pub fn tell(&self, merged: Merged, lures: Lures, of: u64) {
        *self.merged.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(merged);
        *self.lures.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(lures);
        self.told.send_replace(of);
    }

    /// The joined feeds by which workers judge.
    pub fn merged(&self) -> Arc<Merged> {
        Arc::clone(&self.merged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names that workers judge by as honeypots, beside those of the config.
    pub fn lures(&self) -> Arc<Lures> {
        Arc::clone(&self.lures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells when something has changed; ends with the shelf.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something beside feeds has changed that goes to workers with them.
    pub fn touched(&self) {
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// Takes what a feed has brought. A feed that has ended meanwhile, or begun anew, says nothing any more.
fn take(shelf: &Weak<Shelf>, delivery: Delivery) {
    let Some(shelf) = shelf.upgrade() else { return };
    if let Some(feed) = shelf.followed().feeds.iter_mut().find(|feed| *feed.config.name == *delivery.feed) {
        feed.latest = Some(delivery.import);
    }
    shelf.changed();
}
