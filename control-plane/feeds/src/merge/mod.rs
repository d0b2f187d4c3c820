//! All feeds joined: the table that workers read, and who said what.
//!
//! Called by the daemon whenever a feed changed, an entry ended ([`Merged::next_end`]) or the shape did; the table goes
//! into the policy. The longest prefix counts, of equal ones the most confident; allowed space wins over every deny
//! inside it, and space that must not be denied is cut out.
//!
//! **Always holds:** equal imports in equal order give equal tables, and [`Merged::who`] names every entry from which
//! the table's answer comes.

mod cut;
mod index;
mod lures;
mod reserved;

use std::sync::Arc;
use std::time::SystemTime;

use repute_model::{Address, Listing, Prefix, PrefixTable};

use crate::entry::Until;
use crate::import::Import;
use cut::Space;
use index::{Index, Row};

pub use lures::{Lure, Lures};
pub use reserved::RESERVED;

/// What no deny entry may touch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// Prefixes of one's own hosts.
    pub inside: Vec<Prefix>,
    /// Whether private and reserved space (RFC 6890 and its successors, [`RESERVED`]) is cut as well: where inside
    /// sources are judged that are numbered from it.
    pub reserved: bool,
}

/// What was cut from one feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cuts {
    /// Entries that lie wholly in space that must not be denied: they do not count.
    pub whole: u64,
    /// Entries of which a part was cut out.
    pub partly: u64,
    /// The first of all of these.
    pub first: Option<Prefix>,
}

impl Cuts {
    fn count(&mut self, prefix: Prefix, whole: bool) {
        *(if whole { &mut self.whole } else { &mut self.partly }) += 1;
        self.first.get_or_insert(prefix);
    }
}

/// One entry that names an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<'a> {
    /// The feed that says it.
    pub feed: &'a str,
    /// The prefix it says it about.
    pub prefix: Prefix,
    /// What it says.
    pub says: Listing,
    /// Until when.
    pub until: Option<Until>,
    /// What the feed calls the entry; may be empty.
    pub note: &'a str,
    /// Whether the address is in space that was cut from this entry: it says so, and it does not count.
    pub cut: bool,
}

/// All feeds at one moment.
///
/// Memory beside the imports, which are shared: 32 bytes an entry for the index, and the table (8 to 12 bytes an IPv4
/// entry, 2 to 4 MiB; see [`PrefixTable`]).
#[derive(Debug, Default)]
pub struct Merged {
    table: PrefixTable<Listing>,
    index: Index,
    feeds: Vec<(Arc<str>, Arc<Import>)>,
    cuts: Vec<Cuts>,
    space: Space,
    next_end: Option<Until>,
}

/// So many feeds are joined at most; the rest is left out.
pub const FEEDS_MAX: usize = u16::MAX as usize;

impl Merged {
    /// Joins the last good imports of all feeds, without what has ended at `now`.
    pub fn new(feeds: &[(Arc<str>, Arc<Import>)], shape: &Shape, now: SystemTime) -> Self {
        let feeds = feeds[..feeds.len().min(FEEDS_MAX)].to_vec();
        let space = Space::new(shape);
        let index = Index::new(&feeds, now);
        let mut cuts = vec![Cuts::default(); feeds.len()];
        let table = PrefixTable::new(counting(&index, &feeds, &space, &mut cuts));
        let next_end = feeds.iter().filter_map(|(_, import)| import.next_end(now)).min();
        Self { table, index, feeds, cuts, space, next_end }
    }

    /// What workers look up.
    pub fn table(&self) -> &PrefixTable<Listing> {
        &self.table
    }

    /// The same, to be moved into a policy.
    pub fn take_table(&mut self) -> PrefixTable<Listing> {
        std::mem::take(&mut self.table)
    }

    /// Every entry that names `address`, the one that counts most first: allowed ones, then the longest prefix, then
    /// the most confident. O(log n + entries around the address).
    pub fn who(&self, address: Address) -> Vec<Found<'_>> {
        let cut = self.space.contains(address);
        let mut found: Vec<_> = self.index.around(address).map(|row| self.found(row, cut)).collect();
        // Rows come from the inside out; a stable sort only brings allowed ones forward.
        found.sort_by_key(|found| found.says != Listing::Allow);
        found
    }

    /// All entries, ascending by prefix: what `feed show` lists.
    pub fn entries(&self) -> impl Iterator<Item = Found<'_>> {
        self.index.rows().iter().map(|row| self.found(row, self.space.around(row.prefix()).is_some()))
    }

    fn found(&self, row: &Row, cut: bool) -> Found<'_> {
        let (feed, import) = &self.feeds[usize::from(row.feed)];
        let entry = import.entries()[row.entry as usize];
        let note = import.note(entry.note);
        let cut = cut && entry.says != Listing::Allow && !import.uncut;
        Found { feed, prefix: entry.prefix, says: entry.says, until: entry.until, note, cut }
    }

    /// Names and what was cut of each, in the order in which the feeds were given.
    pub fn cuts(&self) -> impl Iterator<Item = (&str, Cuts)> {
        self.feeds.iter().zip(&self.cuts).map(|((feed, _), cuts)| (&**feed, *cuts))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.index.rows().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.rows().is_empty()
    }

    /// When the next entry ends: join again then.
    pub fn next_end(&self) -> Option<Until> {
        self.next_end
    }

    /// Bytes of the table and of the index; the imports are not counted.
    pub fn bytes(&self) -> usize {
        self.table.bytes() + self.index.bytes()
    }
}

/// What goes into the table: of every row what is neither under an allowed prefix nor cut out; the later of two equal
/// prefixes counts there.
fn counting(
    index: &Index,
    feeds: &[(Arc<str>, Arc<Import>)],
    space: &Space,
    cuts: &mut [Cuts],
) -> impl Iterator<Item = (Prefix, Listing)> {
    // The last address of the outermost allowed prefix that was passed.
    let mut allowed_to = None;
    let mut walk = space.walk();
    index.rows().iter().flat_map(move |row| {
        let import = &feeds[usize::from(row.feed)].1;
        let says = import.entries()[row.entry as usize].says;
        let prefix = row.prefix();
        let overruled = allowed_to.is_some_and(|last| prefix.last() <= last);
        let touched = !overruled && walk.touches(prefix);
        let allowed = says == Listing::Allow && !overruled;
        if allowed {
            allowed_to = Some(prefix.last());
        }
        // An allowed prefix stays whole, and so does what the box says itself. Its parts come along: what was cut from a wider deny may have left equal
        // ones, which are longer than the prefix.
        let parts = touched.then(|| space.without(prefix));
        let stays = allowed || (import.uncut && !overruled);
        if touched && !stays {
            cuts[usize::from(row.feed)].count(prefix, space.without(prefix).next().is_none());
        }
        let whole = (stays || !(touched || overruled)).then_some(prefix);
        whole.into_iter().chain(parts.into_iter().flatten()).map(move |prefix| (prefix, says))
    })
}
