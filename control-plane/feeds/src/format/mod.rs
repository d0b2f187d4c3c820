//! Formats in which the world writes down who is bad: one format, one file.
//!
//! Called by the feeds for what they fetched and by `feed test`. **Always holds:** an importer reads its source once,
//! keeps the limits of its terms, and gives a whole import or a refusal.

mod abuseipdb;
mod cti;
mod decision;
mod detect;
mod iprep;
mod list;
mod misp;
mod pattern;
pub mod rpz;
mod spamhaus;
mod stix;
mod warninglist;

use std::io::Read;

use crate::collect::Collector;
use crate::import::{Import, Terms};
use crate::read::Unpacked;
use crate::refusal::{Place, Refusal, Why};

pub use detect::{detect, detect_and_import};
pub use iprep::Categories;

pub(crate) use cti::Scores;
pub(crate) use decision::{Decision, answer};
pub(crate) use stix::{Indicators, envelope};

/// How a file or an answer is written. Any of them may be packed with gzip.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// An address, prefix or range (`a-b`) a line, or a name; `#` and `;` begin comments. FireHOL's netsets and ipsets,
    /// whose count is checked; hosts files, whose names count where names are wanted.
    List,
    /// Spamhaus DROP: JSON lines with a count at the end, or the older text (`prefix ; SBL number`).
    Spamhaus,
    /// AbuseIPDB's blacklist, API version 2; its plain form is a [`List`](Self::List).
    Abuseipdb,
    /// Suricata's IP reputation: `address,category,score` with scores of 0..=127.
    SuricataIprep,
    /// STIX bundles, versions 2.0 and 2.1, and envelopes of TAXII 2.1.
    Stix,
    /// MISP warninglists of the kinds `cidr` and `string`, or where names are wanted `hostname` and `string`.
    MispWarninglist,
    /// MISP events, objects and attributes, as its API exports them.
    Misp,
    /// Decisions of a CrowdSec local API: a stream's answer at start-up, or a list.
    Crowdsec,
    /// A page of addresses with scores as CrowdSec's threat intelligence API gives it.
    CrowdsecCti,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::List,
        Self::Spamhaus,
        Self::Abuseipdb,
        Self::SuricataIprep,
        Self::Stix,
        Self::MispWarninglist,
        Self::Misp,
        Self::Crowdsec,
        Self::CrowdsecCti,
    ];

    /// The name in configs and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Spamhaus => "spamhaus",
            Self::Abuseipdb => "abuseipdb",
            Self::SuricataIprep => "suricata-iprep",
            Self::Stix => "stix",
            Self::MispWarninglist => "misp-warninglist",
            Self::Misp => "misp",
            Self::Crowdsec => "crowdsec",
            Self::CrowdsecCti => "crowdsec-cti",
        }
    }

    /// Whether it may be about domain names.
    pub const fn has_names(self) -> bool {
        matches!(self, Self::List | Self::Stix | Self::MispWarninglist | Self::Misp)
    }
}

/// Reads a file or an answer in a known format.
///
/// # Errors
/// A refusal with the place: what is no such file, was cut off, has nothing that can be used, or passes a limit.
pub fn import(format: Format, source: impl Read, terms: &Terms<'_>) -> Result<Import, Refusal> {
    let unpacked = Unpacked::new(source, terms.limits);
    let source = unpacked.map_err(|error| refuse(terms, error.into()))?;
    read(format, source, terms)
}

fn refuse(terms: &Terms<'_>, why: Why) -> Refusal {
    Refusal { feed: terms.feed.to_owned(), place: Place::Whole, why }
}

fn read(format: Format, source: impl Read, terms: &Terms<'_>) -> Result<Import, Refusal> {
    if terms.names() && !format.has_names() {
        return Err(refuse(terms, Why::NoNames(format.name())));
    }
    let mut collector = Collector::new(terms);
    match format {
        Format::List => list::read(source, &mut collector)?,
        Format::Spamhaus => spamhaus::read(source, &mut collector)?,
        Format::Abuseipdb => abuseipdb::read(source, &mut collector)?,
        Format::SuricataIprep => iprep::read(source, &mut collector)?,
        Format::Stix => stix::read(source, &mut collector)?,
        Format::MispWarninglist => warninglist::read(source, &mut collector)?,
        Format::Misp => misp::read(source, &mut collector)?,
        Format::Crowdsec => decision::read(source, &mut collector)?,
        Format::CrowdsecCti => cti::read(source, &mut collector)?,
    }
    collector.finish()
}
