//! What the store knows, given back to the workers that own it.
//!
//! Time went on meanwhile: scores, evidence and mitigations are let fade here by the age of their record, and nudges
//! that came after it are given again, so that workers have nothing to compute.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use repute_model::{Command, Profile, RESTORE_MAX, Source, SourceState};
use repute_reputation::aged;
use repute_store::{NUDGES_MAX, Nudge, Restore, Restored, Store};
use tokio::time::{Instant, sleep, timeout};

use super::record::state;
use super::{Desk, KeepError};
use crate::actor::State;
use crate::post::Answer;
use crate::{ANSWER_WITHIN, HubError};

/// Records read at once.
const AT_ONCE: usize = 4096;
/// How often a chunk is offered to a worker that does not take it.
const TRIES: u32 = 5;
/// The time between.
const RETRY: Duration = Duration::from_secs(1);

/// What a restore brought back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Revived {
    /// Sources that stand where they stood.
    pub sources: u64,
    /// Those that workers had already, or had no room for.
    pub left_out: u64,
    /// Pieces of the file that could not be read.
    pub damaged: u64,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Revived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sources, left_out, damaged, took } = self;
        write!(f, "{sources} sources were restored in {took:.1?}")?;
        if *left_out > 0 {
            write!(f, ", {left_out} were seen anew already or found no room")?;
        }
        if *damaged > 0 {
            write!(f, ", {damaged} pieces of the store could not be read")?;
        }
        Ok(())
    }
}

/// Gives everything back. What fails is told and left out.
pub(crate) async fn restore(desk: &Desk) -> Revived {
    let begun = Instant::now();
    let mut revived = Revived::default();
    if let Err(error) = Revival::begin(desk, &mut revived).await {
        tracing::error!("sources were not restored: {error}");
    }
    revived.took = begun.elapsed();
    revived
}

/// A restore under way.
struct Revival<'a> {
    desk: &'a Desk,
    profile: Profile,
    /// Nudges by source, the oldest first.
    nudges: HashMap<Source, Vec<Nudge>>,
    now: SystemTime,
    /// Whether numbers of services mean what they meant.
    same_services: bool,
}

impl<'a> Revival<'a> {
    async fn begin(desk: &'a Desk, revived: &mut Revived) -> Result<(), KeepError> {
        let now = (desk.clock)();
        let checked = desk.hub.run(|state| state.history.checked().clone()).await?;
        let digest = checked.digest();
        let compiled = tokio::task::spawn_blocking(move || checked.compile(0)).await;
        let policy = compiled.map_err(|_| KeepError::Ended)?;
        let Some(profile) = policy.profile().cloned() else { return Ok(()) };
        let (restore, nudges, same_services) = desk
            .store(move |store| {
                let begun = store.last_round()?.map_or(SystemTime::UNIX_EPOCH, |(begun, _)| begun);
                let nudges = store.nudges(begun, NUDGES_MAX as usize)?;
                let same = store.policies(1)?.first().is_some_and(|last| last.digest == digest);
                Ok((store.restore_sources(now)?, nudges, same))
            })
            .await?;
        let mut by_source: HashMap<Source, Vec<Nudge>> = HashMap::new();
        for nudge in nudges {
            by_source.entry(nudge.source).or_default().push(nudge);
        }
        let mut this = Self { desk, profile, nudges: by_source, now, same_services };
        this.records(restore, revived).await?;
        this.newcomers(revived).await
    }

    /// Everybody who has a record.
    async fn records(&mut self, mut restore: Restore, revived: &mut Revived) -> Result<(), KeepError> {
        loop {
            let read = move |_: &Store| {
                let found: Vec<_> = restore.by_ref().take(AT_ONCE).collect();
                Ok((restore, found))
            };
            let (rest, found) = self.desk.store(read).await?;
            restore = rest;
            if found.is_empty() {
                return Ok(());
            }
            let mut states = Vec::with_capacity(found.len());
            for one in found {
                match one {
                    Ok(one) => states.push(self.as_of_now(&one)),
                    Err(error) => {
                        revived.damaged += 1;
                        tracing::warn!("{error}");
                    }
                }
            }
            self.give(states, revived).await?;
        }
    }

