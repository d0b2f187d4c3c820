//! `[limits]` and `[sources]`: sizes that are fixed at start.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Duration, Int};

/// Sizes of tables, fixed at start.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Limits {
    /// Sources with exact state, for each worker.
    pub sources: Int<1024, 16_777_216>,
    /// Remembered requests (who asked whom, to tell answers from noise), for each worker.
    pub contacts: Int<1024, 16_777_216>,
    /// Within which time every source is revisited: decay, ageing, expiry.
    pub sweep: Duration<10, 60_000>,
    /// Packet buffers, for each worker.
    pub mbufs: Int<1024, 4_194_304>,
    /// Packets that treatments with `queue` may hold back, for each worker; at most half of `mbufs`.
    pub queue_packets: Int<64, 1_048_576>,
    /// Packets of them that one source may hold.
    pub queue_source: Int<1, 65_535>,
    /// Longest time that a packet is held; what would have to wait longer is dropped.
    pub queue_horizon: Duration<10, 10_000>,
    /// New TCP connections that treatments with `queue_new` may hold, for each worker.
    pub queue_connections: Int<16, 65_536>,
    /// Slots of the ring by which one worker hands packets over to another.
    pub hand_over: Int<64, 256>,
    /// Destinations that each worker counts exactly (the next power of two); beyond them the busiest.
    pub crowds: Int<64, 1_048_576>,
    /// Withheld packets of strangers that each worker remembers until they come again (the next power of two).
    pub withheld: Int<1024, 16_777_216>,
    /// TCP connections that treatments with `soften` watch at the same time, for each worker (the next power of two).
    pub softened: Int<64, 1_048_576>,
    /// Sources of which each worker knows the excess that treatments with `only` are for (the next power of two).
    pub excesses: Int<64, 1_048_576>,
    /// Rows for sources in several services, one for each service of each, that each worker keeps (the next power of two).
    pub pairs: Int<64, 1_048_576>,
    /// Queries to DNS servers that each worker remembers until they are answered; kept with profile dns alone.
    pub queries: Int<1024, 16_777_216>,
}

table!(Limits {
    sources,
    contacts,
    sweep,
    mbufs,
    queue_packets,
    queue_source,
    queue_horizon,
    queue_connections,
    hand_over,
    crowds,
    withheld,
    softened,
    excesses,
    pairs,
    queries,
});

/// How many leading bits of an address name one source.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Sources {
    /// Bits of an outside IPv4 address.
    pub outside_v4: Int<8, 32>,
    /// Bits of an outside IPv6 address; 64 is one customer's link.
    pub outside_v6: Int<16, 128>,
    /// Bits of an inside IPv4 address.
    pub inside_v4: Int<8, 32>,
    /// Bits of an inside IPv6 address.
    pub inside_v6: Int<16, 128>,
}

table!(Sources { outside_v4, outside_v6, inside_v4, inside_v6 });
