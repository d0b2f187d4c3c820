//! Policy zones enforced: on queries that would go on, on what the cache has for them, on answers of servers.
//!
//! Called by the stage where the policy has zones, whoever asks: zones are about what is answered, not about who may ask.
//! Always holds: what is ruled is counted once, where it takes effect; by TCP nothing is answered in place of the server,
//! so that a connection is ended there whose answer would have to be another one.

use repute_model::{Judgement, Packet, Reason, RpzEffect, RpzMatch, RpzRuling, Source, Verdict};
use repute_reputation::{Exchange, Slot};
use repute_wire::dns::{Answer, segment};
use repute_wire::{Datagram, L4, Parsed};

use super::{Asked, Standing};
use crate::Batch;
use crate::dns::zones::{self, Ruled};
use crate::dns::{Interceptor, payload};
use crate::worker::send::replies;
use crate::worker::stranger::Stranger;
use crate::worker::treat::Fate;
use crate::worker::{Worker, rules, width};

impl<P: Packet> Worker<P> {
    /// What zones say of a query, whatever is answered.
    pub(super) fn ruling(&self, asked: &Asked<'_>, x: &Exchange) -> RpzRuling {
        let zones = self.policy.dns.as_ref().map(|rules| &rules.zones);
        zones.map_or(RpzRuling::Nothing, |zones| zones::at_query(zones, x.src, &asked.query))
    }

    /// What zones say of the answer that the cache has for a query.
    pub(super) fn ruling_of_kept(&self, asked: &Asked<'_>, x: &Exchange) -> Option<RpzMatch> {
        let (rules, Interceptor { cache, .. }) = (self.policy.dns.as_ref()?, self.dns.as_ref()?);
        let (zones, kept) = (&rules.zones, cache.as_ref()?);
        let ruled = Ruled::of_kept(zones, x.src, &asked.query, kept, &rules.cache, self.now)?;
        Some(ruled.found)
    }

    /// What becomes of a query that a rule is about.
    pub(super) fn enforce(&mut self, found: &RpzMatch, by_tcp: bool, standing: &Standing) -> Fate {
        self.account.dns.rules(found);
        let effect = found.action.effect();
        match effect.reason().filter(|_| !lets_pass(effect, by_tcp)) {
            None => Fate::Pass,
            Some(_) if standing.dry => {
                self.account.dns.dry_run += 1;
                Fate::Pass
            }
            Some(reason) if effect == RpzEffect::Drop => Fate::Stop(reason),
            Some(reason) if by_tcp => {
                self.resets.mark(self.turn);
                Fate::Stop(reason)
            }
            Some(reason) => Fate::Answer(reason),
        }
    }

    /// What zones make of an answer of a server: a judgement, or nothing, and then it goes on, as it is or with what they
    /// want of it, which is written when the batch is sent.
    pub(in crate::worker) fn rule_answer(
        &mut self,
        packet: &P,
        parsed: &Parsed,
        receiver: Option<Slot>,
    ) -> Option<Judgement> {
        let rules = self.policy.dns.as_ref().filter(|rules| !rules.zones.is_empty())?;
        if !parsed.has_ports() || !rules.serves(parsed.src, parsed.sport) {
            return None;
        }
        let by_tcp = parsed.l4 == L4::Tcp;
        let said = payload(packet.bytes(), parsed)?;
        let ruled = |message| Ruled::of_answer(&rules.zones, parsed.dst, &Answer::read(message).ok()?);
        let ruled = match by_tcp {
            true => segment(said).map_while(Result::ok).find_map(ruled)?,
            false => ruled(said)?,
        };
        let effect = ruled.found.action.effect();
        let (passes, dry) = (lets_pass(effect, by_tcp), self.is_dry_towards(parsed, receiver));
        // What was found by the query and let it pass was counted then.
        if (passes || dry || self.policy.shadow) && ruled.is_of_query(&rules.zones, parsed.dst) {
            return None;
        }
        self.account.dns.rules(&ruled.found);
        let reason = effect.reason().filter(|_| !passes)?;
        if dry {
            self.account.dns.dry_run += 1;
            return None;
        }
        self.censor(parsed, effect, reason, by_tcp)
    }

    /// Does to an answer what a rule wants.
    fn censor(
        &mut self,
        parsed: &Parsed,
        effect: RpzEffect,
        reason: Reason,
        by_tcp: bool,
    ) -> Option<Judgement> {
        let changes =
            effect != RpzEffect::Drop && !by_tcp && Datagram::of(parsed).is_some() && !parsed.frag_more();
        if changes && !self.policy.shadow {
            self.replaced.push((self.turn as u8, reason));
            return None;
        }
        if by_tcp && effect != RpzEffect::Drop {
            self.resets.mark(self.turn);
        }
        let verdict = if changes { Verdict::Answer } else { Verdict::Drop };
        Some(Judgement { verdict, reason: Some(reason), ..Judgement::FORWARD })
    }

    /// Whether what is decided about the queries of whom a server answers is only counted.
    fn is_dry_towards(&self, parsed: &Parsed, receiver: Option<Slot>) -> bool {
        let (Some(dns), Some(rules)) = (&self.policy.dns, rules(&self.policy)) else { return false };
        if dns.dry_run == 0 {
            return false;
        }
        let stranger = || {
            let source = Source::of(parsed.dst, width(&self.policy, &self.limits))?;
            let score = Stranger::of(&self.circumstances(source, None), rules).scored.score;
            Some(dns.profile.thresholds.band(score))
        };
        let band = receiver.map(|slot| self.shard.hot(slot).band).or_else(stranger);
        band.is_some_and(|band| dns.is_dry(band))
    }

    /// Writes what zones want into the answers of the batch under way; what cannot be written is dropped.
    #[cold]
    pub(in crate::worker) fn replace_answers(&mut self, batch: &mut Batch<P>) {
        let replies = replies(&self.policy, self.dns.as_ref(), self.now);
        for (i, reason) in self.replaced.drain(..) {
            let packet = batch.packets.get_mut(usize::from(i));
            let written = packet.zip(replies).is_some_and(|(packet, replies)| replies.replace(packet));
            if !written && let Some(judgement) = self.judgements.get_mut(usize::from(i)) {
                *judgement = Judgement::drop(reason);
                self.verdicts.add(Verdict::Drop, 1 << i);
            }
        }
    }
}

/// Whether a rule changes nothing.
const fn lets_pass(effect: RpzEffect, by_tcp: bool) -> bool {
    matches!((effect, by_tcp), (RpzEffect::Passthru, _) | (RpzEffect::TcpOnly, true))
}
