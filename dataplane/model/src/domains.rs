//! Flat tables of domain names: RPZ triggers, name lists.
//!
//! Built by the control plane, which also takes it back; read by workers, for a million names as well. A table is a tree
//! by labels from the top, without pointers: every node is found by a hash of its path, so that a name costs three
//! cache lines for each of its labels that the table knows, and for one more. A name that is asked for is in wire form,
//! not compressed and in lower case, as `Name::lowered` of `repute-wire` and [`DomainName::as_bytes`] give it.
//!
//! What always holds: tables of the same entries in the same order are equal, and nothing changes once built. The hash
//! has no secret: what is in a table comes from the operator's own config and feeds, and whoever asks can only find it.

mod build;

use repute_memory::Table;

use crate::DomainName;

/// A name has at most so many labels.
const LABELS_MAX: usize = 127;

/// An immutable map from domain names to values. A name that begins with an asterisk stands for all below the rest of it,
/// itself not included.
///
/// A million names with values of four bytes (and a niche) take at most 64 bytes each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DomainTable<V: Copy> {
    /// What is said of the root, which is no node.
    root: Says<V>,
    /// How many nodes have hashes below those of this slot.
    top: Table<u32>,
    /// Bits of a hash that lie below those of its slot.
    shift: u32,
    nodes: Table<Node<V>>,
    /// The labels of the nodes, each behind its length.
    labels: Table<u8>,
}

/// What a table says of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Says<V> {
    /// Of itself.
    here: Option<V>,
    /// Of all below it.
    below: Option<V>,
}

/// A name that is listed, or has one that is listed below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Node<V> {
    /// The lower half of its hash.
    tag: u32,
    /// The node above it.
    parent: u32,
    /// Where its first label stands.
    label: u32,
    says: Says<V>,
}

/// The parent of those at the top.
const ROOT: u32 = u32::MAX;

impl<V> Says<V> {
    const NOTHING: Self = Self { here: None, below: None };
}

impl<V: Copy> Default for DomainTable<V> {
    fn default() -> Self {
        let (top, nodes, labels) = (Table::default(), Table::of(&[]), Table::default());
        Self { root: Says::NOTHING, top, shift: 0, nodes, labels }
    }
}

impl<V: Copy> DomainTable<V> {
    /// So many entries a table takes at most: what lies behind is numbered in 32 bits.
    pub const ENTRIES_MAX: usize = 1 << 24;

    /// Builds the table; of two equal names the later one counts. `None` where there are more than
    /// [`ENTRIES_MAX`](Self::ENTRIES_MAX).
    pub fn new(entries: impl IntoIterator<Item = (DomainName, V)>) -> Option<Self> {
        build::table(entries)
    }

    /// The value of what names `name` most closely: itself, else the longest of the wildcards above it. What lists mean.
    pub fn get(&self, name: &[u8]) -> Option<V> {
        let way = self.walk(name)?;
        if way.whole { way.last.here.or(way.above) } else { way.last.below.or(way.above) }
    }

    /// The value that a zone of these names has at `name`: its own, else, where the zone does not have that name, that of
    /// the wildcard right below the longest name above it that the zone has (RFC 4592, 3.3.1). What RPZ means.
    pub fn in_zone(&self, name: &[u8]) -> Option<V> {
        let way = self.walk(name)?;
        if way.whole { way.last.here } else { way.last.below }
    }

    /// The name that stands in the table for what [`in_zone`](Self::in_zone) finds: itself, or a wildcard.
    pub fn owner_in_zone(&self, name: &[u8]) -> Option<DomainName> {
        let way = self.walk(name)?;
        self.in_zone(name)?;
        let mut starts = [0; LABELS_MAX];
        let count = starts_of(name, &mut starts)?;
        let from = starts[..count].iter().rev().take(way.known).next_back();
        let known = name.get(from.map_or(name.len() - 1, |&from| from.into())..)?;
        if way.whole {
            DomainName::from_wire(known)
        } else {
            DomainName::from_wire(&[b"\x01*", known].concat())
        }
    }

    /// Follows `name` from the top as far as the table goes.
    fn walk(&self, name: &[u8]) -> Option<Way<V>> {
        let mut starts = [0; LABELS_MAX];
        let count = starts_of(name, &mut starts)?;
        let mut way = Way { last: self.root, above: None, whole: true, known: 0 };
        let (mut at, mut hash) = (ROOT, SEED);
        for &start in starts[..count].iter().rev() {
            let label = label_at(name, start.into())?;
            hash = step(hash, label);
            let Some(next) = self.child(at, hash, label) else {
                way.whole = false;
                break;
            };
            way.above = way.last.below.or(way.above);
            way.last = self.nodes[next as usize].says;
            way.known += 1;
            at = next;
        }
        Some(way)
    }

    /// The node of `label` below the node `parent`.
    fn child(&self, parent: u32, hash: u64, label: &[u8]) -> Option<u32> {
        let slot = (hash >> self.shift) as usize;
        let &[from, to] = self.top.get(slot..)?.first_chunk()?;
        (from..to).find(|&at| {
            let node = &self.nodes[at as usize];
            node.tag == hash as u32
                && node.parent == parent
                && label_at(&self.labels, node.label as usize) == Some(label)
        })
    }

    /// Whether no name is listed.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.root.here.is_none() && self.root.below.is_none()
    }

    /// What the table occupies beside itself, in bytes.
    pub fn bytes(&self) -> usize {
        self.top.bytes() + self.nodes.bytes() + self.labels.bytes()
    }
}

/// How far a name was followed.
struct Way<V> {
    /// What is said at the last name on the way that the table has.
    last: Says<V>,
    /// The longest wildcard above that one.
    above: Option<V>,
    /// Whether that one is the name itself.
    whole: bool,
    /// How many labels that one has.
    known: usize,
}

/// Where the labels of a name start, the most specific first; how many there are. `None` = it is no name.
fn starts_of(name: &[u8], starts: &mut [u8; LABELS_MAX]) -> Option<usize> {
    let (mut at, mut count) = (0, 0);
    loop {
        match *name.get(at)? {
            0 => return Some(count),
            len => {
                *starts.get_mut(count)? = u8::try_from(at).ok()?;
                count += 1;
                at += 1 + usize::from(len);
            }
        }
    }
}

/// The label at `start`, without its length.
fn label_at(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let (&len, rest) = bytes.get(start..)?.split_first()?;
    rest.get(..usize::from(len))
}

/// The hash of the root.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of the name that `label` makes of the one whose hash is `above`: a folded multiply of eight bytes at a time
/// (the construction of wyhash).
fn step(above: u64, label: &[u8]) -> u64 {
    let (words, rest) = label.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let begin = above ^ (label.len() as u64).rotate_left(56);
    words.iter().chain([&last]).fold(begin, |hash, word| {
        let wide = u128::from(hash ^ u64::from_le_bytes(*word)) * u128::from(FACTOR);
        wide as u64 ^ (wide >> 64) as u64
    })
}
