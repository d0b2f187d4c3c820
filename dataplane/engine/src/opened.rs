//! Connections of inspected sources whose first data is still to come: only there do ports keep what they promise.
//!
//! Asked by `worker/inspect.rs`. Always holds: the first data of a connection is the segment behind its SYN, and is found
//! once; of whom others needed the place nothing is checked.

use repute_memory::Table;

const WAYS: usize = 8;
/// Connections that are remembered.
const CONNECTIONS: usize = 8192;

/// Keys of first segments, the newest of each set first; 0 = free.
#[derive(Debug)]
pub struct Opened {
    sets: Table<[u32; WAYS]>,
}

impl Opened {
    /// Nothing was opened yet.
    pub fn new() -> Self {
        Self { sets: Table::new(CONNECTIONS / WAYS, [0; WAYS]) }
    }

    /// A connection was opened: `key` names the segment that comes first. The oldest of its set makes room.
    pub fn note(&mut self, key: u64) {
        let (set, tag) = self.place(key);
        let set = &mut self.sets[set];
        let end = set.iter().position(|&one| one == tag).unwrap_or(WAYS - 1);
        set[..=end].rotate_right(1);
        set[0] = tag;
    }

    /// Whether a segment is the first of a connection; from now on it is not.
    pub fn take(&mut self, key: u64) -> bool {
        let (set, tag) = self.place(key);
        let Some(at) = self.sets[set].iter().position(|&one| one == tag) else { return false };
        let set = &mut self.sets[set];
        set[at..].rotate_left(1);
        set[WAYS - 1] = 0;
        true
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    fn place(&self, key: u64) -> (usize, u32) {
        ((key >> 32) as usize & (self.sets.len() - 1), (key as u32).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_is_found_once() {
        let mut opened = Opened::new();
        opened.note(7);
        opened.note(7);
        assert!(opened.take(7));
        assert!(!opened.take(7) && !opened.take(8));
    }

    #[test]
    fn the_oldest_of_a_set_makes_room() {
        let mut opened = Opened::new();
        (1..=9).for_each(|key| opened.note(key));
        assert!(!opened.take(1));
        assert!((2..=9).all(|key| opened.take(key)));
    }
}
