//! The state of a feed: a pure machine; whoever drives it passes the time in.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::back_off::Jitter;
use super::config::FeedConfig;
use crate::import::Import;

/// The longest wait that a server's `Retry-After` is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// What tells a server which version is here already.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Validators {
    /// `ETag` as it was sent; for a file its size, time and number.
    pub etag: Option<String>,
    /// `Last-Modified` as it was sent.
    pub last_modified: Option<String>,
}

/// The way to ask for what is new.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ask {
    /// From the last good answer; empty where there is none.
    pub validators: Validators,
}

/// What a refresh brought.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing has changed.
    Unchanged,
    /// Something new.
    New(Arc<Import>, Validators),
    /// It failed: the text of the error, and how long the publisher wants to be left alone.
    Failed(String, Option<Duration>),
}

/// What people see of a feed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Entries in force.
    pub entries: usize,
    /// Records of the last good answer, taken over or not.
    pub records: u64,
    /// Records of it that were skipped.
    pub skipped: u64,
    /// When the entries in force came.
    pub good_at: Option<SystemTime>,
    /// Whether they were kept by a store, and nothing has come since the start.
    pub kept: bool,
    /// When the publisher last said that they are still right.
    pub confirmed_at: Option<SystemTime>,
    /// When he is asked next; `None` = a pushed feed.
    pub next_at: Option<SystemTime>,
    /// Refreshes that brought something, that brought nothing new, and that failed.
    pub counts: [u64; 3],
    /// Failures in a row.
    pub failures: u32,
    /// The last error, until a refresh succeeds.
    pub error: Option<String>,
}

/// One feed over time.
#[derive(Debug)]
pub struct Feed {
    config: FeedConfig,
    last_good: Option<Arc<Import>>,
    validators: Validators,
    jitter: Jitter,
    status: Status,
}

impl Feed {
    /// A feed that is due at once (a pushed one never); `seed` makes the jitter of different boxes differ. `last_good`
    /// is what a store has kept.
    pub fn new(config: FeedConfig, seed: u64, last_good: Option<Arc<Import>>, now: SystemTime) -> Self {
        let mut hasher = DefaultHasher::new();
        (&config.name, seed).hash(&mut hasher);
        let next_at = (!matches!(config.origin, super::Origin::Pushed)).then_some(now);
        let entries = last_good.as_ref().map_or(0, |import| import.len());
        let status = Status { entries, next_at, ..Status::default() };
        Self {
            config,
            last_good,
            validators: Validators::default(),
            jitter: Jitter::new(hasher.finish()),
            status,
        }
    }

    /// What it is.
    pub fn config(&self) -> &FeedConfig {
        &self.config
    }

    /// What people see of it.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What is in force.
    pub fn last_good(&self) -> Option<&Arc<Import>> {
        self.last_good.as_ref()
    }

    /// How long until the next refresh is due; `None` = never by itself.
    pub fn due_in(&self, now: SystemTime) -> Option<Duration> {
        self.status.next_at.map(|next| next.duration_since(now).unwrap_or_default())
    }

    /// How to ask at `now`: for what has changed, or, where entries would end before they are confirmed again, for
    /// everything.
    pub fn ask(&self, now: SystemTime) -> Ask {
        let until = |expiry: Duration| self.status.good_at.and_then(|good| good.checked_add(expiry));
        let ends = self.config.expiry.and_then(until);
        let ending = ends.is_some_and(|ends| now + 2 * self.config.refresh >= ends);
        if ending { Ask::default() } else { Ask { validators: self.validators.clone() } }
    }

    /// Takes what a store has kept since `at`, unless something is in force already: then `false`.
    pub fn restore(&mut self, import: Arc<Import>, at: SystemTime) -> bool {
        if self.last_good.is_some() {
            return false;
        }
        self.status.entries = import.len();
        self.status.records = import.records;
        self.status.good_at = Some(at);
        self.status.kept = true;
        self.last_good = Some(import);
        true
    }

