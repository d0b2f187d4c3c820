//! What an importer is told and what it gives back.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use repute_model::{DomainName, Listing, Prefix};
use repute_reputation::names::is_everybodys;

use crate::entry::{Entry, NameEntry, Note, Until};
use crate::format::Categories;
use crate::limits::Limits;
use crate::skipped::{Reason, Skipped};

/// What a feed's entries are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// They are known bad.
    #[default]
    Deny,
    /// They always pass.
    Allow,
    /// They are names: who asks for one loses reputation.
    Honeypot,
}

/// On what terms a file is read.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The feed's name, for errors.
    pub feed: &'a str,
    /// What its entries are for.
    pub action: Action,
    /// How far the feed is trusted, 1..=100 percent: the confidence of entries that bring none, and what the
    /// confidence of the others is multiplied with.
    pub confidence: u8,
    /// How long an entry counts that brings no end; `None` = as long as the feed is in force.
    pub expiry: Option<Duration>,
    /// Now.
    pub now: SystemTime,
    /// What it may cost.
    pub limits: Limits,
    /// What the category numbers of a Suricata list mean.
    pub categories: Option<&'a Categories>,
}

impl<'a> Terms<'a> {
    /// A deny feed that is fully trusted, with default limits.
    pub fn new(feed: &'a str, now: SystemTime) -> Self {
        let (action, confidence) = (Action::Deny, 100);
        Self { feed, action, confidence, expiry: None, now, limits: Limits::default(), categories: None }
    }

    /// What an entry says whose own confidence is `own` percent; at least 1 percent is left. `None` = nothing, for a
    /// feed of names.
    pub(crate) fn says(&self, own: Option<u8>) -> Option<Listing> {
        let own = u16::from(own.unwrap_or(100).clamp(1, 100));
        let product = own * u16::from(self.confidence.clamp(1, 100));
        match self.action {
            Action::Allow => Some(Listing::Allow),
            Action::Deny => Some(Listing::Deny(product.div_ceil(100) as u8)),
            Action::Honeypot => None,
        }
    }

    /// Whether the feed is of names.
    pub(crate) fn names(&self) -> bool {
        self.action == Action::Honeypot
    }

    /// Why a record is skipped that is about something else than the feed is of.
    pub(crate) fn other(&self) -> Reason {
        if self.names() { Reason::NoName } else { Reason::NoAddress }
    }

    /// When an entry ends that says `own`.
    pub(crate) fn until(&self, own: Option<SystemTime>) -> Option<Until> {
        let by_feed = || self.expiry.and_then(|expiry| self.now.checked_add(expiry));
        own.or_else(by_feed).map(Until::at)
    }
}

/// What an import is of. Each prefix or name is there once, in ascending order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Entries {
    Prefixes(Vec<Entry>),
    Names(Vec<NameEntry>),
}

impl Default for Entries {
    fn default() -> Self {
        Self::Prefixes(Vec::new())
    }
}

impl Entries {
    pub fn len(&self) -> usize {
        match self {
            Self::Prefixes(entries) => entries.len(),
            Self::Names(names) => names.len(),
        }
    }
}

/// What one file or answer says: about prefixes or about names, sorted, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Import {
    pub(crate) entries: Entries,
    pub(crate) notes: Notes,
    /// Records that were read, taken over or not.
    pub records: u64,
    /// Entries that repeat a prefix or a name; the most confident one, then the one that lasts longest, is kept.
    pub duplicates: u64,
    /// Prefixes with bits behind their length, read as the network they lie in.
    pub masked: u64,
    /// Entries about part of a source (an IPv6 host where sources are /64), read as the whole source.
    pub widened: u64,
    /// What was not taken over.
    pub skipped: Skipped,
    /// Whether nothing is cut from it: the box's own doing may name one's own hosts.
    pub(crate) uncut: bool,
}

