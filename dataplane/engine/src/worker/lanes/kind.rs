//! What kind a lane is, in one byte: what decides about the way that its packet takes.
//!
//! Made where the headers are read, asked by every way. Always holds: see [`Lanes`](super::Lanes) for what `PLAIN` means.

/// What decides about the way that a packet takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind(u8);

impl Kind {
    /// Nobody's standing counts for it.
    pub(super) const NOBODY: Self = Self(0);
    /// It is about a source.
    pub(super) const SOURCE: Self = Self(1);
    /// The short way may judge it.
    pub(super) const PLAIN: Self = Self(1 << 1);
    /// It is UDP.
    pub(super) const DATAGRAM: Self = Self(1 << 2);
    /// It is to the source in place of from it.
    pub(super) const BACK: Self = Self(1 << 3);
    /// Its addresses are not those of an outline over IPv4.
    pub(super) const WIDE: Self = Self(1 << 4);
    /// It is a datagram to a port at which queries are judged, and the short way might else judge it.
    pub(super) const QUERY: Self = Self(1 << 5);

    /// The [`way`](Self::way) of what a source sent and the short way may judge by it.
    pub(super) const PLAINLY_SENT: u8 = Self::PLAIN.0;

    /// What decides whether the short way may judge it by its sender.
    #[inline(always)]
    pub(super) const fn way(self) -> u8 {
        self.0 & (Self::PLAIN.0 | Self::BACK.0)
    }

    #[inline(always)]
    pub(super) const fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    #[inline(always)]
    pub(super) const fn with(self, what: Self, holds: bool) -> Self {
        Self(if holds { self.0 | what.0 } else { self.0 })
    }

    #[inline(always)]
    pub(super) const fn without(self, what: Self) -> Self {
        Self(self.0 & !what.0)
    }

    /// Whether a source sent it.
    #[inline(always)]
    pub const fn is_sent(self) -> bool {
        self.0 & (Self::SOURCE.0 | Self::BACK.0) == Self::SOURCE.0
    }

    /// Whether the short way may judge it by its sender.
    #[inline(always)]
    pub const fn is_plainly_sent(self) -> bool {
        self.way() == Self::PLAINLY_SENT
    }

    #[inline(always)]
    pub const fn is_plain(self) -> bool {
        self.has(Self::PLAIN)
    }

    #[inline(always)]
    pub const fn is_datagram(self) -> bool {
        self.has(Self::DATAGRAM)
    }

    /// Whether it is a datagram of common shape to a port at which queries are judged.
    #[inline(always)]
    pub const fn is_query(self) -> bool {
        self.has(Self::QUERY)
    }

    #[inline(always)]
    pub const fn is_back(self) -> bool {
        self.has(Self::BACK)
    }
}
