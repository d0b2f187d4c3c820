//! What leaves: packets to their ways out, in order, and everything else freed in bulk.

use arrayvec::Drain;
use repute_model::{BATCH, Io, Judgement, Outbox, Packet, Policy, Reason, Tick, Verdict};

use super::cookies::{self, Cookies};
use super::lanes::ones;
use super::{Waiting, Worker, parse};
use crate::account::PortAccount;
use crate::dns::{Interceptor, Replies};
use crate::shaper::{ConnectionQueue, Held, Shaper};
use crate::{Account, Batch, PORTS, Tap};

impl<P: Packet> Worker<P> {
    /// Empties the batch: forwards by port, holds back, copies, frees the rest, and counts all of it. Most batches
    /// come in by one port and have one fate; these leave as they are.
    pub(super) fn send<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        if self.copied != 0 {
            self.copy(batch, io);
        }
        if !self.rewrites.is_empty() {
            self.rewrite(batch);
        }
        let replaced = !self.replaced.is_empty();
        if replaced {
            self.replace_answers(batch);
        }
        if self.tap.is_on() {
            self.tap_answers(batch);
        }
        let ended = self.resets.take_marks();
        if ended != 0 && !self.view.shadow {
            self.make_resets(ended, batch, io);
        }
        if self.endpoint.is_some() {
            self.lead(batch, io);
        }
        // Lengths that have changed are counted one by one.
        let whole = if batch.taken || replaced { None } else { batch.port() };
        let is_all = |verdict: Verdict| self.verdicts.are_all(verdict);
        let is_answered = self.answered.count_ones() as usize == batch.len();
        match whole.map(|port| (port, self.wires[usize::from(port)].peer)) {
            Some((port, _)) if is_answered => self.send_back(batch, port, io),
            Some((port, Some(peer))) if is_all(Verdict::Forward) => {
                let account = &mut self.account.ports[usize::from(port)];
                account.receive(batch.len() as u64, batch.bytes);
                account.forwarded += batch.len() as u64;
                send_to(&mut self.account, peer, &mut batch.packets, batch.bytes, io);
            }
            _ if self.view.shadow => self.send_in_shadow(batch, io),
            Some((port, _)) if is_all(Verdict::Drop) => {
                let account = &mut self.account.ports[usize::from(port)];
                account.receive(batch.len() as u64, batch.bytes);
                account.drop_all(&self.judgements[..batch.len()]);
                io.free(&mut batch.packets);
            }
            // What is left is few; nothing is where all of it is answered.
            Some((port, Some(peer))) if !is_all(Verdict::Answer) => self.send_apart(batch, port, peer, io),
            _ => self.send_one_by_one(batch, io),
        }
        if ended != 0 {
            self.send_resets(io);
        }
        self.flush(io);
        (batch.taken, batch.misowned, self.answered) = (false, 0, 0);
    }

    /// Sends a batch that came by one port and became answers, packet by packet, while it was judged.
    fn send_back<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, port: u8, io: &mut I) {
        let account = &mut self.account.ports[usize::from(port)];
        account.receive(batch.len() as u64, batch.bytes);
        account.drop_all(&self.judgements[..batch.len()]);
        account.answered += batch.len() as u64;
        let bytes = wire_len(&batch.packets);
        send_to(&mut self.account, port, &mut batch.packets, bytes, io);
    }

    /// Sends on what is forwarded of a batch that came by one port. What is not is taken out of it one by one: mostly
    /// that is little.
    fn send_apart<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, port: u8, peer: u8, io: &mut I) {
        let Self { account, judgements, tickets, shaper, connections, dropped, outboxes, tap, .. } = self;
        let replies = replies(&self.policy, self.dns.as_ref(), self.now);
        let (cookies, answered) = (self.guard.cookies(), self.answered);
        let answers = Answers { outboxes, cookies, replies, answered, tap, now: self.now };
        let mut rest = Rest { tickets: tickets.drain(..), shaper, connections, dropped, answers };
        let (received, mut bytes, rest_of_batch) = (batch.len(), batch.bytes, self.verdicts.rest());
        let counts = &mut account.ports[usize::from(port)];
        counts.receive(received as u64, bytes);
        for i in ones(rest_of_batch) {
            let judgement = &judgements[i];
            let taken = received - batch.len();
            let Some(packet) = batch.packets.pop_at(i - taken) else { break };
            bytes -= u64::from(batch.lanes.wire_len(i));
            rest.take(packet, i, judgement, (port, Some(peer)), counts);
        }
        counts.forwarded += batch.len() as u64;
        drop(rest);
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
        send_to(&mut self.account, peer, &mut batch.packets, bytes, io);
        let answers = &mut self.outboxes[usize::from(port)];
        if !answers.is_empty() {
            let bytes = wire_len(answers);
            send_to(&mut self.account, port, answers, bytes, io);
        }
    }

    fn send_one_by_one<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        let Self { account, judgements, tickets, shaper, connections, dropped, wires, outboxes, tap, .. } =
            self;
        let replies = replies(&self.policy, self.dns.as_ref(), self.now);
        let (cookies, answered) = (self.guard.cookies(), self.answered);
        let answers = Answers { outboxes, cookies, replies, answered, tap, now: self.now };
        let mut rest = Rest { tickets: tickets.drain(..), shaper, connections, dropped, answers };
        for (i, (packet, judgement)) in batch.packets.drain(..).zip(&*judgements).enumerate() {
            let (port_in, wire_len) = (batch.ports[i], batch.lanes.wire_len(i));
            let peer = wires[usize::from(port_in)].peer;
            let counts = &mut account.ports[usize::from(port_in)];
            counts.take_in(batch.taken, wire_len);
            match peer.filter(|_| judgement.verdict == Verdict::Forward) {
                Some(peer) => {
                    counts.forwarded += 1;
                    rest.answers.outboxes[usize::from(peer)].push(packet);
                }
                None => rest.take(packet, i, judgement, (port_in, peer), counts),
            }
        }
        drop(rest);
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
        self.send_outboxes(io);
    }

    /// Copies what the mirror picked.
    #[cold]
    fn copy<I: Io<Packet = P>>(&mut self, batch: &Batch<P>, io: &mut I) {
        for (i, packet) in batch.packets.iter().enumerate() {
            if self.copied >> i & 1 != 0 {
                self.mirror.copy(packet, self.now, io);
            }
        }
        self.copied = 0;
        if let Some((port, outbox)) = self.mirror.outbox() {
            self.account.ports[usize::from(port)].mirrored += outbox.len() as u64;
            let bytes = wire_len(outbox);
            send_to(&mut self.account, port, outbox, bytes, io);
        }
    }

    /// Sends what waits for every port.
    pub(super) fn send_outboxes<I: Io<Packet = P>>(&mut self, io: &mut I) {
        for (port, outbox) in self.outboxes.iter_mut().enumerate() {
            let bytes = wire_len(outbox);
            send_to(&mut self.account, port as u8, outbox, bytes, io);
        }
    }
}

