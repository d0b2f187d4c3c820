//! How long an answer may be kept, or why it may not (RFC 1035, 3.2.1; RFC 2308; RFC 2181, 8; RFC 9520).
//!
//! Asked by the cache before it keeps anything. Always holds: no longer than the shortest TTL of what is kept, unless the
//! operator wants a longer one.

use repute_model::{CacheRules, named};
use repute_wire::dns::{Answer, Data, Rcode, Record, Section, Soa, kind};

named! {
    /// Why an answer is not kept.
    Unkept;

    /// It was cut to fit: what is left out is not known.
    Truncated = "truncated",
    /// It is an error: of this query, not of the name.
    Error = "error",
    /// It says that there is nothing, and not for how long (no SOA; RFC 2308, 5).
    NoSoa = "no-soa",
    /// It has a TTL of 0, or of more than 2^31.
    NoTtl = "no-ttl",
    /// It repeats no question, or one that caches do not answer.
    Question = "question",
    /// It is longer than an answer may be.
    Long = "long",
    /// It has more than 128 records.
    Records = "records",
    /// The server failed, and what it said before may still be given (RFC 8767).
    Failure = "failure",
    /// There is no room even when others give way.
    Room = "room",
}

/// A server's failure is remembered so long (RFC 9520, 3.2: at least).
const FAILED_S: u32 = 1;

/// Seconds that `copy` may be kept, the part of `answer` that may.
pub(super) fn life_s(answer: &Answer<'_>, copy: &Answer<'_>, rules: &CacheRules) -> Result<u32, Unkept> {
    let header = answer.message.header();
    if header.is_truncated() {
        return Err(Unkept::Truncated);
    }
    match answer.rcode() {
        Rcode::SERVFAIL => return Ok(FAILED_S),
        Rcode::NOERROR | Rcode::NXDOMAIN if header.opcode() == 0 => {}
        _ => return Err(Unkept::Error),
    }
    let ttls = records(copy).map(|record| if record.ttl > i32::MAX as u32 { 0 } else { record.ttl });
    let shortest = ttls.min().unwrap_or(0).clamp(rules.ttl_min_s, rules.ttl_max_s.max(rules.ttl_min_s));
    let life = match (is_negative(copy), soa(copy)) {
        (true, Some(soa)) => shortest.min(soa.minimum.max(rules.ttl_min_s)).min(rules.negative_max_s),
        (true, None) if !is_referral(copy) => return Err(Unkept::NoSoa),
        _ => shortest,
    };
    if life == 0 { Err(Unkept::NoTtl) } else { Ok(life) }
}

/// Whether it says that there is no such name or no such data, perhaps at the end of aliases.
fn is_negative(copy: &Answer<'_>) -> bool {
    let asked = copy.question.map(|question| question.kind);
    let mut answers = records(copy).filter(|record| record.section == Section::Answer).peekable();
    copy.rcode() == Rcode::NXDOMAIN
        || answers.peek().is_none()
        // Aliases alone: the end is in another zone, of which an authoritative server says nothing, or it is not there.
        || soa(copy).is_some() && answers.all(|record| Some(record.kind) != asked)
}

/// Whether it sends on to the servers of a zone that the name lies in.
fn is_referral(copy: &Answer<'_>) -> bool {
    let servers = |record: &Record<'_>| {
        let zone = record.name;
        let inside = copy.question.is_some_and(|question| question.name.is_at_or_below(&zone));
        record.section == Section::Authority && record.kind == kind::NS && inside && !zone.is_root()
    };
    copy.rcode() == Rcode::NOERROR && records(copy).any(|record| servers(&record))
}

fn soa<'a>(copy: &Answer<'a>) -> Option<Soa<'a>> {
    let mut authorities = records(copy).filter(|record| record.section == Section::Authority);
    authorities.find_map(|record| match record.decode() {
        Ok(Data::Soa(soa)) => Some(soa),
        _ => None,
    })
}

fn records<'a>(copy: &Answer<'a>) -> impl Iterator<Item = Record<'a>> + use<'a> {
    copy.message.records().into_iter().flatten().flatten()
}
