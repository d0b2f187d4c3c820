//! How a table of names is built.
//!
//! Called by [`DomainTable::new`] alone, off every hot path. **Always holds:** names are added in the order of their
//! labels from the top, so that the node above the next one is always on the way to the last one.

use repute_memory::Table;

use super::{DomainTable, Node, ROOT, SEED, Says, label_at, step};
use crate::DomainName;

/// The table of `entries`; `None` where there are too many.
pub(super) fn table<V: Copy>(entries: impl IntoIterator<Item = (DomainName, V)>) -> Option<DomainTable<V>> {
    let mut sorted: Vec<(Box<[u8]>, V)> = Vec::new();
    for (name, value) in entries {
        if sorted.len() == DomainTable::<V>::ENTRIES_MAX {
            return None;
        }
        sorted.push((from_the_top(&name), value));
    }
    // Stable: of equal names the later one stays behind, and counts.
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut builder = Builder::new();
    for (name, value) in &sorted {
        builder.add(name, *value);
    }
    drop(sorted);
    Some(builder.finish())
}

/// The labels of a name from the top, each behind its length, without the root: names below another one begin with it.
fn from_the_top(name: &DomainName) -> Box<[u8]> {
    let labels: Vec<&[u8]> = name.labels().collect();
    let mut key = Vec::with_capacity(name.as_bytes().len() - 1);
    for label in labels.into_iter().rev() {
        key.push(label.len() as u8);
        key.extend_from_slice(label);
    }
    key.into()
}

/// A name that leads to the last one that was added.
struct Step {
    /// Where it ends in that name.
    end: usize,
    node: u32,
    hash: u64,
}

struct Builder<V> {
    root: Says<V>,
    nodes: Vec<(u64, Node<V>)>,
    labels: Vec<u8>,
    last: Vec<u8>,
    way: Vec<Step>,
}

impl<V: Copy> Builder<V> {
    fn new() -> Self {
        let root = Says::NOTHING;
        Self { root, nodes: Vec::new(), labels: Vec::new(), last: Vec::new(), way: Vec::new() }
    }

    /// Adds a name that is not below the last one in order.
    fn add(&mut self, name: &[u8], value: V) {
        let common = self.last.iter().zip(name).take_while(|(ours, theirs)| ours == theirs).count();
        while self.way.last().is_some_and(|step| step.end > common) {
            self.way.pop();
        }
        let mut at = self.way.last().map_or(0, |step| step.end);
        while let Some(label) = label_at(name, at) {
            let end = at + 1 + label.len();
            if label == b"*" && end == name.len() {
                self.says().below = Some(value);
                break;
            }
            self.descend(label, end);
            at = end;
        }
        if at == name.len() {
            self.says().here = Some(value);
        }
        self.last.clear();
        self.last.extend_from_slice(name);
    }

    fn descend(&mut self, label: &[u8], end: usize) {
        let (parent, above) = self.way.last().map_or((ROOT, SEED), |step| (step.node, step.hash));
        let hash = step(above, label);
        let node = self.nodes.len() as u32;
        let at = self.labels.len() as u32;
        self.labels.push(label.len() as u8);
        self.labels.extend_from_slice(label);
        self.nodes.push((hash, Node { tag: hash as u32, parent, label: at, says: Says::NOTHING }));
        self.way.push(Step { end, node, hash });
    }

    /// What is said at the end of the way.
    fn says(&mut self) -> &mut Says<V> {
        match self.way.last() {
            Some(step) => &mut self.nodes[step.node as usize].1.says,
            None => &mut self.root,
        }
    }

    /// The nodes in the order of their hashes, behind a direct table over the leading bits.
    fn finish(self) -> DomainTable<V> {
        let Self { root, nodes, labels, .. } = self;
        if nodes.is_empty() {
            return DomainTable { root, ..DomainTable::default() };
        }
        let mut order: Vec<u32> = (0..nodes.len() as u32).collect();
        // The number decides between equal hashes, so that equal entries make equal tables.
        order.sort_unstable_by_key(|&old| (nodes[old as usize].0, old));
        let mut place = vec![0; nodes.len()];
        for (new, &old) in (0u32..).zip(&order) {
            place[old as usize] = new;
        }
        let slots = nodes.len().next_power_of_two().max(2);
        let shift = u64::BITS - slots.trailing_zeros();
        let mut top = vec![0; slots + 1];
        for (hash, _) in &nodes {
            top[(hash >> shift) as usize + 1] += 1;
        }
        for slot in 0..slots {
            top[slot + 1] += top[slot];
        }
        let sorted = order.iter().map(|&old| {
            let node = nodes[old as usize].1;
            Node { parent: place.get(node.parent as usize).copied().unwrap_or(ROOT), ..node }
        });
        let nodes: Vec<Node<V>> = sorted.collect();
        DomainTable {
            root,
            top: Table::of(&top),
            shift,
            nodes: Table::of(&nodes),
            labels: Table::of(&labels),
        }
    }
}
