//! Response policy zones: zone files (RFC 1035, 5) whose owners are triggers and whose records are actions
//! (draft-vixie-dnsop-dns-rpz).
//!
//! Called by the control plane for the zones of the DNS profile and by `feed test`; a zone is no list of addresses and so
//! no [`Format`](super::Format). Always holds: what cannot be understood is a [`Flaw`] with its line and the rest counts,
//! as in BIND; a file of which more than a tenth is not understood, or that ends inside a record, is refused.

mod action;
mod entries;
mod flaw;
mod records;
mod trigger;

use std::io::Read;

use repute_model::{DomainName, DomainTable, LocalDataBuilder, RpzAction, RpzRules, RpzTrigger, RpzZone};

use super::detect::head;
use crate::limits::Limits;
use crate::read::Unpacked;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Skipped;

use records::{Says, Stated, Zone};
use trigger::Trigger;

pub use flaw::{Flaw, FlawKind, Flaws};

/// The name of the format on the command line.
pub const NAME: &str = "rpz";
/// Of so many records one may be flawed; more make the file malformed.
const FLAWED_ONE_IN: u64 = 10;
/// The type of an alias.
const CNAME: u16 = 5;

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
    /// What is wrong with some of them.
    pub flaws: Flaws,
}

impl RpzImport {
    /// Rules that are not enforced: an interceptor does not see which servers a resolver asks.
    pub fn unenforced(&self) -> u64 {
        [RpzTrigger::Nsdname, RpzTrigger::Nsip].iter().map(|trigger| self.rules[trigger.index()]).sum()
    }
}

/// Whether a file is a zone file, packed or not, as its begin looks.
///
/// # Errors
/// It cannot be read.
pub fn is_zone(source: impl Read, feed: &str, limits: Limits) -> Result<bool, Refusal> {
    let refuse =
        |error: std::io::Error| Refusal { feed: feed.to_owned(), place: Place::Whole, why: error.into() };
    let (head, _) = head(Unpacked::new(source, limits).map_err(refuse)?).map_err(refuse)?;
    Ok(looks_like(&head))
}

/// Whether the first line that says something is one of a zone file: a directive, or a start of authority.
pub(super) fn looks_like(head: &[u8]) -> bool {
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
/// A refusal with the place: what is no zone file, was cut off, says nothing, or passes a limit.
pub fn read(
    source: impl Read,
    feed: &str,
    origin: Option<DomainName>,
    limits: Limits,
) -> Result<RpzImport, Refusal> {
    let refuse = |(line, why): (u64, Why)| {
        let place = if line == 0 { Place::Whole } else { Place::Line(line) };
        Refusal { feed: feed.to_owned(), place, why }
    };
    let source = Unpacked::new(source, limits).map_err(|error| refuse((0, error.into())))?;
    let mut zone = Zone::new(origin, limits);
    entries::each(source, limits, |entry| zone.entry(entry)).map_err(refuse)?;
    let flawed = zone.flaws.unreadable();
    if flawed * FLAWED_ONE_IN > zone.records {
        let first = zone.flaws.rows().first().map_or(0, |flaw| flaw.line);
        let why =
            format!("{flawed} of {} records are no rule of a policy zone, this is the first", zone.records);
        return Err(refuse((first, Why::Malformed(why))));
    }
    compile(zone).map_err(|why| refuse((0, why)))
}

/// Puts together what is said of one trigger, and all that into tables.
fn compile(zone: Zone) -> Result<RpzImport, Why> {
    let Zone { mut stated, origin, authority, records, mut flaws, .. } = zone;
    if stated.is_empty() && !authority {
        return Err(Why::Empty(Skipped::default()));
    }
    // Stable: what stands first in the file stays first.
    stated.sort_by(|a, b| a.trigger.cmp(&b.trigger));
    let (mut rules, mut local, mut counts) =
        (RpzRules::default(), LocalDataBuilder::default(), [0; RpzTrigger::COUNT]);
    for same in stated.chunk_by(|a, b| a.trigger == b.trigger) {
        let Some((first, rest)) = same.split_first() else { continue };
        let action = match &first.says {
            Says::Action(action) => {
                rest.iter().for_each(|other| flaws.conflict(other));
                *action
            }
            Says::Data(..) => {
                let set = data(first, rest, &mut flaws);
                RpzAction::Local(local.add(set).ok_or(Why::Bytes(u64::from(u32::MAX)))?)
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
    rules.local = local.finish().ok_or(Why::Bytes(u64::from(u32::MAX)))?;
    let zone = RpzZone::new(rules).ok_or(Why::Entries(DomainTable::<u32>::ENTRIES_MAX))?;
    flaws.close();
    Ok(RpzImport { zone, origin: origin.unwrap_or_else(DomainName::root), records, rules: counts, flaws })
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
