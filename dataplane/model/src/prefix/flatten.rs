//! From nested prefixes to disjoint ranges: what a look-up searches instead of walking up a tree.
//!
//! Called when a table is built, never by a worker. **Always holds:** ranges come in ascending order, and of
//! two that touch the values differ.

use super::Prefix;

/// Calls `emit` with the start and the value of every range from `base` on; each lasts until the next begins.
///
/// `sorted` is ordered by first address and then by length (outer before inner, of two equal prefixes the one
/// that counts last) and holds nothing before `base`; `around` is the value where no prefix is.
pub(super) fn flatten<V: Copy + PartialEq>(
    base: u128,
    around: Option<V>,
    sorted: impl IntoIterator<Item = (Prefix, V)>,
    emit: impl FnMut(u128, Option<V>),
) {
    let mut ranges = Ranges { around, open: Vec::new(), next: (base, around), emitted: None, emit };
    for (prefix, value) in sorted {
        ranges.close_before(prefix.first().0);
        ranges.begin(prefix.first().0, Some(value));
        ranges.open.push((prefix.last().0, value));
    }
    ranges.close_before(u128::MAX);
    ranges.finish();
}

struct Ranges<V, F> {
    around: Option<V>,
    /// The prefixes around the place reached, each inside the one before it: last address and value.
    open: Vec<(u128, V)>,
    /// The range that has begun. Nothing is emitted before the next one begins elsewhere: an inner prefix or
    /// a duplicate may still take its place.
    next: (u128, Option<V>),
    /// The value of the range emitted last.
    emitted: Option<Option<V>>,
    emit: F,
}

impl<V: Copy + PartialEq, F: FnMut(u128, Option<V>)> Ranges<V, F> {
    /// Ends every open prefix that lies wholly before `start`.
    fn close_before(&mut self, start: u128) {
        while let Some(&(last, _)) = self.open.last() {
            if last >= start || last == u128::MAX {
                return;
            }
            self.open.pop();
            let outer = self.open.last().map(|&(_, value)| value);
            self.begin(last + 1, outer.or(self.around));
        }
    }

    fn begin(&mut self, start: u128, value: Option<V>) {
        if self.next.0 != start {
            self.finish();
        }
        self.next = (start, value);
    }

    fn finish(&mut self) {
        let (start, value) = self.next;
        if self.emitted != Some(value) {
            (self.emit)(start, value);
            self.emitted = Some(value);
        }
    }
}
