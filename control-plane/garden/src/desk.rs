//! Who gets a task, and whose solution counts: no socket, no clock.
//!
//! Called by the server. Always holds: a refusal is counted once, by its reason; a solution counts once, for the source that the
//! task was set to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::error::Unspecified;
use repute_access::{Rates, hex};
use repute_model::{Address, Passed, Prefix, Source, Width};

use crate::page::Page;
use crate::spent::Spent;
use crate::token::Mint;
use crate::visitor::visitor;
use crate::work::Seed;
use crate::{Refusal, WORK_MAX, WORK_MIN};

/// Requests of one source: one in so long, in the long run.
const REQUEST_EVERY: Duration = Duration::from_secs(2);
/// After a pause so many at once: reloads, and whatever else a browser asks a web server for.
const REQUESTS_AT_ONCE: u32 = 20;
/// The time that passes are counted in.
const HOUR: Duration = Duration::from_secs(3600);

/// How the garden works.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Work of a task in bits, [`WORK_MIN`]..=[`WORK_MAX`]: one more is twice the time. Clamped.
    pub work: u8,
    /// How long a task may take.
    pub life: Duration,
    /// How often one source may pass in an hour, at least 1.
    pub passes: u16,
    /// Whose word counts about for whom they ask.
    pub proxies: Vec<Prefix>,
    /// Connections at once, at least 1.
    pub connections: usize,
    /// How many bits of an address name one source.
    pub width: Width,
}

/// What has happened since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Pages given, each with a task.
    pub pages: u64,
    /// Solutions that were right.
    pub solved: u64,
    /// Of those: what they were worth was taken note of.
    pub counted: u64,
    /// Of those: nothing stood against the source.
    pub unknown: u64,
    /// Visitors refused, by [`Refusal::index`].
    pub refused: [u64; Refusal::COUNT],
}

#[derive(Debug, Default)]
struct Tally {
    pages: AtomicU64,
    solved: AtomicU64,
    counted: AtomicU64,
    unknown: AtomicU64,
    refused: [AtomicU64; Refusal::COUNT],
}

/// The garden without its socket.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    mint: Mint,
    requests: Rates<Source>,
    passes: Rates<Source>,
    spent: Mutex<Spent>,
    tally: Tally,
}

impl Desk {
    /// A desk whose time begins at `begin`.
    ///
    /// # Errors
    /// The system has no randomness for a key.
    pub fn new(settings: Settings, begin: Instant) -> Result<Self, Unspecified> {
        let settings = Settings { work: settings.work.clamp(WORK_MIN, WORK_MAX), ..settings };
        let often = u32::from(settings.passes.max(1));
        Ok(Self {
            settings,
            mint: Mint::new(begin)?,
            requests: Rates::every(REQUEST_EVERY, REQUESTS_AT_ONCE),
            passes: Rates::every(HOUR / often, often),
            spent: Mutex::default(),
            tally: Tally::default(),
        })
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who asks, and the source that it is: `peer`, or whom a proxy names in its `X-Forwarded-For`.
    ///
    /// # Errors
    /// [`Refusal::Nameless`].
    pub fn visitor<'a>(
        &self,
        peer: Address,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
    ) -> Result<(Address, Source), Refusal> {
        let address = visitor(peer, forwarded, &self.settings.proxies);
        self.noted(address.and_then(|address| Ok((address, self.source(address).ok_or(Refusal::Nameless)?))))
    }

    /// The source whose connections are counted together; `None` for those of a proxy.
    pub(crate) fn seated(&self, peer: Address) -> Option<Source> {
        let is_proxy = self.settings.proxies.iter().any(|prefix| prefix.contains(peer));
        self.source(peer).filter(|_| !is_proxy)
    }

    fn source(&self, address: Address) -> Option<Source> {
        Source::of(address, self.settings.width)
    }

