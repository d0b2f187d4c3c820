//! A timing wheel: what has to wait, in order of the tick at which it is due.
//!
//! Slots of one tick in a ring that spans the horizon (Varghese and Lauck, SOSP 1987; as a shaper: Carousel,
//! SIGCOMM 2017), each a queue in order of insertion: blocks of one cache line that number nodes of one arena, so that a
//! whole block of them is fetched at once when its turn has come. Used by [`super::Shaper`] and
//! [`super::ConnectionQueue`].
//!
//! Always holds: everything in the wheel is due within its reach from the tick it stands at; a slot's bit is
//! set exactly if its queue is not empty; every node is in one queue, free, or promised to the holder of a
//! [`Place`]. Only the slot at which it stands has a block of which something was taken, so that blocks never run out.
//! Time without anything due costs nothing to cross, however long. When the wheel is full,
//! [`Wheel::reserve`] says so; nothing that was put in is ever given up.

use repute_memory::prefetch;
use repute_model::Tick;

use super::bitmap::Bitmap;

/// No node or block.
const NIL: u32 = u32::MAX;
/// Nodes in a block.
pub(super) const BLOCK: usize = 15;

/// Some nodes of a queue, one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Block {
    nodes: [u32; BLOCK],
    /// The next one of its queue, or the next free one.
    next: u32,
}

/// A queue of blocks.
#[derive(Clone, Copy, Debug)]
struct Queue {
    head: u32,
    tail: u32,
    /// How many nodes of its first block have been taken, and how many its last one has had.
    taken: u8,
    filled: u8,
}

const EMPTY: Queue = Queue { head: NIL, tail: NIL, taken: 0, filled: 0 };

/// Room for one thing in the wheel that gave it; lost for good if it is not filled.
#[derive(Debug)]
#[must_use = "a place that is never filled is lost"]
pub struct Place(u32);

/// Things that wait for their tick.
#[derive(Debug)]
pub struct Wheel<T> {
    nodes: Box<[Option<T>]>,
    /// Free nodes, the next one last: a list through the nodes themselves would have to wait for each of them.
    free: Vec<u32>,
    blocks: Box<[Block]>,
    /// The first free block.
    free_block: u32,
    /// One queue a tick; their number is a power of two.
    slots: Box<[Queue]>,
    occupied: Bitmap,
    /// Where it stands: nothing is due before.
    now: Tick,
    len: u32,
}

impl<T> Wheel<T> {
    /// A wheel that reaches at least `horizon_ms` ticks ahead (at most 262 143) and has room for `capacity`
    /// things. All the memory it will ever need.
    pub fn new(horizon_ms: u32, capacity: u32) -> Self {
        let slots = (horizon_ms as usize + 1).next_power_of_two().min(Bitmap::MAX);
        let next = |at: u32, len: u32| if at + 1 < len { at + 1 } else { NIL };
        // Full ones, one that is not in each slot, and one of which something was taken.
        let blocks = capacity.div_ceil(BLOCK as u32) + capacity.min(slots as u32) + 1;
        let block = |at| Block { nodes: [NIL; BLOCK], next: next(at, blocks) };
        Self {
            nodes: (0..capacity).map(|_| None).collect(),
            free: (0..capacity).rev().collect(),
            blocks: (0..blocks).map(block).collect(),
            free_block: 0,
            slots: vec![EMPTY; slots].into(),
            occupied: Bitmap::new(slots),
            now: Tick(0),
            len: 0,
        }
    }

    /// How many ticks ahead something may be due.
    pub fn reach(&self) -> u64 {
        self.slots.len() as u64 - 1
    }

