//! Where every importer puts what it finds: the one gate for entries.
//!
//! **Always holds:** what comes out is sorted, each prefix or name is there once, and none is one that
//! [`Entry`] or [`NameEntry`] excludes. A feed is of prefixes or of names; what is about the other is skipped.

use std::time::SystemTime;

use repute_model::{Address, DomainName, Listing, Prefix};
use repute_reputation::names::is_everybodys;

use crate::entry::{Entry, NameEntry, Note, Until};
use crate::import::{Entries, Import, Terms};
use crate::limits::NAMES_MAX;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;
use crate::text::{Named, Value, named, value};

/// Of so many records one may be unreadable; more make the file malformed.
const UNREADABLE_ONE_IN: u64 = 10;
/// Whatever the limits say: entries are numbered in 32 bits.
const ENTRIES_MAX: usize = 1 << 30;
/// Where IPv4 lives.
const V4: Prefix = Prefix::containing(Address::v4(0), 96);

/// Where a record is, before anybody asks for the text of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark<'a> {
    /// From 1.
    pub line: u64,
    /// JSON: pointer of the list and number in it.
    pub item: Option<(&'a str, u64)>,
}

impl Mark<'_> {
    pub fn line(line: u64) -> Self {
        Self { line, item: None }
    }

    pub fn place(self) -> Place {
        match self.item {
            None => Place::Line(self.line),
            Some((list, number)) => Place::Item { pointer: format!("{list}/{number}"), line: self.line },
        }
    }
}

/// What a record says about the prefix or name that stands in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claim {
    /// Percent, 1..=100; `None` = what the feed has.
    pub confidence: Option<u8>,
    pub until: Option<SystemTime>,
    pub note: Note,
}

/// An import in the making.
#[derive(Debug)]
pub(crate) struct Collector<'a> {
    pub terms: &'a Terms<'a>,
    pub import: Import,
    /// What was taken; one of the two stays empty.
    prefixes: Vec<Entry>,
    names: Vec<NameEntry>,
    entries_max: usize,
}

impl<'a> Collector<'a> {
    pub fn new(terms: &'a Terms<'a>) -> Self {
        let entries_max = terms.limits.entries.min(ENTRIES_MAX);
        Self { terms, import: Import::default(), prefixes: Vec::new(), names: Vec::new(), entries_max }
    }

    /// Begins a record. `Err` when there are too many.
    pub fn record(&mut self, at: Mark<'_>) -> Result<(), Refusal> {
        self.import.records += 1;
        if self.import.records > self.entries_max as u64 {
            return Err(self.refuse(at.place(), Why::Entries(self.entries_max)));
        }
        Ok(())
    }

    /// Takes what `text` stands for: what the feed is of.
    pub fn text(&mut self, text: &[u8], claim: Claim, at: Mark<'_>) -> Result<(), Refusal> {
        if self.terms.names() { self.name(text, claim, at) } else { self.address(text, claim, at) }
    }

    /// Takes a text that is to be a domain name.
    pub fn name(&mut self, text: &[u8], claim: Claim, at: Mark<'_>) -> Result<(), Refusal> {
        if !self.terms.names() {
            return self.skip(Reason::NoAddress, at);
        }
        match named(text) {
            Named::Name(name) => self.take_name(name, claim, at),
            Named::Other => self.skip(Reason::NoName, at),
            Named::Nothing => self.skip(Reason::Unreadable, at),
        }
    }

    fn take_name(&mut self, name: DomainName, claim: Claim, at: Mark<'_>) -> Result<(), Refusal> {
        if is_everybodys(&name) {
            return self.skip(Reason::Everybodys, at);
        }
        if self.has_ended(claim.until) {
            return self.skip(Reason::Expired, at);
        }
        if self.names.len() == NAMES_MAX {
            return Err(self.refuse(at.place(), Why::Names(NAMES_MAX)));
        }
        self.names.push(NameEntry { name, until: self.terms.until(claim.until), note: claim.note });
        Ok(())
    }

