//! What is taken note of: queries whatever becomes of them, their outcomes, and silence.
//!
//! Called by the general way once something is decided, for what servers answer, and once a tick. Always holds: an answer
//! counts only for a query that went on; what nobody asked for changes nothing.

use repute_model::{FlatName, Lured, Packet, Report, Source};
use repute_reputation::{Exchange, Flags, Outcome, Requester, Slot};
use repute_wire::dns::{Answer, NAME_MAX, Rcode, segment};
use repute_wire::{L4, Parsed};

use super::{Asked, Reason, Speech};
use crate::dns::{Asks, Interceptor, Sent, Transaction, payload};
use crate::worker::{Worker, width};

impl<P: Packet> Worker<P> {
    /// Takes note of what a known source says to a server, whatever becomes of it.
    pub(in crate::worker) fn note_speech(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) {
        if let Some(asked) = speech.asked() {
            self.tap_query(speech, asked, x);
        }
        let width = width(&self.policy, &self.limits);
        let Self { dns: Some(dns), shard, view, account, now, .. } = self else { return };
        let fingerprint = shard.hot(slot).fingerprint;
        let Some(requester) = shard.requester_mut(slot) else { return };
        let look = match (speech.asked(), speech) {
            (Some(asked), _) => {
                let due = requester.due();
                if due > 0 {
                    let (network, is_random) = (dns.names.network(x.src), asked.inquiry.is_random);
                    requester.belongs(dns.networks.asks(network, fingerprint, is_random, due, *now));
                    dns.count_requester(fingerprint, due, *now, || Source::of(x.src, width));
                    dns.count_domain(asked.inquiry.domain, due, *now, asked.query.question.name);
                    if let Some(resident) = shard.resident_mut(slot).filter(|_| view.systems) {
                        dns.systems.asks(resident, network, &asked.inquiry, *now);
                    }
                }
                shard.requester_mut(slot).is_some_and(|requester| requester.asks(&asked.inquiry))
            }
            (None, Speech::Garbled(reason)) => {
                account.dns.garbled += 1;
                // Whether the box gets a packet in one piece is not its sender's doing.
                let counts = *reason != Reason::Scattered;
                if counts {
                    requester.garbles();
                }
                counts
            }
            _ => false,
        };
        if look {
            self.rescore(slot);
        }
        if let Some(asked) = speech.asked().filter(|asked| asked.inquiry.is_honeypot) {
            self.tell_lure(asked, x, true);
        }
    }

    /// Tells that somebody has asked for a honeypot.
    pub(super) fn tell_lure(&mut self, asked: &Asked<'_>, x: &Exchange, counted: bool) {
        let Some(source) = Source::of(x.src, width(&self.policy, &self.limits)) else { return };
        let Some(untold) = self.lures.take() else { return };
        let mut wire = [0; NAME_MAX];
        let name = FlatName::new(asked.query.question.name.lowered(&mut wire));
        self.mailbox.send(Report::Lured(Lured { source, name, counted, untold }));
    }

    /// Takes note of a query that goes on to a server: what comes back is its outcome. By TCP it is a proof besides, once
    /// the handshake has been seen.
    pub(in crate::worker) fn expect(&mut self, slot: Slot, speech: &Speech<'_>, x: &Exchange) {
        let Some(asked) = speech.asked() else { return };
        let now = self.now;
        if matches!(speech, Speech::Segment(_))
            && self.shard.hot(slot).flags.has(Flags::VERIFIED)
            && let Some(requester) = self.shard.requester_mut(slot)
        {
            requester.proves(now);
        }
        let asker = (slot.number(), self.shard.hot(slot).fingerprint as u8);
        let bytes = asked.query.message.bytes().len() as u16;
        if let Some(Interceptor { upstream, .. }) = &mut self.dns {
            let sent = Sent { asks: Asks::of(&asked.query), asker: Some(asker), bytes };
            upstream.note(&Transaction::of_query(x, &asked.query), sent, now);
        }
    }

