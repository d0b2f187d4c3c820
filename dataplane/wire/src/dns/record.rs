//! Resource records (RFC 1035, 4.1.3) and the few kinds of data that an interceptor looks into.
//!
//! Read by `message`. Always holds: a record's data lies within the message; what the data means is read only on
//! request, because an answer may hold hundreds of records that nobody looks at.

use repute_model::Address;

use super::message::words;
use super::{CLASS_IN, Malformed, Name, kind};

/// Which part of a message a record stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Section {
    /// What was asked for.
    Answer,
    /// Who is in charge, or why there is no answer.
    Authority,
    /// What helps, and OPT.
    Additional,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it stands.
    pub section: Section,
    /// Whose record it is.
    pub name: Name<'a>,
    /// Its type, as written.
    pub kind: u16,
    /// Its class, as written.
    pub class: u16,
    /// Seconds it may be kept, as written; in an OPT record flags.
    pub ttl: u32,
    /// Its data. Names in there may lead elsewhere in the message.
    pub data: &'a [u8],
    message: &'a [u8],
    data_at: usize,
}

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data<'a> {
    /// An address: of an A or AAAA record in class IN.
    Address(Address),
    /// Another name.
    Cname(Name<'a>),
    /// A zone's start of authority.
    Soa(Soa<'a>),
    /// Anything else: the bytes are in [`Record::data`].
    Other,
}

/// Start of authority (RFC 1035, 3.3.13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Soa<'a> {
    /// The primary server.
    pub primary: Name<'a>,
    /// The mailbox of who is responsible.
    pub mailbox: Name<'a>,
    /// The version of the zone.
    pub serial: u32,
    /// Seconds between two looks of a secondary.
    pub refresh: u32,
    /// Seconds to wait after a look that failed.
    pub retry: u32,
    /// Seconds after which a secondary gives up.
    pub expire: u32,
    /// Seconds that a negative answer may be kept, together with the record's own TTL (RFC 2308, 5).
    pub minimum: u32,
}

/// Bytes of type, class, TTL and data length.
const FIXED: usize = 10;

impl<'a> Record<'a> {
    /// Reads the record at `at`; also where what comes behind it starts.
    pub(crate) fn read(message: &'a [u8], at: usize, section: Section) -> Result<(Self, usize), Malformed> {
        if at >= message.len() {
            return Err(Malformed::ShortRecord);
        }
        let (name, end) = Name::read(message, at)?;
        let [kind, class, high, low, len] = words(message, end).ok_or(Malformed::ShortRecord)?;
        let data_at = end + FIXED;
        let next = data_at + usize::from(len);
        let data = message.get(data_at..next).ok_or(Malformed::ShortRecord)?;
        let ttl = u32::from(high) << 16 | u32::from(low);
        Ok((Self { section, name, kind, class, ttl, data, message, data_at }, next))
    }

    /// Where its TTL stands in the message; within 65 535, as every message is.
    pub fn ttl_at(&self) -> u16 {
        (self.data_at - 6) as u16
    }

    /// What it says.
    ///
    /// # Errors
    /// Data that is shorter or longer than its type demands, or a name in it that is malformed. Class IN alone has
    /// addresses of this form; updates (RFC 2136) have records of other classes without data.
    pub fn decode(&self) -> Result<Data<'a>, Malformed> {
        match (self.kind, self.class) {
            (kind::A, CLASS_IN) => {
                let bits = self.data.try_into().map_err(|_| Malformed::RecordData)?;
                Ok(Data::Address(Address::v4(u32::from_be_bytes(bits))))
            }
            (kind::AAAA, CLASS_IN) => {
                let bits = self.data.try_into().map_err(|_| Malformed::RecordData)?;
                Ok(Data::Address(Address(u128::from_be_bytes(bits))))
            }
            (kind::CNAME, CLASS_IN) => {
                let (name, end) = self.name_in_data(self.data_at)?;
                if end == self.end() { Ok(Data::Cname(name)) } else { Err(Malformed::RecordData) }
            }
            (kind::SOA, CLASS_IN) => self.soa().map(Data::Soa),
            _ => Ok(Data::Other),
        }
    }

    fn soa(&self) -> Result<Soa<'a>, Malformed> {
        let (primary, at) = self.name_in_data(self.data_at)?;
        let (mailbox, at) = self.name_in_data(at)?;
        let numbers = self.message.get(at..self.end()).and_then(|rest| <&[u8; 20]>::try_from(rest).ok());
        let (numbers, _) = numbers.ok_or(Malformed::RecordData)?.as_chunks::<4>();
        let &[serial, refresh, retry, expire, minimum] = numbers else { return Err(Malformed::RecordData) };
        let [serial, refresh, retry, expire, minimum] =
            [serial, refresh, retry, expire, minimum].map(u32::from_be_bytes);
        Ok(Soa { primary, mailbox, serial, refresh, retry, expire, minimum })
    }

    /// A name in the data, which ends there too; a pointer in it leads anywhere back in the message.
    fn name_in_data(&self, at: usize) -> Result<(Name<'a>, usize), Malformed> {
        let upto = self.message.get(..self.end()).unwrap_or(self.message);
        Name::read(upto, at).map_err(|error| match error {
            Malformed::NameCut => Malformed::RecordData,
            other => other,
        })
    }

    /// Where it ends in the message.
    pub(crate) fn end(&self) -> usize {
        self.data_at + self.data.len()
    }

    /// Where the whole record stands, if its owner is the root as that of an OPT record: from, to.
    pub(crate) fn span_of_root_owned(&self) -> (u16, u16) {
        ((self.data_at - FIXED - 1) as u16, self.end() as u16)
    }
}