/// Where packets go that are not forwarded.
struct Rest<'a, P> {
    /// The tickets of the batch, in its order.
    tickets: Drain<'a, Waiting, BATCH>,
    shaper: &'a mut Shaper<Held<P>>,
    connections: &'a mut ConnectionQueue<Held<P>>,
    dropped: &'a mut Outbox<P>,
    answers: Answers<'a, P>,
}

/// What becomes an answer in place of being dropped.
struct Answers<'a, P> {
    outboxes: &'a mut [Outbox<P>; PORTS],
    cookies: Cookies,
    replies: Option<Replies<'a>>,
    /// Which packets of the batch are answers already, a bit each.
    answered: u64,
    tap: &'a mut Tap,
    now: Tick,
}

/// What queries are answered with, where they are judged.
pub(super) fn replies<'a>(
    policy: &'a Policy,
    dns: Option<&'a Interceptor>,
    now: Tick,
) -> Option<Replies<'a>> {
    let (rules, dns) = (policy.dns.as_ref()?, dns?);
    let Interceptor { cache, ahead, given, .. } = dns;
    Some(Replies { rules, secrets: dns.secrets.at(now), cache: cache.as_ref(), ahead, given, now })
}

impl<P: Packet> Answers<'_, P> {
    /// Turns a packet, at this place in its batch, round, to leave by the port that it came by; gives it back where that cannot be done.
    #[inline(never)]
    fn take(&mut self, mut packet: P, place: usize, reason: Reason, port: u8) -> Option<P> {
        let answer = match reason {
            _ if self.answered >> place & 1 != 0 => true,
            Reason::SynCookie => self.cookies.answer(&mut packet, self.now),
            Reason::CookieReturned => cookies::reset(&mut packet),
            _ => self.reply(&mut packet, place, reason),
        };
        if !answer {
            return Some(packet);
        }
        self.outboxes[usize::from(port)].push(packet);
        None
    }

    /// Turns a query, at this place in its batch, into the answer that `reason` names.
    fn reply(&mut self, packet: &mut P, place: usize, reason: Reason) -> bool {
        let Some(replies) = self.replies.as_ref().filter(|replies| replies.answers(reason)) else {
            return false;
        };
        let written = replies.write(packet, place, reason);
        if written && self.tap.is_on() {
            self.tap.copy_answer(packet, &parse(packet), replies.rules, self.now);
        }
        written
    }
}

