//! The table alone: find and update, without packets, against DPDK's hash table.
//!
//! Called by row B17. The road is not used; a burst is 64 keys drawn in the same way for both.

use anyhow::{Context, ensure};
use dpdk::{BURST_MAX, Eal};
use repute_model::{Address, Limits, Policy, Source, Tick, Width};
use repute_reputation::{Rules, Shard, Sought};

use crate::contender::Contender;
use crate::road::Road;
use crate::rte_hash::{Key, RteTable};
use crate::stamp::{client, draw};

/// Draws keys.
#[derive(Clone, Debug)]
struct Draws {
    state: u64,
    keys: u32,
}

impl Draws {
    const fn new(keys: u32) -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15, keys }
    }

    #[inline]
    fn next(&mut self) -> Address {
        Address::v4(client(draw(&mut self.state, self.keys)))
    }
}

/// Draws and does nothing else: what both pay.
#[derive(Debug)]
pub struct DrawsAlone(Draws);

impl DrawsAlone {
    /// Among so many keys.
    pub const fn new(keys: u32) -> Self {
        Self(Draws::new(keys))
    }
}

impl Contender for DrawsAlone {
    fn burst(&mut self, _road: &mut Road, _now: u64) -> usize {
        for _ in 0..BURST_MAX {
            std::hint::black_box(self.0.next());
        }
        BURST_MAX
    }
}

/// The product's table.
#[derive(Debug)]
pub struct OwnTable {
    shard: Shard,
    draws: Draws,
}

impl OwnTable {
    /// A table that knows so many keys.
    ///
    /// # Errors
    /// One got no entry, or the policy judges no outside source.
    pub fn new(keys: u32, limits: &Limits, policy: &Policy) -> anyhow::Result<Self> {
        let profile = policy.ingress.as_ref().context("the policy has no ingress profile")?;
        let rules = Rules { policy, profile };
        let mut shard = Shard::new(limits, 7);
        for key in 0..keys {
            let source = source(Address::v4(client(key)))?;
            // Under pressure a source gets its entry on the second sighting.
            let slot = (0..2).find_map(|_| shard.admit(source, profile.prior, rules, Tick(1)));
            ensure!(slot.is_some(), "key {key} of {keys} got no entry");
        }
        Ok(Self { shard, draws: Draws::new(keys) })
    }
}

fn source(address: Address) -> anyhow::Result<Source> {
    Source::of(address, Width::OUTSIDE).context("not an address that can send")
}

impl Contender for OwnTable {
    fn burst(&mut self, _road: &mut Road, _now: u64) -> usize {
        let Self { shard, draws } = self;
        let key = |address| Source::of(address, Width::OUTSIDE).map_or(0, |source| shard.key(source));
        let mut batch = [Sought::NOBODY; BURST_MAX];
        for sought in &mut batch {
            *sought = Sought::of(key(draws.next()));
        }
        shard.fetch(&mut batch);
        shard.glance(&mut batch, false);
        batch.iter().filter(|sought| count(shard, sought)).count()
    }
}

/// Counts a packet of a source that was sought; whether it is known.
#[inline]
fn count(shard: &mut Shard, sought: &Sought) -> bool {
    if let Some(slot) = shard.hinted(sought) {
        let hot = shard.hot_mut(slot);
        hot.packets = hot.packets.wrapping_add(1);
        return true;
    }
    let Some(slot) = shard.find_key(sought.key) else { return false };
    let hot = shard.hot_mut(slot);
    hot.packets = hot.packets.wrapping_add(1);
    true
}

/// DPDK's table.
#[derive(Debug)]
pub struct Rte {
    table: RteTable,
    draws: Draws,
}

impl Rte {
    /// A table that knows so many keys.
    ///
    /// # Errors
    /// DPDK has too little memory.
    pub fn new(eal: &Eal, keys: u32) -> anyhow::Result<Self> {
        let mut table = RteTable::new(eal, keys + keys / 2)?;
        for key in 0..keys {
            table.add(&bytes(Address::v4(client(key))))?;
        }
        Ok(Self { table, draws: Draws::new(keys) })
    }
}

fn bytes(address: Address) -> Key {
    address.0.to_be_bytes()
}

impl Contender for Rte {
    fn burst(&mut self, _road: &mut Road, _now: u64) -> usize {
        let keys: [Key; BURST_MAX] = std::array::from_fn(|_| bytes(self.draws.next()));
        self.table.count(&keys) as usize
    }
}
