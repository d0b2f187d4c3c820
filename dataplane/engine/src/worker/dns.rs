//! The stage for DNS: what is said to a protected server, how its requester stands, what becomes of it.
//!
//! Called by the general way in the place of treatments, where the policy has a DNS profile; the short way never sees what
//! goes to or comes from a port of the service. Always holds: the standing before a query decides about it, and what it
//! says is taken note of whatever is decided, so that nobody is judged by what the box did to him.

mod again;
mod look;
mod notes;
mod pass;
mod speech;
mod tap;
mod zones;

use repute_model::{Band, Block, Flood, Judgement, Packet, Path, Reason, RpzRuling, Rule, Source};
use repute_reputation::{Exchange, Flags, Slot};
use repute_wire::dns::CookieStanding;

use super::stranger::Stranger;
use super::treat::Fate;
use super::{Worker, rules};
use crate::dns::{Interceptor, Turn, seconds};
pub use speech::Asked;
pub(super) use speech::Speech;

/// What counts of a requester when its path is looked for.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// Where its queries go by its band or score.
    path: Path,
    /// A list allows it: nothing holds it up.
    allowed: bool,
    /// It has been answered before.
    answered: bool,
    /// It has proved to receive what is sent to it, or does so with this query.
    proved: bool,
    /// It stands well besides.
    good: bool,
    /// What is decided is only counted.
    dry: bool,
}

impl<P: Packet> Worker<P> {
    /// What becomes of what a known source says to a server.
    pub(super) fn intercept(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) -> Fate {
        let proved = self.is_proved(slot, speech, x);
        let Some(rules) = &self.policy.dns else { return Fate::Pass };
        let hot = self.shard.hot(slot);
        let (band, allowed) = (hot.band, hot.flags.has(Flags::ALLOWED));
        let answered = [Flags::PROVEN, Flags::VERIFIED].iter().any(|&flag| hot.flags.has(flag));
        let path = if allowed { rules.path_of_allowed() } else { rules.path(band, hot.score) };
        let standing =
            Standing { path, allowed, answered, proved, good: band <= Band::Good, dry: rules.is_dry(band) };
        let fate = self.decide(speech, &standing, x, |worker, asked| worker.challenge(slot, asked));
        self.or_given(fate, Some(slot), speech, &standing, x)
    }

    /// What becomes of a datagram to a server whose sender has no entry: nothing is remembered of it.
    pub(super) fn intercept_stranger(
        &mut self,
        source: Source,
        speech: &Speech<'_>,
        x: &Exchange,
    ) -> Judgement {
        self.account.strangers += 1;
        if let Some(asked) = speech.asked() {
            let key = self.shard.key(source);
            if let Some(dns) = &mut self.dns {
                dns.count_requester(key, 1, self.now, || Some(source));
                dns.count_domain(asked.inquiry.domain, 1, self.now, asked.query.question.name);
            }
            self.tap_query(speech, asked, x);
            if asked.inquiry.is_honeypot {
                self.tell_lure(asked, x, false);
            }
        }
        let proved = speech.asked().is_some_and(|asked| self.returns_server_cookie(asked, x));
        let (Some(dns), Some(rules)) = (&self.policy.dns, rules(&self.policy)) else {
            return Judgement::FORWARD;
        };
        let Stranger { scored, rule, treatment } = Stranger::of(&self.circumstances(source, Some(x)), rules);
        let (band, allowed) = (dns.profile.thresholds.band(scored.score), rule == Rule::Allowed);
        let path = if allowed { dns.path_of_allowed() } else { dns.path(band, scored.score) };
        let (good, dry) = (band <= Band::Good, dns.is_dry(band));
        let standing = Standing { path, allowed, answered: false, proved, good, dry };
        let fate = self.decide(speech, &standing, x, |_, asked| Fate::Challenge(asked.challenge()));
        let fate = self.or_given(fate, None, speech, &standing, x);
        let (verdict, reason) = fate.verdict();
        Judgement { verdict, reason, measures: treatment.measures(), ..Judgement::FORWARD }
    }

