//! A second worker on another core, which runs when the first one does.
//!
//! Called by row B15. The measuring thread releases it at the begin of a slice and stops it at the end; between
//! slices it waits without sleeping, so that no slice begins with a switch. What always holds: a slice in which
//! either thread was switched out does not count.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow, ensure};
use core_affinity::CoreId;
use dpdk::{Cycles, Eal, WorkerThread};

use crate::contender::Contender;
use crate::road::Road;
use crate::subject::Subject;
use crate::switches::Switches;

/// What the two threads say to each other. Slices are counted from 1.
#[derive(Debug, Default)]
struct Shared {
    /// The slice that is under way or was last.
    slice: AtomicU64,
    /// The slice is over.
    stop: AtomicBool,
    /// In this slice the other generator stage is used.
    other_stamp: AtomicBool,
    /// The slice whose result stands below.
    done: AtomicU64,
    /// Packets of that slice; [`DISTURBED`] when the thread was switched out.
    packets: AtomicU64,
    /// No more slices come.
    quit: AtomicBool,
}

const DISTURBED: u64 = u64::MAX;

/// The second worker.
#[derive(Debug)]
pub struct Second {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<anyhow::Result<(Subject, Road)>>>,
}

impl Second {
    /// Starts it on a core of its own.
    ///
    /// # Errors
    /// No thread.
    pub fn start(
        eal: &Eal,
        cycles: Cycles,
        core: CoreId,
        subject: Subject,
        road: Road,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (theirs, eal) = (Arc::clone(&shared), eal.clone());
        let body = move || {
            ensure!(core_affinity::set_for_current(core), "cannot run on core {}", core.id);
            let _registered = WorkerThread::register(&eal)?;
            serve(&theirs, cycles, subject, road)
        };
        let thread = std::thread::Builder::new().name("second".to_owned()).spawn(body)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    fn release(&self, other_stamp: bool) {
        self.shared.stop.store(false, Ordering::Relaxed);
        self.shared.other_stamp.store(other_stamp, Ordering::Relaxed);
        self.shared.slice.fetch_add(1, Ordering::Release);
    }

    /// Stops it; its packets, or none when it was disturbed or has failed.
    fn stop(&self) -> Option<u64> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let slice = self.shared.slice.load(Ordering::Relaxed);
        while self.shared.done.load(Ordering::Acquire) != slice {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return None;
            }
            std::hint::spin_loop();
        }
        Some(self.shared.packets.load(Ordering::Relaxed)).filter(|&packets| packets != DISTURBED)
    }

    /// Ends it and gives its worker and road back.
    ///
    /// # Errors
    /// It failed.
    pub fn finish(mut self) -> anyhow::Result<(Subject, Road)> {
        self.shared.quit.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("the second worker was ended before")?;
        thread.join().map_err(|_| anyhow!("the second worker panicked"))?
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.shared.quit.store(true, Ordering::Relaxed);
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn serve(
    shared: &Shared,
    cycles: Cycles,
    mut subject: Subject,
    mut road: Road,
) -> anyhow::Result<(Subject, Road)> {
    let switches = Switches::of_this_thread()?;
    let mut done = 0;
    while !shared.quit.load(Ordering::Relaxed) {
        if shared.slice.load(Ordering::Acquire) == done {
            std::hint::spin_loop();
            continue;
        }
        let before = switches.count()?;
        let mut now = cycles.now();
        let mut packets = 0;
        let other_stamp = shared.other_stamp.load(Ordering::Relaxed);
        if other_stamp {
            subject.change_stamps();
        }
        subject.begin(now);
        while !shared.stop.load(Ordering::Relaxed) {
            packets += subject.burst(&mut road, now) as u64;
            now = cycles.now();
        }
        subject.end(now);
        if other_stamp {
            subject.change_stamps();
        }
        let result = if switches.count()? == before { packets } else { DISTURBED };
        done += 1;
        shared.packets.store(result, Ordering::Relaxed);
        shared.done.store(done, Ordering::Release);
    }
    Ok((subject, road))
}

/// Both workers at once: the second one's packets count too.
pub struct Together<'a> {
    /// The worker of the measuring thread.
    pub first: &'a RefCell<Subject>,
    /// The one of the other thread.
    pub second: &'a Second,
    /// Both use their other generator stage.
    pub other_stamp: bool,
}

impl Contender for Together<'_> {
    fn begin(&mut self, now: u64) {
        let mut first = self.first.borrow_mut();
        if self.other_stamp {
            first.change_stamps();
        }
        self.second.release(self.other_stamp);
        first.begin(now);
    }

    #[inline]
    fn burst(&mut self, road: &mut Road, now: u64) -> usize {
        self.first.borrow_mut().burst(road, now)
    }

    fn end(&mut self, now: u64) -> Option<u64> {
        let mut first = self.first.borrow_mut();
        let others = first.end(now);
        if self.other_stamp {
            first.change_stamps();
        }
        Some(others? + self.second.stop()?)
    }
}