    /// Takes a text that is to be an address, a prefix, or a range `a-b`.
    pub fn address(&mut self, text: &[u8], claim: Claim, at: Mark<'_>) -> Result<(), Refusal> {
        if self.terms.names() {
            return self.skip(Reason::NoName, at);
        }
        match value(text) {
            Value::Prefix(prefix, masked) => {
                self.import.masked += u64::from(masked);
                self.take(prefix, claim, at)
            }
            Value::Range(first, last) => {
                crate::text::prefixes(first, last).try_for_each(|prefix| self.take(prefix, claim, at))
            }
            Value::Name => self.skip(Reason::NoAddress, at),
            Value::Nothing => self.skip(Reason::Unreadable, at),
        }
    }

    /// Takes a prefix, or counts why not.
    #[inline]
    pub fn take(&mut self, prefix: Prefix, claim: Claim, at: Mark<'_>) -> Result<(), Refusal> {
        let Some(says) = self.terms.says(claim.confidence) else {
            return self.skip(self.terms.other(), at);
        };
        if let Some(reason) = self.unfit(prefix, claim.until) {
            return self.skip(reason, at);
        }
        if self.prefixes.len() == self.entries_max {
            return Err(self.refuse(at.place(), Why::Entries(self.entries_max)));
        }
        let width = self.terms.limits.width;
        let source = if prefix.first().is_v4() { width.v4 + 96 } else { width.v6 };
        let whole =
            if prefix.len128() > source { Prefix::containing(prefix.first(), source) } else { prefix };
        self.import.widened += u64::from(whole != prefix);
        let until = self.terms.until(claim.until);
        self.prefixes.push(Entry { prefix: whole, says, until, note: claim.note });
        Ok(())
    }

    fn has_ended(&self, until: Option<SystemTime>) -> bool {
        until.is_some_and(|until| until <= self.terms.now)
    }

    fn unfit(&self, prefix: Prefix, until: Option<SystemTime>) -> Option<Reason> {
        let (widest, multicast) = if prefix.first().is_v4() { (96 + 8, 96 + 4) } else { (16, 8) };
        // The first and the last address of a whole family are nobody's either.
        if prefix.len128() >= multicast && prefix.first().is_nobody() && prefix.last().is_nobody() {
            Some(Reason::Nobody)
        } else if prefix.len128() < widest || (prefix.len128() < V4.len128() && prefix.contains(V4.first())) {
            Some(Reason::TooWide)
        } else if self.has_ended(until) {
            Some(Reason::Expired)
        } else {
            None
        }
    }

    /// Counts a record that is not taken over. Never fails.
    pub fn skip(&mut self, reason: Reason, at: Mark<'_>) -> Result<(), Refusal> {
        self.import.skipped.add(reason, || at.place());
        Ok(())
    }

    /// The number of a note.
    pub fn note(&mut self, text: &str) -> Note {
        self.import.notes.number(text)
    }

    /// Gives everything that was taken this note.
    pub fn note_all(&mut self, note: Note) {
        self.prefixes.iter_mut().for_each(|entry| entry.note = note);
        self.names.iter_mut().for_each(|entry| entry.note = note);
    }

    pub fn refuse(&self, place: Place, why: Why) -> Refusal {
        Refusal { feed: self.terms.feed.to_owned(), place, why }
    }

    /// What was collected. `Err` when nothing was, or when too little of the file was understood.
    pub fn finish(mut self) -> Result<Import, Refusal> {
        let unreadable = self.import.skipped.count(Reason::Unreadable);
        if unreadable * UNREADABLE_ONE_IN > self.import.records {
            let first = self.import.skipped.rows().iter().find(|skip| skip.reason == Reason::Unreadable);
            let place = first.map(|skip| skip.first.clone()).unwrap_or_default();
            let records = self.import.records;
            let what = if self.terms.names() { "domain name" } else { "address or prefix" };
            let why = format!("{unreadable} of {records} records are no {what}, this is the first");
            return Err(self.refuse(place, Why::Malformed(why)));
        }
        if self.prefixes.is_empty() && self.names.is_empty() {
            let skipped = std::mem::take(&mut self.import.skipped);
            return Err(self.refuse(Place::Whole, Why::Empty(skipped)));
        }
        Ok(self.close())
    }

