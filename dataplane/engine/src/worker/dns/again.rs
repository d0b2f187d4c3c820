//! Queries that the cache has answered before, of sources that are known: judged without being read again.
//!
//! Fetched while a batch is looked at, judged when their turn comes; all others take the general way. Always holds: what is
//! decided and noted here is what the general way would have; a test compares the two.

use repute_model::{Address, BATCH, Judgement, Packet, Path, Reason, Source, Verdict};
use repute_reputation::{Flags, Happening, Inquiry, Outcome, Slot};
use repute_wire::Datagram;
use repute_wire::dns::{Name, Query};

use super::Speech;
use super::notes::outcome;
use crate::Batch;
use crate::dns::{Ahead, Given, Interceptor, Known, Repeat, Served};
use crate::worker::judge::Case;
use crate::worker::lanes::Lanes;
use crate::worker::view::Way;
use crate::worker::{Worker, width};

impl<P: Packet> Worker<P> {
    /// Asks the CPU for what is known of the queries of a batch and of who asks, then for what that leads to.
    #[inline(never)]
    pub(in crate::worker) fn fetch_queries(&mut self, packets: &[P], lanes: &Lanes) {
        let Self { dns: Some(dns), shard, view, crowd, tap, .. } = self else { return };
        let is_calm = crowd.alarms().is_empty() && !tap.is_on() && !dns.is_server_silent();
        dns.is_calm = is_calm && view.repeats_shortly;
        let Interceptor { ahead, repeats, .. } = dns;
        for (i, (ahead, packet)) in ahead.iter_mut().zip(packets).enumerate() {
            if !lanes.kind(i).is_query() {
                continue;
            }
            shard.fetch_requester(lanes.sought(i));
            let datagram = Datagram::outlined(packet.bytes());
            let message = datagram.and_then(|datagram| datagram.payload(packet.bytes()));
            *ahead = Ahead { datagram, at: message.and_then(|message| repeats.seek(message)), place: None };
        }
        for (i, ahead) in ahead.iter_mut().enumerate().take(packets.len()) {
            if lanes.kind(i).is_query() {
                ahead.place = ahead.at.and_then(|at| repeats.approach(at));
            }
        }
    }

    /// Judges packet `i`, if it is such a query.
    #[inline]
    pub(in crate::worker) fn judge_again(&mut self, batch: &mut Batch<P>, i: usize) -> Option<Verdict> {
        let Batch { lanes, packets, misowned, .. } = batch;
        if !(lanes.kind(i).is_query() && self.view.repeats && *misowned >> i & 1 == 0) {
            return None;
        }
        let slot = self.shard.hinted(lanes.sought(i))?;
        let rules = self.policy.dns.as_ref()?;
        let is_known = self.shard.hot(slot).shortcut.is_of(self.policy.edition);
        if !is_known || !rules.serves_at(lanes.other(i)) {
            return None;
        }
        let datagram = self.dns.as_ref()?.ahead[i % BATCH].datagram?;
        if self.answer_again(lanes, i, slot, datagram, &mut packets[i]).is_some() {
            return Some(Verdict::Answer);
        }
        let judgement = self.judge_read(lanes, i, slot, datagram.payload(packets[i].bytes())?)?;
        Some(self.keep(i, judgement))
    }

