//! `[[feeds]]`: what others know about sources and names.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Duration, Int, Size, Text, keywords};

keywords! {
    /// What a feed's entries are for.
    Says {
        /// They are known bad.
        Deny = "deny",
        /// They always pass.
        Allow = "allow",
        /// They are names: whoever asks a DNS server for one loses reputation.
        Honeypot = "honeypot",
    }
}

keywords! {
    /// How a feed is written. Any of them may be packed with gzip.
    FeedFormat {
        /// By its first bytes.
        Auto = "auto",
        /// An address, prefix or range a line, also FireHOL's netsets and ipsets; or a name a line, also hosts files.
        List = "list",
        /// Spamhaus DROP.
        Spamhaus = "spamhaus",
        /// AbuseIPDB's blacklist.
        Abuseipdb = "abuseipdb",
        /// Suricata's IP reputation.
        SuricataIprep = "suricata-iprep",
        /// STIX bundles and envelopes of TAXII.
        Stix = "stix",
        /// MISP warninglists.
        MispWarninglist = "misp-warninglist",
        /// MISP events, objects and attributes.
        Misp = "misp",
        /// Decisions of a CrowdSec local API.
        Crowdsec = "crowdsec",
        /// A page of CrowdSec's threat intelligence API.
        CrowdsecCti = "crowdsec-cti",
    }
}

impl FeedFormat {
    /// Whether a feed of names may be written so.
    pub(crate) fn may_have_names(self) -> bool {
        matches!(self, Self::Auto | Self::List | Self::Stix | Self::MispWarninglist | Self::Misp)
    }
}

/// Somebody else's list of sources, or of names that nobody honest asks for. It comes from exactly one of `file`, `url`, `crowdsec`, `taxii` and `push`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["name"]))]
pub struct Feed {
    /// Its name: in explanations, errors and on the command line.
    pub name: Text,
    /// A file, read again when it has changed; a whole path.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Text>,
    /// A URL, `http://` or `https://`.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Text>,
    /// The URL of a CrowdSec local API, whose decisions are followed; needs `key_file`.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowdsec: Option<Text>,
    /// The URL of a collection of a TAXII 2.1 server.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxii: Option<Text>,
    /// Somebody brings it: `repute feed push`.
    pub push: bool,
    /// How it is written.
    pub format: FeedFormat,
    /// What its entries are for.
    pub says: Says,
    /// How far it is trusted, in percent: the confidence of entries that bring none, and what that of the others is
    /// multiplied with.
    pub confidence: Int<1, 100>,
    /// How long entries count that bring no end of their own; absent = as long as the feed is in force.
    #[schemars(with = "Duration<1_000, 31_622_400_000>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Duration<1_000, 31_622_400_000>>,
    /// How long between two refreshes; absent = an hour, with `crowdsec` 10 s.
    #[schemars(with = "Duration<1_000, 31_622_400_000>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Duration<1_000, 31_622_400_000>>,
    /// How long one refresh may take.
    pub timeout: Duration<1_000, 3_600_000>,
    /// Bytes of a file or an answer at most, packed or not.
    pub bytes_max: Size<1, 1_073_741_824>,
    /// Entries at most.
    pub entries_max: Int<1, 4_194_304>,
    /// Sent with every request of `url` and `taxii`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<FeedHeader>,
    /// With `crowdsec`: the file with the bouncer's key; a whole path.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<Text>,
    /// With format `suricata-iprep`: the file that names the categories; a whole path.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Text>,
}

table!(fn overlay_keys of Feed {
    name, file, url, crowdsec, taxii, push, format, says, confidence, expiry, refresh, timeout, bytes_max,
    entries_max, headers, key_file, categories,
} requires "name");

impl Scalar for Feed {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut feed = Self::default();
        reader.whole(|reader| feed.overlay_keys(node, reader))?;
        Some(feed)
    }
}

impl Feed {
    /// The keys that say where it comes from and are given.
    pub(crate) fn origins(&self) -> Vec<&'static str> {
        let given = [
            ("file", self.file.is_some()),
            ("url", self.url.is_some()),
            ("crowdsec", self.crowdsec.is_some()),
            ("taxii", self.taxii.is_some()),
            ("push", self.push),
        ];
        given.into_iter().filter_map(|(key, given)| given.then_some(key)).collect()
    }
}

/// One header of a request: `value`, or a secret that is read from `file` at every refresh.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["name"]))]
pub struct FeedHeader {
    /// Its name.
    pub name: Text,
    /// Its value, where that is no secret.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
    /// The file with the secret, 4096 bytes at most; a whole path.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Text>,
    /// What stands before the secret, such as `Bearer `.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Text>,
}

table!(fn overlay_keys of FeedHeader { name, value, file, prefix } requires "name");

impl Scalar for FeedHeader {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut header = Self::default();
        reader.whole(|reader| header.overlay_keys(node, reader))?;
        Some(header)
    }
}