    /// Where something goes that was said to a server; `challenge` asks its requester to prove itself.
    fn decide(
        &mut self,
        speech: &Speech<'_>,
        standing: &Standing,
        x: &Exchange,
        challenge: impl FnOnce(&mut Self, &Asked<'_>) -> Fate,
    ) -> Fate {
        let Standing { path, allowed, dry, .. } = *standing;
        let fate = match speech {
            Speech::Other => return Fate::Pass,
            Speech::Garbled(reason) => {
                let drops = self.policy.dns.as_ref().is_some_and(|rules| rules.drops_malformed);
                if drops && !allowed { Fate::Stop(*reason) } else { Fate::Pass }
            }
            // TCP is a proof: nobody completes a handshake in somebody else's name.
            Speech::Segment(_) => {
                if path == Path::Block {
                    self.block(speech)
                } else {
                    Fate::Pass
                }
            }
            Speech::Query(_) if path == Path::Block => self.block(speech),
            Speech::Query(_) if allowed => Fate::Pass,
            Speech::Query(asked) => match self.strain(asked, standing, x) {
                Strain::None => Fate::Pass,
                // Nobody is asked, so nobody fails.
                Strain::Proof if dry || self.policy.shadow => Fate::Challenge(asked.challenge()),
                Strain::Proof => challenge(self, asked),
                Strain::Beyond(reason) => Fate::Stop(reason),
            },
        };
        if speech.asked().is_some() {
            self.account.dns.paths[path.index()] += 1;
            self.account.dns.dry_run += u64::from(dry && fate != Fate::Pass);
        }
        if dry { Fate::Pass } else { fate }
    }

    /// What becomes of a query that would go on: what policy zones say, else where the box has the answer to it;
    /// where it has nobody to go on to, that the server failed.
    fn or_given(
        &mut self,
        fate: Fate,
        slot: Option<Slot>,
        speech: &Speech<'_>,
        standing: &Standing,
        x: &Exchange,
    ) -> Fate {
        let Some(asked) = speech.asked().filter(|_| fate == Fate::Pass) else { return fate };
        let ruling = self.ruling(asked, x);
        if let RpzRuling::Match(found) = ruling {
            let by_tcp = matches!(speech, Speech::Segment(_));
            match self.enforce(&found, by_tcp, standing) {
                Fate::Pass => {}
                fate => return fate,
            }
        }
        match speech {
            Speech::Query(asked) => match self.or_cached(slot, asked, standing, x, ruling) {
                Fate::Pass if asked.turns && self.is_cut_off(x) => Fate::Answer(Reason::DnsServfail),
                fate => fate,
            },
            _ => Fate::Pass,
        }
    }

    /// Whether a query has nobody to go on to.
    fn is_cut_off(&self, x: &Exchange) -> bool {
        self.dns.as_ref().is_some_and(|dns| dns.is_cut_off(x.dst.is_v4()))
    }

    /// What becomes of a query that would go on, where the box has the answer to it.
    fn or_cached(
        &mut self,
        slot: Option<Slot>,
        asked: &Asked<'_>,
        standing: &Standing,
        x: &Exchange,
        ruling: RpzRuling,
    ) -> Fate {
        if standing.path != Path::Cached || standing.dry || !asked.turns {
            return Fate::Pass;
        }
        let Self { dns: Some(dns), policy, now, .. } = self else { return Fate::Pass };
        let Some(rules) = &policy.dns else { return Fate::Pass };
        let turn = Turn { place: self.turn, edition: policy.edition, now: *now, v4: x.dst.is_v4() };
        let Some((rcode, bytes)) = dns.cached(asked, rules, turn) else { return Fate::Pass };
        if ruling == RpzRuling::AtAnswer
            && let Some(found) = self.ruling_of_kept(asked, x)
        {
            match self.enforce(&found, false, standing) {
                Fate::Pass => {}
                fate => return fate,
            }
        }
        if let Some(slot) = slot.filter(|_| !self.policy.shadow) {
            self.note_given(slot, asked, rcode, bytes, x);
        }
        Fate::Answer(Reason::DnsCached)
    }

    /// What keeps a query from going on though nobody blocks its requester.
    fn strain(&mut self, asked: &Asked<'_>, standing: &Standing, x: &Exchange) -> Strain {
        let Self { dns: Some(dns), policy, crowd, now, .. } = self else { return Strain::None };
        let Some(rules) = &policy.dns else { return Strain::None };
        let proof = if standing.proved { Strain::None } else { Strain::Proof };
        let doubtful = dns.domains.is_doubtful(&asked.inquiry, &rules.subdomains, *now);
        if doubtful && standing.proved && !standing.good {
            let allowed = dns.domains.allows(&asked.inquiry, &rules.subdomains, *now);
            return if allowed { Strain::None } else { Strain::Beyond(Reason::DnsSubdomain) };
        }
        if doubtful || standing.path == Path::Challenge {
            return proof;
        }
        if standing.proved {
            return Strain::None;
        }
        let Interceptor { rates, names, .. } = dns;
        let same = || names.same(x.src, &asked.inquiry, asked.query.question.kind);
        if rates.exceeds(rules.same.per_s, *now, same) {
            return if dns.slips(rules.same.slip) { Strain::Proof } else { Strain::Beyond(Reason::DnsRate) };
        }
        // A server in a flood of questions: whoever is honest passes the challenge, which costs the server nothing.
        let flooded = !standing.answered && crowd.alarms().find(x.src, x.dst, Flood::Request).is_some();
        if flooded { Strain::Proof } else { Strain::None }
    }

    /// Asks a requester to prove that it receives what is sent to it: for a cookie of those who know what that is, else
    /// that they come by TCP.
    fn challenge(&mut self, slot: Slot, asked: &Asked<'_>) -> Fate {
        let Self { dns: Some(dns), policy, shard, now, .. } = self else { return Fate::Pass };
        let (Some(rules), Some(requester)) = (&policy.dns, shard.requester_mut(slot)) else {
            return Fate::Pass;
        };
        let unmet = requester.challenged(*now);
        match unmet > rules.proof.tries {
            true if rules.proof.garden.of(asked.query.question.kind).is_some() => {
                Fate::Challenge(Reason::DnsGarden)
            }
            true if !dns.slips(rules.proof.slip) => Fate::Stop(Reason::DnsUnproven),
            _ => Fate::Challenge(asked.challenge()),
        }
    }

    /// Whether a requester has proved, lately or by this query, that it receives what is sent to it.
    fn is_proved(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) -> bool {
        let returned = speech.asked().is_some_and(|asked| self.returns_server_cookie(asked, x));
        let (now, lasts_ms) = (self.now, self.policy.dns.as_ref().map_or(0, |rules| rules.proof.lasts_ms));
        if returned {
            self.shard.verified(slot);
        }
        let Some(requester) = self.shard.requester_mut(slot) else { return returned };
        if returned {
            requester.proves(now);
        }
        requester.is_proved(now, lasts_ms)
    }

    fn returns_server_cookie(&self, asked: &Asked<'_>, x: &Exchange) -> bool {
        let cookie = asked.query.edns.and_then(|edns| edns.cookie).filter(|cookie| !cookie.server.is_empty());
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
}

/// What keeps a query from going on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Strain {
    /// Nothing.
    None,
    /// Its requester has to prove itself first.
    Proof,
    /// There are too many of its kind.
    Beyond(Reason),
}
