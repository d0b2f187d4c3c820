//! The stage for DNS: what is said to a protected server, how its requester stands, what becomes of it.
//!
//! Called by the general way in the place of treatments, where the policy has a DNS profile; the short way never sees what
//! goes to or comes from a port of the service. Always holds: the standing before a query decides about it, and what it
//! says is taken note of whatever is decided, so that nobody is judged by what the box did to him.

use repute_model::{Block, Flood, Judgement, Packet, Path, Reason, Rule, Source, Verdict};
use repute_reputation::{Exchange, Flags, Outcome, Slot};
use repute_wire::dns::{Answer, CookieStanding, Malformed, Query, Rcode, segment};
use repute_wire::{L4, Parsed};

use super::stranger::Stranger;
use super::treat::Fate;
use super::{Worker, rules};
use crate::dns::{Interceptor, payload, seconds};

/// What a packet is to the servers behind the box.
#[derive(Clone, Copy, Debug)]
pub(super) enum Speech<'p> {
    /// Nothing.
    Other,
    /// A query by UDP.
    Query(Query<'p>),
    /// A segment of TCP, and the query that it begins with, where that is all there.
    Segment(Option<Query<'p>>),
    /// Something by UDP that is no query.
    Garbled(Reason),
}

impl<'p> Speech<'p> {
    /// Whether it is a datagram to a server: then its path decides, and no crowd's alarm withholds it.
    pub const fn is_datagram(&self) -> bool {
        matches!(self, Self::Query(_) | Self::Garbled(_))
    }

    const fn query(&self) -> Option<&Query<'p>> {
        match self {
            Self::Query(query) | Self::Segment(Some(query)) => Some(query),
            _ => None,
        }
    }

    /// What a datagram says; answers come from the servers' own ports.
    fn datagram(message: &'p [u8], from_server: bool) -> Self {
        match Query::read(message) {
            Ok(query) => Self::Query(query),
            Err(Malformed::NotAQuery) if from_server => Self::Other,
            Err(malformed) => Self::Garbled(malformed.into()),
        }
    }
}

