//! MISP warninglists: `{"name","type":"cidr","list":["192.0.2.0/24",…]}`. Usually something to allow.
//!
//! Lists of the other kind than what is wanted, addresses (`cidr`) or names (`hostname`), and patterns are refused with
//! their kind.

use std::io::Read;

use crate::collect::{Claim, Collector};
use crate::read::{Json, Loose, list_of};
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let feed = into.terms.feed;
    let side = list_of(json, feed, &["list"], |_, item: Loose, at| {
        into.record(at)?;
        match item.text() {
            Some(text) => into.text(text.trim().as_bytes(), Claim::default(), at),
            None => into.skip(Reason::Unreadable, at),
        }
    })?;
    if !side.found {
        return Err(into.refuse(Place::Whole, Why::NoList("list")));
    }
    let (wanted, what) = if into.terms.names() { ("hostname", "domains") } else { ("cidr", "addresses") };
    match side.get("type").and_then(Loose::text) {
        // The schema's other kind is `string`, which may be anything.
        Some(kind @ ("cidr" | "hostname" | "substring" | "regex")) if kind != wanted => {
            let why = format!("is a warninglist of type `{kind}`, which names no {what}");
            Err(into.refuse(Place::Whole, Why::Malformed(why)))
        }
        _ => {
            let name = side.get("name").and_then(Loose::text).unwrap_or_default();
            let note = into.note(name);
            into.note_all(note);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use repute_model::Listing;

    use super::*;
    use crate::format::{Format, import};
    use crate::import::{Action, Import, Terms};

    fn allow(text: &str) -> Result<Import, Refusal> {
        let terms = Terms { action: Action::Allow, ..Terms::new("warn", SystemTime::UNIX_EPOCH) };
        import(Format::MispWarninglist, text.as_bytes(), &terms)
    }

    #[test]
    fn addresses_are_allowed_under_the_lists_name() {
        let import = allow(r#"{"list":["192.0.2.0/24","2001:DB8::/32"],"name":"N","type":"cidr"}"#).unwrap();
        let found: Vec<_> =
            import.entries().iter().map(|entry| (entry.says, import.note(entry.note))).collect();
        assert_eq!(found, [(Listing::Allow, "N"); 2]);
    }

    #[test]
    fn lists_of_names_say_so() {
        let error = allow(r#"{"list":["www.example.org"],"type":"hostname"}"#).unwrap_err().to_string();
        assert!(error.contains("of type `hostname`"), "{error}");
        let terms = Terms { action: Action::Honeypot, ..Terms::new("warn", SystemTime::UNIX_EPOCH) };
        let names = |text: &str| import(Format::MispWarninglist, text.as_bytes(), &terms);
        let import = names(r#"{"list":["www.example.org","com"],"type":"hostname","name":"N"}"#).unwrap();
        let [entry] = import.names() else { panic!("{import:?}") };
        assert_eq!((entry.name.to_string().as_str(), import.note(entry.note)), ("www.example.org", "N"));
        let error = names(r#"{"list":["192.0.2.0/24"],"type":"cidr"}"#).unwrap_err().to_string();
        assert!(error.contains("of type `cidr`, which names no domains"), "{error}");
        assert!(matches!(allow("{}").unwrap_err().why, Why::NoList("list")));
        assert!(allow(r#"{"list":[[],{},1],"type":"cidr"}"#).unwrap_err().to_string().contains("/list/0"));
    }
}
