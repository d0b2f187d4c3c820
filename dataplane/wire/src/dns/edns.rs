//! EDNS(0): the OPT record and its options (RFC 6891; extended errors of RFC 8914).
//!
//! Read by `message` while it walks. Always holds: options of version 0 were all found within the record, and those
//! that are taken apart here are well formed.

use super::{ClientSubnet, Cookie, Malformed, Record, Section};

/// Option codes (IANA, DNS EDNS0 option codes).
pub(crate) mod code {
    pub(crate) const CLIENT_SUBNET: u16 = 8;
    pub(crate) const COOKIE: u16 = 10;
    pub(crate) const EXTENDED_ERROR: u16 = 15;
}

/// The flag that asks for DNSSEC records (RFC 3225).
pub(crate) const DNSSEC_OK: u16 = 1 << 15;

/// What an OPT record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edns<'a> {
    /// Bytes of UDP payload that the sender takes, as written.
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub rcode_high: u8,
    /// The version; 0 is the only one there is, and options of others are not looked at.
    pub version: u8,
    /// Whether DNSSEC records are wanted (DO).
    pub dnssec_ok: bool,
    /// The first cookie; further ones mean nothing (RFC 7873, 5.2).
    pub cookie: Option<Cookie<'a>>,
    /// The network on whose behalf is asked.
    pub subnet: Option<ClientSubnet>,
    /// The first extended error.
    pub error: Option<ExtendedError<'a>>,
    /// Where the OPT record stands in the message: its first byte, and the one behind it.
    pub span: (u16, u16),
    options: &'a [u8],
}

/// Why an answer is as it is (RFC 8914).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtendedError<'a> {
    /// The info code.
    pub code: u16,
    /// Text for people, UTF-8 by rule but not checked; may be empty.
    pub text: &'a [u8],
}

impl ExtendedError<'static> {
    /// The data is the operator's, not the server's.
    pub const FORGED: Self = Self { code: 4, text: b"" };
    /// By the operator's policy.
    pub const BLOCKED: Self = Self { code: 15, text: b"" };
    /// By others' demand on the operator.
    pub const CENSORED: Self = Self { code: 16, text: b"" };
    /// By the requester's own wish.
    pub const FILTERED: Self = Self { code: 17, text: b"" };
    /// The answer's time is over: the server is silent.
    pub const STALE: Self = Self { code: 3, text: b"" };
    /// The same of an answer that there is no such name.
    pub const STALE_NXDOMAIN: Self = Self { code: 19, text: b"" };
    /// There is no server to be asked.
    pub const UNREACHABLE: Self = Self { code: 22, text: b"" };
    /// The requester may not ask here.
    pub const PROHIBITED: Self = Self { code: 18, text: b"" };
}

impl<'a> Edns<'a> {
    /// Reads an OPT record.
    pub(crate) fn read(record: &Record<'a>) -> Result<Self, Malformed> {
        if !record.name.is_root() || record.name.is_compressed() {
            return Err(Malformed::OptOwner);
        }
        if record.section != Section::Additional {
            return Err(Malformed::OptSection);
        }
        let [rcode_high, version, high, low] = record.ttl.to_be_bytes();
        let mut edns = Self {
            udp_size: record.class,
            rcode_high,
            version,
            dnssec_ok: u16::from_be_bytes([high, low]) & DNSSEC_OK != 0,
            cookie: None,
            subnet: None,
            error: None,
            span: record.span_of_root_owned(),
            options: if version == 0 { record.data } else { &[] },
        };
        edns.look_into_options()?;
        Ok(edns)
    }

    fn look_into_options(&mut self) -> Result<(), Malformed> {
        for option in self.options() {
            let EdnsOption { code, data } = option?;
            match code {
                code::COOKIE if self.cookie.is_none() => self.cookie = Some(Cookie::read(data)?),
                code::CLIENT_SUBNET if self.subnet.is_none() => self.subnet = Some(ClientSubnet::read(data)?),
                code::EXTENDED_ERROR if self.error.is_none() => self.error = Some(ExtendedError::read(data)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// What it says, if it has no options.
    pub(crate) fn bare(&self) -> Option<BareEdns> {
        let Self { udp_size, rcode_high, version, dnssec_ok, span, .. } = *self;
        self.options.is_empty().then_some(BareEdns { udp_size, rcode_high, version, dnssec_ok, span })
    }

    /// All of its options.
    pub fn options(&self) -> EdnsOptions<'a> {
        EdnsOptions { rest: self.options }
    }
}

/// An OPT record without options; fields as in [`Edns`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BareEdns {
    pub udp_size: u16,
    rcode_high: u8,
    version: u8,
    pub dnssec_ok: bool,
    span: (u16, u16),
}

impl From<BareEdns> for Edns<'_> {
    fn from(bare: BareEdns) -> Self {
        let BareEdns { udp_size, rcode_high, version, dnssec_ok, span } = bare;
        Self {
            udp_size,
            rcode_high,
            version,
            dnssec_ok,
            span,
            cookie: None,
            subnet: None,
            error: None,
            options: &[],
        }
    }
}

impl<'a> ExtendedError<'a> {
    fn read(data: &'a [u8]) -> Result<Self, Malformed> {
        let (code, text) = data.split_first_chunk().ok_or(Malformed::ExtendedError)?;
        Ok(Self { code: u16::from_be_bytes(*code), text })
    }
}

/// One EDNS option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EdnsOption<'a> {
    /// Its code.
    pub code: u16,
    /// Its data.
    pub data: &'a [u8],
}

/// Iterates over the options of an OPT record; ends after the last or its first error.
#[derive(Clone, Debug)]
pub struct EdnsOptions<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for EdnsOptions<'a> {
    type Item = Result<EdnsOption<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let option = self.split();
        if option.is_none() {
            self.rest = &[];
        }
        Some(option.ok_or(Malformed::OptOption))
    }
}

impl<'a> EdnsOptions<'a> {
    fn split(&mut self) -> Option<EdnsOption<'a>> {
        let (&[a, b, c, d], rest) = self.rest.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_be_bytes([c, d]).into())?;
        self.rest = rest;
        Some(EdnsOption { code: u16::from_be_bytes([a, b]), data })
    }
}
