//! DNS messages read in place and answered in place (RFC 1035, 6891, 7871, 7873, 8914, 9018).
//!
//! [`Query::read`] and [`Answer::read`] take a whole UDP payload, or one message of a TCP segment ([`segment()`]),
//! and give back what an interceptor needs, or the [`Malformed`] that says what is wrong. [`Message`] below them
//! only follows the framing and is lazy. [`Reply`] writes an answer over the query; [`keep`] copies what others may be
//! given of an answer, and [`patch`] makes it fit the next query. The DNS stages of the engine call all of it.
//!
//! **Invariants:** no function here panics, allocates or loops without a bound, on any bytes. A name has at most
//! 255 bytes and is read through at most 127 compression pointers, all of which lead back. A message is a whole
//! one: what a capture or a segment cut short is malformed, so callers ask only for payloads they have in full.
//!
//! ```
//! use repute_wire::dns::{Extras, Query, Rcode, Reply};
//!
//! let mut packet = [0; 512];
//! let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07Example\x03org\0\0\x01\0\x01";
//! packet[..query.len()].copy_from_slice(query);
//! let asked = Query::read(&packet[..query.len()])?.asked();
//! let mut reply = Reply::over(&mut packet, &asked, Rcode::NOERROR)?;
//! reply.address("192.0.2.1".parse::<std::net::IpAddr>()?.into(), 60)?;
//! let len = reply.finish(&Extras::default())?;
//! assert_eq!(packet[..4], [0x12, 0x34, 0x81, 0x00]);
//! assert_eq!(packet[len - 4..len], [192, 0, 2, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod cookie;
mod edns;
mod header;
mod kept;
mod malformed;
mod message;
mod name;
pub mod patch;
mod query;
mod question;
mod rcode;
mod record;
mod reply;
mod segment;
mod shape;
mod subnet;

pub use answer::Answer;
pub use cookie::{Cookie, CookieSecrets, CookieStanding};
pub use edns::{Edns, EdnsOption, EdnsOptions, ExtendedError};
pub use header::Header;
pub use kept::keep;
pub use malformed::Malformed;
pub use message::{Message, Questions, Records};
pub use name::{Labels, NAME_MAX, Name};
pub use query::{Asked, Query};
pub use question::Question;
pub use rcode::Rcode;
pub use record::{Data, Record, Section, Soa};
pub use reply::{Extras, Reply, ReplyError};
pub use segment::{Segment, segment};
pub use shape::Shape;
pub use subnet::ClientSubnet;

/// Record and query types (IANA, DNS parameters) that something here treats on its own.
pub mod kind {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// A server in charge of a zone.
    pub const NS: u16 = 2;
    /// Another name for this one.
    pub const CNAME: u16 = 5;
    /// Start of a zone of authority.
    pub const SOA: u16 = 6;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// EDNS (RFC 6891).
    pub const OPT: u16 = 41;
}

/// The class of the Internet.
pub const CLASS_IN: u16 = 1;
