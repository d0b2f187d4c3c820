//! Queries that the cache has answered before, of sources that are known: judged without being read again.
//!
//! Fetched while a batch is looked at, judged when their turn comes; all others take the general way. Always holds: what is
//! decided and noted here is what the general way would have, by the same functions; a test compares the two.

use repute_model::{BATCH, Judgement, Packet};
use repute_reputation::Happening;
use repute_wire::Datagram;

use super::Speech;
use crate::Batch;
use crate::worker::Worker;
use crate::worker::judge::Case;
use crate::worker::lanes::Lanes;

impl<P: Packet> Worker<P> {
    /// Asks the CPU for what is known of the queries of a batch and of who asks, then for what that leads to.
    #[inline(never)]
    pub(in crate::worker) fn fetch_queries(&mut self, packets: &[P], lanes: &Lanes) {
        let Self { dns: Some(dns), shard, .. } = self else { return };
        let queries = || packets.iter().enumerate().take(BATCH).filter(|(i, _)| lanes.kind(*i).is_query());
        for (i, packet) in queries() {
            shard.fetch_requester(lanes.sought(i));
            dns.sought[i] = carried(packet).and_then(|message| dns.repeats.seek(message));
            dns.networks.fetch(dns.names.network(lanes.subject(i)));
        }
        for (i, _) in queries() {
            if let Some(repeat) = dns.sought[i].and_then(|at| dns.repeats.glance(at)) {
                dns.domains.fetch(&repeat.inquiry);
                dns.cache.iter().for_each(|cache| cache.fetch(repeat.found));
            }
        }
    }

    /// Judges packet `i`, if it is such a query.
    #[inline]
    pub(in crate::worker) fn judge_again(&mut self, batch: &Batch<P>, i: usize) -> Option<Judgement> {
        let lanes = &batch.lanes;
        if !(lanes.kind(i).is_query() && self.view.repeats && batch.misowned >> i & 1 == 0) {
            return None;
        }
        let slot = self.shard.hinted(lanes.sought(i))?;
        let hot = self.shard.hot(slot);
        let standing = Some((hot.band, hot.score));
        let Self { dns: Some(dns), policy, .. } = self else { return None };
        let rules = policy.dns.as_ref()?;
        let exchange = lanes.exchange(i);
        if !hot.shortcut.is_of(policy.edition) || !rules.serves(exchange.dst, exchange.dport) {
            return None;
        }
        let packet = &batch.packets[i];
        let asked = dns.read_again(dns.sought[i % BATCH], carried(packet)?, policy.edition, true)?;
        self.turn = i;
        let counts = self.view.counts_crowds && self.says_something(Some(slot), &exchange);
        let facts = if counts { self.facts(Some(slot), &exchange) } else { Happening::NOTHING };
        self.mark(&exchange, facts);
        Some(self.judge_entry(
            slot,
            &Case {
                standing,
                exchange: &exchange,
                receiver: None,
                wire_len: lanes.wire_len(i),
                leads_on: true,
                speech: &Speech::Query(asked),
                guarded: None,
            },
        ))
    }
}

/// What a datagram of common shape carries.
fn carried<P: Packet>(packet: &P) -> Option<&[u8]> {
    let bytes = packet.bytes();
    Datagram::outlined(bytes)?.payload(bytes)
}
