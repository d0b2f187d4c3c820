//! Threads of the product that DPDK knows.
//!
//! Called by each worker thread first thing. A registered thread has an lcore id and with it a cache in every pool:
//! without one each burst goes to the pool's shared ring.

use std::cell::Cell;
use std::marker::PhantomData;

use dpdk_sys::{rte_thread_register, rte_thread_unregister};
use thiserror::Error;

use crate::{Eal, Errno};

/// Why a thread could not register.
#[derive(Debug, Error)]
pub enum ThreadError {
    /// DPDK has no lcore id left.
    #[error(
        "thread {thread:?} cannot register with DPDK: {errno}; way out: run fewer workers than DPDK's lcore limit \
         (128 in most builds)"
    )]
    Refused {
        /// The thread's name.
        thread: String,
        /// What DPDK left in `rte_errno`.
        errno: Errno,
    },
    /// The thread is registered: a second registration would end with the first.
    #[error("thread {thread:?} is registered with DPDK already; way out: register a thread once")]
    Twice {
        /// The thread's name.
        thread: String,
    },
}

thread_local! {
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// The registration of the calling thread; ends when it is dropped, and cannot leave its thread.
#[derive(Debug)]
pub struct WorkerThread {
    _stays_here: PhantomData<*const ()>,
}

impl WorkerThread {
    /// Registers the calling thread. Pin it first: DPDK derives the thread's NUMA socket from its affinity.
    ///
    /// # Errors
    /// The thread is registered already, or no lcore id is left.
    pub fn register(_: &Eal) -> Result<Self, ThreadError> {
        let name = || std::thread::current().name().unwrap_or("unnamed").to_owned();
        if REGISTERED.get() {
            return Err(ThreadError::Twice { thread: name() });
        }
        // SAFETY: EAL runs without secondary processes.
        Errno::check_last(unsafe { rte_thread_register() })
            .map_err(|errno| ThreadError::Refused { thread: name(), errno })?;
        REGISTERED.set(true);
        Ok(Self { _stays_here: PhantomData })
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        REGISTERED.set(false);
        // SAFETY: this thread registered, and the type is not Send.
        unsafe { rte_thread_unregister() }
    }
}