    /// Takes note of a query that the box answers from its cache, in `bytes` bytes: for its requester the same as if the
    /// server had answered. The server is spared, so that a name that does not exist is no attack on it.
    pub(super) fn note_given(
        &mut self,
        slot: Slot,
        asked: &Asked<'_>,
        rcode: Rcode,
        bytes: usize,
        x: &Exchange,
    ) {
        let (Some(rules), Some(dns)) = (&self.policy.dns, &mut self.dns) else { return };
        let (outcome, now) = (outcome(rcode), self.now);
        let due = self.shard.requester(slot).map_or(1, Requester::due);
        if due > 0 {
            let (network, fails) = (dns.names.network(x.src), outcome == Outcome::Nxdomain);
            dns.networks.learns(network, fails, due, now);
            if let Some(resident) = self.shard.resident_mut(slot).filter(|_| self.view.systems) {
                dns.systems.learns(resident, network, asked.inquiry.domain, fails, now);
            }
        }
        if outcome == Outcome::Answered {
            dns.domains.learn_again(&asked.inquiry, &mut 0, due, &rules.subdomains, now);
        }
        let asked_bytes = asked.query.message.bytes().len() as u16;
        self.settle(slot, outcome, asked_bytes, bytes as u16);
    }

    /// Takes note of what became of a query of a requester.
    fn settle(&mut self, slot: Slot, outcome: Outcome, asked_bytes: u16, bytes: u16) {
        let Some(requester) = self.shard.requester_mut(slot) else { return };
        if requester.learns(outcome, asked_bytes, bytes) {
            self.rescore(slot);
        }
    }

    /// Takes note of what a server answers to a source that is known.
    pub(in crate::worker) fn note_answers(&mut self, packet: &P, parsed: &Parsed, receiver: Option<Slot>) {
        let (Some(slot), Some(rules), Some(dns)) = (receiver, &self.policy.dns, &mut self.dns) else {
            return;
        };
        if !parsed.has_ports() || !rules.serves(parsed.src, parsed.sport) {
            return;
        }
        let Some(answer) = answer(packet.bytes(), parsed) else { return };
        let (account, now) = (&mut self.account.dns, self.now);
        let found = Transaction::of_answer(parsed, &answer).and_then(|x| dns.upstream.answered(&x));
        let Some(Sent { asks, bytes: asked_bytes, .. }) = found.map(|waiting| waiting.sent) else {
            account.unasked += 1;
            return;
        };
        if let Some(cache) = &mut dns.cache {
            // Whether it is kept is counted there.
            cache.learn(&answer, asks, &rules.cache, now).ok();
        }
        let outcome = outcome(answer.rcode());
        match outcome {
            Outcome::Answered => account.answered += 1,
            Outcome::Nxdomain => account.nxdomain += 1,
            Outcome::Failed => account.failed += 1,
        }
        let (network, fails) = (dns.names.network(parsed.dst), outcome == Outcome::Nxdomain);
        dns.networks.learns(network, fails, 1, now);
        if let Some(question) = &answer.question {
            let (place, exists) = (dns.names.place(&question.name), outcome == Outcome::Answered);
            if let Some(resident) = self.shard.resident_mut(slot).filter(|_| self.view.systems) {
                dns.systems.learns(resident, network, place.domain, fails, now);
            }
            account.attacked += u64::from(dns.domains.learn(&place, exists, &rules.subdomains, now));
            if fails {
                dns.miss(place.domain, self.shard.hot(slot).fingerprint, now);
            }
        }
        let bytes = answer.message.bytes().len() as u16;
        self.settle(slot, outcome, asked_bytes, bytes);
    }

    /// Charges queries that a server has left unanswered; part of every tick.
    pub(in crate::worker) fn notice_silent_servers(&mut self) {
        let Some(rules) = self.policy.dns.as_ref() else { return };
        let silence_ms = rules.profile.silence_ms;
        let Self { dns: Some(dns), shard, account, now, .. } = self else { return };
        dns.upstream.expire(*now, silence_ms, |waiting| {
            account.dns.silent += 1;
            if let Some((entry, check)) = waiting.sent.asker
                && let Some(slot) = shard.at(entry)
                && shard.hot(slot).fingerprint as u8 == check
                && let Some(requester) = shard.requester_mut(slot)
            {
                requester.learns(Outcome::Failed, 0, 0);
            }
        });
    }
}

/// The first answer in a packet of a server.
fn answer<'p>(bytes: &'p [u8], parsed: &Parsed) -> Option<Answer<'p>> {
    let said = payload(bytes, parsed)?;
    let message = match parsed.l4 {
        L4::Udp => said,
        L4::Tcp => segment(said).next()?.ok()?,
        _ => return None,
    };
    Answer::read(message).ok()
}

pub(super) fn outcome(rcode: Rcode) -> Outcome {
    match rcode {
        Rcode::NXDOMAIN => Outcome::Nxdomain,
        Rcode::SERVFAIL => Outcome::Failed,
        _ => Outcome::Answered,
    }
}
