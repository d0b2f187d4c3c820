//! Plain lists, as most of the world publishes them: an address, a prefix or a range a line. Where names are wanted: a
//! name a line, or a hosts file.
//!
//! FireHOL's files say in a comment how many lines follow (`# Entries : 6273 subnets, …`): fewer mean that the file
//! was cut off.

use std::io::Read;

use repute_model::Prefix;

use crate::collect::{Claim, Collector, Mark};
use crate::read::Lines;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;
use crate::text::{Value, value};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let mut stated = None;
    lines(source, into, |into, number, line| {
        let text = line.trim_ascii();
        if let Some(comment) = text.strip_prefix(b"#") {
            stated = stated.or_else(|| entries_stated(comment));
            return Ok(());
        }
        entry(text, into, number)
    })?;
    match stated {
        Some(stated) if into.import.records < stated => {
            let found = into.import.records;
            Err(into.refuse(Place::Whole, Why::Count { stated, found }))
        }
        _ => Ok(()),
    }
}

/// Calls `each` with every line of `source`, the mark at its begin (U+FEFF) taken off.
pub(super) fn lines<'t>(
    source: impl Read,
    into: &mut Collector<'t>,
    mut each: impl FnMut(&mut Collector<'t>, u64, &[u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let result = Lines::new(source, into.terms.limits.line).each(|number, line| {
        let line = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        each(into, number, line).map_err(Stopped::By)
    });
    result.map_err(|stopped| match stopped {
        Stopped::By(refusal) => refusal,
        Stopped::At(line, why) => into.refuse(Place::Line(line), why),
    })
}

enum Stopped {
    By(Refusal),
    At(u64, Why),
}

impl From<(u64, Why)> for Stopped {
    fn from((line, why): (u64, Why)) -> Self {
        Self::At(line, why)
    }
}

fn entry(text: &[u8], into: &mut Collector<'_>, number: u64) -> Result<(), Refusal> {
    let at = Mark::line(number);
    // What nearly every line of a long list is.
    if let Some(prefix) = std::str::from_utf8(text).ok().filter(|_| !into.terms.names()).and_then(plain) {
        into.record(at)?;
        return into.take(prefix, Claim::default(), at);
    }
    let end = memchr::memchr2(b'#', b';', text).unwrap_or(text.len());
    let text = text[..end].trim_ascii();
    if text.is_empty() {
        return Ok(());
    }
    if let Some(names) = hosts(text).filter(|_| into.terms.names()) {
        return names.into_iter().try_for_each(|name| {
            into.record(at)?;
            into.text(name, Claim::default(), at)
        });
    }
    into.record(at)?;
    match columns(text) {
        Some(first) => into.text(first, Claim::default(), at),
        None => into.skip(Reason::Unreadable, at),
    }
}

/// The names of a line of a hosts file (hosts(5)), which stand behind their address.
fn hosts(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let address = matches!(value(words.next()?), Value::Prefix(..));
    Some(words.collect()).filter(|names: &Vec<_>| address && !names.is_empty())
}

/// A prefix that begins like an IPv4 one, if the text is nothing else; never costs an allocation for what is none.
fn plain(text: &str) -> Option<Prefix> {
    let usual =
        text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'));
    if usual { text.parse().ok() } else { None }
}

/// The first of several columns, where the others are numbers (how many lists name the address); a range is one
/// column whatever its spaces.
fn columns(text: &[u8]) -> Option<&[u8]> {
    let Some(end) = text.iter().position(u8::is_ascii_whitespace) else { return Some(text) };
    let (first, rest) = text.split_at(end);
    let rest = rest.trim_ascii();
    if rest.starts_with(b"-") || first.ends_with(b"-") {
        return Some(text);
    }
    rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace()).then_some(first)
}

