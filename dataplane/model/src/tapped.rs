//! A DNS message that a worker has copied for who listens in: what a dnstap sink is fed with.

use std::fmt;

use crate::{Address, Tick};

/// Bytes of the longest message that is copied: what is sent by UDP without being fragmented (DNS flag day 2020).
pub const TAPPED_MAX: usize = 1232;

/// Between which ends a message goes, which way, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Address and port of the requester.
    pub requester: (Address, u16),
    /// Address and port of the server.
    pub server: (Address, u16),
    /// Whether it is what the requester got; else it is what he asked.
    pub answers: bool,
    /// Whether it goes by TCP, else by UDP.
    pub by_tcp: bool,
}

/// One message. Plain data of a fixed size: it crosses a ring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tapped {
    /// When the worker saw it.
    pub at: Tick,
    /// Where it goes.
    pub leg: Leg,
    len: u16,
    bytes: [u8; TAPPED_MAX],
}

impl Tapped {
    /// A copy of a message; `None` where it is longer than [`TAPPED_MAX`].
    pub fn new(message: &[u8], leg: Leg, at: Tick) -> Option<Self> {
        let mut bytes = [0; TAPPED_MAX];
        bytes.get_mut(..message.len())?.copy_from_slice(message);
        Some(Self { at, leg, len: message.len() as u16, bytes })
    }

    /// The message.
    pub fn message(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, leg, len, .. } = self;
        write!(f, "Tapped({at:?}, {leg:?}, {len} bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_whole_and_what_does_not_is_none() {
        let (requester, server) = ((Address::v4(1), 1), (Address::v4(2), 53));
        let leg = Leg { requester, server, answers: false, by_tcp: false };
        let tap = |message: &[u8]| Tapped::new(message, leg, Tick(7));
        assert_eq!(tap(&[7; TAPPED_MAX]).unwrap().message(), [7; TAPPED_MAX]);
        assert_eq!(tap(b"abc").unwrap().message(), b"abc");
        assert!(tap(&[7; TAPPED_MAX + 1]).is_none());
    }
}
