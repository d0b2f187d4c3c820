//! ArcSight Common Event Format, as others send it.
//!
//! The reverse of [`crate::format::cef`]. Values of an extension may contain spaces: a value ends before the last
//! space ahead of the next `key=`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use super::{Alert, AlertError, Blame, address, bounded, utf8, wrong};

/// Most extension fields that are looked at.
const FIELDS_MAX: usize = 256;

/// Reads one CEF record that begins with `CEF:`.
///
/// # Errors
/// What is wrong with it, with its place.
pub fn parse_cef(record: &[u8]) -> Result<Alert, AlertError> {
    let text = utf8(record)?.trim_end_matches(['\r', '\n', '\0', ' ']);
    let (header, extension) = header(text)?;
    let fields = fields(extension);
    let get = |key: &str| fields.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
    let end = |key: &'static str, v6: &str| {
        let value = get(key).or_else(|| get(v6)).ok_or(AlertError::Missing(key))?;
        address(key, value)
    };
    let [_, _, _, _, id, name, severity] = &header;
    Ok(Alert {
        source: end("src", "c6a2")?,
        destination: end("dst", "c6a3")?,
        // CEF has no word for who began.
        blame: Blame::Unsaid,
        signature: id.parse().ok(),
        signature_text: bounded(id),
        name: bounded(name),
        category: bounded(get("cat").unwrap_or_default()),
        severity: rank(severity)?,
        at: get("rt").or_else(|| get("end")).map(time).transpose()?,
        reference: bounded(get("externalId").unwrap_or_default()),
        identity: bounded(get("suser").unwrap_or_default()),
    })
}

/// The seven header fields without their escapes, and the extension.
fn header(text: &str) -> Result<([String; 7], &str), AlertError> {
    let mut header = <[String; 7]>::default();
    let (mut field, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '|' if !escaped => field += 1,
            c => header[field].push(c),
        }
        escaped = false;
        if field == header.len() {
            let version = header[0].strip_prefix("CEF:").map(str::trim);
            return match version {
                Some("0" | "1") => Ok((header, &text[at + 1..])),
                _ => Err(wrong("CEF", &header[0], "`CEF:0` or `CEF:1`")),
            };
        }
    }
    Err(AlertError::Header(field + usize::from(!header[field].is_empty())))
}

/// The extension's fields, values without their escapes.
fn fields(extension: &str) -> Vec<(&str, String)> {
    let mut fields = Vec::new();
    let mut rest = extension.trim_start();
    while let Some(equals) = unescaped(rest, '=') {
        let key = rest[..equals].trim();
        let value = &rest[equals + 1..];
        let end = match unescaped(value, '=') {
            // What stands before the next `=` is this value, a space and the next key.
            Some(next) => value[..next].rfind(' ').unwrap_or(next),
            None => value.len(),
        };
        if !key.is_empty() {
            fields.push((key, unescape(&value[..end])));
        }
        if fields.len() == FIELDS_MAX {
            break;
        }
        rest = value[end..].trim_start_matches([' ', '=']);
    }
    fields
}

/// Where `wanted` stands without a backslash before it.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices()
        .find(|&(_, c)| {
            let found = c == wanted && !escaped;
            escaped = c == '\\' && !escaped;
            found
        })
        .map(|(at, _)| at)
}

fn unescape(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(c) => plain.push(c),
                None => plain.push('\\'),
            },
            c => plain.push(c),
        }
    }
    plain
}

/// CEF counts 0 to 10 (worst) or in words; alerts 1 (worst) to 4.
fn rank(severity: &str) -> Result<u8, AlertError> {
    let severity = severity.trim();
    Ok(match (severity.parse::<u8>(), severity) {
        (Ok(9..=10), _) | (_, "Very-High") => 1,
        (Ok(7..=8), _) | (_, "High") => 2,
        (Ok(4..=6), _) | (_, "Medium") => 3,
        (Ok(0..=3), _) | (_, "Low" | "Unknown") => 4,
        _ => return Err(wrong("severity", severity, "0 to 10, Low, Medium, High or Very-High")),
    })
}

/// Milliseconds since 1970, or one of the date forms of the standard; those without a zone are UTC.
fn time(text: &str) -> Result<SystemTime, AlertError> {
    if let Ok(ms) = text.parse::<u64>() {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(ms));
        return at.ok_or_else(|| wrong("rt", text, "milliseconds since 1970"));
    }
    let plain = text.trim_end_matches(" UTC").trim_end_matches(" GMT");
    let at = ["%b %d %Y %H:%M:%S%.f", "%b %d %Y %H:%M:%S"]
        .iter()
        .find_map(|form| jiff::civil::DateTime::strptime(form, plain).ok())
        .and_then(|at| jiff::tz::Offset::UTC.to_timestamp(at).ok())
        .or_else(|| text.parse::<Timestamp>().ok());
    let expected = "milliseconds since 1970, or a time such as Sep 18 2023 06:13:41 UTC";
    at.map(SystemTime::from).ok_or_else(|| wrong("rt", text, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Alert, AlertError> {
        parse_cef(text.as_bytes())
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        let alert = read(
            "CEF:0|Security|threatmanager|1.0|100|worm \\| successfully stopped|10|src=10.0.0.1 dst=2.1.2.2 \
             spt=1232 msg=Detected a \\= threat. No\\naction needed. rt=Sep 18 2023 06:13:41 cat=a b",
        )
        .unwrap();
        assert_eq!((alert.source, alert.destination), ([10, 0, 0, 1].into(), [2, 1, 2, 2].into()));
        assert_eq!((alert.signature, alert.severity), (Some(100), 1));
        assert_eq!((&*alert.name, &*alert.category), ("worm | successfully stopped", "a b"));
        assert_eq!(alert.at, Some(UNIX_EPOCH + Duration::from_secs(1_695_017_621)));
    }

    #[test]
    fn whose_account_it_was_is_read() {
        let read = |suser: &str| {
            let text = format!("CEF:0|v|p|1|login|n|0|src=192.0.2.1 dst=192.0.2.2 {suser}");
            read(&text).unwrap().identity
        };
        assert_eq!(read("suser=spiffe://example.org/alice"), "spiffe://example.org/alice");
        assert_eq!(read("suser=Alice B spt=1"), "Alice B");
        assert_eq!(read(""), "");
    }

    #[test]
    fn values_end_where_the_next_key_begins() {
        let read = |text| fields(text).into_iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>();
        assert_eq!(read("a=1 b=two words  c=x\\=y\\\\ d="), ["a:1", "b:two words ", "c:x=y\\", "d:"]);
        assert_eq!(read("no equals"), [""; 0]);
        assert_eq!(read("=x a=1"), ["a:1"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = "CEF:0|v|p|1|x|n|5|src=192.0.2.1 c6a3=2001:db8::1 rt=1";
        assert!(read(good).is_ok());
        for (text, says) in [
            ("CEF:0|v|p", "3 of its 8 fields"),
            ("CEF:9|v|p|1|x|n|5|", "`CEF` is `CEF:9`"),
            (&good.replace("|5|", "|11|"), "`severity` is `11`; expected 0 to 10"),
            (&good.replace("src=", "sry="), "`src` is missing"),
            (&good.replace("2001:db8::1", "host"), "`dst` is `host`"),
            (&good.replace("rt=1", "rt=yesterday"), "`rt` is `yesterday`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