impl<P: Packet> Worker<P> {
    /// What a packet from the owner side says to a server.
    pub(super) fn listen<'p>(&self, packet: &'p P, parsed: &Parsed) -> Speech<'p> {
        let Some(rules) = self.policy.dns.as_ref().filter(|_| self.dns.is_some()) else {
            return Speech::Other;
        };
        if !parsed.has_ports() || !rules.serves(parsed.dst, parsed.dport) {
            return Speech::Other;
        }
        let said = payload(packet.bytes(), parsed);
        match (parsed.l4, said) {
            (L4::Udp, _) if parsed.frag_more() => Speech::Garbled(Reason::DnsFragment),
            (L4::Udp, Some(message)) => Speech::datagram(message, rules.ports.contains(&parsed.sport)),
            (L4::Udp, None) if packet.segments() > 1 => Speech::Garbled(Reason::Scattered),
            (L4::Tcp, Some(said)) => {
                let first = segment(said).next().and_then(Result::ok);
                Speech::Segment(first.and_then(|message| Query::read(message).ok()))
            }
            (L4::Tcp, None) => Speech::Segment(None),
            // Cut by a capture.
            _ => Speech::Other,
        }
    }

    /// What becomes of what a known source says to a server.
    pub(super) fn intercept(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) -> Fate {
        let Some(rules) = &self.policy.dns else { return Fate::Pass };
        let hot = self.shard.hot(slot);
        let (band, allowed) = (hot.band, hot.flags.has(Flags::ALLOWED));
        if let Speech::Garbled(reason) = *speech {
            let stops = rules.drops_malformed && !allowed && !rules.is_dry(band);
            return if stops { Fate::Stop(reason) } else { Fate::Pass };
        }
        let standing = if allowed { rules.path_of_allowed() } else { rules.path(band, hot.score) };
        let answered = [Flags::PROVEN, Flags::VERIFIED].iter().any(|&flag| hot.flags.has(flag));
        let dry = rules.is_dry(band);
        let path = if allowed || answered { standing } else { self.in_flood(standing, speech, x) };
        self.count_path(path, speech, dry);
        match path {
            Path::Challenge if !dry => self.challenge(slot, speech, x),
            Path::Block if !dry => self.block(speech),
            _ => Fate::Pass,
        }
    }

    /// What becomes of a datagram to a server whose sender has no entry: nothing is remembered of it.
    pub(super) fn intercept_stranger(
        &mut self,
        source: Source,
        speech: &Speech<'_>,
        x: &Exchange,
    ) -> Judgement {
        self.account.strangers += 1;
        let (Some(dns), Some(rules)) = (&self.policy.dns, rules(&self.policy)) else {
            return Judgement::FORWARD;
        };
        let Stranger { scored, rule, treatment } = Stranger::of(&self.circumstances(source, Some(x)), rules);
        let (band, measures) = (dns.profile.thresholds.band(scored.score), treatment.measures());
        let (allowed, dry) = (rule == Rule::Allowed, dns.is_dry(band));
        let fate = match *speech {
            Speech::Garbled(reason) if dns.drops_malformed && !allowed => Fate::Stop(reason),
            Speech::Query(query) => {
                let path = if allowed { dns.path_of_allowed() } else { dns.path(band, scored.score) };
                let path = if allowed { path } else { self.in_flood(path, speech, x) };
                self.count_path(path, speech, dry);
                match path {
                    Path::Challenge if !self.returns_server_cookie(&query, x) => {
                        Fate::Challenge(ask_for(&query))
                    }
                    Path::Block => self.block(speech),
                    _ => Fate::Pass,
                }
            }
            _ => Fate::Pass,
        };
        let (verdict, reason) = if dry { (Verdict::Forward, None) } else { fate.verdict() };
        Judgement { verdict, reason, measures, ..Judgement::FORWARD }
    }

    /// The path of somebody who was never answered while the server is in a flood of questions: whoever is honest passes
    /// the challenge, which costs the server nothing.
    fn in_flood(&self, path: Path, speech: &Speech<'_>, x: &Exchange) -> Path {
        let flooded = matches!(speech, Speech::Query(_))
            && matches!(path, Path::Default | Path::Cached)
            && self.crowd.alarms().find(x.src, x.dst, Flood::Request).is_some();
        if flooded { Path::Challenge } else { path }
    }

    fn count_path(&mut self, path: Path, speech: &Speech<'_>, dry: bool) {
        if speech.query().is_some() {
            let acts = matches!(path, Path::Challenge | Path::Block);
            self.account.dns.paths[path.index()] += 1;
            self.account.dns.dry_run += u64::from(dry && acts);
        }
    }

    /// Lets a query pass whose requester proves, or has proved, that it receives what is sent to it; asks the others for
    /// it. TCP is such a proof: nobody completes a handshake in somebody else's name.
    fn challenge(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) -> Fate {
        let (Speech::Query(query), Some(dns)) = (speech, &self.policy.dns) else { return Fate::Pass };
        let (proof, now) = (dns.proof, self.now);
        let returned = self.returns_server_cookie(query, x);
        let Some(requester) = self.shard.requester_mut(slot) else { return Fate::Pass };
        if returned {
            requester.proves(now);
            self.shard.verified(slot);
            return Fate::Pass;
        }
        if requester.is_proved(now, proof.lasts_ms) {
            return Fate::Pass;
        }
        if self.policy.shadow {
            // Nobody is asked, so nobody fails.
            return Fate::Challenge(ask_for(query));
        }
        let unmet = requester.challenged(now);
        let slips = requester.queries().is_multiple_of(u32::from(proof.slip.max(1)));
        match unmet > proof.tries {
            true if proof.garden.of(query.question.kind).is_some() => Fate::Challenge(Reason::DnsGarden),
            true if !slips => Fate::Stop(Reason::DnsUnproven),
            _ => Fate::Challenge(ask_for(query)),
        }
    }

    fn returns_server_cookie(&self, query: &Query<'_>, x: &Exchange) -> bool {
        let cookie = query.edns.and_then(|edns| edns.cookie).filter(|cookie| !cookie.server.is_empty());
        let (Some(cookie), Some(dns)) = (cookie, &self.dns) else { return false };
        let standing = dns.secrets.at(self.now).judge(&cookie, x.src, seconds(self.now));
        matches!(standing, CookieStanding::Good | CookieStanding::Ageing)
    }

    fn block(&self, speech: &Speech<'_>) -> Fate {
        let block = self.policy.dns.as_ref().map_or(Block::Drop, |rules| rules.block);
        match (block, speech) {
            (Block::Refused, Speech::Query(_)) => Fate::Answer(Reason::DnsRefused),
            (Block::Nxdomain, Speech::Query(_)) => Fate::Answer(Reason::DnsNxdomain),
            (Block::Sinkhole, Speech::Query(_)) => Fate::Answer(Reason::DnsSinkhole),
            _ => Fate::Stop(Reason::DnsBlocked),
        }
    }

    /// Takes note of what a known source says to a server, whatever becomes of it.
    pub(super) fn note_speech(&mut self, slot: Slot, speech: &Speech<'_>) {
        let Self { dns: Some(dns), shard, account, .. } = self else { return };
        let Some(requester) = shard.requester_mut(slot) else { return };
        let look = match speech {
            Speech::Query(query) | Speech::Segment(Some(query)) => {
                requester.asks(&dns.names.inquiry(&query.question))
            }
            Speech::Garbled(reason) => {
                account.dns.garbled += 1;
                // Whether the box gets a packet in one piece is not its sender's doing.
                let counts = *reason != Reason::Scattered;
                if counts {
                    requester.garbles();
                }
                counts
            }
            Speech::Other | Speech::Segment(None) => false,
        };
        if look {
            self.rescore(slot);
        }
    }

    /// Takes note of a query that goes on to a server: what comes back is its outcome. By TCP it is a proof besides, once
    /// the handshake has been seen.
    pub(super) fn expect(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) {
        let Some(query) = speech.query() else { return };
        let now = self.now;
        if matches!(speech, Speech::Segment(_))
            && self.shard.hot(slot).flags.has(Flags::VERIFIED)
            && let Some(requester) = self.shard.requester_mut(slot)
        {
            requester.proves(now);
        }
        let fingerprint = self.shard.hot(slot).fingerprint;
        if let Some(Interceptor { pending, .. }) = &mut self.dns {
            let asker = (slot.number(), fingerprint as u8);
            pending.note(
                pending.key(x, query.message.header().id.get()),
                asker,
                query.message.bytes().len(),
                now,
            );
        }
    }

    /// Takes note of what a server answers to a source that is known.
    pub(super) fn note_answers(&mut self, packet: &P, parsed: &Parsed, receiver: Option<Slot>) {
        let (Some(slot), Some(rules), Some(dns)) = (receiver, &self.policy.dns, &mut self.dns) else {
            return;
        };
        if !parsed.has_ports() || !rules.serves(parsed.src, parsed.sport) {
            return;
        }
        let Some(said) = payload(packet.bytes(), parsed) else { return };
        let message = match parsed.l4 {
            L4::Udp => Some(said),
            L4::Tcp => segment(said).next().and_then(Result::ok),
            _ => None,
        };
        let Some(answer) = message.and_then(|message| Answer::read(message).ok()) else { return };
        let key = dns.pending.key_back(parsed, answer.message.header().id.get());
        let Some(asked_bytes) = dns.pending.take(key) else {
            self.account.dns.unasked += 1;
            return;
        };
        let outcome = outcome(answer.rcode());
        let account = &mut self.account.dns;
        match outcome {
            Outcome::Answered => account.answered += 1,
            Outcome::Nxdomain => account.nxdomain += 1,
            Outcome::Failed => account.failed += 1,
        }
        let bytes = answer.message.bytes().len() as u16;
        let Some(requester) = self.shard.requester_mut(slot) else { return };
        if requester.learns(outcome, asked_bytes, bytes) {
            self.rescore(slot);
        }
    }

    /// Charges queries that a server has left unanswered; part of every tick.
    pub(super) fn notice_silent_servers(&mut self) {
        let Some(rules) = self.policy.dns.as_ref() else { return };
        let silence_ms = rules.profile.silence_ms;
        let Self { dns: Some(dns), shard, account, now, .. } = self else { return };
        dns.pending.expire(*now, silence_ms, |(entry, check)| {
            account.dns.silent += 1;
            if let Some(slot) = shard.at(entry)
                && shard.hot(slot).fingerprint as u8 == check
                && let Some(requester) = shard.requester_mut(slot)
            {
                requester.learns(Outcome::Failed, 0, 0);
            }
        });
        account.dns.forgotten = dns.pending.forgotten();
    }
}

/// What a challenge asks for: a cookie of those who know what that is, else that they come by TCP.
fn ask_for(query: &Query<'_>) -> Reason {
    let knows = query.edns.is_some_and(|edns| edns.cookie.is_some());
    if knows { Reason::DnsCookie } else { Reason::DnsTruncated }
}

fn outcome(rcode: Rcode) -> Outcome {
    match rcode {
        Rcode::NXDOMAIN => Outcome::Nxdomain,
        Rcode::SERVFAIL => Outcome::Failed,
        _ => Outcome::Answered,
    }
}
