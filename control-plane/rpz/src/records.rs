//! Records of a policy zone: owner, TTL, class, type, data.
//!
//! Fed with the entries of the file. Always holds: what is stated has a trigger; the zone's own records (SOA, NS and
//! whatever its name itself has) state nothing.

use domain::base::iana::Rtype;
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace;
use repute_model::{DomainName, RpzAction};

use crate::entries::Entry;
use crate::error::{RpzError, RpzWhy};
use crate::flaw::{FlawKind, Flaws};
use crate::trigger::Trigger;
use crate::{CNAME, RpzLimits, action};

/// What a record says of its trigger.
#[derive(Debug)]
pub(super) enum Says {
    Action(RpzAction),
    /// Type, TTL and data of a record to answer with.
    Data(u16, u32, Vec<u8>),
}

/// One record that says something.
#[derive(Debug)]
pub(super) struct Stated {
    pub trigger: Trigger,
    pub line: u64,
    pub says: Says,
}

/// A zone in the making.
#[derive(Debug)]
pub(super) struct Zone {
    pub stated: Vec<Stated>,
    /// The name of the zone, as soon as it is known.
    pub origin: Option<DomainName>,
    /// Whether there is a start of authority.
    pub authority: bool,
    pub records: u64,
    pub flaws: Flaws,
    /// What completes relative names.
    suffix: Option<DomainName>,
    owner: Option<DomainName>,
    ttl: u32,
    records_max: usize,
}

/// The TTL of records before any is stated.
const TTL_S: u32 = 3600;
/// Types that a zone has for itself or that a policy cannot have.
const OTHER_TYPES: [Rtype; 10] = [
    Rtype::NS,
    Rtype::SOA,
    Rtype::DNAME,
    Rtype::DS,
    Rtype::DNSKEY,
    Rtype::RRSIG,
    Rtype::NSEC,
    Rtype::NSEC3,
    Rtype::NSEC3PARAM,
    Rtype::ZONEMD,
];

impl Zone {
    pub fn new(origin: Option<DomainName>, limits: RpzLimits) -> Self {
        Self {
            stated: Vec::new(),
            suffix: origin.clone(),
            origin,
            authority: false,
            records: 0,
            flaws: Flaws::default(),
            owner: None,
            ttl: TTL_S,
            records_max: limits.records,
        }
    }

    /// Takes an entry. `Err` where the file cannot be read on.
    pub fn entry(&mut self, entry: Entry<'_>) -> Result<(), RpzError> {
        let Entry { line, indented, tokens } = entry;
        if let Ok([first, rest @ ..]) = tokens.as_deref()
            && first.starts_with('$')
            && !indented
        {
            let refuse = |why| RpzError { line, why: RpzWhy::Malformed(why) };
            return self.directive(first, rest).map_err(refuse);
        }
        self.records += 1;
        if self.records > self.records_max as u64 {
            return Err(RpzError { line, why: RpzWhy::Records(self.records_max) });
        }
        let read = tokens
            .map_err(|wrong| (FlawKind::Record, wrong.to_owned()))
            .and_then(|tokens| self.record(line, indented, &tokens));
        match read {
            Ok(Some(stated)) => self.stated.push(stated),
            Ok(None) => {}
            Err((kind, text)) => self.flaws.add(line, kind, text),
        }
        Ok(())
    }

    fn directive(&mut self, name: &str, rest: &[&str]) -> Result<(), String> {
        match (name.to_ascii_uppercase().as_str(), rest) {
            ("$ORIGIN", [text]) => self.suffix = Some(self.name(text)?),
            ("$TTL", [text]) => self.ttl = ttl(text).ok_or_else(|| format!("`{text}` is no TTL"))?,
            ("$INCLUDE" | "$GENERATE", _) => {
                return Err(format!("`{name}` is not followed; write all records into one file"));
            }
            _ => {
                return Err(format!(
                    "`{name}` is no directive that is known, or has other words than it should"
                ));
            }
        }
        Ok(())
    }

