//! What an importer is told and what it gives back.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use repute_model::{Listing, Prefix};

use crate::entry::{Entry, Note, Until};
use crate::format::Categories;
use crate::limits::Limits;
use crate::skipped::Skipped;

/// What a feed's entries are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// They are known bad.
    #[default]
    Deny,
    /// They always pass.
    Allow,
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

    /// What an entry says whose own confidence is `own` percent; at least 1 percent is left.
    pub(crate) fn says(&self, own: Option<u8>) -> Listing {
        let own = u16::from(own.unwrap_or(100).clamp(1, 100));
        let product = own * u16::from(self.confidence.clamp(1, 100));
        match self.action {
            Action::Allow => Listing::Allow,
            Action::Deny => Listing::Deny(product.div_ceil(100) as u8),
        }
    }

    /// When an entry ends that says `own`.
    pub(crate) fn until(&self, own: Option<SystemTime>) -> Option<Until> {
        let by_feed = || self.expiry.and_then(|expiry| self.now.checked_add(expiry));
        own.or_else(by_feed).map(Until::at)
    }
}

/// What one file or answer says: sorted by prefix, each prefix once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Import {
    pub(crate) entries: Vec<Entry>,
    pub(crate) notes: Notes,
    /// Records that were read, taken over or not.
    pub records: u64,
    /// Entries that repeat a prefix; the most confident one, then the one that lasts longest, is kept.
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
        import.entries = entries.into_values().collect();
        import
    }

    /// The entries, ascending by first address and then by length.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the feed calls an entry of this import; empty where it says nothing.
    pub fn note(&self, note: Note) -> &str {
        self.notes.get(note)
    }

    /// What a store gives back: each entry with the number of its note (from 1; 0 = none) in `notes`. More notes than
    /// an import keeps are left out.
    pub fn kept(entries: impl IntoIterator<Item = (Entry, u32)>, notes: Vec<String>) -> Self {
        let texts: Vec<Box<str>> = notes.into_iter().take(NOTES_MAX).map(Into::into).collect();
        let known = texts.len() as u32;
        let entry =
            |(entry, note): (Entry, u32)| Entry { note: Note(if note <= known { note } else { 0 }), ..entry };
        let mut entries: Vec<Entry> = entries.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.prefix);
        entries.dedup_by_key(|entry| entry.prefix);
        let records = entries.len() as u64;
        Self { entries, notes: Notes { texts, numbers: HashMap::new() }, records, ..Self::default() }
    }

    /// All notes, by their numbers from 1 on.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.texts.iter().map(|text| &**text)
    }

    /// The next moment after `now` at which an entry ends.
    pub fn next_end(&self, now: SystemTime) -> Option<Until> {
        self.entries.iter().filter_map(|entry| entry.until).filter(|until| !until.passed(now)).min()
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