impl Import {
    /// What the box says by itself about prefixes, until when, and what it calls that. Nothing is cut from it. Of equal
    /// prefixes the last one counts; the caller bounds how many there are.
    pub fn own<'a>(says: impl IntoIterator<Item = (Prefix, Listing, SystemTime, &'a str)>) -> Self {
        let mut import = Self { uncut: true, ..Self::default() };
        let mut entries = BTreeMap::new();
        for (prefix, says, until, note) in says {
            let note = import.notes.number(note);
            entries.insert(prefix, Entry { prefix, says, until: Some(Until::at(until)), note });
        }
        import.notes.close();
        import.records = entries.len() as u64;
        import.entries = Entries::Prefixes(entries.into_values().collect());
        import
    }

    /// Names that came to the box in another way, until when, and what they are called. Of equal names the last one
    /// counts; the caller bounds how many there are.
    pub fn own_names<'a>(names: impl IntoIterator<Item = (DomainName, SystemTime, &'a str)>) -> Self {
        let mut import = Self::default();
        let mut entries = BTreeMap::new();
        for (name, until, note) in names {
            entries.insert(name, (Some(Until::at(until)), import.notes.number(note)));
        }
        import.notes.close();
        import.records = entries.len() as u64;
        let entry = |(name, (until, note))| NameEntry { name, until, note };
        import.entries = Entries::Names(entries.into_iter().map(entry).collect());
        import
    }

    /// The entries about prefixes, ascending by first address and then by length; none where the import is of names.
    pub fn entries(&self) -> &[Entry] {
        match &self.entries {
            Entries::Prefixes(entries) => entries,
            Entries::Names(_) => &[],
        }
    }

    /// The names, ascending by their bytes; none where the import is of prefixes.
    pub fn names(&self) -> &[NameEntry] {
        match &self.entries {
            Entries::Prefixes(_) => &[],
            Entries::Names(names) => names,
        }
    }

    /// How many entries there are, of either kind.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the feed calls an entry of this import; empty where it says nothing.
    pub fn note(&self, note: Note) -> &str {
        self.notes.get(note)
    }

    /// What a store gives back: each entry with the number of its note (from 1; 0 = none) in `notes`. More notes than
    /// an import keeps are left out.
    pub fn kept(entries: impl IntoIterator<Item = (Entry, u32)>, notes: Vec<String>) -> Self {
        let notes = Notes::kept(notes);
        let entry = |(entry, note): (Entry, u32)| Entry { note: notes.known(note), ..entry };
        let mut entries: Vec<Entry> = entries.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.prefix);
        entries.dedup_by_key(|entry| entry.prefix);
        Self::of(Entries::Prefixes(entries), notes)
    }

    /// The same of a feed of names. Names that no feed may have are left out.
    pub fn kept_names(names: impl IntoIterator<Item = (NameEntry, u32)>, notes: Vec<String>) -> Self {
        let notes = Notes::kept(notes);
        let fits = |(entry, _): &(NameEntry, u32)| !is_everybodys(&entry.name);
        let entry = |(entry, note): (NameEntry, u32)| NameEntry { note: notes.known(note), ..entry };
        let mut names: Vec<NameEntry> = names.into_iter().filter(fits).map(entry).collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        names.dedup_by(|a, b| a.name == b.name);
        Self::of(Entries::Names(names), notes)
    }

    fn of(entries: Entries, notes: Notes) -> Self {
        let records = entries.len() as u64;
        Self { entries, notes, records, ..Self::default() }
    }

    /// All notes, by their numbers from 1 on.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.texts.iter().map(|text| &**text)
    }

    /// The next moment after `now` at which an entry ends.
    pub fn next_end(&self, now: SystemTime) -> Option<Until> {
        let ends = self.entries().iter().map(|entry| entry.until);
        let ends = ends.chain(self.names().iter().map(|entry| entry.until));
        ends.flatten().filter(|until| !until.passed(now)).min()
    }
}

/// So many different notes an import keeps; further entries go without.
const NOTES_MAX: usize = 65_536;
/// So many bytes of a note are kept.
const NOTE_MAX: usize = 64;

/// The notes of an import, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notes {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Notes {
    /// The number of `text`, cut to 64 bytes and without control characters; none when 65 536 others are there.
    pub(crate) fn number(&mut self, text: &str) -> Note {
        let mut end = text.len().min(NOTE_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text[..end].trim();
        if text.is_empty() {
            return Note::NONE;
        }
        if let Some(&number) = self.numbers.get(text) {
            return Note(number);
        }
        if self.texts.len() == NOTES_MAX {
            return Note::NONE;
        }
        let clean: Box<str> = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        self.texts.push(clean);
        let number = self.texts.len() as u32;
        self.numbers.insert(text.into(), number);
        Note(number)
    }

    /// What a store gives back.
    fn kept(texts: Vec<String>) -> Self {
        let texts = texts.into_iter().take(NOTES_MAX).map(Into::into).collect();
        Self { texts, numbers: HashMap::new() }
    }

    /// The note of this number where there is one.
    fn known(&self, number: u32) -> Note {
        Note(if number as usize <= self.texts.len() { number } else { 0 })
    }

    /// The text of a note; empty for none.
    pub fn get(&self, note: Note) -> &str {
        let found = note.0.checked_sub(1).and_then(|at| self.texts.get(at as usize));
        found.map_or("", |text| text)
    }

    /// Gives back what only new notes need.
    pub(crate) fn close(&mut self) {
        self.numbers = HashMap::new();
        self.texts.shrink_to_fit();
    }
}