    /// What a record states; `None` = it is the zone's own.
    fn record(
        &mut self,
        line: u64,
        indented: bool,
        tokens: &[&str],
    ) -> Result<Option<Stated>, (FlawKind, String)> {
        let unreadable = |text: String| (FlawKind::Record, text);
        let rest = match tokens {
            [first, rest @ ..] if !indented => {
                // Whoever has an owner that cannot be read lends none to the next.
                self.owner = None;
                self.owner = Some(self.name(first).map_err(unreadable)?);
                rest
            }
            _ => tokens,
        };
        let owner = self.owner.clone().ok_or_else(|| unreadable("has no owner".to_owned()))?;
        let (ttl, kind, data) = self.head(rest).map_err(unreadable)?;
        if kind == Rtype::SOA && self.origin.is_none() {
            self.suffix.get_or_insert(owner.clone());
            self.origin = Some(owner.clone());
        }
        self.authority |= kind == Rtype::SOA;
        let origin = self.origin.get_or_insert_with(|| self.suffix.clone().unwrap_or_else(DomainName::root));
        let Some(own) = owner.without_suffix(origin) else {
            return Err((FlawKind::OutOfZone, format!("`{owner}` lies outside the zone `{origin}`")));
        };
        if own.is_root() {
            return Ok(None);
        }
        if OTHER_TYPES.contains(&kind) {
            return Err((FlawKind::Type, format!("`{own}`: {kind} says nothing about a policy")));
        }
        let trigger =
            Trigger::read(own.clone()).map_err(|why| (FlawKind::Trigger, format!("`{own}` {why}")))?;
        let says =
            self.says(&trigger, ttl, kind, data).map_err(|(kind, why)| (kind, format!("`{own}`: {why}")))?;
        Ok(Some(Stated { trigger, line, says }))
    }

    /// TTL, type and the tokens of the data: TTL and class may be left out, and come in any order.
    fn head<'t>(&self, tokens: &'t [&'t str]) -> Result<(u32, Rtype, &'t [&'t str]), String> {
        let (mut rest, mut seconds) = (tokens, self.ttl);
        while let [first, more @ ..] = rest {
            if let Some(stated) = ttl(first) {
                seconds = stated;
            } else if let Ok(kind) = first.parse::<Rtype>() {
                return Ok((seconds, kind, more));
            } else if !first.eq_ignore_ascii_case("IN") {
                return Err(format!("`{first}` is neither a TTL, nor class IN, nor a type"));
            }
            rest = more;
        }
        Err("has no type".to_owned())
    }

    fn says(
        &self,
        trigger: &Trigger,
        ttl: u32,
        kind: Rtype,
        data: &[&str],
    ) -> Result<Says, (FlawKind, String)> {
        if kind != Rtype::CNAME {
            let bytes = self.data(kind, data).map_err(|why| (FlawKind::Record, why))?;
            return Ok(Says::Data(kind.to_int(), ttl, bytes));
        }
        let [text] = data else { return Err((FlawKind::Record, "CNAME has one name".to_owned())) };
        let target = self.name(text).map_err(|why| (FlawKind::Record, why))?;
        let action = action::read(&target, trigger).map_err(|why| (FlawKind::Action, why))?;
        Ok(action.map_or_else(|| Says::Data(CNAME, ttl, target.as_bytes().to_vec()), Says::Action))
    }

    /// The data of a record as it is on the wire, without compression.
    fn data(&self, kind: Rtype, data: &[&str]) -> Result<Vec<u8>, String> {
        let text = format!(". 0 IN {kind} {}\n", data.join(" "));
        let mut file = inplace::Zonefile::from(text.as_str());
        let suffix = self.suffix.as_ref().map_or_else(|| ".".to_owned(), ToString::to_string);
        file.set_origin(suffix.parse().map_err(|_| format!("`{suffix}` is no name"))?);
        match file.next_entry() {
            Ok(Some(inplace::Entry::Record(record))) => {
                let mut bytes = Vec::new();
                let Ok(()) = record.data().compose_rdata(&mut bytes);
                Ok(bytes)
            }
            _ => Err(format!("`{}` is no data of type {kind}", data.join(" "))),
        }
    }

    fn name(&self, text: &str) -> Result<DomainName, String> {
        let suffix = self.suffix.clone().unwrap_or_else(DomainName::root);
        DomainName::relative_to(text, &suffix).map_err(|error| error.to_string())
    }
}

/// Seconds, or numbers with units: `1h30m` (as BIND reads them).
fn ttl(text: &str) -> Option<u32> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (mut sum, mut number, mut digits) = (0u32, 0u32, 0);
    for byte in text.bytes() {
        let unit = match byte.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
                digits += 1;
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        if digits == 0 {
            return None;
        }
        sum = sum.checked_add(number.checked_mul(unit)?)?;
        (number, digits) = (0, 0);
    }
    sum.checked_add(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttls_with_and_without_units() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("300", Some(300)),
            ("2h", Some(7200)),
            ("1H30m", Some(5400)),
            ("3w", Some(1_814_400)),
            ("0s", Some(0)),
            ("1h5", Some(3605)),
            ("", None),
            ("h", None),
            ("1x", None),
            ("1hh", None),
            ("A", None),
            ("4294967296", None),
            ("9999999999h", None),
        ] {
            assert_eq!(ttl(text), seconds, "{text}");
        }
    }
}
