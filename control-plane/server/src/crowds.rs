//! Crowds: how they stand, and what has changed lately.
//!
//! Changes come with the reports of the workers and are kept by the actor; how crowds stand now is asked of the leader
//! of the workers, page by page. **Always holds:** at most [`CROWD_CHANGES_MAX`] changes are remembered, and a reader
//! that lags behind further is told how many it missed; neither waits for the other.

use std::collections::VecDeque;
use std::time::SystemTime;

use repute_model::{Command, CrowdChange, CrowdState, Flood};
use tokio::sync::broadcast;

use crate::post::Answer;
use crate::{Hub, HubError, PAGE_MAX};

/// Changes of crowds that are remembered, and that a reader may lag behind.
pub const CROWD_CHANGES_MAX: usize = 1000;
/// The worker that watches crowds.
const LEADER: u16 = 0;

/// How often crowds entered a state, since the start: by [`Flood::index`], then by [`CrowdState::index`].
pub type CrowdCounts = [[u64; CrowdState::COUNT]; Flood::COUNT];

/// A crowd that changed its state.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrowdEvent {
    /// What changed.
    pub change: CrowdChange,
    /// When it was reported.
    pub at: SystemTime,
}

/// The changes of crowds.
#[derive(Debug)]
pub(crate) struct CrowdRoom {
    recent: VecDeque<CrowdEvent>,
    counts: CrowdCounts,
    events: broadcast::Sender<CrowdEvent>,
}

impl Default for CrowdRoom {
    fn default() -> Self {
        let events = broadcast::Sender::new(CROWD_CHANGES_MAX);
        Self { recent: VecDeque::new(), counts: CrowdCounts::default(), events }
    }
}

impl CrowdRoom {
    /// Takes note of a worker's report, received at `at`.
    pub fn take(&mut self, change: CrowdChange, at: SystemTime) {
        let event = CrowdEvent { change, at };
        self.counts[change.flood.index()][change.to.index()] += 1;
        if self.recent.len() >= CROWD_CHANGES_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(event);
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    pub const fn counts(&self) -> CrowdCounts {
        self.counts
    }

    /// The last `past` changes, the oldest first, and those from now on.
    fn watch(&self, past: usize) -> (Vec<CrowdEvent>, broadcast::Receiver<CrowdEvent>) {
        let from = self.recent.len().saturating_sub(past);
        (self.recent.range(from..).copied().collect(), self.events.subscribe())
    }
}

impl Hub {
    /// Some crowds from `cursor` on (0 = the beginning) and where to go on: those that are not calm, or with `all` also
    /// calm ones to which something happens, a row for each kind of flood; about 256 rows, those of one crowd together.
    ///
    /// # Errors
    /// The leader is busy or lags.
    pub async fn crowd_page(
        &self,
        all: bool,
        cursor: u32,
    ) -> Result<(Vec<CrowdChange>, Option<u32>), HubError> {
        let command = move |token| Command::Crowds { token, cursor, limit: PAGE_MAX, all };
        match self.ask(LEADER, command).await? {
            Answer::Crowds(rows, next) => Ok((rows, next)),
            Answer::Page(_, next) => Ok((Vec::new(), next)),
            _ => Err(HubError::Gone),
        }
    }

    /// All crowds that are not calm: a bounded number, as there are places for crowds.
    ///
    /// # Errors
    /// As [`Hub::crowd_page`].
    pub async fn crowds(&self) -> Result<Vec<CrowdChange>, HubError> {
        let (mut crowds, mut at) = (Vec::new(), Some(0));
        while let Some(cursor) = at {
            let (rows, next) = self.crowd_page(false, cursor).await?;
            crowds.extend(rows);
            at = next;
        }
        Ok(crowds)
    }

    /// The last `past` changes of crowds, the oldest first, and those from now on without a gap. A slow reader is told
    /// how many it missed.
    ///
    /// # Errors
    /// [`HubError::Gone`].
    pub async fn watch_crowds(
        &self,
        past: usize,
    ) -> Result<(Vec<CrowdEvent>, broadcast::Receiver<CrowdEvent>), HubError> {
        self.run(move |state| state.crowds.watch(past)).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use repute_model::{Address, CrowdNumbers, Prefix, Tick};
    use tokio::sync::broadcast::error::TryRecvError;

    use super::*;

    fn change(n: u32, to: CrowdState) -> CrowdChange {
        CrowdChange {
            crowd: Prefix::containing(Address::v4(n), 128),
            flood: Flood::Syn,
            from: CrowdState::Calm,
            to,
            numbers: CrowdNumbers::default(),
            at: Tick(u64::from(n)),
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_watched_without_a_gap() {
        let mut room = CrowdRoom::default();
        let at = |n: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(n.into());
        let many = CROWD_CHANGES_MAX as u32 + 7;
        (0..many).for_each(|n| room.take(change(n, CrowdState::Flood), at(n)));
        let (past, mut events) = room.watch(usize::MAX);
        assert_eq!((past.len(), past[0].at), (CROWD_CHANGES_MAX, at(7)));
        room.take(change(many, CrowdState::Recovering), at(many));
        assert_eq!(events.try_recv().unwrap().change, change(many, CrowdState::Recovering));
        let counted = room.counts()[Flood::Syn.index()];
        assert_eq!(counted[CrowdState::Flood.index()], u64::from(many));
        assert_eq!(counted[CrowdState::Recovering.index()], 1);
        assert_eq!(room.watch(2).0.len(), 2);
        (0..2 * many).for_each(|n| room.take(change(n, CrowdState::Calm), at(n)));
        assert!(matches!(events.try_recv(), Err(TryRecvError::Lagged(missed)) if missed > 0));
    }
}
