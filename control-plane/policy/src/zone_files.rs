//! Files of response policy zones, read by `repute-rpz`.
//!
//! Called once for every config text that judges queries, after its own checks. **Always holds:** a zone is taken over whole
//! or not at all; records of it that are no rules are told by line in its [`ZoneReport`] and count for nothing, as in BIND.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use repute_model::{Rpz, RpzTrigger, RpzZone};
use repute_rpz::{Flaw, RpzImport, RpzLimits};
use serde::Serialize;

use crate::config::{Config, PolicyZone};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::name_files::sha256;
use crate::read::Reader;
use crate::value::{Domain, Text};

/// How many records all policy zones of a config may have together.
pub const ZONE_RECORDS_MAX: usize = 4_194_304;
/// Where the zones are named.
const KEY: &str = "profiles.dns.zones";
/// So many flawed records of a zone are told; the rest is counted.
const FLAWS_MAX: usize = 20;

/// One zone: what it says, and what people see of it.
#[derive(Debug)]
pub(crate) struct ZoneFile {
    pub zone: Arc<RpzZone>,
    pub summary: Summary,
    pub report: ZoneReport,
}

/// A zone in a diff and in the digest.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Summary {
    name: Domain,
    file: Text,
    /// How many rules it has.
    rules: u64,
    /// Of the file as it is.
    sha256: String,
}

/// What has become of a policy zone: what workers enforce of it, and what they cannot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneReport {
    /// The name of the zone.
    pub name: String,
    /// Its file, as the config has it.
    pub file: String,
    /// Rules by [`RpzTrigger`].
    pub rules: [u64; RpzTrigger::COUNT],
    /// Rules that answer with an alias.
    pub aliases: u64,
    /// Rules whose data never fits one datagram.
    pub long: u64,
    /// Records that are no rules.
    pub flawed: u64,
    /// The first of them.
    pub flaws: Vec<Flaw>,
}

impl ZoneReport {
    fn new(key: &PolicyZone, import: &RpzImport) -> Self {
        Self {
            name: key.name.0.to_string(),
            file: key.file.to_string(),
            rules: import.rules,
            aliases: import.aliases,
            long: import.long,
            flawed: import.flaws.total(),
            flaws: import.flaws.rows().iter().take(FLAWS_MAX).cloned().collect(),
        }
    }

    /// What is not enforced as it is written, a line each with what happens instead; none where all of it is.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        };
        let unseen = RpzTrigger::ALL.iter().zip(self.rules).filter(|(trigger, _)| !trigger.is_enforced());
        note(
            unseen.map(|(_, count)| count).sum(),
            "rules by name server (rpz-nsdname, rpz-nsip) are not enforced: nobody in front of a resolver sees whom it asks",
        );
        note(
            self.aliases,
            "rules answer with an alias, and its target is not looked up: who asks has to; give addresses (A, AAAA) where \
             plain clients ask",
        );
        note(
            self.long,
            "rules have more data than one datagram takes: they are answered with TC=1, and by TCP not at all; leave some \
             out",
        );
        notes.extend(self.flaws.iter().map(|flaw| format!("line {}: {}", flaw.line, flaw.text)));
        let untold = self.flawed - self.flaws.len() as u64;
        if untold > 0 {
            notes.push(format!(
                "{untold} more records are no rules; `repute feed test` shows the first hundred"
            ));
        }
        notes
    }
}

/// One line: the zone, its file, its rules by trigger.
impl fmt::Display for ZoneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "zone {} ({}): ", self.name, self.file)?;
        let rules = RpzTrigger::ALL.iter().zip(self.rules).filter(|(_, count)| *count > 0);
        let rules: Vec<_> = rules.map(|(trigger, count)| format!("{count} rules by {trigger}")).collect();
        f.write_str(if rules.is_empty() { "no rules" } else { "" })?;
        f.write_str(&rules.join(", "))
    }
}

/// Reads every policy zone that `config` names.
pub(crate) fn load(config: &Config, reader: &mut Reader) -> Vec<ZoneFile> {
    let Some(dns) = &config.profiles.dns else { return Vec::new() };
    let zones = &dns.queries.zones;
    if !reader.sound(KEY) {
        return Vec::new();
    }
    let mut loader = Loader { reader, left: ZONE_RECORDS_MAX };
    if zones.len() > Rpz::ZONES_MAX {
        let message = format!("{} policy zones, at most {} are read", zones.len(), Rpz::ZONES_MAX);
        loader.reader.report_at(KEY, message, "join some of them");
        return Vec::new();
    }
    loader.twice(zones);
    let one = |(i, zone)| loader.one(&format!("{KEY}[{i}]"), zone);
    zones.iter().enumerate().filter_map(one).collect()
}

/// The zones as workers hold them, in order.
pub(crate) fn compiled(zones: &[ZoneFile]) -> Rpz {
    // There are never more than there may be: `load` has counted them.
    Rpz::new(zones.iter().map(|file| Arc::clone(&file.zone)).collect()).unwrap_or_default()
}

struct Loader<'a> {
    reader: &'a mut Reader,
    /// How many more records there is room for.
    left: usize,
}

impl Loader<'_> {
    /// Zones are told apart by their names.
    fn twice(&mut self, zones: &[PolicyZone]) {
        let mut known = BTreeMap::new();
        for (i, zone) in zones.iter().enumerate() {
            if let Some(first) = known.insert(&zone.name, i) {
                let of = |i: usize| format!("{KEY}[{i}]");
                let message = format!("two policy zones are named `{}`", zone.name.0);
                let found = Diagnostic::new(self.reader.places.of(&of(i)), message).label("the second one");
                let found = found.also(self.reader.places.of(&of(first)), "the first one");
                self.reader.findings.push(found.help("join them, or give one of them another name"));
            }
        }
    }

    fn one(&mut self, place: &str, key: &PolicyZone) -> Option<ZoneFile> {
        let whole = files::whole(place, &key.file, self.reader)?;
        let bytes = files::read(whole).map_err(|error| {
            let message = format!("cannot read the policy zone in `{}`", whole.display());
            self.reader.report_at(place, message, &error.to_string());
        });
        let bytes = bytes.ok()?;
        let limits = RpzLimits { records: self.left, ..RpzLimits::default() };
        let import = repute_rpz::read(&*bytes, Some(key.name.0.clone()), limits).map_err(|error| {
            let message = format!("{}: {}", key.file, error.to_string().escape_debug());
            self.reader.report_at(place, message, "nothing of this policy zone is taken over");
        });
        let import = import.ok()?;
        self.left -= usize::try_from(import.records).unwrap_or(self.left).min(self.left);
        let summary = Summary {
            name: key.name.clone(),
            file: key.file.clone(),
            rules: import.rules.iter().sum(),
            sha256: sha256([&*bytes]),
        };
        Some(ZoneFile { report: ZoneReport::new(key, &import), zone: Arc::new(import.zone), summary })
    }
}
