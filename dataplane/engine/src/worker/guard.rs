//! What strangers get while the destination that they send to is in flood.
//!
//! Called by the general way for every packet of a source, before anything is admitted. Known sources and what was
//! asked for pass as ever: per kind of flood, only what that kind is made of is held up.
//!
//! | flood | who passes | what the others get | what that costs somebody honest |
//! |---|---|---|---|
//! | syn | who has proved to receive what is sent to him | `retry`: the first SYN is withheld, its retransmission passes | a second, once (RFC 6298) |
//! | | | `cookie`: an answer by the box; who acknowledges it is reset and passes from then on | a failed connection, once |
//! | request | who was answered before, or asked for the same long before | the first one is withheld; repeated between the same ports it passes, within what strangers may have together | a repetition, once |
//! | segment | who was answered before | the same; TCP repeats what is not acknowledged | a repetition, once, where this box has never seen the connection |
//! | answer | answers to questions, and those of ports and makes of which few come | dropped | nothing |
//! | fragment, answer | fragments of datagrams whose first one passed | dropped | one that overtakes the first |
//!
//! Always holds: nobody whom a list allows is held up, and nobody is remembered in the table because of a packet that
//! was, but who returns a cookie.

use repute_model::{Flood, Floods, HELD_UP, Judgement, Listing, Packet, Prefix, Reason, Source, SynAnswer};
use repute_reputation::{Act, Alarm, Exchange, Fact, Flags, Happening, Hot, Recent, Slot, Strains};

use super::cookies::Cookies;
use super::lanes::Lanes;
use super::sample::Sample;
use super::{Worker, rules};

/// What was withheld passes when it comes again after 400 ms to 5.6 s, in units of 400 ms: TCP repeats a SYN after a
/// second and after three (RFC 6298), QUIC its first packet after one (RFC 9002), resolvers a question within five.
const RETRY: (u16, u16) = (2, 14);
/// A fragment follows the first one of its datagram within 2 s.
const FOLLOWS: (u16, u16) = (0, 5);
/// First fragments of which each worker remembers what became of them.
const DATAGRAMS: u32 = 4096;

/// What a worker remembers of strangers that have no entry.
#[derive(Debug)]
pub struct Guard {
    /// What was withheld: SYNs, and what else opens something.
    withheld: Recent,
    /// Datagrams whose first fragment passed, and those whose first one did not.
    passed: Recent,
    stopped: Recent,
    /// Which answers make a flood.
    strains: Strains,
    cookies: Cookies,
    /// Who is looked at closely of those that get no entry.
    pub(super) sample: Sample,
}

impl Guard {
    /// Room for so many withheld packets, a power of two; `seed` keys the cookies.
    pub fn new(withheld: u32, seed: u64) -> Self {
        Self {
            withheld: Recent::new(withheld),
            passed: Recent::new(DATAGRAMS),
            stopped: Recent::new(DATAGRAMS),
            strains: Strains::default(),
            cookies: Cookies::new(seed),
            sample: Sample::ALL,
        }
    }

    /// What SYNs are answered with.
    pub const fn cookies(&self) -> Cookies {
        self.cookies
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.withheld.bytes() + self.passed.bytes() + self.stopped.bytes() + self.strains.bytes()
    }
}

impl<P: Packet> Worker<P> {
    /// Whether a packet may say something about its destination, or be held up there: not that of a source that goes on
    /// with what it did before, nor of one whose packets are all dropped.
    pub(super) fn says_something(&self, known: Option<Slot>, x: &Exchange) -> bool {
        let Some(slot) = known else { return !self.view.stranger.way.drops() };
        let goes_on = matches!(x.act, Act::Segment { fin: false, .. } | Act::Datagram { .. }) && {
            let hot = self.shard.hot(slot);
            let ports = u32::from(x.sport) << 16 | u32::from(x.dport);
            self.goes_on(hot, self.shard.talk(hot.fingerprint, x.dst, x.protocol, ports))
        };
        !goes_on && (self.policy.shadow || !self.treatment(slot).drop)
    }

    /// Whether a packet goes on with the conversation that its source was last seen in, and nobody has to look at it: while
    /// somebody is in flood, one that is answered.
    #[inline(always)]
    pub(super) fn goes_on(&self, hot: &Hot, talk: u32) -> bool {
        hot.would_go_on(talk) && (hot.flags.has(Flags::ANSWERED) || self.crowd.alarms().is_empty())
    }