    /// What was collected, even if it is nothing.
    pub fn close(mut self) -> Import {
        let before = self.prefixes.len() + self.names.len();
        self.import.entries = if self.terms.names() {
            Entries::Names(sorted_names(self.names))
        } else {
            if !self.prefixes.is_sorted_by(|a, b| a.prefix < b.prefix) {
                self.prefixes = sorted(&self.prefixes);
            }
            self.prefixes.shrink_to_fit();
            Entries::Prefixes(self.prefixes)
        };
        self.import.duplicates = (before - self.import.entries.len()) as u64;
        self.import.notes.close();
        self.import
    }
}

/// The names in order, each once: of equal ones that which lasts longest, then (so that the order of the file does not
/// matter) the one of the smaller note.
fn sorted_names(mut names: Vec<NameEntry>) -> Vec<NameEntry> {
    let lasts = |entry: &NameEntry| entry.until.map_or(u32::MAX, Until::seconds);
    names.sort_unstable_by(|a, b| {
        a.name.cmp(&b.name).then_with(|| lasts(b).cmp(&lasts(a))).then_with(|| a.note.0.cmp(&b.note.0))
    });
    names.dedup_by(|a, b| a.name == b.name);
    names.shrink_to_fit();
    names
}

/// The entries in order, of equal prefixes the strongest.
///
/// Sorted by short keys, which move faster than entries: a first address of IPv4 or the leading bits of one of IPv6
/// decide nearly always.
fn sorted(entries: &[Entry]) -> Vec<Entry> {
    let key = |(at, entry): (usize, &Entry)| (leading(entry.prefix), at as u32);
    let mut order: Vec<(u64, u32)> = entries.iter().enumerate().map(key).collect();
    order.sort_unstable();
    let mut out: Vec<Entry> = order.iter().map(|&(_, at)| entries[at as usize]).collect();
    // What the keys do not tell apart, each run by itself.
    for run in out.chunk_by_mut(|a, b| leading(a.prefix) == leading(b.prefix)).filter(|run| run.len() > 1) {
        run.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| strength(b).cmp(&strength(a))));
    }
    out.dedup_by_key(|entry| entry.prefix);
    out
}

/// A number that ascends as prefixes do: 0 for IPv6 below IPv4 (seldom seen), first address and length of IPv4, the
/// upper half of the address of other IPv6.
fn leading(prefix: Prefix) -> u64 {
    let first = prefix.first();
    match first {
        _ if first.is_v4() => 1 << 40 | u64::from(first.0 as u32) << 8 | u64::from(prefix.len128()),
        _ if first < V4.first() => 0,
        // The upper half is small only for reserved addresses, which then are not told apart.
        _ => ((first.0 >> 64) as u64).max(1 << 41),
    }
}

/// What makes one of two entries for the same prefix count: confidence, then duration, then (so that the order of
/// the file does not matter) its note.
fn strength(entry: &Entry) -> (u8, u32, u32) {
    let confidence = match entry.says {
        Listing::Allow => u8::MAX,
        Listing::Deny(confidence) => confidence,
    };
    let until = entry.until.map_or(u32::MAX, |until| until.seconds());
    (confidence, until, u32::MAX - entry.note.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let address = prop_oneof![
            any::<u8>().prop_map(|low| Address::v4(0xc000_0200 | u32::from(low))),
            any::<u128>().prop_map(Address),
            (0u32..128, any::<u128>()).prop_map(|(shift, bits)| Address(bits >> shift)),
        ];
        (address, 96u8..=128, 1u8..=3).prop_map(|(address, len, sure)| Entry {
            prefix: Prefix::containing(address, len),
            says: Listing::Deny(sure),
            until: None,
            note: Note::NONE,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// Sorting by short keys is sorting, and of equal prefixes the most confident one stays.
        #[test]
        fn short_keys_sort(entries in prop::collection::vec(entry(), 0..200)) {
            let mut plain = entries.clone();
            plain.sort_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| strength(b).cmp(&strength(a))));
            plain.dedup_by_key(|entry| entry.prefix);
            prop_assert_eq!(sorted(&entries), plain);
        }
    }
}
