//! Who was kept from a change: on the way to the audit log.
//!
//! The guard notes every refusal of a method that changes something; the server writes what comes out of the queue
//! down ([`Access::refused`](crate::Access::refused)). **Always holds:** noting never waits, and nobody fills the log by
//! being refused: each identity has [`AT_ONCE`] lines and then one a [`EVERY`]. What is beyond that, or finds
//! [`QUEUE`] others waiting, is counted, and the next line says how many there were.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::access::Refusal;
use crate::audit::{Change, Outcome, Who};
use crate::caller::Transport;
use crate::permissions;
use crate::rate::Rates;

/// Refusals of one identity that are written down after a quiet time.
const AT_ONCE: u32 = 16;
/// How long it takes until one more is.
const EVERY: Duration = Duration::from_secs(60);
/// Refusals that wait to be written down.
const QUEUE: usize = 256;

/// What is written down, and how much is not.
#[derive(Debug)]
pub(crate) struct Refusals {
    rates: Rates,
    sender: mpsc::Sender<Change>,
    /// Until somebody takes it.
    receiver: Mutex<Option<mpsc::Receiver<Change>>>,
    unwritten: AtomicU64,
}

impl Refusals {
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (rates, receiver) = (Rates::every(EVERY, AT_ONCE), Mutex::new(Some(receiver)));
        Self { rates, sender, receiver, unwritten: AtomicU64::new(0) }
    }

    /// The queue's other end, once.
    pub fn take(&self) -> Option<mpsc::Receiver<Change>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes note that somebody who came this way was kept from a method, if it would have changed something.
    pub fn note(&self, transport: Transport, method: &str, refusal: &Refusal, now: Instant) {
        if !permissions::changes(method) {
            return;
        }
        let identity = refusal.identity().cloned().unwrap_or_else(|| transport.identity());
        let unwritten = self.unwritten.swap(0, Ordering::Relaxed);
        let why = match unwritten {
            0 => refusal.to_string(),
            more => format!("{refusal} (and {more} refusals before this one that are not written down)"),
        };
        let change = Change {
            who: Who::Refused { identity: identity.clone(), transport },
            method: method.to_owned(),
            object: String::new(),
            before: None,
            after: None,
            policy: None,
            outcome: Outcome::Refused(why),
        };
        if self.rates.take(&identity, now).is_err() || self.sender.try_send(change).is_err() {
            self.unwritten.fetch_add(unwritten + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    const NUDGE: &str = permissions::NUDGE;

    fn from(uid: u32) -> Transport {
        Transport::Unix { uid, pid: None }
    }

    fn why(change: &Change) -> &str {
        match &change.outcome {
            Outcome::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nobody_fills_the_log_and_what_is_left_out_is_told() {
        let (refusals, now) = (Refusals::new(), Instant::now());
        let mut written = refusals.take().unwrap();
        assert!(refusals.take().is_none());
        let note = |uid, now| refusals.note(from(uid), NUDGE, &Refusal::Unbound(Identity::Uid(uid)), now);
        (0..1000).for_each(|_| note(7, now));
        let own: Vec<_> = std::iter::from_fn(|| written.try_recv().ok()).collect();
        assert_eq!(own.len(), 16);
        assert!(own.iter().all(|change| why(change).starts_with("uid:7 has no role")), "{own:?}");
        // Somebody else has lines of his own.
        note(8, now);
        let told = written.try_recv().unwrap();
        assert!(
            why(&told).ends_with("(and 984 refusals before this one that are not written down)"),
            "{told:?}"
        );
        assert_eq!(told.who, Who::Refused { identity: Identity::Uid(8), transport: from(8) });
        note(7, now + EVERY);
        assert!(!why(&written.try_recv().unwrap()).contains("and "));
        note(7, now + EVERY);
        assert!(written.try_recv().is_err());
    }

    #[test]
    fn a_full_queue_keeps_nobody_waiting() {
        let (refusals, now) = (Refusals::new(), Instant::now());
        let mut written = refusals.take().unwrap();
        let note = |uid| refusals.note(from(uid), NUDGE, &Refusal::Unbound(Identity::Uid(uid)), now);
        (0..QUEUE as u32 + 44).for_each(note);
        assert_eq!(std::iter::from_fn(|| written.try_recv().ok()).count(), QUEUE);
        note(9999);
        assert!(why(&written.try_recv().unwrap()).contains("and 44 refusals"));
    }

    #[test]
    fn who_only_wants_to_see_is_not_written_down() {
        let refusals = Refusals::new();
        let mut written = refusals.take().unwrap();
        let nobody = Refusal::Unbound(Identity::Uid(1));
        for method in ["/repute.v1.Scores/Get", "/repute.v1.Scores/nudge", "", "/repute.v1.Access/ListKeys"] {
            refusals.note(from(1), method, &nobody, Instant::now());
        }
        assert!(written.try_recv().is_err());
    }
}