    /// Who was nudged and has no record yet.
    async fn newcomers(&mut self, revived: &mut Revived) -> Result<(), KeepError> {
        let (prior, thresholds) = (self.profile.prior, self.profile.thresholds);
        let nudges = std::mem::take(&mut self.nudges);
        let states = nudges.into_iter().filter_map(|(source, nudges)| {
            let begun = nudges.first()?.at;
            let fresh = SourceState::new(source, prior, thresholds.band(prior));
            Some(self.nudged(fresh, begun, nudges))
        });
        let states: Vec<_> = states.collect();
        for some in states.chunks(AT_ONCE) {
            self.give(some.to_vec(), revived).await?;
        }
        Ok(())
    }

    fn as_of_now(&mut self, restored: &Restored) -> SourceState {
        let Restored { record, written, .. } = restored;
        let mut was = state(record, *written);
        if !self.same_services {
            was.service = None;
        }
        let mut nudges = self.nudges.remove(&record.source).unwrap_or_default();
        nudges.retain(|nudge| nudge.at >= *written);
        self.nudged(was, *written, nudges)
    }

    /// A state as of `at`, with nudges at their times, as of now.
    fn nudged(&self, mut state: SourceState, mut at: SystemTime, nudges: Vec<Nudge>) -> SourceState {
        for nudge in nudges {
            state = aged(&state, ms_between(at, nudge.at), &self.profile);
            at = at.max(nudge.at);
            if nudge.forgive {
                (state.tallies, state.hits) = ([0; 6], 0);
                (state.destination, state.mitigations) = (0, 0);
            }
            state.score = state.score.nudged(nudge.delta);
            state.band = self.profile.thresholds.band(state.score);
            state.in_band_ms = 0;
        }
        aged(&state, ms_between(at, self.now), &self.profile)
    }

    /// Gives states to their owners, again and again to those who do not take them.
    async fn give(&self, states: Vec<SourceState>, revived: &mut Revived) -> Result<(), KeepError> {
        let mut left: Vec<(u16, Box<[SourceState]>)> =
            self.desk.hub.run(move |state| state.by_owner(states)).await?;
        for tried in 1.. {
            let offered = left.clone();
            let asked = self.desk.hub.run(move |state| state.offer(offered)).await?;
            let mut refused = Vec::new();
            for ((worker, states), answer) in left.into_iter().zip(asked) {
                match taken(answer).await {
                    Some(taken) => {
                        revived.sources += u64::from(taken);
                        revived.left_out += states.len() as u64 - u64::from(taken);
                    }
                    None => refused.push((worker, states)),
                }
            }
            if refused.is_empty() {
                break;
            }
            if tried == TRIES {
                let many: usize = refused.iter().map(|(_, states)| states.len()).sum();
                tracing::warn!("{many} sources were not restored: their workers take no commands");
                revived.left_out += many as u64;
                break;
            }
            left = refused;
            sleep(RETRY).await;
        }
        Ok(())
    }
}

/// How many sources a worker took; `None` = it did not answer.
async fn taken(asked: Result<tokio::sync::oneshot::Receiver<Answer>, HubError>) -> Option<u32> {
    match timeout(ANSWER_WITHIN, asked.ok()?).await {
        Ok(Ok(Answer::Restored(taken))) => Some(taken),
        _ => None,
    }
}

fn ms_between(from: SystemTime, to: SystemTime) -> u64 {
    u64::try_from(to.duration_since(from).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

impl State {
    /// Chunks that a worker takes at once, each with its owner.
    fn by_owner(&self, states: Vec<SourceState>) -> Vec<(u16, Box<[SourceState]>)> {
        let mut owned: HashMap<u16, Vec<SourceState>> = HashMap::new();
        for state in states {
            owned.entry(self.owner(state.source)).or_default().push(state);
        }
        let chunks = owned.iter().flat_map(|(worker, states)| {
            states.chunks(RESTORE_MAX).map(move |chunk| (*worker, Box::from(chunk)))
        });
        chunks.collect()
    }

    /// Sends each chunk to its worker; who answers says so through its receiver.
    fn offer(
        &mut self,
        chunks: Vec<(u16, Box<[SourceState]>)>,
    ) -> Vec<Result<tokio::sync::oneshot::Receiver<Answer>, HubError>> {
        let ask = |(worker, states)| self.post.ask(worker, move |token| Command::Restore { token, states });
        chunks.into_iter().map(ask).collect()
    }
}
