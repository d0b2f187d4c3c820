//! Rows that have something to publish, in the order in which it began.
//!
//! Called by [`super::Crowds`]. Always holds: a row is in it at most once, so that it never overflows.

use repute_memory::Table;

/// A queue of row numbers with a place for every row.
#[derive(Debug)]
pub(super) struct Due {
    places: Table<u32>,
    /// Rows that ever came, and that ever left.
    came: u32,
    left: u32,
}

impl Due {
    /// A queue for `rows` rows, a power of two.
    pub fn new(rows: u32) -> Self {
        Self { places: Table::new(rows as usize, 0), came: 0, left: 0 }
    }

    /// Adds a row that is not in it.
    #[inline(always)]
    pub fn push(&mut self, row: u32) {
        debug_assert!(self.len() < self.places.len() as u32, "a row is in it twice");
        let place = self.place(self.came);
        self.places[place] = row;
        self.came = self.came.wrapping_add(1);
    }

    /// The row that has waited longest.
    pub fn first(&self) -> Option<u32> {
        (self.len() > 0).then(|| self.places[self.place(self.left)])
    }

    /// Takes the first row out; there is one.
    pub fn leave(&mut self) {
        debug_assert!(self.len() > 0, "nobody waits");
        self.left = self.left.wrapping_add(1);
    }

    /// Rows that wait.
    pub fn len(&self) -> u32 {
        self.came.wrapping_sub(self.left)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.places.bytes()
    }

    #[inline(always)]
    fn place(&self, number: u32) -> usize {
        number as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_served_round_the_end_of_the_numbers() {
        let mut due = Due { came: u32::MAX - 2, left: u32::MAX - 2, ..Due::new(4) };
        assert_eq!(due.first(), None);
        for round in 0..10 {
            (0..4).for_each(|i| due.push(round + i));
            assert_eq!(due.len(), 4);
            for i in 0..4 {
                assert_eq!(due.first(), Some(round + i));
                due.leave();
            }
        }
        assert_eq!((due.first(), due.len()), (None, 0));
    }
}
