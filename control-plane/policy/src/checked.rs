//! A config in which nothing is wrong: the only way to a policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use repute_model::{
    Address, CrowdRules, DomainTable, HourTerms, Limits, Listing, Policy, Prefix, PrefixTable, Rpz,
    Signatures,
};
use toml::de::DeTable;

use crate::canon::{Leaf, digest, leaves};
use crate::check::check;
use crate::config::{Config, Treat};
use crate::diagnostic::{Diagnostic, Diagnostics, Findings};
use crate::files::{self, ListFile, Summary};
use crate::name_files::{self, NameFile};
use crate::read::{Overlay, Reader};
use crate::topology::{Topology, topology};
use crate::zone_files::{self, ZoneFile, ZoneReport};
use crate::{compile, entry, patterns, tables, value::Named};

/// The longest config text in bytes.
pub const TEXT_MAX: usize = 64 << 20;

/// A validated config, with what its list files held when it was read, and its digest.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    config: Config,
    /// List files: to allow, to deny.
    files: [Vec<Summary>; 2],
    /// Files of honeypots.
    name_files: Vec<name_files::Summary>,
    lists: PrefixTable<Listing>,
    signatures: Signatures,
    honeypots: DomainTable<()>,
    zone_files: Vec<zone_files::Summary>,
    zones: Rpz,
    zone_reports: Vec<ZoneReport>,
    digest: [u8; 32],
}

impl Config {
    /// Reads and checks a config text, and the files that it names.
    ///
    /// `name` is what messages call the text: where it came from. Files have whole paths: a policy is applied from anywhere
    /// and kept.
    ///
    /// # Errors
    /// Every mistake at once, at most [`DIAGNOSTICS_MAX`](crate::DIAGNOSTICS_MAX) of them kept. Where the
    /// text is not even TOML, what depends on several keys is not checked yet, and no file is read.
    pub fn parse(name: &str, text: &str) -> Result<Checked, Diagnostics> {
        checked(name, text)
    }
}

fn checked(name: &str, text: &str) -> Result<Checked, Diagnostics> {
    if text.len() > TEXT_MAX {
        let mut findings = Findings::default();
        let message = format!("{} bytes of config, at most {TEXT_MAX} are read", text.len());
        let found = Diagnostic::new(0..0, message).label("long lists belong into files of their own");
        findings.push(found.help("name them in `lists.allow_files` and `lists.deny_files`"));
        return Err(Diagnostics::new(name, "", findings));
    }
    let (config, (files, names, zone_files), signatures, findings) = read(text);
    if !findings.is_empty() {
        return Err(Diagnostics::new(name, text, findings));
    }
    let lists = tables::lists(&config.lists, &files);
    let honeypots = tables::honeypots(&config, &names);
    let files = files.map(|files| files.into_iter().map(|file| file.summary).collect());
    let name_files: Vec<_> = names.into_iter().map(|file| file.summary).collect();
    let zones = zone_files::compiled(&zone_files);
    let (zone_files, zone_reports): (Vec<_>, _) =
        zone_files.into_iter().map(|file| (file.summary, file.report)).unzip();
    let digest = digest(&config, &files, &name_files, &zone_files);
    Ok(Checked {
        config,
        files,
        name_files,
        lists,
        signatures,
        honeypots,
        zone_files,
        zones,
        zone_reports,
        digest,
    })
}

/// What the files hold that a config names: list files to allow and to deny, files of names, policy zones.
type Held = ([Vec<ListFile>; 2], Vec<NameFile>, Vec<ZoneFile>);

fn read(text: &str) -> (Config, Held, Signatures, Findings) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let root = toml::Spanned::new(root.span(), toml::de::DeValue::Table(root.into_inner()));
    let mut config = Config::default();
    let mut reader = Reader::default();
    config.overlay(&root, &mut reader);
    if errors.is_empty() {
        check(&config, &mut reader);
        let files = files::load(&config, &mut reader);
        let names = name_files::load(&config, &mut reader);
        let zones = zone_files::load(&config, &mut reader);
        let signatures = patterns::load(&config, &mut reader);
        return (config, (files, names, zones), signatures, reader.findings);
    }
    (config, Default::default(), Signatures::default(), with_syntax_errors(text, &errors, reader.findings))
}

/// Syntax errors, and what reading found on other lines: on the same line it is only their echo.
fn with_syntax_errors(text: &str, errors: &[toml::de::Error], read: Findings) -> Findings {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|&end| end < at);
    let mut findings = Findings { more: read.more, ..Findings::default() };
    let mut lines = BTreeSet::new();
    for error in errors {
        let span = error.span().unwrap_or_default();
        lines.insert(line(span.start));
        findings.push(Diagnostic::new(span, "not valid TOML").label(error.message()));
    }
    for found in read.items {
        if !lines.contains(&line(found.span().start)) {
            findings.push(found);
        }
    }
    findings
}