    /// How many things wait.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many things may wait.
    pub fn capacity(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Takes room for one thing; `None` = full.
    #[inline]
    pub fn reserve(&mut self) -> Option<Place> {
        self.free.pop().map(Place)
    }

    /// Asks the CPU for what it takes to [`fill`](Self::fill) a place.
    #[inline(always)]
    pub fn fetch(&self, place: &Place, at: Tick) {
        self.nodes.get(place.0 as usize).into_iter().for_each(prefetch);
        self.slots.get(self.slot(at)).into_iter().for_each(prefetch);
    }

    /// Puts a thing behind what is due at the same tick. What should have left already is due where the
    /// wheel stands; what is beyond its reach is due at the end of it.
    #[inline(always)]
    pub fn fill(&mut self, place: Place, at: Tick, value: T) {
        let Place(node) = place;
        let at = at.0.clamp(self.now.0, self.now.0.saturating_add(self.reach()));
        let slot = self.slot(Tick(at));
        self.nodes[node as usize] = Some(value);
        let Queue { head, tail, filled, .. } = self.slots[slot];
        if head == NIL {
            let first = self.take_block();
            self.slots[slot] = Queue { head: first, tail: first, ..EMPTY };
            self.occupied.set(slot);
        } else if usize::from(filled) == BLOCK {
            let next = self.take_block();
            self.blocks[tail as usize].next = next;
            (self.slots[slot].tail, self.slots[slot].filled) = (next, 0);
        }
        let queue = &mut self.slots[slot];
        self.blocks[queue.tail as usize].nodes[usize::from(queue.filled)] = node;
        queue.filled += 1;
        self.len += 1;
    }

    fn take_block(&mut self) -> u32 {
        let block = self.free_block;
        self.free_block = self.blocks[block as usize].next;
        block
    }

    fn give_block(&mut self, block: u32) {
        self.blocks[block as usize].next = std::mem::replace(&mut self.free_block, block);
    }

    /// The tick of what is due first.
    #[inline]
    pub fn next(&self) -> Option<Tick> {
        if self.len == 0 {
            return None;
        }
        let here = self.slot(self.now);
        let slot = self.occupied.next(here).or_else(|| self.occupied.next(0))?;
        let ahead = slot.wrapping_sub(here) & (self.slots.len() - 1);
        Some(Tick(self.now.0 + ahead as u64))
    }

    /// Whether it stands at `now` and nothing there is due any more.
    pub fn is_past(&self, now: Tick) -> bool {
        self.now == now && self.next().is_none_or(|next| next > now)
    }

    /// The first thing that is due at `now`: the earliest tick first, within a tick in order of insertion.
    /// `None` = nothing (more) is due, and the wheel stands at `now`.
    #[inline]
    pub fn pop_due(&mut self, now: Tick) -> Option<T> {
        match self.next() {
            Some(at) if at <= now => self.pop_at(at),
            _ => {
                self.now = self.now.max(now);
                None
            }
        }
    }

    /// The first thing of all, due or not; the wheel stands at its tick then.
    pub fn pop(&mut self) -> Option<T> {
        self.pop_at(self.next()?)
    }

    fn pop_at(&mut self, at: Tick) -> Option<T> {
        self.now = at;
        let slot = self.slot(at);
        let node = self.take_first(slot)?;
        self.free.push(node);
        self.len -= 1;
        self.nodes.get_mut(node as usize)?.take()
    }

    /// Takes the first node out of the queue of a slot.
    fn take_first(&mut self, slot: usize) -> Option<u32> {
        let queue = &mut self.slots[slot];
        let block = self.blocks.get(queue.head as usize)?;
        if queue.taken == 0 {
            // What is taken next, and the block that comes behind it.
            block.nodes.iter().filter_map(|&node| self.nodes.get(node as usize)).for_each(prefetch);
            self.blocks.get(block.next as usize).into_iter().for_each(prefetch);
        }
        let (node, next) = (*block.nodes.get(usize::from(queue.taken))?, block.next);
        let head = queue.head;
        queue.taken += 1;
        if head == queue.tail && queue.taken == queue.filled {
            *queue = EMPTY;
            self.occupied.clear(slot);
            self.give_block(head);
        } else if usize::from(queue.taken) == BLOCK {
            (queue.head, queue.taken) = (next, 0);
            self.give_block(head);
        }
        Some(node)
    }

    fn slot(&self, at: Tick) -> usize {
        at.0 as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(wheel: &mut Wheel<u32>, at: u64, value: u32) {
        let place = wheel.reserve().unwrap();
        wheel.fill(place, Tick(at), value);
    }

    fn due(wheel: &mut Wheel<u32>, now: u64) -> Vec<u32> {
        std::iter::from_fn(|| wheel.pop_due(Tick(now))).collect()
    }

    #[test]
    fn time_first_then_order_of_insertion() {
        let mut wheel = Wheel::new(1000, 8);
        for (at, value) in [(7, 1), (3, 2), (7, 3), (3, 4), (0, 5)] {
            put(&mut wheel, at, value);
        }
        assert_eq!((wheel.len(), wheel.next()), (5, Some(Tick(0))));
        assert_eq!(due(&mut wheel, 6), [5, 2, 4]);
        assert_eq!(wheel.next(), Some(Tick(7)));
        assert_eq!(due(&mut wheel, 1 << 40), [1, 3]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn late_things_are_due_now_and_far_ones_at_the_end_of_the_reach() {
        let mut wheel = Wheel::new(63, 8);
        assert_eq!(due(&mut wheel, 1000), []);
        put(&mut wheel, 5, 1);
        put(&mut wheel, 9_999, 2);
        assert_eq!(wheel.next(), Some(Tick(1000)));
        assert_eq!(due(&mut wheel, 1062), [1]);
        assert_eq!(wheel.next(), Some(Tick(1063)));
        assert_eq!(due(&mut wheel, 500), []);
        assert_eq!(due(&mut wheel, 1063), [2]);
    }

    #[test]
    fn blocks_never_run_out_and_keep_the_order() {
        // Slots of one thing each, one that is full, and one that is filled again while it is emptied.
        let mut wheel = Wheel::new(63, 80);
        for round in 0..200 {
            let now = round * 64;
            assert_eq!(due(&mut wheel, now), []);
            for at in 1..=40 {
                put(&mut wheel, now + at, at as u32);
            }
            for value in 41..=80 {
                put(&mut wheel, now + 41, value);
            }
            assert!(wheel.reserve().is_none());
            assert_eq!(due(&mut wheel, now + 40), (1..=40).collect::<Vec<_>>());
            let some: Vec<_> = (0..20).filter_map(|_| wheel.pop_due(Tick(now + 41))).collect();
            (81..=100).for_each(|value| put(&mut wheel, now + 41, value));
            let rest = due(&mut wheel, now + 41);
            assert_eq!([some, rest].concat(), (41..=100).collect::<Vec<_>>());
            assert!(wheel.is_empty());
        }
    }

    #[test]
    fn a_place_counts_from_its_reservation_on() {
        let mut wheel = Wheel::new(10, 2);
        let places = [wheel.reserve().unwrap(), wheel.reserve().unwrap()];
        assert!(wheel.reserve().is_none() && wheel.is_empty());
        for (place, value) in places.into_iter().zip([1, 2]) {
            wheel.fill(place, Tick(4), value);
        }
        assert_eq!(wheel.pop(), Some(1));
        put(&mut wheel, 4, 3);
        assert!(wheel.reserve().is_none());
        assert_eq!((wheel.pop(), wheel.pop(), wheel.pop()), (Some(2), Some(3), None));
        assert!(Wheel::<u32>::new(10, 0).reserve().is_none());
    }
}
