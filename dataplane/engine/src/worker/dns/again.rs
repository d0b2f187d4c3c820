//! Queries that the cache has answered before, of sources that are known: judged without being read again.
//!
//! Fetched while a batch is looked at, judged when their turn comes; all others take the general way. Always holds: what is
//! decided and noted here is what the general way would have; a test compares the two.

use repute_model::{Address, BATCH, Judgement, Packet, Path, Reason, Source, Verdict};
use repute_reputation::{Flags, Happening, Outcome, Slot};
use repute_wire::Datagram;
use repute_wire::dns::Query;

use super::Speech;
use super::notes::outcome;
use crate::Batch;
use crate::dns::{Ahead, Given, Repeat, Says, Served, UDP_MAX};
use crate::worker::judge::Case;
use crate::worker::lanes::Lanes;
use crate::worker::view::Way;
use crate::worker::{Worker, width};

impl<P: Packet> Worker<P> {
    /// Asks the CPU for what is known of the queries of a batch and of who asks, then for what that leads to.
    #[inline(never)]
    pub(in crate::worker) fn fetch_queries(&mut self, packets: &[P], lanes: &Lanes) {
        let Self { dns: Some(dns), shard, view, .. } = self else { return };
        let queries = || packets.iter().enumerate().take(BATCH).filter(|(i, _)| lanes.kind(*i).is_query());
        for (i, packet) in queries() {
            shard.fetch_requester(lanes.sought(i));
            if view.systems {
                shard.fetch_resident(lanes.sought(i));
            }
            let at = carried(packet).and_then(|message| dns.repeats.seek(message));
            let network = dns.names.network(lanes.subject(i));
            dns.networks.fetch(network);
            dns.ahead[i] = Ahead { at, place: None, network };
        }
        for (i, _) in queries() {
            let Ahead { at, place, .. } = &mut dns.ahead[i];
            *place = at.and_then(|at| dns.repeats.approach(at));
            if let Some(resident) = shard.hinted_resident(lanes.sought(i)).filter(|_| view.systems) {
                dns.systems.fetch(resident);
            }
        }
        for (i, _) in queries() {
            if let Some(repeat) = dns.ahead[i].place.and_then(|place| dns.repeats.glance(place)) {
                dns.domains.fetch(&repeat.inquiry);
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
        let rules = self.policy.dns.as_ref()?;
        let is_known = self.shard.hot(slot).shortcut.is_of(self.policy.edition);
        if !is_known || !rules.serves(lanes.other(i), lanes.port(i)) {
            return None;
        }
        let message = carried(&batch.packets[i])?;
        let judged = self.answer_again(lanes, i, slot, message);
        judged.or_else(|| self.judge_read(lanes, i, slot, message))
    }

    /// Answers packet `i` from the cache where nothing is odd about it, its source, its name or the times: then this is all
    /// that the general way would do. `None`, and nothing is noted, anywhere else.
    fn answer_again(&mut self, lanes: &Lanes, i: usize, slot: Slot, message: &[u8]) -> Option<Judgement> {
        if !self.is_ordinary(lanes, i, slot) {
            return None;
        }
        let Self { dns: Some(dns), policy, shard, view, now, .. } = self else { return None };
        let (rules, now) = (policy.dns.as_ref()?, *now);
        let Ahead { at, network, .. } = dns.ahead[i % BATCH];
        let (Repeat { shape, inquiry, found }, place) = dns.repeats.get(at?, message, policy.edition)?;
        let cache = dns.cache.as_mut()?;
        let version = cache.version(&found);
        let says = match dns.repeats.says(place, version, now) {
            Some(says) => says,
            None => {
                let hit = cache.fresh(found, shape.udp_size(), &rules.cache, now)?;
                dns.repeats.prepare(place, &hit, version, message, &shape);
                let says =
                    Says { rcode: hit.rcode(), bytes: hit.bytes(shape.udp_size().min(UDP_MAX)) as u16 };
                cache.use_again(found);
                says
            }
        };
        let outcome = outcome(says.rcode);
        let requester = shard.requester(slot)?;
        let is_proved = requester.is_proved(now, rules.proof.lasts_ms);
        let subject = lanes.subject(i);
        if dns.domains.is_suspect(&inquiry)
            || !is_proved && dns.exceeds(&inquiry, shape.kind(), rules, subject, now)
        {
            return None;
        }
        if let Some(cache) = &mut dns.cache {
            cache.count_hit();
        }
        dns.given[i % BATCH] = Given { found, shape: Some(shape), outlined: true, ready: Some(place) };
        if outcome == Outcome::Answered {
            let taught = dns.repeats.taught(place);
            dns.domains.learn_again(&inquiry, taught, &rules.subdomains, now);
        }
        let hot = shard.hot_mut(slot);
        let (standing, fingerprint) = ((hot.band, hot.score), hot.fingerprint);
        hot.count(lanes.wire_len(i), now.low());
        let served = Served { is_random: inquiry.is_random, is_nxdomain: outcome == Outcome::Nxdomain };
        let oddity = dns.networks.is_served(network, fingerprint, served, now);
        if let Some(resident) = shard.resident_mut(slot).filter(|_| view.systems) {
            dns.systems.learns(resident, network, inquiry.domain, outcome == Outcome::Nxdomain, now);
        }
        let name = || Query::of_shape(message, &shape).map(|query| query.question.name);
        dns.count_domain(inquiry.domain, now, name);
        self.account.bands[standing.0.index()] += 1;
        self.account.dns.paths[Path::Cached.index()] += 1;
        let requester = self.shard.requester_mut(slot)?;
        if requester.learns(outcome, message.len() as u16, says.bytes) {
            self.rescore(slot);
        }
        self.note_served(slot, lanes.other(i));
        if self.view.systems {
            self.note_system(slot, network, &inquiry);
        }
        let requester = self.shard.requester_mut(slot)?;
        requester.belongs(oddity);
        let noted = requester.asks(&inquiry);
        if noted.due > 0 {
            self.count_requester(fingerprint, noted.due, subject);
        }
        if noted.look {
            self.rescore(slot);
        }
        Some(Judgement {
            verdict: Verdict::Answer,
            reason: Some(Reason::DnsCached),
            standing: Some(standing),
            ..Judgement::FORWARD
        })
    }

    #[inline(never)]
    fn count_requester(&mut self, key: u64, times: u32, address: Address) {
        let width = width(&self.policy, &self.limits);
        if let Some(dns) = &mut self.dns {
            dns.count_requester(key, times, self.now, || Source::of(address, width));
        }
    }

    /// Whether nothing but its name is to be asked about a query of a source.
    fn is_ordinary(&self, lanes: &Lanes, i: usize, slot: Slot) -> bool {
        let (Some(rules), Some(dns)) = (&self.policy.dns, &self.dns) else { return false };
        let hot = self.shard.hot(slot);
        // The first packet of a window may be news to the crowd that it is for, but not of who was answered before.
        let is_old = hot.packets > 0 || hot.flags.has(Flags::PROVEN);
        let is_plain = is_old && !hot.flags.has(Flags::ALLOWED) && !lanes.is_answer(i);
        let is_given = rules.path(hot.band, hot.score) == Path::Cached && !rules.is_dry(hot.band);
        let passes = self.view.repeats_shortly && self.view.way(hot) == Way::Pass;
        let is_calm = self.crowd.alarms().is_empty() && !self.tap.is_on() && !dns.is_server_silent();
        is_plain && is_given && passes && is_calm
    }

    /// Judges packet `i`, which was answered from the cache before, without reading it again.
    fn judge_read(&mut self, lanes: &Lanes, i: usize, slot: Slot, message: &[u8]) -> Option<Judgement> {
        let Self { dns: Some(dns), policy, shard, .. } = self else { return None };
        let asked = dns.read_again(dns.ahead[i % BATCH].at, message, policy.edition, true)?;
        let (hot, exchange) = (shard.hot(slot), lanes.exchange(i));
        let standing = Some((hot.band, hot.score));
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