impl<P: Packet> Rest<'_, P> {
    /// Holds a packet, at this place in its batch, back by its ticket, or drops it; `ways` are the ports in and out.
    fn take(
        &mut self,
        packet: P,
        place: usize,
        judgement: &Judgement,
        ways: (u8, Option<u8>),
        counts: &mut PortAccount,
    ) {
        let (port_in, port_out) = ways;
        match (judgement.verdict, port_out) {
            (Verdict::Queue, Some(port_out)) => {
                counts.queued += 1;
                let held = Held { packet: Some(packet), port_in, port_out };
                match self.tickets.next() {
                    Some(Waiting::Packet(ticket)) => self.shaper.hold(ticket, held),
                    Some(Waiting::Connection(ticket)) => self.connections.hold(ticket, held),
                    None => debug_assert!(false, "whoever is held has a ticket"),
                }
            }
            (Verdict::Challenge | Verdict::Answer, _) => {
                counts.drop(judgement.reason);
                let reason = judgement.reason.unwrap_or(Reason::SynRetry);
                match self.answers.take(packet, place, reason, port_in) {
                    Some(packet) => self.dropped.push(packet),
                    None => counts.answered += 1,
                }
            }
            _ => {
                counts.drop(judgement.reason);
                self.dropped.push(packet);
            }
        }
    }
}

/// Offers packets of `bytes` bytes to a port; what it refuses is freed and counted.
fn send_to<I: Io>(account: &mut Account, port: u8, outbox: &mut Outbox<I::Packet>, bytes: u64, io: &mut I) {
    if outbox.is_empty() {
        return;
    }
    let offered = outbox.len() as u64;
    io.send(port, outbox);
    let (refused, refused_bytes) = (outbox.len() as u64, wire_len(outbox));
    let account = &mut account.ports[usize::from(port)];
    account.offered += offered;
    account.sent += offered - refused;
    account.sent_bytes += bytes - refused_bytes;
    account.refused += refused;
    if !outbox.is_empty() {
        io.free(outbox);
    }
}

fn wire_len<P: Packet>(packets: &[P]) -> u64 {
    packets.iter().map(|packet| u64::from(packet.wire_len())).sum()
}
