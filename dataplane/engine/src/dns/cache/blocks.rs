//! Memory of equal blocks, chained: room for answers of any length without searching for it.
//!
//! Called by the cache alone. Always holds: every block is in the chain of one answer or in the free one; none is ever
//! allocated or freed.

use repute_memory::Table;

/// Bytes of a block that hold something.
const DATA: usize = 124;
/// Behind the last block of a chain.
const END: u32 = u32::MAX;

/// Two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Block {
    next: u32,
    data: [u8; DATA],
}

#[derive(Debug)]
pub(super) struct Blocks {
    blocks: Table<Block>,
    free: u32,
    left: u32,
}

impl Blocks {
    /// As many blocks as fit into `bytes`, at most 2^31.
    pub fn new(bytes: usize) -> Self {
        let count = (bytes / size_of::<Block>()).min(1 << 31);
        let mut blocks = Table::new(count, Block { next: END, data: [0; DATA] });
        for (next, block) in (1..).zip(blocks.iter_mut()) {
            block.next = if next as usize == count { END } else { next };
        }
        Self { blocks, free: if count == 0 { END } else { 0 }, left: count as u32 }
    }

    /// Whether `parts`, one behind the other, can be put.
    pub fn have_room(&self, parts: &[&[u8]]) -> bool {
        blocks_of(parts) <= self.left as usize
    }

    /// Whether they could be put if nothing else were.
    pub fn could_hold(&self, parts: &[&[u8]]) -> bool {
        blocks_of(parts) <= self.blocks.len()
    }

    /// Puts `parts` one behind the other; where they begin. `None`, and nothing is changed, without room.
    pub fn put(&mut self, parts: &[&[u8]]) -> Option<u32> {
        if !self.have_room(parts) {
            return None;
        }
        let (first, count) = (self.free, blocks_of(parts));
        let (mut last, mut filled) = (first, 0);
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                if filled == DATA {
                    (last, filled) = (self.blocks[last as usize].next, 0);
                }
                let place = &mut self.blocks[last as usize].data[filled..];
                let (now, later) = rest.split_at(rest.len().min(place.len()));
                place[..now.len()].copy_from_slice(now);
                (filled, rest) = (filled + now.len(), later);
            }
        }
        self.free = std::mem::replace(&mut self.blocks[last as usize].next, END);
        self.left -= count as u32;
        Some(first)
    }

    /// Gives back the chain that begins with `first`.
    pub fn give_back(&mut self, first: u32) {
        let (mut last, mut count) = (first, 1);
        while self.blocks[last as usize].next != END {
            last = self.blocks[last as usize].next;
            count += 1;
        }
        self.blocks[last as usize].next = self.free;
        self.free = first;
        self.left += count;
    }

    /// Whether the chain that begins with `first` begins with these bytes.
    pub fn begin_with(&self, first: u32, bytes: &[u8]) -> bool {
        let mut chain = self.chain(first);
        bytes.chunks(DATA).all(|chunk| chain.next().is_some_and(|data| data.starts_with(chunk)))
    }

    /// Bytes of the chain that begins with `first`, those from `from` on, where they lie in its first block.
    pub fn at_once(&self, first: u32, from: usize, len: usize) -> Option<&[u8]> {
        self.blocks.get(first as usize)?.data.get(from..from + len)
    }

    /// Copies bytes of the chain that begins with `first`, those from `from` on, as many as `into` takes.
    #[inline]
    pub fn read(&self, first: u32, from: usize, into: &mut [u8]) {
        let (mut at, mut skip, mut rest) = (first, from, into);
        while !rest.is_empty() {
            let Some(block) = self.blocks.get(at as usize) else { return };
            if let Some(data) = block.data.get(skip..) {
                let (place, more) = rest.split_at_mut(data.len().min(rest.len()));
                place.copy_from_slice(&data[..place.len()]);
                (skip, rest) = (0, more);
            } else {
                skip -= DATA;
            }
            at = block.next;
        }
    }

    /// Bytes of all blocks that are taken.
    pub fn bytes_taken(&self) -> usize {
        (self.blocks.len() - self.left as usize) * size_of::<Block>()
    }

    /// Bytes of all blocks.
    pub fn memory(&self) -> usize {
        self.blocks.bytes()
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = &[u8; DATA]> {
        let mut at = first;
        std::iter::from_fn(move || {
            let block = self.blocks.get(at as usize)?;
            at = block.next;
            Some(&block.data)
        })
    }
}

fn blocks_of(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum::<usize>().div_ceil(DATA).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_and_begins_as_it_did() {
        let mut blocks = Blocks::new(128 * 9 + 5);
        let long: Vec<u8> = (0..400).map(|i| i as u8).collect();
        let first = blocks.put(&[&long[..3], &long[3..]]).unwrap();
        assert_eq!(blocks.bytes_taken(), 4 * 128);
        for from in [0, 1, 123, 124, 125, 399] {
            let mut read = vec![0; 400 - from];
            blocks.read(first, from, &mut read);
            assert_eq!(read, long[from..], "{from}");
            let near = (from < DATA).then(|| &long[from..DATA]);
            assert_eq!(blocks.at_once(first, from, DATA.saturating_sub(from).max(1)), near);
        }
        for len in [0, 1, 124, 125, 400] {
            assert!(blocks.begin_with(first, &long[..len]));
            let mut other = long[..len].to_vec();
            if let Some(last) = other.last_mut() {
                *last ^= 1;
                assert!(!blocks.begin_with(first, &other), "{len}");
            }
        }
        assert_eq!(blocks.put(&[&[0; 124 * 5 + 1]]), None);
        let second = blocks.put(&[&[7; 124 * 5]]).unwrap();
        assert_eq!(blocks.put(&[&[1]]), None);
        blocks.give_back(first);
        blocks.give_back(second);
        assert_eq!(blocks.bytes_taken(), 0);
        assert!(blocks.put(&[&[2; 124 * 9]]).is_some());
    }

    #[test]
    fn without_memory_nothing_is_put() {
        assert_eq!(Blocks::new(127).put(&[&[]]), None);
    }
}
