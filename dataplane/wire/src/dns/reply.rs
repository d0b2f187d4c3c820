//! Answers written by the box: errors, challenges, sinkhole addresses.
//!
//! Called by the DNS stages, which then turn the packet round. Always holds: the buffer holds the query's header
//! and question untouched until an answer is begun, and a whole message once it is finished; OPT goes only to those
//! who sent one.

use repute_model::Address;

use super::header::{self, Header, flag};
use super::query::{Asked, Query, REPEATED};
use super::{CLASS_IN, ClientSubnet, ExtendedError, Rcode, cookie, edns, kind};
use zerocopy::FromBytes;

/// Why an answer cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplyError {
    /// The buffer is too small.
    #[error(
        "the buffer is too small for the DNS answer: give it 512 bytes, or leave out the extended error's text"
    )]
    NoRoom,
    /// The code is above 15, and the query had no OPT record.
    #[error(
        "a response code above 15 needs EDNS, which the query did not use: answer with TC=1 or another code"
    )]
    NoEdns,
}

/// What the OPT record of an answer says; nothing of it is sent to who sent no OPT record.
#[derive(Clone, Copy, Debug)]
pub struct Extras<'a> {
    /// Bytes of UDP payload that the box takes.
    pub udp_size: u16,
    /// A fresh server cookie; sent to clients that sent a cookie of their own.
    pub cookie: Option<[u8; cookie::SERVER_LEN]>,
    /// Why the answer is as it is.
    pub error: Option<ExtendedError<'a>>,
    /// Whom the answer is for, where the query said on whose behalf it asks; a prefix of 0 is not sent.
    pub subnet: Option<ClientSubnet>,
}

impl Default for Extras<'_> {
    /// 1232 bytes, which are not fragmented (DNS flag day 2020), and no options.
    fn default() -> Self {
        Self { udp_size: 1232, cookie: None, error: None, subnet: None }
    }
}

/// An answer under way: header and question are there, records may follow.
#[derive(Debug)]
pub struct Reply<'b> {
    buffer: &'b mut [u8],
    len: usize,
    answers: u16,
    additionals: u16,
    asked: Asked,
    rcode: Rcode,
    /// Where the name stands that records are of: the one that was asked for, then its alias.
    owner: u16,
}

/// Whether two questions differ in the spelling of the name at most. Length bytes are below 64 and so no letters; type and
/// class are compared on their own.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (Some((name, fixed)), Some((other_name, other_fixed))) =
        (one.split_last_chunk::<4>(), other.split_last_chunk::<4>())
    else {
        return false;
    };
    fixed == other_fixed && name.eq_ignore_ascii_case(other_name)
}

/// Where the question's name stands.
const QUESTION: u16 = header::LEN as u16;
/// A compression pointer leads at most so far.
const POINTER_MAX: usize = 0x3fff;

impl<'b> Reply<'b> {
    /// Begins an answer in place: `buffer` starts with the query that `asked` was taken from, and may be longer.
    ///
    /// # Errors
    /// A buffer shorter than the query was; a code that cannot be said without EDNS. The buffer is then untouched.
    pub fn over(buffer: &'b mut [u8], asked: &Asked, rcode: Rcode) -> Result<Self, ReplyError> {
        if rcode.needs_edns() && !asked.edns {
            return Err(ReplyError::NoEdns);
        }
        let len = usize::from(asked.questions_end);
        if buffer.len() < len {
            return Err(ReplyError::NoRoom);
        }
        let (header, _) = Header::mut_from_prefix(buffer).map_err(|_| ReplyError::NoRoom)?;
        header.flags.set(header.flags.get() & REPEATED | flag::RESPONSE | rcode.low());
        header.answers.set(0);
        header.authorities.set(0);
        header.additionals.set(0);
        Ok(Self { buffer, len, answers: 0, additionals: 0, asked: *asked, rcode, owner: QUESTION })
    }

    /// Begins an answer in another buffer than the query's.
    ///
    /// # Errors
    /// As [`over`](Self::over).
    pub fn beside(buffer: &'b mut [u8], query: &Query<'_>, rcode: Rcode) -> Result<Self, ReplyError> {
        let head = query.head();
        buffer.get_mut(..head.len()).ok_or(ReplyError::NoRoom)?.copy_from_slice(head);
        Self::over(buffer, &query.asked(), rcode)
    }

    /// Goes on with a stored answer, which has no OPT record: `buffer` begins with header and question of the query that `asked`
    /// was taken from, and the records of the answer stand behind them, up to `len`; `stored` is how the answer itself
    /// began, with its own header and question. Id, RD, CD and the spelling of the name, by which some resolvers know their
    /// answers (draft-vixie-dnsext-dns0x20), are those of the query. `None`, and nothing is changed, where it answers another
    /// question.
    ///
    /// AD stays only for those who asked for it (RFC 6840, 5.8).
    pub fn resume(buffer: &'b mut [u8], asked: &Asked, len: usize, stored: &[u8]) -> Option<Self> {
        let (theirs, their_question) = Header::ref_from_prefix(stored).ok()?;
        let (header, question) = Header::mut_from_prefix(buffer.get_mut(..len)?).ok()?;
        let question = question.get(..usize::from(asked.questions_end).checked_sub(header::LEN)?)?;
        if theirs.questions.get() != 1 || !is_same(question, their_question.get(..question.len())?) {
            return None;
        }
        let keeps_authentic = asked.dnssec_ok || header.is_authentic();
        let hidden = if keeps_authentic { REPEATED } else { REPEATED | flag::AUTHENTIC };
        header.flags.set(theirs.flags.get() & !hidden | header.flags.get() & REPEATED);
        (header.answers, header.authorities, header.additionals) =
            (theirs.answers, theirs.authorities, theirs.additionals);
        let (answers, additionals) = (theirs.answers.get(), theirs.additionals.get());
        let rcode = Rcode::from_parts(theirs.rcode_low(), 0);
        Some(Self { buffer, len, answers, additionals, asked: *asked, rcode, owner: QUESTION })
    }

