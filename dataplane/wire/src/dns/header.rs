//! The twelve bytes that every DNS message begins with (RFC 1035, 4.1.1; RFC 4035, 3.1.6).
//!
//! Read by `message`, changed by `reply` and `patch`. Always holds: a header is its bytes.

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a header.
pub(crate) const LEN: usize = size_of::<Header>();

/// Bits of the second word.
pub(crate) mod flag {
    pub(crate) const RESPONSE: u16 = 1 << 15;
    pub(crate) const OPCODE: u16 = 0xf << 11;
    pub(crate) const TRUNCATED: u16 = 1 << 9;
    pub(crate) const RECURSION_DESIRED: u16 = 1 << 8;
    pub(crate) const RECURSION_AVAILABLE: u16 = 1 << 7;
    pub(crate) const AUTHENTIC: u16 = 1 << 5;
    pub(crate) const CHECKING_DISABLED: u16 = 1 << 4;
}

/// The header of a DNS message.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// What the answer repeats, so that the asker knows it.
    pub id: U16,
    /// From the highest bit: QR, opcode (4), AA, TC, RD, RA, Z, AD, CD, rcode (4).
    pub flags: U16,
    /// Records of the question section.
    pub questions: U16,
    /// Records of the answer section.
    pub answers: U16,
    /// Records of the authority section.
    pub authorities: U16,
    /// Records of the additional section.
    pub additionals: U16,
}

impl Header {
    /// Whether it is a response (QR).
    pub fn is_response(&self) -> bool {
        self.has(flag::RESPONSE)
    }

    /// The kind of query, 0..=15: 0 is a standard query, 4 NOTIFY, 5 UPDATE.
    pub fn opcode(&self) -> u8 {
        ((self.flags.get() & flag::OPCODE) >> 11) as u8
    }

    /// Whether the answer was cut to fit (TC).
    pub fn is_truncated(&self) -> bool {
        self.has(flag::TRUNCATED)
    }

    /// Whether recursion is asked for (RD).
    pub fn recursion_desired(&self) -> bool {
        self.has(flag::RECURSION_DESIRED)
    }

    /// Whether the server offers recursion (RA).
    pub fn recursion_available(&self) -> bool {
        self.has(flag::RECURSION_AVAILABLE)
    }

    /// Whether the data was validated by DNSSEC (AD).
    pub fn is_authentic(&self) -> bool {
        self.has(flag::AUTHENTIC)
    }

    /// Whether the asker wants data that was not validated (CD).
    pub fn checking_disabled(&self) -> bool {
        self.has(flag::CHECKING_DISABLED)
    }

    /// The lower four bits of the response code.
    pub fn rcode_low(&self) -> u8 {
        (self.flags.get() & 0xf) as u8
    }

    fn has(&self, bit: u16) -> bool {
        self.flags.get() & bit != 0
    }
}