/// The number of lines of which FireHOL's header speaks: subnets of a netset, addresses of an ipset.
fn entries_stated(comment: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(comment).ok()?.trim();
    let (key, value) = text.split_once(':')?;
    if key.trim() != "Entries" {
        return None;
    }
    let number: String = value.trim().chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    number.trim_end_matches(',').replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use repute_model::DomainName;

    use super::*;
    use crate::format::{Format, import};
    use crate::import::{Action, Import, Terms};

    fn list(text: &[u8]) -> Result<Import, Refusal> {
        import(Format::List, text, &Terms::new("test", SystemTime::UNIX_EPOCH))
    }

    fn prefixes(text: &[u8]) -> Vec<String> {
        list(text).unwrap().entries().iter().map(|entry| entry.prefix.to_string()).collect()
    }

    #[test]
    fn addresses_prefixes_ranges_and_comments() {
        let text =
            b"\xef\xbb\xbf# a list\r\n; of two\r\n\r\n192.0.2.1 ; SBL1\r\n\t2001:db8::/32 # test\r\n   \r\n\
                     10.0.0.7/8\n198.51.100.0-198.51.100.2\n198.51.100.9\t12\n203.0.113.1 - 203.0.113.1";
        let expected = [
            "2001:db8::/32",
            "10.0.0.0/8",
            "192.0.2.1/32",
            "198.51.100.0/31",
            "198.51.100.2/32",
            "198.51.100.9/32",
            "203.0.113.1/32",
        ];
        let mut found = prefixes(text);
        found.sort();
        let mut expected = expected.map(str::to_owned);
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(list(text).unwrap().masked, 1);
    }

    #[test]
    fn what_is_no_list_is_refused_with_the_first_line() {
        for (text, expected) in [
            (b"# nothing\n".as_slice(), "has no entry that can be used"),
            (b"", "has no entry that can be used"),
            (b"<html>\n<body>404</body>\n", "line 1: 2 of 2 records are no address"),
            (b"0.0.0.0 ads.example.org\n", "line 1: 1 of 1 records are no address"),
            (
                b"www.example.org\nexample.com\n",
                "2 about a name, a file or an AS, not an address, the first at line 1",
            ),
            (b"192.0.2.1\n\0\0\0\n", "line 2: 1 of 2 records"),
            (b"192.0.2.1\n\xff\xfe\n", "line 2: 1 of 2 records"),
            (b"0.0.0.0/0\n", "1 wider than /8 (IPv4) or /16 (IPv6), the first at line 1"),
            (b"::/64\n", "1 wider than"),
            (b"224.0.0.0/4\n", "never a source"),
        ] {
            let error = list(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn names_and_hosts_files_where_names_are_wanted() {
        let names = |text: &[u8]| {
            let terms = Terms { action: Action::Honeypot, ..Terms::new("test", SystemTime::UNIX_EPOCH) };
            import(Format::List, text, &terms)
        };
        let text = b"# traps\r\nTrap.example # one\n*.dga.example\n127.0.0.1 localhost local.\n\
                     0.0.0.0\tads.example  cdn.ads.example\n::1 ip6-localhost\n0.0.0.0 0.0.0.0\n192.0.2.1\n\
                     seen.example 12\ncom\n*.co.uk\ntrap.example.\n";
        let import = names(text).unwrap();
        let found: Vec<_> = import.names().iter().map(|entry| entry.name.to_string()).collect();
        let mut expected =
            ["*.dga.example", "ads.example", "cdn.ads.example", "seen.example", "trap.example"]
                .map(str::to_owned);
        expected.sort_by_key(|name| name.parse::<DomainName>().unwrap());
        assert_eq!((found.as_slice(), import.len()), (expected.as_slice(), 5));
        assert!(import.entries().is_empty());
        let rows = import.skipped.rows().iter().map(|skip| (skip.reason, skip.count, skip.first.clone()));
        assert_eq!(
            rows.collect::<Vec<_>>(),
            [(Reason::Everybodys, 5, Place::Line(4)), (Reason::NoName, 2, Place::Line(7))]
        );
        assert_eq!((import.records, import.duplicates), (13, 1));
        for (text, expected) in [
            (b"<html>\n<body>404 gone</body>\n".as_slice(), "line 1: 2 of 2 records are no domain name"),
            (b"a.example b.example\n", "line 1: 1 of 1 records are no domain name"),
            (b"192.0.2.1\n", "1 about an address, a URL or a file, not a name, the first at line 1"),
            (b"com\n", "1 a public suffix, all below one"),
        ] {
            let error = names(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn one_bad_line_among_many_is_counted() {
        let mut text = "192.0.2.1\n".repeat(20);
        text += "nonsense here\n";
        let import = list(text.as_bytes()).unwrap();
        assert_eq!((import.records, import.duplicates, import.entries().len()), (21, 19, 1));
        assert_eq!(import.skipped.count(Reason::Unreadable), 1);
        assert_eq!(import.skipped.rows()[0].first, Place::Line(21));
    }

    #[test]
    fn fewer_lines_than_stated_are_a_file_cut_off() {
        let text = b"#\n# Entries        : 2 subnets, 1,024 unique IPs\n#\n192.0.2.0/24\n";
        assert!(matches!(list(text).unwrap_err().why, Why::Count { stated: 2, found: 1 }));
        assert_eq!(prefixes(&[text.as_slice(), b"198.51.100.0/24\n"].concat()).len(), 2);
        assert_eq!(entries_stated(b" Entries : 1,024 unique IPs"), Some(1024));
    }
}
