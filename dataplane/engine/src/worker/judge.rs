//! Who sent it, how does he stand, what does that get: the judgement of one packet.

use repute_model::{
    Band, Direction, Judgement, Listing, LogLine, Packet, Reason, Report, Rule, Score, Side, Sides, Source,
    Treatment, Verdict,
};
use repute_reputation::{Act, Exchange, Fact, Flags, Happening, Part, Parties, Slot, Sought};
use repute_wire::Parsed;

use super::dns::Speech;
use super::shadow::about;
use super::stranger::Stranger;
use super::treat::Fate;
use super::{Role, Wire, Worker, parse, report, rules, width};
use crate::Batch;
use crate::classify::exchange;

/// A packet of a source that has an entry.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    /// How the source stood before it; `None` = it had no entry.
    pub standing: Option<(Band, Score)>,
    pub exchange: &'a Exchange,
    /// Whose request it may answer.
    pub receiver: Option<Slot>,
    pub wire_len: u32,
    /// Whether there is a port that it would leave by.
    pub leads_on: bool,
    pub speech: &'a Speech<'a>,
    /// What it gets on account of the destination that it is for.
    pub guarded: Option<Judgement>,
}

impl<P: Packet> Worker<P> {
    /// Judges packet `i` of a batch and takes note of it.
    #[inline(never)]
    pub(super) fn judge(&mut self, batch: &Batch<P>, i: usize) -> Judgement {
        if batch.misowned >> i & 1 != 0 {
            return self.misown();
        }
        let (packet, wire) = (&batch.packets[i], self.wires[usize::from(batch.ports[i])]);
        self.turn = i;
        let judged = self.judge_parsed(packet, &parse(packet), wire, batch.lanes.sought(i));
        if wire.peer.is_none() && judged.reason.is_none() { Judgement::drop(Reason::NoPeer) } else { judged }
    }

    fn judge_parsed(&mut self, packet: &P, parsed: &Parsed, wire: Wire, sought: &Sought) -> Judgement {
        if packet.segments() > 1 && parsed.is_cut() {
            return Judgement::drop(Reason::Scattered);
        }
        if let Some(reason) = parsed.error {
            return Judgement::drop(reason);
        }
        if let Some(judgement) = self.control.judge(&self.policy, parsed, packet.wire_len(), self.now) {
            self.account.control[parsed.class.index()] += 1;
            return judgement;
        }
        if !parsed.is_ip() || !parsed.has_addresses() {
            self.account.unjudged += 1;
            return Judgement::FORWARD;
        }
        let covers = |p: &Parsed| self.policy.protect.covers(p.src, p.dst, p.protocol, p.sport, p.dport);
        if covers(parsed) {
            self.account.protected += 1;
            return Judgement::FORWARD;
        }
        self.judge_ip(packet, parsed, wire, sought)
    }

    /// Who is judged by a packet, and whose request it may answer: the sources of its sender and its
    /// receiver, where they are on the owner side. Both `None` = nobody here judges it.
    pub fn owned(&self, parsed: &Parsed, role: Role) -> (Option<Source>, Option<Source>) {
        let sides = match role {
            Role::Inside => Sides::Fixed(Side::Inside),
            Role::Outside => Sides::Fixed(Side::Outside),
            Role::Both => Sides::Prefixes(&self.policy.inside),
        };
        let (sends, receives) = match (sides.direction(parsed.src, parsed.dst), self.policy.owner_side()) {
            (Direction::Local, _) => (false, false),
            (Direction::Anyone, _) => (true, true),
            (Direction::Inbound, Side::Outside) | (Direction::Outbound, Side::Inside) => (true, false),
            (Direction::Inbound, Side::Inside) | (Direction::Outbound, Side::Outside) => (false, true),
        };
        let width = width(&self.policy, &self.limits);
        let of = |address, owned: bool| Source::of(address, width).filter(|_| owned);
        (of(parsed.src, sends), of(parsed.dst, receives))
    }

    /// The number of the service that a packet is about, in the policy in force.
    pub fn service_about(&self, parsed: &Parsed) -> Option<u8> {
        about(&self.policy, parsed)
    }

