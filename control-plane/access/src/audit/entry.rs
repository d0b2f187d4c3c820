//! One line of the log, as it is written and as it is read back.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::redact::clean;
use super::{Change, OBJECT_MAX, Outcome, VALUE_MAX, Who};
use crate::hex;

/// What the first entry of a chain names as the hash before it.
pub(super) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Longest line in bytes: all texts at their longest, every byte escaped.
pub(super) const LINE_MAX: usize = 128 << 10;

/// How a line ends: the hash of all that stands before.
const HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";

/// What stands in a line before its hash, in this order.
#[derive(Serialize)]
struct Entry<'a> {
    seq: u64,
    at: String,
    who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<String>,
    method: String,
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Entries before this one that could not be written.
    #[serde(skip_serializing_if = "is_zero")]
    lost: u64,
    prev: &'a str,
}

fn is_zero(lost: &u64) -> bool {
    *lost == 0
}

/// The parts of a line that the chain is made of.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub seq: u64,
    pub prev: String,
    pub hash: String,
}

/// A line, without its newline, and its hash.
pub(super) fn write(
    change: &Change,
    at: SystemTime,
    seq: u64,
    lost: u64,
    prev: &str,
) -> Result<(String, String), serde_json::Error> {
    let (who, role, via) = match &change.who {
        Who::Caller(caller) => {
            (caller.identity.to_string(), Some(caller.grant.to_string()), Some(caller.transport.to_string()))
        }
        Who::Refused { identity, transport } => (identity.to_string(), None, Some(transport.to_string())),
        Who::Itself => ("reputed".to_owned(), None, None),
    };
    let (outcome, why) = match &change.outcome {
        Outcome::Done => ("done", None),
        Outcome::Refused(why) => ("refused", Some(clean(why, OBJECT_MAX))),
        Outcome::Failed(why) => ("failed", Some(clean(why, OBJECT_MAX))),
    };
    let value = |text: &Option<String>| text.as_ref().map(|text| clean(text, VALUE_MAX));
    let entry = Entry {
        seq,
        at: timestamp(at),
        who: clean(&who, VALUE_MAX),
        role,
        via: via.map(|via| clean(&via, VALUE_MAX)),
        method: clean(&change.method, OBJECT_MAX),
        object: clean(&change.object, OBJECT_MAX),
        before: value(&change.before),
        after: value(&change.after),
        policy: change.policy.as_ref().map(|digest| clean(digest, OBJECT_MAX)),
        outcome,
        why,
        lost,
        prev,
    };
    let mut line = serde_json::to_string(&entry)?;
    // The object is closed after the hash.
    line.pop();
    let hash = hex::encode(&Sha256::digest(line.as_bytes()));
    line.push_str(HASH);
    line.push_str(&hash);
    line.push_str(END);
    Ok((line, hash))
}

/// RFC 3339 in UTC, to the millisecond.
fn timestamp(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    let at = at.replace_millisecond(at.millisecond()).unwrap_or(at);
    // Years before 0 or after 9999 have no such form, and no clock shows them.
    at.format(&Rfc3339).unwrap_or_default()
}

/// Reads a line back and checks its own hash; an error says what is wrong.
pub(super) fn read(line: &[u8]) -> Result<Link, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let tail = HASH.len() + 64 + END.len();
    let cut = text.len().checked_sub(tail).and_then(|at| text.split_at_checked(at));
    let (body, tail) = cut.ok_or("it is too short to be an entry")?;
    let hash = tail.strip_prefix(HASH).and_then(|rest| rest.strip_suffix(END));
    let hash = hash.ok_or("it does not end with its hash")?;
    if hex::encode(&Sha256::digest(body.as_bytes())) != hash {
        return Err("it is not what its hash says it was".to_owned());
    }
    #[derive(Deserialize)]
    struct Stored {
        seq: u64,
        prev: String,
    }
    let stored: Stored = serde_json::from_str(text).map_err(|error| format!("it is no entry: {error}"))?;
    Ok(Link { seq: stored.seq, prev: stored.prev, hash: hash.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn change() -> Change {
        Change {
            who: Who::Itself,
            method: "rollback".into(),
            object: "policy 7".into(),
            before: Some("7".into()),
            after: Some("6".into()),
            policy: Some("9f2c".into()),
            outcome: Outcome::Failed("a \"quoted\"\nreason".into()),
        }
    }

    #[test]
    fn golden() {
        let at = UNIX_EPOCH + Duration::from_millis(1_795_939_200_125);
        let (line, hash) = write(&change(), at, 7, 2, NOTHING).unwrap();
        let body = format!(
            "{{\"seq\":7,\"at\":\"2026-11-29T08:00:00.125Z\",\"who\":\"reputed\",\"method\":\"rollback\",\
             \"object\":\"policy 7\",\"before\":\"7\",\"after\":\"6\",\"policy\":\"9f2c\",\
             \"outcome\":\"failed\",\"why\":\"a \\\"quoted\\\"\\nreason\",\"lost\":2,\"prev\":\"{NOTHING}\""
        );
        assert_eq!(line, format!("{body},\"hash\":\"{hash}\"}}"));
        assert_eq!(read(line.as_bytes()), Ok(Link { seq: 7, prev: NOTHING.into(), hash }));
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }

    #[test]
    fn the_longest_line() {
        let worst = "\u{1}".repeat(VALUE_MAX);
        let long = Change {
            method: worst.clone(),
            object: worst.clone(),
            before: Some(worst.clone()),
            after: Some(worst.clone()),
            policy: Some(worst.clone()),
            outcome: Outcome::Refused(worst),
            ..change()
        };
        let (line, _) = write(&long, UNIX_EPOCH, u64::MAX, u64::MAX, NOTHING).unwrap();
        assert!(line.len() < LINE_MAX, "{}", line.len());
    }
}
