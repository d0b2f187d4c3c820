//! What a packet was, as far as the crowd of its destination is concerned.
//!
//! Made by the engine once a packet is judged, read by [`super::Counts`].

use std::ops::BitOr;

/// A set of facts about one packet. A packet that is none of them is only counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Happening(pub(super) u8);

impl Happening {
    /// Nothing out of the ordinary.
    pub const NOTHING: Self = Self(0);
    /// TCP SYN without ACK: a connection is asked for.
    pub const SYN: Self = Self(1);
    /// The first use of what was asked for: a handshake was completed, an answer was taken up.
    pub const COMPLETED: Self = Self(1 << 1);
    /// Its source had no entry before.
    pub const STRANGER: Self = Self(1 << 2);
    /// It is an answer that nobody asked for.
    pub const UNASKED: Self = Self(1 << 3);
    /// It is a fragment.
    pub const FRAGMENT: Self = Self(1 << 4);

    /// All facts together.
    pub const ALL: Self = Self((1 << 5) - 1);

    /// These facts if they hold, else none.
    #[inline(always)]
    pub const fn when(self, holds: bool) -> Self {
        if holds { self } else { Self::NOTHING }
    }
}

impl BitOr for Happening {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
