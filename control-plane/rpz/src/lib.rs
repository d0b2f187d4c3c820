//! Response policy zones: zone files (RFC 1035, 5) whose owners are triggers and whose records are actions
//! (draft-vixie-dnsop-dns-rpz).
//!
//! Called by `repute-policy` for the zones that a config names and by `repute-feeds` for `feed test`; both are floors above.
//! Always holds: what cannot be understood is a [`Flaw`] with its line and the rest counts, as in BIND; a file of which more
//! than a tenth is not understood, or that ends inside a record, is refused with its line.
#![forbid(unsafe_code)]

mod action;
mod entries;
mod error;
mod flaw;
mod records;
mod trigger;

use std::io::BufRead;

use repute_model::{DomainName, DomainTable, LocalDataBuilder, RpzAction, RpzRules, RpzTrigger, RpzZone};

use records::{Says, Stated, Zone};
use trigger::Trigger;

pub use error::{RpzError, RpzWhy};
pub use flaw::{Flaw, FlawKind, Flaws};
pub use trigger::prefix_owner;

/// Of so many records one may be flawed; more make the file malformed.
const FLAWED_ONE_IN: u64 = 10;
/// The type of an alias.
const CNAME: u16 = 5;
/// Bytes of a record but for its data: a pointer to its name, type, class, TTL, length.
const RECORD: usize = 12;
/// Bytes of records in a datagram of 1232 bytes, which is not fragmented (DNS flag day 2020), beside the shortest question.
const DATA_MAX: usize = 1232 - 12 - 7;

/// How much a zone file may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RpzLimits {
    /// Records.
    pub records: usize,
    /// Bytes of a line, and of a record that is spread over several.
    pub line: usize,
}

impl Default for RpzLimits {
    /// 4 194 304 records, as many as list files may have entries; lines of 64 KiB.
    fn default() -> Self {
        Self { records: 4_194_304, line: 64 << 10 }
    }
}

/// What a zone file says.
#[derive(Debug)]
pub struct RpzImport {
    /// Its rules, compiled; those about name servers are not in it.
    pub zone: RpzZone,
    /// The name of the zone.
    pub origin: DomainName,
    /// Records that were read.
    pub records: u64,
    /// Rules by [`RpzTrigger`].
    pub rules: [u64; RpzTrigger::COUNT],
    /// Of those: rules that answer with an alias. It is all that an interceptor can give; who asks has to look up the
    /// target.
    pub aliases: u64,
    /// Of those: rules whose data never fits one datagram that is not fragmented.
    pub long: u64,
    /// What is wrong with some records.
    pub flaws: Flaws,
}

impl RpzImport {
    /// Rules that are not enforced: an interceptor does not see which servers a resolver asks.
    pub fn unenforced(&self) -> u64 {
        RpzTrigger::ALL
            .iter()
            .zip(self.rules)
            .filter(|(trigger, _)| !trigger.is_enforced())
            .map(|(_, n)| n)
            .sum()
    }
}

/// Whether the first line that says something is one of a zone file: a directive, or a start of authority.
pub fn looks_like(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    // What begins with `#` is a comment in lists, and none in zones.
    let telling = text.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with(';'));
    telling.is_some_and(|line| {
        let mut words = line.split_whitespace();
        let directive = ["$TTL", "$ORIGIN"].iter().any(|name| line.get(..name.len()) == Some(name));
        directive || !line.starts_with('#') && words.any(|word| word.eq_ignore_ascii_case("SOA"))
    })
}

/// Reads a zone file. `origin` is the name of the zone, if it is known; else the owner of its start of authority is.
///
/// # Errors
/// A refusal with its line: what is no zone file, was cut off, says nothing, or passes a limit.
pub fn read(
    source: impl BufRead,
    origin: Option<DomainName>,
    limits: RpzLimits,
) -> Result<RpzImport, RpzError> {
    let mut zone = Zone::new(origin, limits);
    entries::each(source, limits.line, |entry| zone.entry(entry))?;
    let flawed = zone.flaws.unreadable();
    if flawed * FLAWED_ONE_IN > zone.records {
        let first = zone.flaws.rows().first();
        let text = first.map_or("", |flaw| flaw.text.as_str());
        let why = format!(
            "{flawed} of {} records are no rule of a policy zone, this is the first: {text}",
            zone.records
        );
        return Err(RpzError { line: first.map_or(0, |flaw| flaw.line), why: RpzWhy::Malformed(why) });
    }
    compile(zone).map_err(|why| RpzError { line: 0, why })
}

/// Puts together what is said of one trigger, and all that into tables.
fn compile(zone: Zone) -> Result<RpzImport, RpzWhy> {
    let Zone { mut stated, origin, authority, records, mut flaws, .. } = zone;
    if stated.is_empty() && !authority {
        return Err(RpzWhy::Empty);
    }
    // Stable: what stands first in the file stays first.
    stated.sort_by(|a, b| a.trigger.cmp(&b.trigger));
    let (mut rules, mut local, mut counts) =
        (RpzRules::default(), LocalDataBuilder::default(), [0; RpzTrigger::COUNT]);
    let (mut aliases, mut long) = (0, 0);
    for same in stated.chunk_by(|a, b| a.trigger == b.trigger) {
        let Some((first, rest)) = same.split_first() else { continue };
        let action = match &first.says {
            Says::Action(action) => {
                rest.iter().for_each(|other| flaws.conflict(other));
                *action
            }
            Says::Data(..) => {
                let set = data(first, rest, &mut flaws);
                aliases += u64::from(set.iter().any(|(kind, ..)| *kind == CNAME));
                long += u64::from(set.iter().map(|(.., data)| RECORD + data.len()).sum::<usize>() > DATA_MAX);
                RpzAction::Local(local.add(set).ok_or(RpzWhy::Data)?)
            }
        };
        counts[first.trigger.kind().index()] += 1;
        match &first.trigger {
            Trigger::Client(prefix) => rules.clients.push((*prefix, action)),
            Trigger::Name(name) => rules.names.push((name.clone(), action)),
            Trigger::Address(prefix) => rules.addresses.push((*prefix, action)),
            Trigger::Server(_) | Trigger::ServerAddress(_) => {}
        }
    }
    drop(stated);
    rules.local = local.finish().ok_or(RpzWhy::Data)?;
    let zone = RpzZone::new(rules).ok_or(RpzWhy::Records(DomainTable::<u32>::ENTRIES_MAX))?;
    flaws.close();
    let origin = origin.unwrap_or_else(DomainName::root);
    Ok(RpzImport { zone, origin, records, rules: counts, aliases, long, flaws })
}

/// All data of one trigger; an alias stands alone.
fn data(first: &Stated, rest: &[Stated], flaws: &mut Flaws) -> Vec<(u16, u32, Vec<u8>)> {
    let mut set: Vec<(u16, u32, Vec<u8>)> = Vec::new();
    for stated in [first].into_iter().chain(rest) {
        let alias = |kind: u16| kind == CNAME || set.first().is_some_and(|(first, ..)| *first == CNAME);
        match &stated.says {
            Says::Data(kind, ttl, bytes) if set.is_empty() || !alias(*kind) => {
                set.push((*kind, *ttl, bytes.clone()));
            }
            _ => flaws.conflict(stated),
        }
    }
    set
}

#[cfg(test)]
mod tests;
