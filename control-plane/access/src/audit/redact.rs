//! What never gets into the log, whoever puts it there: the secrets of keys, and private keys in PEM.

use std::borrow::Cow;

use crate::keys::PREFIX;

/// Digits and underscores of a key after its prefix.
const ID: usize = 16;
const SECRET: usize = 64;

/// The text without secrets, and cut to `max` bytes.
pub(super) fn clean(text: &str, max: usize) -> String {
    let text = without_keys(text);
    let text = without_pem(&text);
    if text.len() <= max {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(max);
    format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len())
}

/// `rpt_ID_SECRET` becomes `rpt_ID_…`.
fn without_keys(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut made = String::new();
    while let Some(at) = rest.find(PREFIX) {
        let (before, from) = rest.split_at(at);
        let end = PREFIX.len() + ID;
        made.push_str(before);
        rest = match from.get(end..).and_then(|tail| tail.strip_prefix('_')) {
            Some(tail) if is_hex(from.get(PREFIX.len()..end)) && is_hex(tail.get(..SECRET)) => {
                made.push_str(from.get(..=end).unwrap_or_default());
                made.push('…');
                tail.get(SECRET..).unwrap_or_default()
            }
            _ => {
                made.push_str(PREFIX);
                from.get(PREFIX.len()..).unwrap_or_default()
            }
        };
    }
    if made.is_empty() {
        return Cow::Borrowed(text);
    }
    made.push_str(rest);
    Cow::Owned(made)
}

fn is_hex(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Everything from a private key's first line on.
fn without_pem(text: &str) -> Cow<'_, str> {
    let begin = text.match_indices("-----BEGIN ").find(|(at, _)| {
        let line = text.get(*at..).and_then(|from| from.lines().next()).unwrap_or_default();
        line.contains("PRIVATE KEY")
    });
    match begin.and_then(|(at, _)| text.get(..at)) {
        Some(before) => Cow::Owned(format!("{before}(a private key, left out)")),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go() {
        let (id, secret) = ("0123456789abcdef", "a1".repeat(32));
        let key = format!("rpt_{id}_{secret}");
        assert_eq!(clean(&format!("a {key} b {key}"), 999), format!("a rpt_{id}_… b rpt_{id}_…"));
        assert_eq!(clean(&format!("{key}ff"), 999), format!("rpt_{id}_…ff"));
        assert_eq!(clean(&format!("rpt_{key}"), 999), format!("rpt_rpt_{id}_…"));
        let pem = "key: -----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(clean(pem, 999), "key: (a private key, left out)");
    }

    #[test]
    fn the_rest_stays() {
        for text in ["", "rpt_", "rpt_é", "rpt_0123456789abcdef_12", "-----BEGIN CERTIFICATE-----\nAA", "…"]
        {
            assert_eq!(clean(text, 999), text);
        }
        assert_eq!(clean("ééé", 3), "é… (6 bytes)");
    }
}