    /// Says that the answer was cut to fit, so that the asker comes back by TCP.
    pub fn truncate(&mut self) {
        self.flag(flag::TRUNCATED);
    }

    /// Says that recursion is on offer, as the server behind would.
    pub fn offer_recursion(&mut self) {
        self.flag(flag::RECURSION_AVAILABLE);
    }

    /// Answers with an address that may be kept for `ttl` seconds, if its family is what was asked for. False if
    /// not: the answer then says that there is no such data.
    ///
    /// # Errors
    /// No room in the buffer.
    pub fn address(&mut self, address: Address, ttl: u32) -> Result<bool, ReplyError> {
        let bits = address.0.to_be_bytes();
        let (kind, data) = if address.is_v4() { (kind::A, &bits[12..]) } else { (kind::AAAA, &bits[..]) };
        if kind != self.asked.kind || !self.asked.in_class {
            return Ok(false);
        }
        self.record(kind, ttl, data)?;
        Ok(true)
    }

    /// Answers with a record of class IN whose owner is the name that was asked for, or the last alias of it. Names in its
    /// data are not compressed.
    ///
    /// # Errors
    /// No room in the buffer.
    pub fn record(&mut self, kind: u16, ttl: u32, data: &[u8]) -> Result<(), ReplyError> {
        let len = u16::try_from(data.len()).map_err(|_| ReplyError::NoRoom)?;
        self.put(&(0xc000 | self.owner).to_be_bytes())?;
        self.put(&kind.to_be_bytes())?;
        self.put(&CLASS_IN.to_be_bytes())?;
        self.put(&ttl.to_be_bytes())?;
        self.put(&len.to_be_bytes())?;
        self.put(data)?;
        self.answers += 1;
        Ok(())
    }

    /// Answers that the name is another one's alias (in wire form, not compressed): records that follow are of that one.
    ///
    /// # Errors
    /// No room in the buffer.
    pub fn alias(&mut self, target: &[u8], ttl: u32) -> Result<(), ReplyError> {
        self.record(kind::CNAME, ttl, target)?;
        let at = self.len - target.len();
        self.owner = u16::try_from(at).ok().filter(|_| at <= POINTER_MAX).ok_or(ReplyError::NoRoom)?;
        Ok(())
    }

    /// Writes the OPT record, if the query had one, and the counts. Gives the bytes that the answer takes.
    ///
    /// # Errors
    /// No room in the buffer.
    pub fn finish(mut self, extras: &Extras<'_>) -> Result<usize, ReplyError> {
        if self.asked.edns {
            self.opt(extras)?;
        }
        let (answers, additionals) = (self.answers, self.additionals + u16::from(self.asked.edns));
        let header = self.header()?;
        header.answers.set(answers);
        header.additionals.set(additionals);
        Ok(self.len)
    }

    fn opt(&mut self, extras: &Extras<'_>) -> Result<(), ReplyError> {
        let flags = if self.asked.dnssec_ok { edns::DNSSEC_OK } else { 0 };
        self.put(&[0])?;
        self.put(&kind::OPT.to_be_bytes())?;
        self.put(&extras.udp_size.to_be_bytes())?;
        self.put(&[self.rcode.high(), 0])?;
        self.put(&flags.to_be_bytes())?;
        let len_at = self.len;
        self.put(&[0, 0])?;
        if let (Some(client), Some(server)) = (self.asked.client, extras.cookie) {
            self.option(edns::code::COOKIE, &client, &server)?;
        }
        if let Some(error) = extras.error {
            self.option(edns::code::EXTENDED_ERROR, &error.code.to_be_bytes(), error.text)?;
        }
        if let Some(subnet) = extras.subnet.filter(|subnet| subnet.source > 0) {
            let (head, address, len) = subnet.write();
            self.option(edns::code::CLIENT_SUBNET, &head, &address[..len])?;
        }
        let len = u16::try_from(self.len - len_at - 2).map_err(|_| ReplyError::NoRoom)?;
        let place = self.buffer.get_mut(len_at..len_at + 2).ok_or(ReplyError::NoRoom)?;
        place.copy_from_slice(&len.to_be_bytes());
        Ok(())
    }

    fn option(&mut self, code: u16, first: &[u8], second: &[u8]) -> Result<(), ReplyError> {
        let len = u16::try_from(first.len() + second.len()).map_err(|_| ReplyError::NoRoom)?;
        self.put(&code.to_be_bytes())?;
        self.put(&len.to_be_bytes())?;
        self.put(first)?;
        self.put(second)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        let end = self.len + bytes.len();
        self.buffer.get_mut(self.len..end).ok_or(ReplyError::NoRoom)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn flag(&mut self, bit: u16) {
        // The header is there: `over` has written it.
        if let Ok(header) = self.header() {
            header.flags.set(header.flags.get() | bit);
        }
    }

    fn header(&mut self) -> Result<&mut Header, ReplyError> {
        Header::mut_from_prefix(self.buffer).map(|(header, _)| header).map_err(|_| ReplyError::NoRoom)
    }
}
