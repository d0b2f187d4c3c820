//! What response policy zones say of queries and answers, and the answers that this makes.
//!
//! Asked by the stage for every query and every answer of a server, and again when the batch is sent, for what is then
//! written. Always holds: both times the same is found, as neither policy nor cache forgets in between (what the cache gave
//! up is answered with TC=1); an answer is a whole new message, never a partly edited one.

use repute_model::{Address, CacheRules, Rpz, RpzAction, RpzEffect, RpzMatch, RpzRuling, Tick};
use repute_wire::dns::{
    Answer, Asked, CLASS_IN, Data, ExtendedError, Extras, NAME_MAX, Name, Query, Question, Rcode, Reply,
    ReplyError, Section, kind,
};

use super::Cache;
use super::cache::{MESSAGE_MAX, OPT_MAX};

/// Aliases that are followed in one answer; resolvers follow fewer.
const ALIASES_MAX: usize = 16;
/// The type that asks for all types (RFC 1035, 3.2.3).
const ANY: u16 = 255;

/// The name that was asked for, and its aliases in an answer.
#[derive(Debug)]
pub struct Chain {
    /// In wire form, not compressed, in lower case.
    names: [[u8; NAME_MAX]; ALIASES_MAX + 1],
    lens: [u8; ALIASES_MAX + 1],
    /// Seconds that each alias may be kept.
    ttls: [u32; ALIASES_MAX + 1],
    count: usize,
}

impl Chain {
    /// Of a question alone.
    fn asked(name: &Name<'_>) -> Self {
        let mut chain = Self {
            names: [[0; NAME_MAX]; ALIASES_MAX + 1],
            lens: [0; ALIASES_MAX + 1],
            ttls: [0; ALIASES_MAX + 1],
            count: 0,
        };
        chain.push(name, 0);
        chain
    }

    /// Of a question and its answer. Who asks for aliases themselves is not led on by them.
    fn answered(question: &Question<'_>, answer: &Answer<'_>) -> Self {
        let mut chain = Self::asked(&question.name);
        let mut last = question.name;
        while !matches!(question.kind, kind::CNAME | ANY) && chain.count <= ALIASES_MAX {
            let Some((target, ttl)) = alias(answer, &last) else { break };
            chain.push(&target, ttl);
            last = target;
        }
        chain
    }

    fn push(&mut self, name: &Name<'_>, ttl: u32) {
        name.lowered(&mut self.names[self.count]);
        (self.lens[self.count], self.ttls[self.count]) = (name.len(), ttl);
        self.count += 1;
    }

    fn name(&self, at: usize) -> &[u8] {
        let len = self.lens.get(at).copied().unwrap_or(0);
        self.names.get(at).and_then(|name| name.get(..len.into())).unwrap_or_default()
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.count).map(|at| self.name(at))
    }
}

/// What an answer says that a name is an alias of, and for how long.
fn alias<'a>(answer: &Answer<'a>, name: &Name<'_>) -> Option<(Name<'a>, u32)> {
    let records = answer.message.records().ok()?.map_while(Result::ok);
    let mut answers = records.take_while(|record| record.section == Section::Answer);
    answers.find_map(|record| match record.decode() {
        Ok(Data::Cname(target)) if record.name == *name => Some((target, record.ttl)),
        _ => None,
    })
}

/// The addresses in an answer.
fn addresses<'a>(answer: &Answer<'a>) -> impl Iterator<Item = Address> + Clone + use<'a> {
    let records = answer.message.records().into_iter().flatten().map_while(Result::ok);
    let answers = records.take_while(|record| record.section == Section::Answer);
    answers.filter_map(|record| match record.decode() {
        Ok(Data::Address(address)) => Some(address),
        _ => None,
    })
}

/// What zones say of a query of `client`, whatever is answered. They are about class IN and standard queries.
pub fn at_query(zones: &Rpz, client: Address, query: &Query<'_>) -> RpzRuling {
    if zones.is_empty() || !query.is_standard() || query.question.class != CLASS_IN {
        return RpzRuling::Nothing;
    }
    let mut name = [0; NAME_MAX];
    zones.at_query(client, query.question.name.lowered(&mut name))
}

/// What a rule says, and of which names.
#[derive(Debug)]
pub struct Ruled {
    pub found: RpzMatch,
    chain: Chain,
}

impl Ruled {
    /// What zones say of an answer to `client`.
    pub fn of_answer(zones: &Rpz, client: Address, answer: &Answer<'_>) -> Option<Self> {
        let standard = answer.message.header().opcode() == 0;
        let question = answer.question.filter(|question| standard && question.class == CLASS_IN)?;
        let chain = Chain::answered(&question, answer);
        let found = zones.at_answer(client, chain.names(), addresses(answer))?;
        Some(Self { found, chain })
    }