    /// Judges a packet whose lane has looked for its sender where that is judged, else for its receiver.
    fn judge_ip(&mut self, packet: &P, parsed: &Parsed, wire: Wire, sought: &Sought) -> Judgement {
        let (sender, receiver) = self.owned(parsed, wire.role);
        let known = self.shard.find_sought(sought);
        let receiver = match sender {
            None => known,
            Some(_) => receiver.and_then(|source| self.shard.find(source)),
        };
        let exchange = exchange(parsed, packet.bytes());
        let mut ruled = None;
        if self.view.service.is_some() {
            self.note_answers(packet, parsed, receiver);
            ruled = self.rule_answer(packet, parsed, receiver);
        }
        let Some(source) = sender else {
            self.account.unjudged += 1;
            let parties = Parties { sender: None, receiver };
            self.note(&exchange, parties);
            if self.softens() {
                self.soften(packet, parsed, &exchange, parties, Verdict::Forward);
            }
            return ruled.unwrap_or(Judgement::FORWARD);
        };
        let speech = self.listen(packet, parsed);
        let case = Case {
            standing: known.map(|slot| (self.shard.hot(slot).band, self.shard.hot(slot).score)),
            exchange: &exchange,
            receiver,
            wire_len: packet.wire_len(),
            leads_on: wire.peer.is_some(),
            speech: &speech,
            guarded: None,
        };
        let judgement = self.judge_source(source, known, case);
        if self.view.inspects
            && let Some(slot) = self.shard.find(source)
        {
            self.inspect(slot, source, packet, parsed, &exchange, judgement.verdict);
        }
        if self.softens() {
            let parties = Parties { sender: self.shard.find(source), receiver };
            self.soften(packet, parsed, &exchange, parties, judgement.verdict);
        }
        ruled.filter(|_| judgement.verdict == Verdict::Forward).unwrap_or(judgement)
    }

    fn judge_source(&mut self, source: Source, known: Option<Slot>, case: Case<'_>) -> Judgement {
        let Case { exchange, wire_len, leads_on, speech, .. } = case;
        if rules(&self.policy).is_none() {
            self.account.unjudged += 1;
            return Judgement::FORWARD;
        }
        if known.is_none() && self.is_denied(source) {
            self.mark(exchange, Fact::Stranger.into());
            return self.judge_unknown(source, exchange, speech);
        }
        if let Some(slot) = known {
            self.revise(slot, false);
        }
        let counts = self.view.counts_crowds && self.says_something(known, exchange);
        let facts = if counts { self.facts(known, exchange) } else { Happening::NOTHING };
        let guarded = if counts && leads_on && !speech.is_datagram() {
            self.guard(source, known, exchange)
        } else {
            None
        };
        if let Some(judgement) = guarded.filter(|_| !self.policy.shadow) {
            self.mark(exchange, facts);
            return self.note_guarded(known, exchange, wire_len, judgement);
        }
        let Some(slot) = known.or_else(|| self.admit(source, self.service_of(exchange))) else {
            self.mark_refused(source, exchange, facts);
            let judgement = self.judge_unknown(source, exchange, speech);
            return guarded.unwrap_or(judgement);
        };
        self.mark(exchange, facts);
        if known.is_none() {
            self.revise(slot, true);
        }
        self.judge_entry(slot, &Case { guarded, ..case })
    }

    /// Judges a packet of a source that has an entry, and takes note of it.
    pub(super) fn judge_entry(&mut self, slot: Slot, case: &Case<'_>) -> Judgement {
        let Case { standing, exchange, receiver, wire_len, leads_on, speech, guarded } = *case;
        match standing {
            Some((band, _)) => self.account.bands[band.index()] += 1,
            None => self.account.strangers += 1,
        }
        if !self.policy.services.is_empty() && !self.treatment(slot).drop {
            self.turn_to(slot, exchange);
        }
        let now = self.now.low();
        self.shard.hot_mut(slot).count(wire_len, now);
        let (treatment, part) = self.narrow(slot, exchange, wire_len, self.treatment(slot));
        if let Some(sampling) = &treatment.mirror {
            self.sample(slot, sampling);
        }
        let fate = match speech {
            _ if !leads_on || guarded.is_some() => Fate::Pass,
            Speech::Other => self.treat(slot, exchange, wire_len, &treatment, part),
            _ => self.intercept(slot, speech, exchange),
        };
        match fate {
            Fate::Answer(Reason::DnsCached) if !self.policy.shadow => self.note_served(slot, exchange.dst),
            Fate::Stop(reason) if !self.policy.shadow => self.note_stopped(slot, exchange, reason),
            Fate::Challenge(_) | Fate::Answer(_) if !self.policy.shadow => self.note_withheld(exchange),
            _ => {
                self.note_fragment(exchange);
                self.note(exchange, Parties { sender: Some(slot), receiver });
                if part == Part::Rest {
                    self.note_rest(slot);
                }
                self.expect(slot, speech, exchange);
            }
        }
        self.note_speech(slot, speech, exchange);
        let (verdict, reason) = fate.verdict();
        let judgement = Judgement { verdict, reason, standing, measures: treatment.measures() };
        let judgement = guarded.unwrap_or(judgement);
        if treatment.log {
            self.log(exchange, judgement);
        }
        judgement
    }

