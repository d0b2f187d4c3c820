//! MISP events, objects and attributes (MISP core format), as exported by its API.
//!
//! Wherever `Attribute` lists stand in `response`, `Event` or `Object`, attributes of type `ip-src`, `ip-dst`, with or
//! without a port, and the address of `domain|ip` are taken, unless they are marked as not for detection (`to_ids`
//! false) or deleted. Of these, where names are wanted, `domain`, `hostname`, with or without a port, and the name of
//! `domain|ip`. The note is the event's `info`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Read;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::collect::{Claim, Collector, Mark};
use crate::entry::Note;
use crate::read::{Json, Loose};
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;

#[derive(Deserialize)]
struct Attribute {
    #[serde(default, rename = "type")]
    kind: Loose,
    #[serde(default)]
    value: Loose,
    #[serde(default)]
    to_ids: Loose,
    #[serde(default)]
    deleted: Loose,
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let (feed, own) = (into.terms.feed, Cell::new(None));
    let reading = Reading { into: RefCell::new(into), own: &own, line: json.line(), found: Cell::new(false) };
    json.run(
        feed,
        Node { reading: &reading, pointer: String::new(), note: Note::NONE, attributes: false },
        &own,
    )?;
    if reading.found.get() {
        return Ok(());
    }
    let into = reading.into.borrow();
    Err(into.refuse(Place::Whole, Why::NoList("Attribute")))
}

struct Reading<'a, 't> {
    into: RefCell<&'a mut Collector<'t>>,
    own: &'a Cell<Option<Refusal>>,
    line: Rc<Cell<u64>>,
    /// Whether there was any list of attributes.
    found: Cell<bool>,
}

impl Reading<'_, '_> {
    fn attribute(&self, attribute: &Attribute, note: Note, at: Mark<'_>) -> Result<(), Refusal> {
        let into = &mut **self.into.borrow_mut();
        into.record(at)?;
        let (Some(kind), Some(value)) = (attribute.kind.text(), attribute.value.text()) else {
            return into.skip(Reason::Unreadable, at);
        };
        let (first, second) = value.split_once('|').unwrap_or((value, ""));
        let text = match (kind, into.terms.names()) {
            ("ip-src" | "ip-dst", false) | ("domain" | "hostname", true) => value,
            ("ip-src|port" | "ip-dst|port", false) | ("domain|ip" | "hostname|port", true) => first,
            ("domain|ip", false) => second,
            _ => return into.skip(into.terms.other(), at),
        };
        let not_meant = attribute.to_ids == Loose::Truth(false) || attribute.to_ids.number() == Some(0.0);
        if attribute.deleted.is_true() {
            return into.skip(Reason::Revoked, at);
        }
        if not_meant {
            return into.skip(Reason::NotMeant, at);
        }
        into.text(text.trim().as_bytes(), Claim { note, ..Claim::default() }, at)
    }
}

/// A value in which lists of attributes may stand, or such a list itself.
struct Node<'a, 'b, 't> {
    reading: &'a Reading<'b, 't>,
    pointer: String,
    note: Note,
    attributes: bool,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a MISP export: an object or a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut number = 0;
        loop {
            if self.attributes {
                let Some(attribute) = seq.next_element()? else { return Ok(()) };
                let at = Mark { line: self.reading.line.get(), item: Some((&self.pointer, number)) };
                self.reading.attribute(&attribute, self.note, at).map_err(|refusal| {
                    self.reading.own.set(Some(refusal));
                    A::Error::custom("stopped")
                })?;
            } else {
                let pointer = format!("{}/{number}", self.pointer);
                let (reading, note) = (self.reading, self.note);
                let item = Node { reading, pointer, note, attributes: false };
                if seq.next_element_seed(item)?.is_none() {
                    return Ok(());
                }
            }
            number += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "info" => {
                    let info: Loose = map.next_value()?;
                    self.note = self.reading.into.borrow_mut().note(info.text().unwrap_or_default());
                }
                "response" | "Event" | "Object" | "Attribute" => {
                    let attributes = key == "Attribute";
                    if attributes {
                        self.reading.found.set(true);
                    }
                    let (reading, note) = (self.reading, self.note);
                    let pointer = format!("{}/{key}", self.pointer);
                    map.next_value_seed(Node { reading, pointer, note, attributes })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::format::{Format, import};
    use crate::import::{Action, Terms};

    #[test]
    fn attributes_are_found_in_events_and_objects() {
        let text = br#"{"response":[{"Event":{"info":"botnet","Attribute":[
              {"type":"ip-src","value":"192.0.2.1","to_ids":true},
              {"type":"ip-dst|port","value":"192.0.2.2|443"},
              {"type":"ip-dst","value":"192.0.2.9","to_ids":false},
              {"type":"ip-dst","value":"192.0.2.8","deleted":true},
              {"type":"md5","value":"00"}],
            "Object":[{"Attribute":[{"type":"domain|ip","value":"a.example|192.0.2.3"}]}]}}]}"#;
        let import = import(Format::Misp, text.as_slice(), &Terms::new("m", SystemTime::UNIX_EPOCH)).unwrap();
        let found: Vec<_> =
            import.entries().iter().map(|e| (e.prefix.to_string(), import.note(e.note))).collect();
        assert_eq!(found, ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"].map(|p| (p.to_owned(), "botnet")));
        let rows: Vec<_> =
            import.skipped.rows().iter().map(|s| (s.reason, s.count, s.first.to_string())).collect();
        assert_eq!(
            rows,
            [
                (Reason::NotMeant, 1, ", line 4, /response/0/Event/Attribute/2".to_owned()),
                (Reason::Revoked, 1, ", line 5, /response/0/Event/Attribute/3".to_owned()),
                (Reason::NoAddress, 1, ", line 6, /response/0/Event/Attribute/4".to_owned()),
            ]
        );
    }

    #[test]
    fn names_are_taken_where_names_are_wanted() {
        let text = br#"{"Event":{"info":"sinkholes","Attribute":[
            {"type":"domain","value":"a.example","to_ids":true}, {"type":"hostname","value":"www.b.example"},
            {"type":"domain|ip","value":"c.example|192.0.2.3"}, {"type":"hostname|port","value":"d.example|53"},
            {"type":"ip-dst","value":"192.0.2.1"}, {"type":"url","value":"http://e.example/"},
            {"type":"domain","value":"f.example","to_ids":false}, {"type":"domain","value":"com"}]}}"#;
        let terms = Terms { action: Action::Honeypot, ..Terms::new("m", SystemTime::UNIX_EPOCH) };
        let import = import(Format::Misp, text.as_slice(), &terms).unwrap();
        let mut found: Vec<_> =
            import.names().iter().map(|e| (e.name.to_string(), import.note(e.note))).collect();
        found.sort();
        let names = ["a.example", "c.example", "d.example", "www.b.example"];
        assert_eq!(found, names.map(|name| (name.to_owned(), "sinkholes")));
        let skipped = [Reason::NoName, Reason::NotMeant, Reason::Everybodys].map(|r| import.skipped.count(r));
        assert_eq!(skipped, [2, 1, 1]);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let error =
            import(Format::Misp, text.as_bytes(), &Terms::new("m", SystemTime::UNIX_EPOCH)).unwrap_err();
        assert!(matches!(error.why, Why::Depth(64)), "{error}");
    }
}
