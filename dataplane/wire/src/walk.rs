//! The walk over a packet's headers: the two entry points, and the bounds every step keeps.
//!
//! A protocol file adds its step as a method of [`Walk`]: it reads its header through
//! [`Walk::header`] or [`Walk::span`], writes what it found into [`Parsed`] and calls the next step.
//! Always holds: `end` never grows, so an inner header cannot leave the outer one.

use repute_model::Reason;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::parsed::Known;
use crate::{Class, L2, L4, Parsed, ethernet};

/// Why a walk ended before the last header.
pub(crate) enum Stop {
    /// The capture ends here; the packet went on.
    Cut,
    /// The packet is wrong here and nothing behind it can be trusted.
    Malformed(Reason),
}

/// The outcome of one step.
pub(crate) type Step<T = ()> = Result<T, Stop>;

/// A walk under way: the captured bytes, the packet's end on the wire, and what was found so far.
pub(crate) struct Walk<'a> {
    bytes: &'a [u8],
    end: usize,
    pub(crate) found: Parsed,
}

/// Reads an Ethernet II or IEEE 802.3 frame without its FCS.
///
/// `wire_len` is the frame's length on the wire; a value below `frame.len()` counts as that.
pub fn parse_ethernet(frame: &[u8], wire_len: u32) -> Parsed {
    Walk::new(L2::Ethernet, frame, wire_len).finish(|walk| walk.ethernet(0))
}

/// Reads a packet that starts with its IPv4 or IPv6 header; the version nibble decides which.
///
/// `wire_len` is the packet's length on the wire; a value below `packet.len()` counts as that.
pub fn parse_ip(packet: &[u8], wire_len: u32) -> Parsed {
    Walk::new(L2::Raw, packet, wire_len).finish(Walk::raw_ip)
}

impl<'a> Walk<'a> {
    fn new(l2: L2, bytes: &'a [u8], wire_len: u32) -> Self {
        let end = bytes.len().max(wire_len as usize);
        Self { bytes, end, found: Parsed::empty(l2) }
    }

    fn finish(mut self, first: impl FnOnce(&mut Self) -> Step) -> Parsed {
        let outcome = if self.end == 0 { Err(Stop::Malformed(Reason::EmptyFrame)) } else { first(&mut self) };
        match outcome {
            Ok(()) => {}
            Err(Stop::Cut) => self.found.known.add(Known::CUT),
            Err(Stop::Malformed(reason)) => self.flag(reason),
        }
        if self.found.frag_off != 0 {
            self.found.l4 = L4::Fragment;
        }
        self.found.class = match self.found.error {
            Some(_) => Class::Ordinary,
            None => Class::refine(&self.found),
        };
        self.found
    }

    fn raw_ip(&mut self) -> Step {
        match self.span(0, 1, Reason::EmptyFrame)?[0] >> 4 {
            4 => self.network(ethernet::IPV4, 0),
            6 => self.network(ethernet::IPV6, 0),
            _ => Err(Stop::Malformed(Reason::RawVersion)),
        }
    }

    /// The header of type `T` at `at`, or `short` when the packet itself ends inside it.
    pub(crate) fn header<T>(&self, at: usize, short: Reason) -> Step<&'a T>
    where
        T: FromBytes + KnownLayout + Immutable + Unaligned,
    {
        let bytes = self.span(at, size_of::<T>(), short)?;
        T::ref_from_bytes(bytes).map_err(|_| Stop::Cut)
    }

    /// `len` bytes from `at`, or `short` when the packet itself ends inside them.
    pub(crate) fn span(&self, at: usize, len: usize, short: Reason) -> Step<&'a [u8]> {
        let to = at + len;
        if to > self.end {
            return Err(Stop::Malformed(short));
        }
        self.bytes.get(at..to).ok_or(Stop::Cut)
    }

    /// Bytes from `at` to the packet's end on the wire.
    pub(crate) fn left(&self, at: usize) -> usize {
        self.end.saturating_sub(at)
    }

    /// Ends the packet `len` bytes behind `at`: what follows is padding. False if it is not that long.
    pub(crate) fn narrow(&mut self, at: usize, len: usize) -> bool {
        let fits = at + len <= self.end;
        if fits {
            self.end = at + len;
        }
        fits
    }

    /// Notes what is wrong with the packet and walks on; the first note stays.
    pub(crate) fn flag(&mut self, reason: Reason) {
        self.found.error.get_or_insert(reason);
    }

    /// What to call a transport header that the packet cuts short: [`Reason::TinyFragment`] in a
    /// first fragment (RFC 1858, RFC 7112), else `short`.
    pub(crate) fn short(&self, short: Reason) -> Reason {
        if self.found.frag_more() { Reason::TinyFragment } else { short }
    }

    /// Notes where the transport payload starts and how many bytes of it the wire carried.
    pub(crate) fn payload(&mut self, at: usize) {
        self.found.payload_off = u16::try_from(at).unwrap_or(u16::MAX);
        self.found.payload_len = u32::try_from(self.left(at)).unwrap_or(u32::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::L3;

    #[test]
    fn nothing_on_the_wire_is_malformed_and_nothing_captured_is_not() {
        assert_eq!(parse_ethernet(&[], 0).error, Some(Reason::EmptyFrame));
        assert_eq!(parse_ip(&[], 0).error, Some(Reason::EmptyFrame));
        let cut = parse_ethernet(&[], 60);
        assert_eq!((cut.error, cut.is_cut()), (None, true));
    }

    #[test]
    fn raw_packets_need_a_version_we_know() {
        let parsed = parse_ip(&[0x50; 40], 40);
        assert_eq!(parsed.error, Some(Reason::RawVersion));
        assert_eq!((parsed.l3, parsed.l4), (L3::Other, L4::Other));
    }
}