    /// Facts about a packet that was counted when it came.
    pub(super) fn mark(&mut self, exchange: &Exchange, facts: Happening) {
        if self.view.counts_crowds {
            self.crowd.mark_from(exchange, facts, self.now);
        }
    }

    /// Takes note of a packet that a destination in flood does not get: it counts for nobody, whom others may have
    /// forged.
    fn note_guarded(
        &mut self,
        known: Option<Slot>,
        exchange: &Exchange,
        wire_len: u32,
        judgement: Judgement,
    ) -> Judgement {
        match known {
            Some(slot) => {
                self.shard.hot_mut(slot).count(wire_len, self.now.low());
                self.account.bands[self.shard.hot(slot).band.index()] += 1;
            }
            None => self.account.strangers += 1,
        }
        self.note_withheld(exchange);
        judgement
    }

    pub(super) fn treatment(&self, slot: Slot) -> Treatment {
        rules(&self.policy).map_or(Treatment::PASS, |rules| self.shard.treatment(slot, rules))
    }

    /// Whether a list denies a source outright: then it needs no entry to be dropped.
    fn is_denied(&self, source: Source) -> bool {
        let listing = self.policy.lists.get(source.first());
        matches!(listing, Some(Listing::Deny(percent)) if self.view.denied(percent).way.drops())
    }

    /// Judges a source that has no entry.
    fn judge_unknown(&mut self, source: Source, x: &Exchange, speech: &Speech<'_>) -> Judgement {
        match speech.is_datagram() {
            true => self.intercept_stranger(source, speech, x),
            false => self.judge_stranger(source, x),
        }
    }

    /// Judges by its circumstances a source without an entry. Nothing is remembered of what it asks: the requests
    /// of a flood would push out those of sources that have one.
    fn judge_stranger(&mut self, source: Source, x: &Exchange) -> Judgement {
        self.account.strangers += 1;
        let Some(rules) = rules(&self.policy) else { return Judgement::FORWARD };
        let Stranger { rule, treatment, .. } = Stranger::of(&self.circumstances(source, Some(x)), rules);
        let stopped = match rule {
            Rule::Listed(_) if treatment.drop => Some(Reason::Listed),
            _ if treatment.drop => Some(Reason::Standing),
            _ if treatment.block_new && self.shard.is_new(x) => Some(Reason::BlockNew),
            _ => None,
        };
        let verdict = if stopped.is_some() { Verdict::Drop } else { Verdict::Forward };
        let judgement =
            Judgement { verdict, reason: stopped, standing: None, measures: treatment.measures() };
        if treatment.log {
            self.log(x, judgement);
        }
        judgement
    }

    /// Looks up again what a new policy may say about a source; a source that a list names is scored before its first
    /// packet passes. So many in a tick: others go by what lists said before, until their turn comes or the sweep.
    fn revise(&mut self, slot: Slot, admitted: bool) {
        let Some(rules) = rules(&self.policy) else { return };
        let stale = !self.shard.hot(slot).shortcut.is_of(self.policy.edition);
        if stale && !admitted {
            if self.revisions_left == 0 {
                return;
            }
            self.revisions_left -= 1;
        }
        if stale && let Some(change) = self.shard.refresh(slot, rules) {
            self.account.changes += 1;
            let width = width(&self.policy, &self.limits);
            report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
        }
        if (stale || admitted) && self.shard.hot(slot).flags.has(Flags::LISTED) {
            self.rescore(slot);
        }
    }

    /// The service that a packet is about.
    #[inline]
    pub(super) fn service_of(&self, x: &Exchange) -> Option<u8> {
        if self.policy.services.is_empty() {
            return None;
        }
        self.policy.service_about(x.src, x.dst, x.protocol, x.sport, x.dport)
    }

    /// Which service the next packet of a source is about. What a later fragment is about nobody knows, and of sources that
    /// are dropped as a whole nobody asks.
    fn turn_to(&mut self, sender: Slot, x: &Exchange) {
        if x.act == Act::Opaque || self.shard.stays(sender, x) {
            return;
        }
        let service = self.service_of(x);
        self.shard.turn_to(sender, service, self.now);
    }

    fn log(&mut self, x: &Exchange, judgement: Judgement) {
        if self.log_left == 0 {
            self.account.log_lines_suppressed += 1;
            return;
        }
        self.log_left -= 1;
        self.mailbox.send(Report::Log(LogLine {
            at: self.now,
            src: x.src,
            dst: x.dst,
            protocol: x.protocol,
            dport: x.dport,
            judgement,
            shadow: self.policy.shadow,
        }));
    }
}
