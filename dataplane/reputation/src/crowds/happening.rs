//! What a packet was, as far as the crowd of its destination is concerned.
//!
//! Made by the engine for every packet that goes the general way, read by [`super::Counts`] and by the watch.

use std::ops::BitOr;

use repute_model::Flood;

/// One fact about a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Fact {
    /// Its source had no entry before.
    Stranger,
    /// A connection is asked for by somebody whose return path is not proved.
    Syn,
    /// Such a connection was used.
    Shaken,
    /// Somebody unproved asks something else than a connection.
    Request,
    /// Such a question was answered.
    Replied,
    /// A TCP segment of a connection that nobody knows.
    Segment,
    /// Such a segment was answered.
    Continued,
    /// It is an answer that nobody asked for.
    Unasked,
    /// It is a fragment whose first one was not seen.
    Fragment,
    /// The destination itself has sent something.
    Heard,
}

impl Fact {
    /// How many facts there are.
    pub const COUNT: usize = 10;

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// A set of facts about one packet. A packet that is none of them is only counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Happening(pub(super) u16);

impl Happening {
    /// Nothing out of the ordinary.
    pub const NOTHING: Self = Self(0);
    /// All facts together.
    pub const ALL: Self = Self((1 << Fact::COUNT) - 1);

    /// This fact if it holds, else none.
    #[inline(always)]
    pub const fn when(fact: Fact, holds: bool) -> Self {
        if holds { Self(fact.bit()) } else { Self::NOTHING }
    }

    /// Whether this fact is in it.
    pub const fn has(self, fact: Fact) -> bool {
        self.0 & fact.bit() != 0
    }

    /// What kind of flood it may be part of, if any.
    pub const fn flood(self) -> Option<Flood> {
        if self.has(Fact::Syn) {
            Some(Flood::Syn)
        } else if self.has(Fact::Request) {
            Some(Flood::Request)
        } else if self.has(Fact::Segment) {
            Some(Flood::Segment)
        } else if self.has(Fact::Unasked) {
            Some(Flood::Answer)
        } else if self.has(Fact::Fragment) {
            Some(Flood::Fragment)
        } else {
            None
        }
    }

    /// Whether there is nothing in it.
    #[inline(always)]
    pub const fn is_nothing(self) -> bool {
        self.0 == 0
    }
}

impl From<Fact> for Happening {
    #[inline(always)]
    fn from(fact: Fact) -> Self {
        Self(fact.bit())
    }
}

impl BitOr for Happening {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
