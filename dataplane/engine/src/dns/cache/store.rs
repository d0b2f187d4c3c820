//! Answers in their blocks, and the shelf that knows them: both are changed together.
//!
//! Called by the cache alone. Always holds: every entry of the shelf has a chain of blocks of its own, and no other chain
//! is taken.

use super::blocks::Blocks;
use super::key::Key;
use super::shelf::{Entry, Shelf};

#[derive(Debug)]
pub(super) struct Store {
    pub blocks: Blocks,
    pub shelf: Shelf,
}

impl Store {
    /// The entry of `key`, whose hash is `hash`.
    pub fn find(&self, key: &Key, hash: u64) -> Option<u32> {
        self.shelf.find(hash, |entry| {
            usize::from(entry.key_len) == key.bytes().len()
                && self.blocks.begin_with(entry.first, key.bytes())
        })
    }

    /// Takes an entry away.
    pub fn remove(&mut self, at: u32) {
        self.blocks.give_back(self.shelf.get(at).first);
        self.shelf.remove(at);
    }

    /// Removes entries until one more with these parts fits, and tells of each. False, and nothing is removed, where it
    /// would not fit even into an empty store.
    pub fn make_room(
        &mut self,
        parts: &[&[u8]],
        may_be_given: impl Fn(&Entry) -> bool,
        mut gone: impl FnMut(&Entry),
    ) -> bool {
        if !self.blocks.could_hold(parts) {
            return false;
        }
        while !self.shelf.has_room() || !self.blocks.have_room(parts) {
            let Some(at) = self.shelf.next_to_go(&may_be_given) else { return false };
            gone(&self.shelf.get(at));
            self.remove(at);
        }
        true
    }

    /// Adds an entry with its parts, which are put where there is room; `None`, and nothing is changed, without room.
    pub fn add(&mut self, parts: &[&[u8]], entry: impl FnOnce(u32) -> Entry) -> Option<()> {
        if !self.shelf.has_room() {
            return None;
        }
        let first = self.blocks.put(parts)?;
        self.shelf.add(entry(first))
    }
}
