//! Space that must not be denied, and prefixes without it.

use repute_model::{Address, Prefix};

use super::Shape;
use super::reserved::RESERVED;

/// Disjoint prefixes, ascending.
#[derive(Debug, Default)]
pub(super) struct Space(Vec<Prefix>);

impl Space {
    pub fn new(shape: &Shape) -> Self {
        let reserved = if shape.reserved { RESERVED } else { &[] };
        let reserved = reserved.iter().map(|&(first, len)| Prefix::containing(first, len));
        let mut all: Vec<Prefix> = shape.inside.iter().copied().chain(reserved).collect();
        // In their order the wider ones come first.
        all.sort_unstable();
        all.dedup_by(|inner, outer| outer.contains(inner.first()));
        Self(all)
    }

    /// The part of the space that lies around all of `prefix`.
    pub fn around(&self, prefix: Prefix) -> Option<Prefix> {
        let after = self.0.partition_point(|part| part.first() <= prefix.first());
        let part = *self.0[..after].last()?;
        (part.len128() <= prefix.len128() && part.contains(prefix.first())).then_some(part)
    }

    pub fn contains(&self, address: Address) -> bool {
        self.around(Prefix::containing(address, 128)).is_some()
    }

    /// A look at the space for prefixes that ascend.
    pub fn walk(&self) -> Walk<'_> {
        Walk { ahead: &self.0 }
    }

    /// The parts that lie inside `prefix`.
    fn within(&self, prefix: Prefix) -> &[Prefix] {
        let from = self.0.partition_point(|part| part.first() < prefix.first());
        let to = self.0.partition_point(|part| part.first() <= prefix.last());
        &self.0[from..to.max(from)]
    }

    /// The widest prefixes that make up `prefix` without the space, ascending.
    pub fn without(&self, prefix: Prefix) -> impl Iterator<Item = Prefix> {
        let covered = self.around(prefix).is_some();
        let holes = if covered { &[] } else { self.within(prefix) };
        let mut next = (!covered).then_some(prefix.first().0);
        let mut holes = holes.iter();
        std::iter::from_fn(move || {
            // The gap before the next hole, empty ones passed over.
            loop {
                let start = next?;
                match holes.next() {
                    Some(hole) => {
                        next = hole.last().0.checked_add(1).filter(|&after| after <= prefix.last().0);
                        if hole.first().0 > start {
                            return Some((start, hole.first().0 - 1));
                        }
                    }
                    None => {
                        next = None;
                        return Some((start, prefix.last().0));
                    }
                }
            }
        })
        .flat_map(|(first, last)| crate::text::prefixes(Address(first), Address(last)))
    }
}

/// The parts of the space that are not behind yet.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    ahead: &'a [Prefix],
}

impl Walk<'_> {
    /// Whether any of the space is in `prefix`, or it in the space. No later call may ask for one that begins earlier.
    pub fn touches(&mut self, prefix: Prefix) -> bool {
        while let [part, rest @ ..] = self.ahead {
            if part.last() >= prefix.first() {
                return part.first() <= prefix.last();
            }
            self.ahead = rest;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn without(inside: &[&str], from: &str) -> Vec<String> {
        let inside = inside.iter().map(|text| prefix(text)).collect();
        let space = Space::new(&Shape { inside, reserved: false });
        let from = prefix(from);
        let parts: Vec<String> = space.without(from).map(|part| part.to_string()).collect();
        assert_eq!(space.walk().touches(from), parts != [from.to_string()], "{from}");
        parts
    }

    #[test]
    fn holes_are_cut_out() {
        assert_eq!(without(&["10.0.0.0/8"], "10.1.0.0/16"), [""; 0]);
        assert_eq!(without(&["10.0.0.0/8"], "10.0.0.0/8"), [""; 0]);
        assert_eq!(without(&["10.0.0.0/8"], "192.0.2.0/24"), ["192.0.2.0/24"]);
        assert_eq!(without(&["192.0.2.0/26"], "192.0.2.0/24"), ["192.0.2.64/26", "192.0.2.128/25"]);
        assert_eq!(
            without(&["192.0.2.64/26", "192.0.2.128/32", "192.0.2.64/30"], "192.0.2.0/24")[..3],
            ["192.0.2.0/26", "192.0.2.129/32", "192.0.2.130/31"]
        );
        assert_eq!(without(&["192.0.2.0/25", "192.0.2.128/25"], "192.0.2.0/24"), [""; 0]);
        let all = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128";
        assert_eq!(without(&[all], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127").len(), 1);
    }
}