    /// Turns packet `i` into its answer where nothing is odd about it, its source, its name or the times: then this is all
    /// that the general way would do, and it is judged. `None`, and nothing is changed or noted, anywhere else.
    fn answer_again(
        &mut self,
        lanes: &Lanes,
        i: usize,
        slot: Slot,
        datagram: Datagram,
        packet: &mut P,
    ) -> Option<()> {
        if !self.is_ordinary(lanes, i, slot) {
            return None;
        }
        let Self { dns: Some(dns), policy, shard, account, answered, judgements, now, .. } = self else {
            return None;
        };
        let (rules, now) = (policy.dns.as_ref()?, *now);
        let Interceptor { repeats, cache: Some(cache), domains, names, rates, ahead, given, .. } = dns else {
            return None;
        };
        let message = datagram.payload(packet.bytes())?;
        let Known { repeat, taught, ready } =
            repeats.get(ahead[i % BATCH].place?, message, policy.edition)?;
        let Repeat { shape, inquiry, found } = repeat;
        let version = cache.version(found);
        let says = match ready.says(version, now) {
            Some(says) => says,
            None => {
                let hit = cache.fresh(*found, shape.udp_size(), &rules.cache, now)?;
                let says = ready.prepare(&hit, version, message, shape);
                cache.use_again(*found);
                says
            }
        };
        let requester = shard.requester_mut(slot)?;
        if domains.is_suspect(inquiry) {
            return None;
        }
        let same = || names.same(lanes.subject(i), inquiry, shape.kind());
        if !requester.is_proved(now, rules.proof.lasts_ms) && rates.exceeds(rules.same.per_s, now, same) {
            return None;
        }
        let (due, outcome) = (requester.due(), outcome(says.rcode));
        let looks = requester.learns(outcome, message.len() as u16, says.bytes);
        if outcome == Outcome::Answered {
            domains.learn_again(inquiry, taught, due, &rules.subdomains, now);
        }
        cache.count_hit();
        let hot = shard.hot_mut(slot);
        let standing = (hot.band, hot.score);
        hot.count(lanes.wire_len(i), now.low());
        judgements[i % BATCH] = Judgement {
            verdict: Verdict::Answer,
            reason: Some(Reason::DnsCached),
            standing: Some(standing),
            ..Judgement::FORWARD
        };
        account.bands[standing.0.index()] += 1;
        account.dns.paths[Path::Cached.index()] += 1;
        if ready.write(packet, datagram) {
            *answered |= 1 << i;
        } else {
            given[i % BATCH] = Given { found: *found, shape: Some(*shape), is_ahead: true };
        }
        let (shape, inquiry) = (*shape, *inquiry);
        if looks {
            self.rescore(slot);
        }
        self.note_served(slot, lanes.other(i));
        if due > 0 {
            let fails = outcome == Outcome::Nxdomain;
            // Whatever was written, the question stands where it stood.
            let question = datagram.payload(packet.bytes());
            let query = question.and_then(|message| Query::of_shape(message, &shape));
            let name = query.map(|query| query.question.name);
            self.note_among_others(slot, lanes.subject(i), &inquiry, fails, name);
        }
        if self.shard.requester_mut(slot)?.asks(&inquiry) {
            self.rescore(slot);
        }
        Some(())
    }

    /// Takes note of a query that was answered at once where those of many requesters are counted.
    #[inline(never)]
    fn note_among_others(
        &mut self,
        slot: Slot,
        from: Address,
        inquiry: &Inquiry,
        fails: bool,
        name: Option<Name<'_>>,
    ) {
        let width = width(&self.policy, &self.limits);
        let Self { dns: Some(dns), shard, view, now, .. } = self else { return };
        let fingerprint = shard.hot(slot).fingerprint;
        let Some(requester) = shard.requester_mut(slot) else { return };
        let (network, times) = (dns.names.network(from), requester.due());
        let served = Served { is_random: inquiry.is_random, is_nxdomain: fails };
        requester.belongs(dns.networks.is_served(network, fingerprint, served, times, *now));
        dns.count_requester(fingerprint, times, *now, || Source::of(from, width));
        if let Some(name) = name {
            dns.count_domain(inquiry.domain, times, *now, name);
        }
        if let Some(resident) = shard.resident_mut(slot).filter(|_| view.systems) {
            dns.systems.learns(resident, network, inquiry.domain, fails, *now);
            dns.systems.asks(resident, network, inquiry, *now);
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
        dns.is_calm && is_plain && is_given && self.view.way(hot) == Way::Pass
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
