//! Alerts of intrusion detection systems, and how they are read.
//!
//! Inputs call [`parse_eve`], [`parse_cef`] and [`parse_line`]; [`crate::Rules`] reads the [`Alert`]s. **Always
//! holds:** no input makes a parser panic, and an alert is bounded: texts are cut at [`TEXT_MAX`] bytes.

mod cef;
mod culprit;
mod eve;

use std::net::IpAddr;
use std::time::SystemTime;

pub use cef::parse_cef;
pub use culprit::Culprit;
pub use eve::parse_eve;

/// Largest text of an alert in bytes; longer ones are cut.
pub const TEXT_MAX: usize = 256;
/// Largest record that a parser looks at, in bytes.
pub const RECORD_MAX: usize = 256 << 10;

/// One alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    /// Sender of the packet that raised it.
    pub source: IpAddr,
    /// Receiver of that packet.
    pub destination: IpAddr,
    /// Which of the two is behind it, as far as the record says.
    pub blame: Blame,
    /// Number of the signature, where it is a number.
    pub signature: Option<u64>,
    /// The signature as it is written: a number or a word.
    pub signature_text: String,
    /// What it is called.
    pub name: String,
    /// Its category; empty where there is none.
    pub category: String,
    /// 1 = worst. EVE has 1 to 4 by default and up to 255 by configuration; CEF's 10..0 become 1..4.
    pub severity: u8,
    /// When it was raised, by the sender's clock; `None` where the record does not say.
    pub at: Option<SystemTime>,
    /// What finds the record again at its origin: EVE `flow_id`, CEF `externalId`. May be empty.
    pub reference: String,
    /// Whose account, token or SPIFFE ID was used (CEF `suser`); empty where the record names none.
    pub identity: String,
}

/// Which endpoint the record itself holds responsible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// The sender of the packet.
    Source,
    /// Its receiver: the packet is an answer.
    Destination,
    /// The record does not say.
    Unsaid,
}

/// What is wrong with a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AlertError {
    /// Longer than [`RECORD_MAX`].
    #[error("the record has {0} bytes; at most {RECORD_MAX} are read")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("byte {0} is not UTF-8; expected JSON or CEF in UTF-8")]
    NotUtf8(usize),
    /// Not JSON.
    #[error("column {column}: not JSON: {reason}")]
    NotJson {
        /// Where, from 1.
        column: usize,
        /// What serde_json says.
        reason: String,
    },
    /// A field is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field has a value that cannot be used.
    #[error("`{field}` is `{value}`; expected {expected}")]
    Value {
        /// Its name.
        field: &'static str,
        /// The first bytes of what it is.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A CEF header without all of its fields.
    #[error(
        "the CEF header has {0} of its 8 fields; expected CEF:0|vendor|product|version|id|name|severity|…"
    )]
    Header(usize),
    /// Neither CEF nor EVE in a syslog message.
    #[error("neither `CEF:` nor `@cee:` nor a JSON object in the message")]
    Unknown,
}

/// Reads a syslog message of any header that carries CEF or (after `@cee:`, or bare) EVE JSON.
///
/// # Errors
/// What is wrong, with its place. `Ok(None)` is EVE that is no alert.
pub fn parse_line(line: &[u8]) -> Result<Option<Alert>, AlertError> {
    let find = |needle: &[u8]| line.windows(needle.len()).position(|window| window == needle);
    if line.len() > RECORD_MAX {
        return Err(AlertError::TooLong(line.len()));
    }
    match (find(b"CEF:"), find(b"{")) {
        (Some(cef), brace) if brace.is_none_or(|brace| cef < brace) => parse_cef(&line[cef..]).map(Some),
        (_, Some(brace)) => parse_eve(&line[brace..]),
        _ => Err(AlertError::Unknown),
    }
}

fn utf8(record: &[u8]) -> Result<&str, AlertError> {
    if record.len() > RECORD_MAX {
        return Err(AlertError::TooLong(record.len()));
    }
    std::str::from_utf8(record).map_err(|error| AlertError::NotUtf8(error.valid_up_to()))
}

/// The text without control characters, at most [`TEXT_MAX`] bytes of it.
fn bounded(text: &str) -> String {
    let text = crate::format::one_line(text);
    text[..text.floor_char_boundary(TEXT_MAX)].to_owned()
}

fn address(field: &'static str, text: &str) -> Result<IpAddr, AlertError> {
    text.parse().map_err(|_| wrong(field, text, "an IPv4 or IPv6 address"))
}

fn wrong(field: &'static str, value: &str, expected: &'static str) -> AlertError {
    let value = bounded(value);
    AlertError::Value { field, value: value[..value.floor_char_boundary(64)].to_owned(), expected }
}