    /// What a packet says about its destination, before anybody has judged it. A source says each thing once in a
    /// window of its own, so that one source is no crowd.
    pub(super) fn facts(&mut self, known: Option<Slot>, x: &Exchange) -> Happening {
        let hot = known.map(|slot| self.shard.hot(slot));
        let first = hot.is_none_or(|hot| hot.packets == 0);
        let has = |flag| hot.is_some_and(|hot| hot.flags.has(flag));
        let (proven, verified) = (has(Flags::PROVEN), has(Flags::VERIFIED));
        let fact = match x.act {
            Act::Syn => (first && !verified).then_some(Fact::Syn),
            Act::Echo => (first && !proven).then_some(Fact::Request),
            Act::Datagram { answer: false } => {
                (first && !proven && !self.is_part(Flood::Request, x)).then_some(Fact::Request)
            }
            Act::Segment { .. } => {
                (first && !proven && !verified && !self.is_part(Flood::Segment, x)).then_some(Fact::Segment)
            }
            Act::Datagram { answer: true } => (!self.shard.is_known(x)).then_some(Fact::Unasked),
            Act::SynAck | Act::Reset | Act::EchoReply | Act::Error { .. } => {
                (first && !self.shard.is_known(x)).then_some(Fact::Unasked)
            }
            Act::Opaque => (!self.follows(x, true)).then_some(Fact::Fragment),
        };
        Happening::when(Fact::Stranger, known.is_none()) | fact.map_or(Happening::NOTHING, Happening::from)
    }

    /// Takes note of a packet whose source gets no entry. Where that is because the table is nearly full, strangers come
    /// in numbers and by the short way: some of them are looked at, and count for the others.
    pub(super) fn mark_refused(&mut self, source: Source, x: &Exchange, facts: Happening) {
        match x.act {
            Act::Segment { .. } | Act::Datagram { .. } => {
                self.crowd.mark(x.dst, Fact::Stranger.into());
                if !facts.is_nothing() && self.guard.sample.takes(self.shard.key(source)) {
                    self.mark_sampled(x, facts);
                }
            }
            _ => self.crowd.mark(x.dst, facts),
        }
    }

    /// The same for one that came by the short way and is looked at.
    #[inline(never)]
    pub(super) fn mark_refused_shortly(&mut self, lanes: &Lanes, i: usize) {
        let x = lanes.exchange(i);
        let facts = self.facts(None, &x);
        self.mark_sampled(&x, facts);
    }

    fn mark_sampled(&mut self, x: &Exchange, facts: Happening) {
        let times = self.guard.sample.times();
        for fact in [Fact::Request, Fact::Segment, Fact::Unasked] {
            if facts.has(fact) {
                self.crowd.mark_times(x.dst, fact, times);
            }
        }
    }

    /// The judgement of a packet to a destination in flood that its sender has no standing to send; `None` = it takes
    /// its way.
    pub(super) fn guard(&mut self, source: Source, known: Option<Slot>, x: &Exchange) -> Option<Judgement> {
        let reason = self.guarded(source, known, x)?;
        if let Some(key) = self.datagram_key(x) {
            self.guard.stopped.note(key, self.now);
        }
        let judgement = match reason {
            Reason::SynRetry | Reason::SynCookie | Reason::CrowdRequest | Reason::CrowdSegment => {
                Judgement::challenge(reason)
            }
            Reason::CookieReturned => {
                // Where the table has no room for him he will be asked again.
                if let Some(slot) = known.or_else(|| self.admit(source, None)) {
                    self.shard.verified(slot);
                }
                Judgement::challenge(reason)
            }
            _ => Judgement::drop(reason),
        };
        let standing = known.map(|slot| (self.shard.hot(slot).band, self.shard.hot(slot).score));
        Some(Judgement { standing, ..judgement })
    }

    fn guarded(&mut self, source: Source, known: Option<Slot>, x: &Exchange) -> Option<Reason> {
        if x.act == Act::Opaque && self.follows(x, false) {
            return Some(Reason::CrowdFragment);
        }
        let flood = match x.act {
            Act::Syn => Flood::Syn,
            Act::Echo | Act::Datagram { answer: false } => Flood::Request,
            Act::Segment { .. } => Flood::Segment,
            Act::Datagram { answer: true }
            | Act::SynAck
            | Act::Reset
            | Act::EchoReply
            | Act::Error { .. } => Flood::Answer,
            Act::Opaque => Flood::Fragment,
        };
        if self.returns_cookie(known, x) {
            return Some(Reason::CookieReturned);
        }
        let (at, alarm) = self.alarm(x, flood)?;
        let crowd = alarm.crowd;
        if self.is_exempt(source, known, flood) {
            return None;
        }
        match flood {
            Flood::Syn if self.syn_answer() == SynAnswer::Cookie => Some(Reason::SynCookie),
            Flood::Syn => self.withhold(self.shard.segment_key(x)).then_some(Reason::SynRetry),
            Flood::Fragment => (!self.follows(x, true)).then_some(Reason::CrowdFragment),
            Flood::Request | Flood::Segment if self.is_part(flood, x) => None,
            Flood::Request => self.hold_up(at, flood, x).then_some(Reason::CrowdRequest),
            Flood::Segment => self.hold_up(at, flood, x).then_some(Reason::CrowdSegment),
            Flood::Answer if self.shard.is_known(x) => None,
            // Who is known may end what this box did not see begin.
            Flood::Answer if x.act == Act::Reset && known.is_some() => None,
            Flood::Answer => {
                let [strain, all] = self.shard.strain_keys(x, crowd);
                self.guard.strains.count(strain, all, self.now).then_some(Reason::CrowdAnswer)
            }
        }
    }

