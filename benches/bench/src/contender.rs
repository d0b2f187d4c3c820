//! What is compared: one burst after the other from a road, each in its own way.
//!
//! [`Plain`] are the contenders without an engine; [`crate::subject`] has the one with it.

use std::cell::RefCell;

use dpdk::{BURST_MAX, Burst, free};

use crate::road::{Road, swap_macs};
use crate::stamp::Stamp;

/// One that takes its turn in slices.
pub trait Contender {
    /// A slice begins at this value of the time stamp counter.
    fn begin(&mut self, _now: u64) {}

    /// One burst at counter value `now`; how many packets it had.
    fn burst(&mut self, road: &mut Road, now: u64) -> usize;

    /// The slice is over at this value of the counter; not part of what is measured. Packets that others had
    /// meanwhile and that count too; none when one of those others was disturbed.
    fn end(&mut self, _now: u64) -> Option<u64> {
        Some(0)
    }
}

/// What becomes of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Freed.
    Free,
    /// Sent as it is.
    Send,
    /// Sent with its MAC addresses swapped.
    SwapMacs,
}

/// Receives, stamps if asked to, and frees or sends.
#[derive(Debug)]
pub struct Plain {
    way: Way,
    stamp: Option<Stamp>,
    burst: Burst,
}

impl Plain {
    /// Without the generator stage.
    pub fn new(way: Way) -> Self {
        Self { way, stamp: None, burst: Burst::new() }
    }

    /// With it.
    pub fn stamped(way: Way, stamp: Stamp) -> Self {
        Self { way, stamp: Some(stamp), burst: Burst::new() }
    }
}

impl Contender for Plain {
    #[inline]
    fn burst(&mut self, road: &mut Road, _now: u64) -> usize {
        let (port, inlet) = road.poll();
        let got = inlet.recv(&mut self.burst, BURST_MAX);
        if let Some(stamp) = &mut self.stamp {
            stamp.apply(port, &mut self.burst);
        }
        match self.way {
            Way::Free => {
                free(&mut self.burst);
            }
            Way::Send => road.send(road.peer(port), &mut self.burst),
            Way::SwapMacs => {
                swap_macs(&mut self.burst);
                road.send(road.peer(port), &mut self.burst);
            }
        }
        got
    }
}

/// A contender on a road of its own: it ignores the one it is offered.
pub struct Elsewhere<'a> {
    road: &'a RefCell<Road>,
    contender: &'a mut dyn Contender,
}

impl<'a> Elsewhere<'a> {
    /// Several contenders may share the road: they take turns.
    pub fn new(road: &'a RefCell<Road>, contender: &'a mut dyn Contender) -> Self {
        Self { road, contender }
    }
}

impl Contender for Elsewhere<'_> {
    fn begin(&mut self, now: u64) {
        self.contender.begin(now);
    }

    #[inline]
    fn burst(&mut self, _offered: &mut Road, now: u64) -> usize {
        self.contender.burst(&mut self.road.borrow_mut(), now)
    }

    fn end(&mut self, now: u64) -> Option<u64> {
        self.contender.end(now)
    }
}
