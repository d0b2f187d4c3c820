//! What makes two queries the same for the cache.
//!
//! Made of every query that is looked up and of every answer that is learned. Always holds: a query that wants something
//! of its own (a transfer, a signature, an EDNS version that does not exist) has no key.

use repute_wire::dns::{Answer, ClientSubnet, NAME_MAX, Query, Question};

/// Type, class, how it is asked, client subnet.
const BEHIND_NAME: usize = 2 + 2 + 1 + 17;
const LEN_MAX: usize = NAME_MAX + BEHIND_NAME;
/// Types from here to 255 ask for more than records (RFC 6895, 3.1): transfers, mailboxes, everything; signatures.
const META: std::ops::RangeInclusive<u16> = 128..=255;
/// The OPT record is no type to ask for.
const OPT: u16 = 41;

/// How a query asks, beside its question: what its answer depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asks(u8);

impl Asks {
    /// None of them.
    pub const NOTHING: Self = Self(0);
    const RECURSION: u8 = 1;
    const CHECKING_DISABLED: u8 = 2;
    const DNSSEC_OK: u8 = 4;

    /// How `query` asks: RD, CD and DO.
    pub fn of(query: &Query<'_>) -> Self {
        let header = query.message.header();
        let recursion = u8::from(header.recursion_desired()) * Self::RECURSION;
        let unchecked = u8::from(header.checking_disabled()) * Self::CHECKING_DISABLED;
        let dnssec = u8::from(query.edns.is_some_and(|edns| edns.dnssec_ok)) * Self::DNSSEC_OK;
        Self(recursion | unchecked | dnssec)
    }
}

/// A name in lower case, type, class, how it is asked, and on whose behalf.
pub(super) struct Key {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl Key {
    /// The key of a query; `None` where no cache may answer it.
    pub fn of_query(query: &Query<'_>) -> Option<Self> {
        let header = query.message.header();
        let version = query.edns.map_or(0, |edns| edns.version);
        // A record beside OPT is a signature (TSIG, SIG(0)), which no answer from here would have.
        let alone =
            header.authorities.get() == 0 && header.additionals.get() == u16::from(query.edns.is_some());
        if !query.is_standard() || version != 0 || !alone {
            return None;
        }
        Self::new(&query.question, Asks::of(query), query.edns.and_then(|edns| edns.subnet))
    }

    /// The key of the queries that `answer` is for, if they ask like this.
    pub fn of_answer(answer: &Answer<'_>, asks: Asks) -> Option<Self> {
        Self::new(&answer.question?, asks, answer.edns.and_then(|edns| edns.subnet))
    }

    fn new(question: &Question<'_>, asks: Asks, subnet: Option<ClientSubnet>) -> Option<Self> {
        // A name that leads elsewhere can only lead into the header, which changes with every client.
        if META.contains(&question.kind) || question.kind == OPT || question.name.is_compressed() {
            return None;
        }
        let mut key = Self { bytes: [0; LEN_MAX], len: question.name.len().into() };
        question.name.lowered(key.bytes.first_chunk_mut()?);
        key.put(&question.kind.to_be_bytes())?;
        key.put(&question.class.to_be_bytes())?;
        key.put(&[asks.0])?;
        // A prefix of 0 says that it is on nobody's behalf.
        if let Some(subnet) = subnet.filter(|subnet| subnet.source > 0) {
            key.put(&[subnet.source])?;
            key.put(&subnet.address.0.to_be_bytes())?;
        }
        Some(key)
    }

    /// What it is compared by.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len + bytes.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }
}
