//! The hours of the week: what is usual for services is learnt from what workers publish, kept, and told to workers.
//!
//! The daemon starts [`Hub::follow_hours`] where packets have the wall clock's time. Always holds: workers never see that
//! clock; they are told what is usual when an hour begins and when other services or other terms are in force, within
//! [`LOOK_EVERY`]. A store that fails costs what it would have kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, UNIX_EPOCH};

use repute_learning::{Learner, Shown, Slot, Week};
use repute_model::{Hour, HourTerms, Rates, Usuals};
use repute_store::{ServiceWeek, WeekHour};
use tokio::task::JoinHandle;

use crate::apply::blocking;
use crate::hub::Inner;
use crate::{Hub, HubError, WallClock};

/// From one look at the clock, and at what workers have counted, to the next.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is known of one service at one hour of the week.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HourView {
    /// Which one.
    pub hour: Hour,
    /// Weeks that it was seen in.
    pub weeks: u8,
    /// What these have shown for one source; counts only where [`is_known`](Self::is_known).
    pub usual: Rates,
    /// Whether enough weeks were seen for sources to be judged by it.
    pub is_known: bool,
}

impl HourView {
    fn of(hour: Hour, slot: &Slot, terms: &HourTerms) -> Self {
        Self { hour, weeks: slot.weeks, usual: slot.rates, is_known: slot.usual(terms).is_some() }
    }
}

/// What the hub has learnt.
#[derive(Debug, Default)]
pub(crate) struct HourRoom(Mutex<Learner>);

impl HourRoom {
    fn learner(&self) -> MutexGuard<'_, Learner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a service at the hour under way; `None` where nobody follows the hours.
    pub fn now(&self, service: &str, terms: &HourTerms) -> Option<HourView> {
        let learner = self.learner();
        let slot = learner.slot(service).copied().unwrap_or_default();
        Some(HourView::of(learner.hour()?, &slot, terms))
    }

    /// All hours of a service's week; nothing where nothing was learnt of it.
    pub fn week(&self, service: &str, terms: &HourTerms) -> Vec<HourView> {
        let learner = self.learner();
        let slots = learner.weeks().get(service).into_iter().flat_map(Week::slots);
        Hour::all().zip(slots).map(|(hour, slot)| HourView::of(hour, slot, terms)).collect()
    }
}

/// What workers were told last: for which version of the config, and of which hour.
type Told = Option<(u64, Option<Hour>)>;

impl Hub {
    /// Follows the hours of a clock until the hub is gone, going on with what the store knows.
    pub fn follow_hours(&self, clock: WallClock) -> JoinHandle<()> {
        tokio::spawn(follow(Arc::downgrade(&self.inner), clock))
    }

    /// The terms by which hours are learnt under the config in force; `None` where they do not count.
    pub(crate) async fn hour_terms(&self) -> Result<Option<HourTerms>, HubError> {
        self.run(|state| state.history.checked().hour_terms()).await
    }

    /// Goes on with the weeks that an earlier run has learnt.
    async fn recall_weeks(&self) -> Result<(), HubError> {
        let Some(kept) = self.inner.kept.get() else { return Ok(()) };
        let store = kept.store.clone();
        let weeks =
            blocking(move || store.weeks().map_err(|error| HubError::Kept(error.to_string()))).await?;
        let known: BTreeMap<_, _> = weeks.iter().filter_map(learnt).collect();
        *self.inner.hours.learner() = Learner::with(known);
        Ok(())
    }

    async fn keep_weeks(&self) -> Result<(), HubError> {
        let Some(kept) = self.inner.kept.get() else { return Ok(()) };
        let store = kept.store.clone();
        let weeks: Vec<_> = self.inner.hours.learner().weeks().iter().map(row).collect();
        blocking(move || store.put_weeks(&weeks).map_err(|error| HubError::Kept(error.to_string()))).await
    }

    /// Looks once at the clock, and at what workers have counted.
    async fn look_at_hours(&self, clock: WallClock, told: &mut Told) -> Result<(), HubError> {
        let of_state = |state: &mut crate::actor::State| {
            let checked = Arc::clone(state.history.checked());
            (state.history.version(), checked.hour_terms(), checked.service_names())
        };
        let (version, terms, services) = self.run(of_state).await?;
        let (mut turned, mut usuals) = (false, Usuals::UNKNOWN);
        if let Some(terms) = &terms {
            let now_s = clock().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let shown = self.shown(version, services.len());
            let mut learner = self.inner.hours.learner();
            turned = learner.look(now_s, terms, &services, &shown);
            usuals = learner.usuals(terms, &services);
        }
        let now = Some((version, usuals.hour));
        // Who was never told of an hour need not be told that there is none.
        let is_news = usuals.hour.is_some() || told.is_some_and(|(_, hour)| hour.is_some());
        if is_news && *told != now && self.tell_hour(version, usuals).await? {
            *told = now;
        }
        if turned { self.keep_weeks().await } else { Ok(()) }
    }

    /// What each worker has counted for the services of this version of the config.
    fn shown(&self, version: u64, services: usize) -> Vec<Shown> {
        let boards = self.inner.published.iter().map(|published| published.read_services());
        let shown = boards.map(|board| match board.policy_version == version {
            true => Shown {
                since: board.since,
                lessons: board.lessons(services).collect(),
                others: board.lesson(None).windows,
            },
            false => Shown::default(),
        });
        shown.collect()
    }

    /// Tells all workers what is usual, or none where one of them is busy or another config came in between.
    async fn tell_hour(&self, version: u64, usuals: Usuals) -> Result<bool, HubError> {
        self.run(move |state| state.history.version() == version && state.post.begin_hour(&usuals)).await
    }
}

async fn follow(hub: Weak<Inner>, clock: WallClock) {
    let mut told = None;
    if let Some(inner) = hub.upgrade()
        && let Err(error) = (Hub { inner }).recall_weeks().await
    {
        tracing::error!("what is usual at which hour is learnt anew: {error}");
    }
    while let Some(inner) = hub.upgrade() {
        match (Hub { inner }).look_at_hours(clock, &mut told).await {
            Ok(()) => {}
            Err(HubError::Gone) => return,
            Err(error) => tracing::error!("what is usual at which hour would not outlive a restart: {error}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn learnt(week: &ServiceWeek) -> Option<(String, Week)> {
    let slot = |hour: &WeekHour| {
        let WeekHour { packets_per_s, bytes_per_s, weeks } = *hour;
        Slot { rates: Rates { packets_per_s, bytes_per_s }, weeks }
    };
    let slots: Vec<_> = week.hours.iter().map(slot).collect();
    Some((week.service.clone(), Week::of(&slots)?))
}

fn row((service, week): (&String, &Week)) -> ServiceWeek {
    let hour = |slot: &Slot| {
        let Slot { rates: Rates { packets_per_s, bytes_per_s }, weeks } = *slot;
        WeekHour { packets_per_s, bytes_per_s, weeks }
    };
    ServiceWeek { service: service.clone(), hours: week.slots().iter().map(hour).collect() }
}