impl Checked {
    /// The config itself.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// SHA-256 over the validated config in canonical form, with what its list files hold: the same for every
    /// spelling of one meaning.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The policy that workers judge by: the same bytes for the same config and version.
    pub fn compile(&self, version: u64) -> Policy {
        let Self { config, lists, signatures, honeypots, zones, .. } = self;
        compile::policy(config, lists, signatures, (honeypots, zones), version, self.digest)
    }

    /// As [`compile`](Self::compile), with what feeds say laid under the config's own lists: those count over feeds,
    /// and what either of them allows is allowed.
    pub fn compile_with(&self, feeds: &PrefixTable<Listing>, version: u64) -> Policy {
        let policy = self.compile(version);
        if feeds.is_empty() {
            policy
        } else {
            Policy { lists: policy.lists.combined(feeds, counts), ..policy }
        }
    }

    /// What the config's own lists say of an address.
    pub fn listed(&self, address: Address) -> Option<Listing> {
        self.lists.get(address)
    }

    /// What a list entry has to say so that whoever it names gets this treatment; `None` = no entry does that.
    pub fn entry(&self, treat: Treat) -> Option<Listing> {
        let (_, profile) = self.config.profiles.iter().next()?;
        entry::entry(&compile::profile(profile), treat)
    }

    /// The addresses of a service.
    pub fn service_prefixes(&self, name: &str) -> Vec<Prefix> {
        let found = self.config.services.iter().find(|(one, _)| *one == name);
        found.map_or_else(Vec::new, |(_, service)| service.prefixes.iter().map(|cidr| cidr.0).collect())
    }

    /// Every setting by its dotted path, for comparing.
    pub(crate) fn leaves(&self) -> BTreeMap<String, Leaf> {
        leaves(&self.config, &self.files, &self.name_files, &self.zone_files)
    }

    /// The policy zones, in their order.
    pub fn zones(&self) -> &Rpz {
        &self.zones
    }

    /// Names that nobody honest asks for.
    pub fn honeypots(&self) -> &DomainTable<()> {
        &self.honeypots
    }

    /// What has become of the policy zones, in their order.
    pub fn zone_reports(&self) -> &[ZoneReport] {
        &self.zone_reports
    }

    /// The files that tell workers where sources are at home ([`Policy::homes`]): none where no queries are judged.
    pub fn home_files(&self) -> Vec<&Path> {
        if self.config.profiles.dns.is_none() { Vec::new() } else { self.config.geo.files().collect() }
    }

    /// Sizes that are fixed at start.
    pub fn limits(&self) -> Limits {
        compile::limits(&self.config)
    }

    /// Whether everything is judged and told, and nothing of it done.
    pub fn is_shadow(&self) -> bool {
        compile::is_shadow(&self.config)
    }

    /// How floods of strangers are looked for and answered.
    pub fn crowd_rules(&self) -> CrowdRules {
        compile::crowd_rules(&self.config)
    }

    /// How it is learnt what is usual for services at each hour of the week; `None` where that does not count.
    pub fn hour_terms(&self) -> Option<HourTerms> {
        compile::hour_terms(&self.config)
    }

    /// Ports, pairs and workers.
    pub fn topology(&self) -> Topology {
        topology(&self.config)
    }

    /// The inside prefixes, for who asks about single addresses.
    pub fn inside(&self) -> PrefixTable<()> {
        tables::set(&self.config.inside)
    }

    /// The name of a signature, by its number in the policy.
    pub fn signature_name(&self, number: u16) -> Option<&str> {
        Named::names(&self.config.signatures).nth(number.into())
    }

    /// The names of the services, by their number in the policy.
    pub fn service_names(&self) -> Vec<String> {
        Named::names(&self.config.services).map(str::to_owned).collect()
    }

    /// Upstreams that queries go on to, in the order of the config; none where the box has no address of its own.
    pub fn upstreams(&self) -> Vec<String> {
        let endpoint = self.config.profiles.dns.as_ref().and_then(|dns| dns.queries.endpoint.as_ref());
        endpoint.into_iter().flat_map(|endpoint| &endpoint.upstreams).map(ToString::to_string).collect()
    }
}

/// What counts of an entry of the config and one of a feed.
fn counts(own: Option<Listing>, feed: Option<Listing>) -> Option<Listing> {
    if feed == Some(Listing::Allow) { feed } else { own.or(feed) }
}

impl fmt::Display for Checked {
    /// One line for logs: which profile, how much of what, and the digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.config.profiles.iter().next().map_or("none", |(name, _)| name);
        let (ports, services) = (self.config.ports.len(), self.config.services.len());
        let mode = if self.is_shadow() { "shadow mode, " } else { "" };
        write!(f, "{mode}profile {profile}, {ports} ports, {services} services, ")?;
        let files = self.files.iter().flatten();
        let (count, prefixes) = (files.clone().count(), files.map(|file| file.prefixes).sum::<usize>());
        if count > 0 {
            write!(f, "{prefixes} prefixes in {count} list files, ")?;
        }
        if !self.zone_reports.is_empty() {
            let rules: u64 = self.zone_reports.iter().flat_map(|zone| zone.rules).sum();
            write!(f, "{rules} rules in {} policy zones, ", self.zone_reports.len())?;
        }
        f.write_str("sha256 ")?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
