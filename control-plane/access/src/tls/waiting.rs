//! Handshakes under way, bounded: who has to go when there is no room for another.
//!
//! **Always holds:** the newest is never the one that goes, so that however many clients dawdle, one that does
//! not gets through. What goes is the oldest of the address that has the most.

use std::net::IpAddr;

/// Handshakes under way, the oldest first. `T` is what ends one.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    max: usize,
    list: Vec<(u64, IpAddr, T)>,
    next: u64,
}

impl<T> Waiting<T> {
    /// Room for `max`, at least one.
    pub fn new(max: usize) -> Self {
        Self { max: max.max(1), list: Vec::new(), next: 0 }
    }

    /// One that has to end so that another can begin.
    pub fn make_room(&mut self) -> Option<T> {
        if self.list.len() < self.max {
            return None;
        }
        let of = |from: &IpAddr| self.list.iter().filter(|(_, other, _)| other == from).count();
        // The first of those with the most: `rev`, because `max_by_key` takes the last.
        let (at, _) = self.list.iter().enumerate().rev().max_by_key(|(_, (_, from, _))| of(from))?;
        Some(self.list.remove(at).2)
    }

    /// Adds one and names it.
    pub fn add(&mut self, from: IpAddr, end: impl FnOnce(u64) -> T) {
        let id = self.next;
        self.next += 1;
        self.list.push((id, from, end(id)));
    }

    /// One has ended by itself.
    pub fn remove(&mut self, id: u64) {
        self.list.retain(|(other, _, _)| *other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_the_greediest_goes() {
        let mut waiting = Waiting::new(4);
        for (end, host) in [(0, 1), (1, 2), (2, 2), (3, 1)] {
            assert_eq!(waiting.make_room(), None);
            waiting.add([192, 0, 2, host].into(), |_| end);
        }
        assert_eq!(waiting.make_room(), Some(0), "both have two: the oldest");
        waiting.add([192, 0, 2, 3].into(), |_| 4);
        assert_eq!(waiting.make_room(), Some(1), "192.0.2.2 has two, the others one");
        waiting.add([192, 0, 2, 3].into(), |_| 5);
        waiting.remove(4);
        assert_eq!(waiting.make_room(), None);
        assert_eq!(waiting.list.iter().map(|(_, _, end)| *end).collect::<Vec<_>>(), [2, 3, 5]);
    }
}