    /// Takes one request from what a source may ask.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn admit(&self, source: Source, now: Instant) -> Result<(), Refusal> {
        self.noted(self.requests.take(&source, now).map_err(|_| Refusal::Rate))
    }

    /// A page with a task of its own.
    ///
    /// # Errors
    /// [`Refusal::Busy`]: the system has no randomness.
    pub(crate) fn page(&self, address: Address, source: Source, now: Instant) -> Result<Page, Refusal> {
        let Settings { work, life, .. } = self.settings;
        let made = || {
            let token = self.mint.issue(source, work, now)?;
            Ok(Page { address, token, work, life, nonce: hex::encode(&self.mint.nonce()?) })
        };
        let page = self.noted(made().map_err(|Unspecified| Refusal::Busy))?;
        self.tally.pages.fetch_add(1, Ordering::Relaxed);
        Ok(page)
    }

    /// Whether this solves a task of the source: a token, a space, a counter in decimal digits. It does so once.
    ///
    /// # Errors
    /// Why it does not.
    pub fn examine(&self, source: Source, solution: &str, now: Instant) -> Result<(), Refusal> {
        self.noted(self.judge(source, solution, now))?;
        self.tally.solved.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn judge(&self, source: Source, solution: &str, now: Instant) -> Result<(), Refusal> {
        let (token, counter) = solution.trim_end().split_once(' ').ok_or(Refusal::Malformed)?;
        let counter = counter.parse().map_err(|_| Refusal::Malformed)?;
        let life = self.settings.life;
        let task = self.mint.read(token, source, life, now)?;
        if !Seed::of(token).is_solved_by(counter, task.work) {
            return Err(Refusal::Unsolved);
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.spend(task.nonce, task.issued + life, now)?;
        self.passes.take(&source, now).map_err(|_| Refusal::Often)
    }

    /// What became of a solution; `None` = the worker did not answer.
    pub(crate) fn conclude(&self, passed: Option<Passed>) -> Result<Passed, Refusal> {
        let passed = self.noted(match passed {
            None => Err(Refusal::Busy),
            Some(Passed::Blocked(_)) => Err(Refusal::Blocked),
            Some(passed) => Ok(passed),
        })?;
        let count = match passed {
            Passed::Unknown => &self.tally.unknown,
            _ => &self.tally.counted,
        };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(passed)
    }

    /// Counts a refusal.
    pub(crate) fn noted<T>(&self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result.inspect_err(|refusal| {
            self.tally.refused[refusal.index()].fetch_add(1, Ordering::Relaxed);
        })
    }

    /// What has happened since the start.
    pub fn counts(&self) -> Counts {
        let Tally { pages, solved, counted, unknown, refused } = &self.tally;
        let [pages, solved, counted, unknown] =
            [pages, solved, counted, unknown].map(|count| count.load(Ordering::Relaxed));
        let refused = std::array::from_fn(|i| refused[i].load(Ordering::Relaxed));
        Counts { pages, solved, counted, unknown, refused }
    }
}

#[cfg(test)]
mod tests {
    use repute_model::Score;

    use super::*;
    use crate::solve;

    const LIFE: Duration = Duration::from_secs(60);

    fn desk(passes: u16) -> (Desk, Instant) {
        let (life, begin) = (LIFE, Instant::now());
        let (proxies, connections) = (vec!["127.0.0.0/8".parse().unwrap()], 8);
        let settings = Settings { work: 8, life, passes, proxies, connections, width: Width::OUTSIDE };
        (Desk::new(settings, begin).unwrap(), begin)
    }

    fn who(desk: &Desk, address: &str) -> (Address, Source) {
        let peer = address.parse::<std::net::IpAddr>().unwrap().into();
        desk.visitor(peer, std::iter::empty()).unwrap()
    }

    /// A solution of a new task.
    fn solution(desk: &Desk, (address, source): (Address, Source), now: Instant) -> String {
        let token = desk.page(address, source, now).unwrap().token;
        format!("{token} {}", solve(&token, 8).unwrap())
    }

    #[test]
    fn a_solution_counts_once_for_its_source_in_its_time() {
        let (desk, begin) = desk(4);
        let mine = who(&desk, "2001:db8:1:2:3:4:5:6");
        let solved = solution(&desk, mine, begin);
        let neighbour = who(&desk, "2001:db8:1:2::9").1;
        assert_eq!(desk.examine(who(&desk, "192.0.2.7").1, &solved, begin), Err(Refusal::Forged));
        let late = begin + LIFE + Duration::from_secs(1);
        assert_eq!(desk.examine(mine.1, &solved, late), Err(Refusal::Expired));
        assert_eq!(desk.examine(neighbour, &solved, begin), Ok(()), "a /64 is one source");
        assert_eq!(desk.examine(mine.1, &solved, begin), Err(Refusal::Spent));
        let (token, counter) = solved.split_once(' ').unwrap();
        let next = counter.parse::<u64>().unwrap();
        let wrong = (next + 1..).find(|&counter| !Seed::of(token).is_solved_by(counter, 8)).unwrap();
        assert_eq!(desk.examine(mine.1, &format!("{token} {wrong}"), begin), Err(Refusal::Unsolved));
        for nonsense in
            ["", token, &format!("{token} "), &format!("{token} -1"), &format!("{token} 1 2"), "é 1"]
        {
            assert_eq!(desk.examine(mine.1, nonsense, begin), Err(Refusal::Malformed), "{nonsense:?}");
        }
        let Counts { pages, solved, refused, .. } = desk.counts();
        assert_eq!((pages, solved), (1, 1));
        let told = [Refusal::Forged, Refusal::Expired, Refusal::Spent, Refusal::Unsolved, Refusal::Malformed];
        assert_eq!(told.map(|refusal| refused[refusal.index()]), [1, 1, 1, 1, 6]);
    }

    #[test]
    fn nobody_passes_more_often_than_he_may() {
        let (desk, begin) = desk(2);
        let mine = who(&desk, "192.0.2.7");
        let pass = |who: (Address, Source), at| desk.examine(who.1, &solution(&desk, who, at), at);
        assert_eq!([0; 3].map(|_| pass(mine, begin)), [Ok(()), Ok(()), Err(Refusal::Often)]);
        assert_eq!(pass(who(&desk, "192.0.2.8"), begin), Ok(()));
        assert_eq!(pass(mine, begin + HOUR / 2), Ok(()));
    }

    #[test]
    fn requests_have_a_rate_and_proxies_have_to_say_for_whom_they_ask() {
        let (desk, begin) = desk(2);
        let (_, source) = who(&desk, "192.0.2.7");
        let asked = (0..100).filter(|_| desk.admit(source, begin).is_ok()).count();
        assert_eq!(asked, REQUESTS_AT_ONCE as usize);
        assert_eq!(desk.admit(source, begin + REQUEST_EVERY), Ok(()));
        let proxy = "127.0.0.1".parse::<std::net::IpAddr>().unwrap().into();
        assert_eq!(desk.visitor(proxy, std::iter::empty()), Err(Refusal::Nameless));
        let named = desk.visitor(proxy, ["192.0.2.7"].into_iter()).unwrap();
        assert_eq!((named.1, desk.seated(proxy)), (source, None));
        let nobody = desk.visitor(proxy, ["224.0.0.1"].into_iter());
        assert_eq!(nobody, Err(Refusal::Nameless), "no source");
    }

    #[test]
    fn what_the_worker_says_is_counted() {
        let (desk, _) = desk(2);
        let counts = Passed::Counts { before: Score::MIN, after: Score::MAX };
        assert_eq!(desk.conclude(Some(counts)), Ok(counts));
        assert_eq!(desk.conclude(Some(Passed::Unknown)), Ok(Passed::Unknown));
        assert_eq!(desk.conclude(Some(Passed::Blocked(Score::MIN))), Err(Refusal::Blocked));
        assert_eq!(desk.conclude(None), Err(Refusal::Busy));
        let Counts { counted, unknown, refused, .. } = desk.counts();
        assert_eq!((counted, unknown, refused.iter().sum::<u64>()), (1, 1, 2));
    }
}
