//! Syslog messages after RFC 5424.
//!
//! ```text
//! <PRI>1 TIME HOST repute PROCID KIND [repute@32473 id="…" …] BOM TEXT
//! ```
//!
//! Structured data carries the event's id, policy version and source; 32473 is the enterprise number that IANA
//! reserves for documentation (RFC 5612). The fasyslog crate does not fit: it stamps messages with its own clock
//! and its senders block.

use super::{Format, one_line};
use crate::event::{Event, rfc3339};

/// Largest HOST in bytes.
const HOST_MAX: usize = 255;
/// What marks a text as UTF-8.
const BOM: &str = "\u{feff}";

/// What the header says about the sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// 0..=23; 16 to 23 are local0 to local7.
    pub facility: u8,
    /// Process id.
    pub process: u32,
}

/// The message, or `None` where it is longer than `max` bytes and cannot be cut: the text of [`Format::Text`]
/// is cut, the other formats are not, because half of an object is worth nothing.
pub fn message(event: &Event, header: Header, format: Format, max: usize) -> Option<String> {
    let mut message = head(event, header);
    let mut text = format.line(event);
    let room = max.checked_sub(message.len() + 1 + BOM.len())?;
    if text.len() > room {
        if !format.may_be_cut() {
            return None;
        }
        text.truncate(text.floor_char_boundary(room));
    }
    message.push(' ');
    message.push_str(BOM);
    message.push_str(&text);
    Some(message)
}

fn head(event: &Event, header: Header) -> String {
    let priority = u16::from(header.facility.min(23)) * 8 + u16::from(event.severity.syslog());
    let (time, host, kind) = (rfc3339(event.at), name(&event.host, HOST_MAX), event.what.kind());
    let mut head = format!("<{priority}>1 {time} {host} repute {} {kind} [repute@32473", header.process);
    let mut parameter = |key: &str, value: &str| head.push_str(&format!(" {key}=\"{}\"", escape(value)));
    parameter("id", &event.id.to_string());
    parameter("policy", &event.policy_version.to_string());
    if let Some(source) = event.what.source() {
        parameter("source", &source.to_string());
    }
    head.push(']');
    head
}

/// A header field: visible ASCII only, `-` where nothing is left.
fn name(text: &str, max: usize) -> String {
    let name: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// A parameter value (section 6.3.3): `"`, `\` and `]` are escaped by a backslash.
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in one_line(value).chars() {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BootId, EventId, FeedFailed, SchemaId, What};

    const HEADER: Header = Header { facility: 16, process: 42 };

    fn event(host: &str, reason: &str) -> Event {
        let what: What = FeedFailed { feed: "f".to_owned(), reason: reason.to_owned(), kept: Some(1) }.into();
        Event {
            schema: SchemaId,
            id: EventId { boot: BootId(1), sequence: 2 },
            at: std::time::SystemTime::UNIX_EPOCH,
            host: host.into(),
            policy_version: 3,
            severity: what.severity(),
            what,
        }
    }

    #[test]
    fn a_message_is_as_the_standard_says() {
        let message = message(&event("edge 1", "no\nroute"), HEADER, Format::Text, 2048).unwrap();
        assert_eq!(
            message,
            "<132>1 1970-01-01T00:00:00.000000Z edge1 repute 42 feed-failed \
             [repute@32473 id=\"0000000000000001-0000000000000002\" policy=\"3\"] \
             \u{feff}feed f was not loaded: no route; the last good one stays (1 entries)"
        );
    }

    #[test]
    fn only_texts_are_cut_and_never_within_a_character() {
        let long = event("", &"ä".repeat(2000));
        for max in 300..310 {
            let cut = message(&long, HEADER, Format::Text, max).unwrap();
            assert!(cut.len() <= max && cut.len() >= max - 1);
        }
        assert!(message(&long, HEADER, Format::Json, 2048).is_none());
        assert!(message(&long, HEADER, Format::Text, 10).is_none());
        assert!(message(&long, HEADER, Format::Text, 300).unwrap().contains("Z - repute 42 "));
    }
}
