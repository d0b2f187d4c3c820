//! Which format a file is in, by its first bytes.

use std::io::{self, Chain, Cursor, Read};

use super::{Format, read, refuse};
use crate::import::{Import, Terms};
use crate::read::Unpacked;
use crate::refusal::{Place, Refusal, Why};
use crate::text::{Value, value};

/// So many (unpacked) bytes are looked at.
const HEAD: u64 = 64 << 10;

/// Marks in JSON texts, the most telling first.
const MARKS: [(&str, Format); 9] = [
    ("\"bundle\"", Format::Stix),
    ("\"objects\"", Format::Stix),
    ("\"ipAddress\"", Format::Abuseipdb),
    ("\"cidr\":", Format::Spamhaus),
    ("\"Attribute\"", Format::Misp),
    ("\"Event\"", Format::Misp),
    ("\"list\"", Format::MispWarninglist),
    ("\"items\"", Format::CrowdsecCti),
    ("\"new\"", Format::Crowdsec),
];

/// The format that the first bytes of an unpacked file speak for; nothing at all is a list of nothing.
///
/// # Errors
/// What it looks like instead, in words.
pub fn detect(head: &[u8]) -> Result<Format, &'static str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start();
    match start.as_bytes().first() {
        Some(b'{' | b'[') => json(start),
        Some(b'<') => Err("a page or XML"),
        _ if repute_rpz::looks_like(head) => Err("a DNS zone file, which says something about names"),
        _ => lines(start),
    }
}

/// The number of the first line that is neither empty nor a comment: what a format is told by.
fn telling_line(head: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(head);
    let telling = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']);
    text.lines().zip(1..).find(|(line, _)| telling(line)).map_or(1, |(_, number)| number)
}

fn json(text: &str) -> Result<Format, &'static str> {
    let has = |mark: &str| text.contains(mark);
    if has("\"leakspeed\"") {
        return Err("a list of CrowdSec alerts, not of decisions");
    }
    if has("\"duration\"") && has("\"scope\"") && has("\"value\"") {
        return Ok(Format::Crowdsec);
    }
    let found = MARKS.iter().find(|(mark, _)| has(mark)).map(|&(_, format)| format);
    found.ok_or("JSON of a kind that no importer knows")
}

fn lines(text: &str) -> Result<Format, &'static str> {
    let comment = |line: &&str| line.is_empty() || line.starts_with('#') || line.starts_with(';');
    let mut lines = text.split(['\n', '\r']).map(str::trim);
    let Some(first) = lines.find(|line| !comment(line)) else { return Ok(Format::List) };
    let names_address =
        |text: &str| matches!(value(text.trim().as_bytes()), Value::Prefix(..) | Value::Range(..));
    if let Some((address, rest)) = first.split_once(',') {
        let numbers =
            rest.split(',').count() == 2 && rest.split(',').all(|field| field.trim().parse::<i64>().is_ok());
        return if names_address(address) && numbers {
            Ok(Format::SuricataIprep)
        } else {
            Err("a table of columns that no importer knows")
        };
    }
    if let Some((_, comment)) = first.split_once(';')
        && comment.trim_start().starts_with("SBL")
    {
        return Ok(Format::Spamhaus);
    }
    Ok(Format::List)
}

/// Reads a file whose format is not known, and says which one it was taken for.
///
/// # Errors
/// As [`import`](super::import); also where no format fits.
pub fn detect_and_import(source: impl Read, terms: &Terms<'_>) -> Result<(Format, Import), Refusal> {
    let source = Unpacked::new(source, terms.limits).map_err(|error| refuse(terms, error.into()))?;
    let (head, source) = head(source).map_err(|error| refuse(terms, error.into()))?;
    let format = detect(&head).map_err(|what| Refusal {
        place: Place::Line(telling_line(&head)),
        ..refuse(terms, Why::Unknown(what))
    })?;
    read(format, source, terms).map(|import| (format, import))
}

/// A source whose begin has been looked at: all of it.
pub(super) type Looked<R> = Chain<Cursor<Vec<u8>>, Unpacked<R>>;

/// The begin of a source, and all of it.
pub(super) fn head<R: Read>(mut source: Unpacked<R>) -> io::Result<(Vec<u8>, Looked<R>)> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (text, expected) in [
            ("# c\n192.0.2.1\n", Ok(Format::List)),
            ("192.0.2.1-192.0.2.9", Ok(Format::List)),
            ("; Spamhaus\n192.0.2.0/24 ; SBL1\n", Ok(Format::Spamhaus)),
            ("{\"cidr\":\"192.0.2.0/24\"}\n", Ok(Format::Spamhaus)),
            ("192.0.2.1,1,100", Ok(Format::SuricataIprep)),
            ("192.0.2.1,high,why", Err("a table of columns that no importer knows")),
            ("{\"data\":[{\"ipAddress\":1}]}", Ok(Format::Abuseipdb)),
            ("{\"type\": \"bundle\"}", Ok(Format::Stix)),
            ("{\"more\":false,\"objects\":[]}", Ok(Format::Stix)),
            ("{\"list\":[]}", Ok(Format::MispWarninglist)),
            ("{\"response\":{\"Attribute\":[]}}", Ok(Format::Misp)),
            ("{\"deleted\":null,\"new\":null}", Ok(Format::Crowdsec)),
            ("[{\"duration\":\"1h\",\"scope\":\"Ip\",\"value\":\"192.0.2.1\"}]", Ok(Format::Crowdsec)),
            ("{\"items\":[]}", Ok(Format::CrowdsecCti)),
            ("; a zone\n$TTL 2h;\n", Err("a DNS zone file, which says something about names")),
            ("{}", Err("JSON of a kind that no importer knows")),
            ("<!doctype html>", Err("a page or XML")),
            ("", Ok(Format::List)),
        ] {
            assert_eq!(detect(text.as_bytes()), expected, "{text}");
        }
    }
}