    /// What zones say of a query of `client`: whatever is answered, else of the answer in the cache. `None` where they say
    /// nothing, or nothing is kept.
    pub fn of_query(
        zones: &Rpz,
        client: Address,
        query: &Query<'_>,
        kept: Option<&Cache>,
        rules: &CacheRules,
        now: Tick,
    ) -> Option<Self> {
        match at_query(zones, client, query) {
            RpzRuling::Nothing => None,
            RpzRuling::Match(found) => Some(Self { found, chain: Chain::asked(&query.question.name) }),
            RpzRuling::AtAnswer => Self::of_kept(zones, client, query, kept?, rules, now),
        }
    }

    /// What zones say of the answer in the cache.
    pub fn of_kept(
        zones: &Rpz,
        client: Address,
        query: &Query<'_>,
        kept: &Cache,
        rules: &CacheRules,
        now: Tick,
    ) -> Option<Self> {
        let mut message = [0; MESSAGE_MAX as usize + OPT_MAX];
        let hit = kept.again(query, rules, now)?;
        let len = hit.write(query, &mut message, &Extras::default(), usize::MAX).ok()?;
        Self::of_answer(zones, client, &Answer::read(message.get(..len)?).ok()?)
    }

    /// Whether an answer to `client` was not needed to find it.
    pub fn is_of_query(&self, zones: &Rpz, client: Address) -> bool {
        zones.at_query(client, self.chain.name(0)) == RpzRuling::Match(self.found)
    }

    /// Writes the answer over the message at the begin of `buffer`, whose header and question stay; the bytes that it takes.
    /// What has no room is left to TCP (TC=1). `None` where the buffer does not even hold that.
    pub fn write(&self, buffer: &mut [u8], frame: &Frame, zones: &Rpz) -> Option<usize> {
        let whole = self.write_records(buffer, frame, zones);
        whole.or_else(|_| self.write_truncated(buffer, frame)).ok()
    }

    fn write_records(&self, buffer: &mut [u8], frame: &Frame, zones: &Rpz) -> Result<usize, ReplyError> {
        let (effect, last) = (self.found.action.effect(), usize::from(self.found.name));
        if effect == RpzEffect::TcpOnly {
            return self.write_truncated(buffer, frame);
        }
        let rcode = if effect == RpzEffect::NxDomain { Rcode::NXDOMAIN } else { Rcode::NOERROR };
        let mut reply = frame.begin(buffer, rcode)?;
        // The aliases that lead to the name that it is about stay.
        for at in 1..=last {
            reply.alias(self.chain.name(at), self.chain.ttls.get(at).copied().unwrap_or(0))?;
        }
        let error = match self.found.action {
            RpzAction::Local(set) => {
                self.write_local(&mut reply, set, frame.kind, zones)?;
                ExtendedError::FORGED
            }
            _ => ExtendedError::BLOCKED,
        };
        reply.finish(&Extras { cookie: frame.cookie, error: Some(error), ..Extras::default() })
    }

    /// Answers with data of the zone. The target of an alias is for the asker to look up.
    fn write_local(&self, reply: &mut Reply<'_>, set: u32, kind: u16, zones: &Rpz) -> Result<(), ReplyError> {
        let Some(zone) = zones.zones().get(usize::from(self.found.zone)) else { return Ok(()) };
        let name = self.chain.name(self.found.name.into());
        for record in zone.local().records(set, kind) {
            let mut target = [0; NAME_MAX];
            let data = match record.kind {
                kind::CNAME => record.target(name, &mut target).ok_or(ReplyError::NoRoom)?,
                _ => record.data,
            };
            reply.record(record.kind, record.ttl, data)?;
        }
        Ok(())
    }

    fn write_truncated(&self, buffer: &mut [u8], frame: &Frame) -> Result<usize, ReplyError> {
        let mut reply = frame.begin(buffer, Rcode::NOERROR)?;
        reply.truncate();
        reply.finish(&Extras { cookie: frame.cookie, ..Extras::default() })
    }
}

/// What an answer takes from the message that it is written over.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// What it repeats.
    pub asked: Asked,
    /// The type that was asked for.
    pub kind: u16,
    /// Whether it says that recursion is on offer.
    pub recursion: bool,
    /// A fresh cookie for who sent one.
    pub cookie: Option<[u8; 16]>,
}

impl Frame {
    fn begin<'b>(&self, buffer: &'b mut [u8], rcode: Rcode) -> Result<Reply<'b>, ReplyError> {
        let mut reply = Reply::over(buffer, &self.asked, rcode)?;
        if self.recursion {
            reply.offer_recursion();
        }
        Ok(reply)
    }
}
