//! The two ends of a port that a worker holds: one call into DPDK per burst.
//!
//! Called by the workers' loops. A queue has one holder at a time, can move to another thread, and cannot be shared;
//! dropping it gives it back to its port.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;

use dpdk_sys::{dpdk_rx_burst, dpdk_tx_burst};

use crate::burst::{as_raw, forget_first, grow, spare};
use crate::port::Shared;
use crate::{Burst, Direction};

/// Where packets come from.
#[derive(Debug)]
pub struct RxQueue {
    end: End,
}

/// Where packets go.
#[derive(Debug)]
pub struct TxQueue {
    end: End,
}

impl RxQueue {
    /// The port has marked the queue as taken.
    pub(crate) fn new(shared: Arc<Shared>, queue: u16) -> Self {
        Self { end: End::new(shared, Direction::Rx, queue) }
    }

    /// Adds what has arrived to the burst, as far as it has room, and returns how many packets that were. Never
    /// waits.
    #[inline]
    pub fn recv(&mut self, burst: &mut Burst) -> usize {
        let room = spare(burst);
        // SAFETY: the port is started while this queue exists, and nobody else polls it; `room` takes as many
        // pointers as the call may write, and each that it wrote is a packet given to us.
        unsafe {
            let got =
                dpdk_rx_burst(self.end.port, self.end.queue, room.as_mut_ptr().cast(), room.len() as u16);
            grow(burst, usize::from(got));
            usize::from(got)
        }
    }

    /// DPDK's number of the port.
    #[must_use]
    pub fn port_id(&self) -> u16 {
        self.end.port
    }

    /// The queue's number, from 0.
    #[must_use]
    pub fn queue(&self) -> u16 {
        self.end.queue
    }
}

impl TxQueue {
    /// The port has marked the queue as taken.
    pub(crate) fn new(shared: Arc<Shared>, queue: u16) -> Self {
        Self { end: End::new(shared, Direction::Tx, queue) }
    }

    /// Offers the burst to the port and returns how many packets it took, from the front. The others stay in the
    /// burst, in order: to be offered again, or freed and counted. Never waits.
    #[inline]
    pub fn send(&mut self, burst: &mut Burst) -> usize {
        if burst.is_empty() {
            return 0;
        }
        // SAFETY: the port is started while this queue exists, and nobody else sends by it; the burst holds `len`
        // packets of ours, of which the port owns the first `sent` afterwards.
        unsafe {
            let len = burst.len() as u16;
            let sent = dpdk_tx_burst(self.end.port, self.end.queue, as_raw(burst), len);
            forget_first(burst, usize::from(sent));
            usize::from(sent)
        }
    }

    /// DPDK's number of the port.
    #[must_use]
    pub fn port_id(&self) -> u16 {
        self.end.port
    }

    /// The queue's number, from 0.
    #[must_use]
    pub fn queue(&self) -> u16 {
        self.end.queue
    }
}

/// One queue of a port, taken.
#[derive(Debug)]
struct End {
    port: u16,
    queue: u16,
    direction: Direction,
    shared: Arc<Shared>,
    /// Send, not Sync.
    _one_thread: PhantomData<Cell<()>>,
}

impl End {
    fn new(shared: Arc<Shared>, direction: Direction, queue: u16) -> Self {
        Self { port: shared.id(), queue, direction, shared, _one_thread: PhantomData }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.shared.give_back(self.direction, self.queue);
    }
}
