//! Spamhaus DROP: JSON lines that end with a record that counts them, or the text form that came before.
//!
//! `{"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"apnic"}` …
//! `{"type":"metadata","timestamp":…,"size":…,"records":1692,…}`; text: `192.0.2.0/24 ; SBL1`. The list of AS numbers
//! (`asndrop`) names no addresses and is refused as empty.

use std::io::Read;

use serde::Deserialize;

use super::list::lines;
use crate::collect::{Claim, Collector, Mark};
use crate::read::Loose;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    cidr: Loose,
    #[serde(default)]
    sblid: Loose,
    #[serde(default, rename = "type")]
    kind: Loose,
    #[serde(default)]
    records: Loose,
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let mut counted = Counted::default();
    lines(source, into, |into, number, line| {
        let text = line.trim_ascii();
        if text.starts_with(b"{") { counted.json(text, into, number) } else { text_line(text, into, number) }
    })?;
    match counted {
        Counted { json: false, .. } => Ok(()),
        Counted { stated: None, .. } => Err(into.refuse(Place::Whole, Why::NoCount)),
        Counted { stated: Some(stated), found, .. } if stated != found => {
            Err(into.refuse(Place::Whole, Why::Count { stated, found }))
        }
        Counted { .. } => Ok(()),
    }
}

#[derive(Default)]
struct Counted {
    json: bool,
    stated: Option<u64>,
    found: u64,
}

impl Counted {
    fn json(&mut self, text: &[u8], into: &mut Collector<'_>, number: u64) -> Result<(), Refusal> {
        let at = Mark::line(number);
        self.json = true;
        let record: Record = serde_json::from_slice(text)
            .map_err(|error| into.refuse(at.place(), Why::Json(error.to_string())))?;
        if record.kind.text() == Some("metadata") {
            self.stated = record.records.number().map(|count| count as u64);
            return Ok(());
        }
        self.found += 1;
        into.record(at)?;
        let note = into.note(record.sblid.text().unwrap_or_default());
        match record.cidr.text() {
            Some(cidr) => into.text(cidr.as_bytes(), Claim { note, ..Claim::default() }, at),
            None => into.skip(Reason::NoAddress, at),
        }
    }
}

fn text_line(text: &[u8], into: &mut Collector<'_>, number: u64) -> Result<(), Refusal> {
    let (prefix, note) = match memchr::memchr(b';', text) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, [].as_slice()),
    };
    let prefix = prefix.trim_ascii();
    if prefix.is_empty() || prefix.starts_with(b"#") {
        return Ok(());
    }
    into.record(Mark::line(number))?;
    let note = into.note(std::str::from_utf8(note).unwrap_or_default());
    into.text(prefix, Claim { note, ..Claim::default() }, Mark::line(number))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::format::{Format, import};
    use crate::import::{Import, Terms};

    fn drop(text: &str) -> Result<Import, Refusal> {
        import(Format::Spamhaus, text.as_bytes(), &Terms::new("drop", SystemTime::UNIX_EPOCH))
    }

    const TWO: &str = "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"apnic\"}\n\
                       {\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL2\",\"rir\":\"arin\"}\n";

    #[test]
    fn counted_lines_are_taken() {
        let import = drop(&format!("{TWO}{{\"type\":\"metadata\",\"records\":2}}\n")).unwrap();
        let notes: Vec<_> = import.entries().iter().map(|entry| import.note(entry.note)).collect();
        assert_eq!(notes, ["SBL1", "SBL2"]);
    }

    #[test]
    fn what_was_cut_off_is_refused() {
        assert!(matches!(drop(TWO).unwrap_err().why, Why::NoCount));
        let short = format!("{TWO}{{\"type\":\"metadata\",\"records\":3}}\n");
        assert!(matches!(drop(&short).unwrap_err().why, Why::Count { stated: 3, found: 2 }));
        let error = drop(&TWO[..TWO.len() - 9]).unwrap_err();
        assert_eq!(error.place, Place::Line(2));
        assert!(error.to_string().contains("cut off"), "{error}");
    }

    #[test]
    fn the_older_form_and_the_list_of_as_numbers() {
        let import = drop("; Spamhaus DROP\n192.0.2.0/24 ; SBL1\n").unwrap();
        assert_eq!(import.note(import.entries()[0].note), "SBL1");
        let error = drop("{\"asn\":64496}\n{\"type\":\"metadata\",\"records\":1}\n").unwrap_err();
        assert!(matches!(error.why, Why::Empty(_)), "{error}");
    }
}