    /// Takes the outcome of a refresh. `true` where something new is in force.
    pub fn take(&mut self, outcome: Outcome, now: SystemTime) -> bool {
        let (at, wait, new) = match outcome {
            Outcome::New(import, validators) => {
                self.status.entries = import.len();
                self.status.records = import.records;
                self.status.skipped = import.skipped.total();
                self.status.good_at = Some(now);
                self.status.kept = false;
                self.last_good = Some(import);
                self.validators = validators;
                (0, self.jitter.around(self.config.refresh), true)
            }
            Outcome::Unchanged => (1, self.jitter.around(self.config.refresh), false),
            Outcome::Failed(error, retry_after) => {
                self.status.error = Some(error);
                self.status.failures = self.status.failures.saturating_add(1);
                let wait = self.jitter.after(self.status.failures, self.config.refresh);
                (2, wait.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX)), false)
            }
        };
        self.status.counts[at] += 1;
        if at < 2 {
            self.status.failures = 0;
            self.status.error = None;
            self.status.confirmed_at = Some(now);
        }
        self.status.next_at = self.status.next_at.and(now.checked_add(wait));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Origin;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn feed(origin: Origin) -> Feed {
        Feed::new(FeedConfig::new("f", origin), 7, None, at(0))
    }

    fn http() -> Origin {
        Origin::Http { url: "http://127.0.0.1/".into(), headers: vec![] }
    }

    #[test]
    fn a_failure_keeps_what_was_good_and_backs_off() {
        let mut feed = feed(http());
        assert_eq!(feed.due_in(at(0)), Some(Duration::ZERO));
        let validators = Validators { etag: Some("\"1\"".into()), last_modified: None };
        let import = Arc::new(Import { records: 3, ..Import::default() });
        assert!(feed.take(Outcome::New(Arc::clone(&import), validators.clone()), at(10)));
        let wait = feed.due_in(at(10)).unwrap().as_secs();
        assert!((3600..=3960).contains(&wait), "{wait}");
        assert!(!feed.take(Outcome::Failed("no".into(), None), at(4000)));
        assert!(!feed.take(Outcome::Failed("still no".into(), None), at(4100)));
        assert!(Arc::ptr_eq(feed.last_good().unwrap(), &import));
        assert_eq!(feed.ask(at(4100)).validators, validators);
        let status = feed.status();
        assert_eq!((status.failures, status.counts, status.good_at), (2, [1, 0, 2], Some(at(10))));
        assert_eq!(status.error.as_deref(), Some("still no"));
        assert!(feed.due_in(at(4100)).unwrap() <= Duration::from_secs(120));
        assert!(!feed.take(Outcome::Unchanged, at(4300)));
        assert_eq!((feed.status().failures, &feed.status().error), (0, &None));
    }

    #[test]
    fn servers_may_ask_for_patience_within_reason() {
        let mut feed = feed(http());
        feed.take(Outcome::Failed("429".into(), Some(Duration::from_secs(7200))), at(0));
        assert_eq!(feed.due_in(at(0)), Some(Duration::from_secs(7200)));
        feed.take(Outcome::Failed("429".into(), Some(Duration::MAX)), at(0));
        assert_eq!(feed.due_in(at(0)), Some(RETRY_AFTER_MAX));
    }

    #[test]
    fn everything_is_asked_for_before_entries_end() {
        let day = Duration::from_secs(86_400);
        let config = FeedConfig { expiry: Some(day), ..FeedConfig::new("f", http()) };
        let mut feed = Feed::new(config, 7, None, at(0));
        let validators = Validators { etag: Some("\"1\"".into()), last_modified: None };
        feed.take(Outcome::New(Arc::default(), validators.clone()), at(0));
        assert_eq!(feed.ask(at(86_400 - 7201)).validators, validators);
        assert_eq!(feed.ask(at(86_400 - 7200)), Ask::default());
    }

    #[test]
    fn what_was_kept_is_in_force_until_something_comes() {
        let mut feed = feed(http());
        let kept = Arc::new(Import::default());
        assert!(feed.restore(Arc::clone(&kept), at(5)));
        assert!(!feed.take(Outcome::Failed("down".into(), None), at(20)));
        assert!(Arc::ptr_eq(feed.last_good().unwrap(), &kept));
        assert_eq!((feed.status().kept, feed.status().good_at), (true, Some(at(5))));
        assert!(feed.take(Outcome::New(Arc::default(), Validators::default()), at(30)));
        assert!(!feed.status().kept && !feed.restore(kept, at(5)));
    }

    #[test]
    fn nobody_is_asked_for_a_pushed_feed() {
        let mut feed = feed(Origin::Pushed);
        assert_eq!(feed.due_in(at(0)), None);
        assert!(feed.take(Outcome::New(Arc::default(), Validators::default()), at(1)));
        assert_eq!(feed.due_in(at(1)), None);
    }
}
