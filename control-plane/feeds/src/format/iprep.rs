//! Suricata's IP reputation: `address,category,score`, and the file that names the categories.
//!
//! Suricata's manual, "IP Reputation Format": a category is 1..=60, a score 0..=127, where 0 means that there are no
//! data. A score is read as confidence: 127 is 100 percent.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::SystemTime;

use super::list::lines;
use crate::collect::{Claim, Collector, Mark};
use crate::import::Terms;
use crate::limits::Limits;
use crate::read::Unpacked;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;

/// Categories are numbered 1..=60.
const CATEGORY_MAX: u8 = 60;
const SCORE_MAX: u32 = 127;

/// The short names of categories.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Categories(BTreeMap<u8, String>);

impl Categories {
    /// Reads a categories file: `number,short name,description` a line, `#` begins comments.
    ///
    /// # Errors
    /// A refusal with the line that is not like that.
    pub fn read(source: impl Read, feed: &str) -> Result<Self, Refusal> {
        let terms = Terms {
            limits: Limits { bytes: 1 << 20, ..Limits::default() },
            ..Terms::new(feed, SystemTime::UNIX_EPOCH)
        };
        let mut into = Collector::new(&terms);
        let source = Unpacked::new(source, terms.limits);
        let source = source.map_err(|error| into.refuse(Place::Whole, error.into()))?;
        let mut names = BTreeMap::new();
        lines(source, &mut into, |into, number, line| {
            let text = line.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") {
                return Ok(());
            }
            let (category, name) = category(text).ok_or_else(|| {
                let why = "is no `number,short name,description` with a number of 1 to 60".to_owned();
                into.refuse(Place::Line(number), Why::Malformed(why))
            })?;
            names.insert(category, name);
            Ok(())
        })?;
        Ok(Self(names))
    }

    /// The short name of a category.
    pub fn name(&self, category: u8) -> Option<&str> {
        self.0.get(&category).map(String::as_str)
    }
}

fn category(text: &[u8]) -> Option<(u8, String)> {
    let text = std::str::from_utf8(text).ok()?;
    let mut fields = text.splitn(3, ',').map(str::trim);
    let number = fields.next()?.parse().ok().filter(|number| (1..=CATEGORY_MAX).contains(number))?;
    let name = fields.next().filter(|name| !name.is_empty())?;
    fields.next().map(|_| (number, name.to_owned()))
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    lines(source, into, |into, number, line| {
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(());
        }
        let at = Mark::line(number);
        into.record(at)?;
        let Some((address, category, score)) = fields(text) else { return into.skip(Reason::Unreadable, at) };
        if score == 0 {
            return into.skip(Reason::NoConfidence, at);
        }
        let note = match into.terms.categories.and_then(|categories| categories.name(category)) {
            Some(name) => into.note(name),
            None => into.note(&format!("category {category}")),
        };
        let confidence = Some((score * 100).div_ceil(SCORE_MAX) as u8);
        into.text(address, Claim { confidence, note, until: None }, at)
    })
}

fn fields(text: &[u8]) -> Option<(&[u8], u8, u32)> {
    let mut fields = text.splitn(3, |&byte| byte == b',').map(<[u8]>::trim_ascii);
    let address = fields.next()?;
    let number = |field: Option<&[u8]>| std::str::from_utf8(field?).ok()?.parse::<u32>().ok();
    let category = number(fields.next()).filter(|number| (1..=u32::from(CATEGORY_MAX)).contains(number))?;
    let score = number(fields.next()).filter(|&score| score <= SCORE_MAX)?;
    Some((address, category as u8, score))
}

#[cfg(test)]
mod tests {
    use repute_model::Listing;

    use super::*;
    use crate::format::{Format, import};

    #[test]
    fn scores_and_categories() {
        let categories = Categories::read(b"1,BadHosts,Known bad hosts\r\n2,Tor,\n".as_slice(), "c").unwrap();
        let terms = Terms { categories: Some(&categories), ..Terms::new("rep", SystemTime::UNIX_EPOCH) };
        let text = b"#192.0.2.9,1,127\n192.0.2.1,1,127\r192.0.2.2,2,1\r\n192.0.2.3,60,64\n192.0.2.4,1,0";
        let import = import(Format::SuricataIprep, text.as_slice(), &terms).unwrap();
        let found: Vec<_> =
            import.entries().iter().map(|entry| (entry.says, import.note(entry.note))).collect();
        let expected = [(100, "BadHosts"), (1, "Tor"), (51, "category 60")];
        assert_eq!(found, expected.map(|(confidence, note)| (Listing::Deny(confidence), note)));
        assert_eq!(import.skipped.count(Reason::NoConfidence), 1);
    }

    #[test]
    fn what_the_format_excludes_is_named_by_line() {
        for text in ["192.0.2.1,61,1", "192.0.2.1,0,1", "192.0.2.1,1,128", "192.0.2.1,1", "192.0.2.1,1,-1"] {
            let terms = Terms::new("rep", SystemTime::UNIX_EPOCH);
            let error = import(Format::SuricataIprep, text.as_bytes(), &terms).unwrap_err();
            assert_eq!(error.place, Place::Line(1), "{error}");
        }
        let error = Categories::read(b"1,a,b\nx,a,b\n".as_slice(), "c").unwrap_err();
        assert_eq!(error.place, Place::Line(2), "{error}");
    }
}
