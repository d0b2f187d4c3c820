//! Response codes (RFC 6895, 2.3).
//!
//! Read by `answer`, written by `reply`. Always holds: 12 bits, of which the header has room for the lower four.

/// A response code, 0..=4095, with the upper eight bits that EDNS adds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rcode(u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The query could not be read.
    pub const FORMERR: Self = Self(1);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The kind of query is not implemented.
    pub const NOTIMP: Self = Self(4);
    /// The server refuses by policy.
    pub const REFUSED: Self = Self(5);
    /// The EDNS version is not implemented (RFC 6891).
    pub const BADVERS: Self = Self(16);
    /// The server cookie is bad or missing (RFC 7873).
    pub const BADCOOKIE: Self = Self(23);

    /// The code with these lower four and upper eight bits.
    pub const fn from_parts(low: u8, high: u8) -> Self {
        Self((high as u16) << 4 | (low & 0xf) as u16)
    }

    /// The number, 0..=4095.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What stands in the header.
    pub(crate) const fn low(self) -> u16 {
        self.0 & 0xf
    }

    /// What stands in the OPT record.
    pub(crate) const fn high(self) -> u8 {
        (self.0 >> 4) as u8
    }

    /// Whether it takes EDNS to say it.
    pub const fn needs_edns(self) -> bool {
        self.high() != 0
    }
}