    /// The crowd in flood that a packet is for. Of an answer that comes in fragments only the first one says what it is.
    fn alarm(&self, x: &Exchange, flood: Flood) -> Option<(usize, &Alarm)> {
        let find = |flood| self.crowd.alarms().find(x.src, x.dst, flood);
        match flood {
            Flood::Fragment => find(Flood::Fragment).or_else(|| find(Flood::Answer)),
            _ => find(flood),
        }
    }

    /// Whether a question or a segment is part of a conversation. While its receiver is flooded with such, what strangers
    /// have begun is none until it is answered.
    fn is_part(&mut self, flood: Flood, x: &Exchange) -> bool {
        let lasts = self.alarm(x, flood).map(|(_, alarm)| alarm.openings(flood).lasts(self.now));
        match lasts {
            Some(ms) => self.shard.is_settled(x, ms, self.now),
            None => self.shard.is_known(x),
        }
    }

    /// Whether a source may send this to whom it likes.
    fn is_exempt(&self, source: Source, known: Option<Slot>, flood: Flood) -> bool {
        let Some(slot) = known else {
            return self.policy.lists.get(source.first()) == Some(Listing::Allow);
        };
        let flags = self.shard.hot(slot).flags;
        flags.has(Flags::ALLOWED)
            || match flood {
                Flood::Syn => flags.has(Flags::VERIFIED),
                Flood::Request | Flood::Segment => flags.has(Flags::PROVEN) || flags.has(Flags::VERIFIED),
                Flood::Answer | Flood::Fragment => false,
            }
    }

    fn syn_answer(&self) -> SynAnswer {
        rules(&self.policy).map_or(SynAnswer::Retry, |rules| rules.profile.crowds.syn)
    }

    /// Whether a segment proves that its sender received what the box answered for somebody in flood.
    fn returns_cookie(&mut self, known: Option<Slot>, x: &Exchange) -> bool {
        matches!(x.act, Act::Segment { .. })
            && !self.policy.shadow
            && self.syn_answer() == SynAnswer::Cookie
            && self.crowd.alarms().find(x.src, x.dst, Flood::Syn).is_some()
            && known.is_none_or(|slot| !self.shard.hot(slot).flags.has(Flags::VERIFIED))
            && self.guard.cookies.is_returned(x, self.now)
    }

    /// Where a source would be held up now, and with what.
    pub(crate) fn held_up(&self, source: Source, known: Option<Slot>) -> [Option<(Prefix, Floods)>; HELD_UP] {
        let held = |alarm: &Alarm| {
            let held = Flood::ALL.iter().filter(|&&flood| alarm.concerns(source.first(), flood));
            let held = held.filter(|&&flood| !self.is_exempt(source, known, flood));
            held.fold(Floods::NONE, |all, &flood| all.with(flood))
        };
        let alarms = self.crowd.alarms().iter().map(|alarm| (alarm.crowd, held(alarm)));
        let mut alarms = alarms.filter(|(_, floods)| !floods.is_empty());
        std::array::from_fn(|_| alarms.next())
    }

    /// Whether something is withheld: not when it comes again, because its sender waits for an answer that a forger does
    /// not get.
    fn withhold(&mut self, key: u64) -> bool {
        if self.guard.withheld.was_noted(key, self.now, RETRY.0, RETRY.1) {
            return false;
        }
        if !self.guard.withheld.was_noted(key, self.now, 0, RETRY.0) {
            self.guard.withheld.note(key, self.now);
        }
        true
    }

    /// The same for what is told by its ports alone; and what comes again shares a rate with all other strangers.
    fn hold_up(&mut self, at: usize, flood: Flood, x: &Exchange) -> bool {
        let held = self.withhold(self.shard.flow_key(x)) || !self.crowd.allows(at, flood, self.now);
        if !held {
            self.shard.renew(x, self.now);
        }
        held
    }

    /// Takes note of a first fragment that goes on.
    pub(super) fn note_fragment(&mut self, x: &Exchange) {
        if let Some(key) = self.datagram_key(x).filter(|_| x.act != Act::Opaque) {
            self.guard.passed.note(key, self.now);
        }
    }

    /// Whether the first fragment of a datagram has passed, or (`passed` false) was stopped here.
    fn follows(&self, x: &Exchange, passed: bool) -> bool {
        let Some(key) = self.datagram_key(x) else { return passed };
        let memory = if passed { &self.guard.passed } else { &self.guard.stopped };
        memory.was_noted(key, self.now, FOLLOWS.0, FOLLOWS.1)
    }

    fn datagram_key(&self, x: &Exchange) -> Option<u64> {
        x.datagram.map(|number| self.shard.datagram_key(x, number))
    }
}
