//! The workers of a box as one: they begin together, share one clock, and stop together without losing what is
//! on its way from one to another.
//!
//! Made by the control thread; each worker holds a [`Member`]. Always holds: whoever ends, by an error, a panic or
//! its captures, ends all of them; nobody waits for a worker that has gone.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What the workers share.
#[derive(Debug)]
pub struct Crew {
    stop: AtomicBool,
    /// Workers that still take packets from ports, and so may hand some over.
    receiving: AtomicU16,
    gate: Mutex<Gate>,
    moved: Condvar,
    ended: Notify,
}

/// Who has come, and since when time runs.
#[derive(Debug)]
struct Gate {
    missing: u16,
    epoch: u64,
}

impl Crew {
    /// A crew of so many workers, none of which has come yet.
    pub fn new(workers: u16) -> Arc<Self> {
        Arc::new(Self {
            stop: AtomicBool::new(false),
            receiving: AtomicU16::new(workers),
            gate: Mutex::new(Gate { missing: workers, epoch: 0 }),
            moved: Condvar::new(),
            ended: Notify::new(),
        })
    }

    /// Tells all of them to come to an end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // Under the lock, so that nobody misses it between a look at the flag and the wait.
        let _gate = self.gate();
        self.moved.notify_all();
    }

    /// Whether they are to come to an end.
    #[inline]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether nothing will be handed over any more. What was handed over before is visible then.
    pub fn has_received_all(&self) -> bool {
        self.receiving.load(Ordering::Acquire) == 0
    }

    /// Done as soon as one of them has ended.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One worker's place in the crew; leaving it ends the others.
#[derive(Debug)]
pub struct Member {
    crew: Arc<Crew>,
    receives: bool,
}

impl Member {
    /// To be made once for each worker.
    pub fn new(crew: Arc<Crew>) -> Self {
        Self { crew, receives: true }
    }

    /// What all of them share.
    pub fn crew(&self) -> &Crew {
        &self.crew
    }

    /// Waits until all of them have come this far, so that nobody hands packets to one that cannot take them. The
    /// value of `counter` at which time begins, the same for all; `None`: they are to stop instead.
    pub fn assemble(&self, counter: impl FnOnce() -> u64) -> Option<u64> {
        let crew = &*self.crew;
        let mut gate = crew.gate();
        gate.missing = gate.missing.saturating_sub(1);
        if gate.missing == 0 {
            gate.epoch = counter();
            crew.moved.notify_all();
        }
        while gate.missing > 0 && !crew.is_stopping() {
            gate = crew.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        (gate.missing == 0).then_some(gate.epoch)
    }

    /// Says that this worker takes nothing from ports any more and has handed over all that belongs to others.
    pub fn stop_receiving(&mut self) {
        if std::mem::take(&mut self.receives) {
            self.crew.receiving.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop_receiving();
        self.crew.stop();
        self.crew.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_begin_together_by_one_clock() {
        let crew = Crew::new(3);
        let start = |number: u64| {
            let member = Member::new(Arc::clone(&crew));
            std::thread::spawn(move || (member.assemble(|| number), member))
        };
        let threads: Vec<_> = (1..=3).map(start).collect();
        let came: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let epochs: Vec<_> = came.iter().map(|(epoch, _)| *epoch).collect();
        assert!(epochs[0].is_some_and(|epoch| (1..=3).contains(&epoch)), "{epochs:?}");
        assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
        assert!(!crew.is_stopping());
    }

    #[test]
    fn one_that_fails_ends_those_who_wait_for_it() {
        let crew = Crew::new(2);
        let waiting = Member::new(Arc::clone(&crew));
        let thread = std::thread::spawn(move || waiting.assemble(|| 1));
        let failing = Member::new(Arc::clone(&crew));
        let panicked = std::thread::spawn(move || {
            let _failing = failing;
            panic!("a worker fails");
        });
        assert!(panicked.join().is_err());
        assert_eq!(thread.join().unwrap(), None);
        assert!(crew.is_stopping() && crew.has_received_all());
    }

    #[test]
    fn the_last_to_receive_lets_all_go() {
        let crew = Crew::new(2);
        let (mut one, mut other) = (Member::new(Arc::clone(&crew)), Member::new(Arc::clone(&crew)));
        one.stop_receiving();
        one.stop_receiving();
        assert!(!crew.has_received_all(), "said twice, counted once");
        other.stop_receiving();
        assert!(crew.has_received_all());
    }

    #[tokio::test]
    async fn an_end_is_noticed_even_by_who_looks_later() {
        let crew = Crew::new(1);
        drop(Member::new(Arc::clone(&crew)));
        crew.ended().await;
    }
}
