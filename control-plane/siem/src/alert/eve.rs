//! Suricata's EVE JSON: records of `event_type` alert.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Alert, AlertError, Blame, address, bounded, utf8, wrong};

/// What is read of a record; everything else is skipped.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    src_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dest_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    direction: Option<Cow<'a, str>>,
    flow_id: Option<u64>,
    #[serde(borrow)]
    flow: Option<Flow<'a>>,
    #[serde(borrow)]
    alert: Option<Signature<'a>>,
}

#[derive(Deserialize)]
struct Flow<'a> {
    /// Who began the flow.
    #[serde(borrow)]
    src_ip: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Signature<'a> {
    signature_id: Option<u64>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    category: Option<Cow<'a, str>>,
    severity: Option<u8>,
    /// The attacker, where the signature has `target`.
    #[serde(borrow)]
    source: Option<Party<'a>>,
}

#[derive(Deserialize)]
struct Party<'a> {
    #[serde(borrow)]
    ip: Option<Cow<'a, str>>,
}

/// Reads one EVE record, with or without the `@cee:` of syslog before it.
///
/// # Errors
/// What is wrong with it, with its place. `Ok(None)` is a record of another `event_type`.
pub fn parse_eve(record: &[u8]) -> Result<Option<Alert>, AlertError> {
    let text = utf8(record)?.trim_ascii();
    let text = text.strip_prefix("@cee:").unwrap_or(text);
    let record: Record<'_> = serde_json::from_str(text).map_err(|error| AlertError::NotJson {
        column: error.column(),
        reason: bounded(&error.to_string()),
    })?;
    match record.event_type.as_deref() {
        Some("alert") => alert(&record).map(Some),
        Some(_) => Ok(None),
        None => Err(AlertError::Missing("event_type")),
    }
}

fn alert(record: &Record<'_>) -> Result<Alert, AlertError> {
    let signature = record.alert.as_ref().ok_or(AlertError::Missing("alert"))?;
    let number = signature.signature_id.ok_or(AlertError::Missing("alert.signature_id"))?;
    let severity = signature.severity.ok_or(AlertError::Missing("alert.severity"))?;
    if severity == 0 {
        return Err(wrong("alert.severity", "0", "1 (worst) to 255"));
    }
    let text = |field: &Option<Cow<'_, str>>| bounded(field.as_deref().unwrap_or_default());
    Ok(Alert {
        source: address("src_ip", record.src_ip.as_deref().ok_or(AlertError::Missing("src_ip"))?)?,
        destination: address("dest_ip", record.dest_ip.as_deref().ok_or(AlertError::Missing("dest_ip"))?)?,
        blame: blame(record, signature),
        signature: Some(number),
        signature_text: number.to_string(),
        name: text(&signature.signature),
        category: text(&signature.category),
        severity,
        at: record.timestamp.as_deref().map(time).transpose()?,
        reference: record.flow_id.map(|id| id.to_string()).unwrap_or_default(),
        identity: String::new(),
    })
}

/// The signature's own word about the attacker, else the client: it began the flow.
fn blame(record: &Record<'_>, signature: &Signature<'_>) -> Blame {
    let is = |named: &str| {
        let same = |end: &Option<Cow<'_, str>>| end.as_deref().is_some_and(|end| same_address(end, named));
        match (same(&record.src_ip), same(&record.dest_ip)) {
            (true, _) => Some(Blame::Source),
            (_, true) => Some(Blame::Destination),
            _ => None,
        }
    };
    let attacker = signature.source.as_ref().and_then(|party| party.ip.as_deref()).and_then(is);
    let client = match record.direction.as_deref() {
        Some("to_server") => Some(Blame::Source),
        Some("to_client") => Some(Blame::Destination),
        _ => None,
    };
    let began = || record.flow.as_ref().and_then(|flow| flow.src_ip.as_deref()).and_then(is);
    attacker.or(client).or_else(began).unwrap_or(Blame::Unsaid)
}

/// IPv6 addresses may be written out in one place and shortened in another.
fn same_address(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<IpAddr>(), b.parse::<IpAddr>()), (Ok(a), Ok(b)) if a == b)
}

/// `2023-09-18T06:13:41.532140+0000`: RFC 3339 but for the colon in the offset.
fn time(text: &str) -> Result<SystemTime, AlertError> {
    let at: Result<Timestamp, _> = text.parse();
    at.map(SystemTime::from)
        .map_err(|_| wrong("timestamp", text, "a time such as 2023-09-18T06:13:41.5+0000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = r#"{"timestamp":"2023-09-18T06:13:41.532140+0200","event_type":"alert","flow_id":7,
        "src_ip":"2001:0db8:0000:0000:0000:0000:0000:0001","dest_ip":"2001:db8::2","direction":"to_client",
        "alert":{"signature_id":2010935,"signature":"ET SCAN\u0000 x","category":"c","severity":2,"rev":3}}"#;

    fn read(text: &str) -> Result<Option<Alert>, AlertError> {
        parse_eve(text.as_bytes())
    }

    #[test]
    fn an_alert_is_read() {
        let alert = read(ALERT).unwrap().unwrap();
        assert_eq!(alert.source.to_string(), "2001:db8::1");
        assert_eq!((alert.signature, alert.severity, alert.blame), (Some(2_010_935), 2, Blame::Destination));
        assert_eq!((&*alert.name, &*alert.reference), ("ET SCAN  x", "7"));
        let at = alert.at.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(at.as_micros(), 1_695_010_421_532_140);
        assert_eq!(read(&format!("@cee: {ALERT}")).unwrap(), Some(alert));
    }

    #[test]
    fn the_signature_knows_better_than_the_direction_and_the_flow_knows_something() {
        let target = ALERT.replace("\"rev\":3", "\"source\":{\"ip\":\"2001:db8::1\"}");
        assert_eq!(read(&target).unwrap().unwrap().blame, Blame::Source);
        let flow = ALERT.replace("\"direction\":\"to_client\"", "\"flow\":{\"src_ip\":\"2001:db8::1\"}");
        assert_eq!(read(&flow).unwrap().unwrap().blame, Blame::Source);
        let nothing = ALERT.replace("to_client", "?");
        assert_eq!(read(&nothing).unwrap().unwrap().blame, Blame::Unsaid);
    }

    #[test]
    fn other_records_are_none_and_bad_ones_say_why() {
        assert_eq!(read(r#"{"event_type":"dns"}"#), Ok(None));
        for (text, says) in [
            ("{", "column 1: not JSON"),
            ("{}", "`event_type` is missing"),
            (
                &ALERT.replace("2001:db8::2", "nobody"),
                "`dest_ip` is `nobody`; expected an IPv4 or IPv6 address",
            ),
            (&ALERT.replace("\"severity\":2", "\"severity\":0"), "`alert.severity` is `0`"),
            (&ALERT.replace("\"severity\":2", "\"severity\":900"), "not JSON"),
            (&ALERT.replace("2023-09", "2023-19"), "`timestamp` is `2023-19"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(parse_eve(b"{\"a\xff\""), Err(AlertError::NotUtf8(3)));
        assert_eq!(
            parse_eve(&vec![b' '; super::super::RECORD_MAX + 1]).unwrap_err(),
            AlertError::TooLong(262_145)
        );
    }
}
