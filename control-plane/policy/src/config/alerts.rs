//! `[alerts]`: what intrusion detection systems say, and what is done about it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Cidr, Duration, Int, Listen, Share, Text, keywords};

/// Alerts that come in.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Alerts {
    /// Where alerts come from, beside the API; at most 16.
    pub inputs: Vec<AlertInput>,
    /// What is done about them: the first rule that fits decides; none = nothing. At most 4096.
    pub rules: Vec<AlertRule>,
    /// How much alerts may take from one source's score within `per`.
    pub bound: Share,
    /// How long it takes until all of it may be taken again.
    pub per: Duration<1_000, 2_592_000_000>,
    /// Within this time the same signature about the same flow is the same alert.
    pub duplicates: Duration<0, 86_400_000>,
    /// Alerts raised longer ago do nothing; 0 = whatever their age.
    pub stale: Duration<0, 2_592_000_000>,
}

table!(Alerts { inputs, rules, bound, per, duplicates, stale });

/// One way in for alerts.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("required" = ["name"]))]
pub struct AlertInput {
    /// What events, metrics and rules call it.
    pub name: Text,
    /// A file of Suricata EVE records that is followed; exactly one of `eve`, `unix` and `syslog` is given.
    #[schemars(with = "Text")]
    pub eve: Option<Text>,
    /// Whether what the file holds at the start is read as well; default false.
    pub from_start: bool,
    /// A unix socket for EVE records, made at the start.
    #[schemars(with = "Text")]
    pub unix: Option<Text>,
    /// Whether the unix socket takes datagrams instead of connections; default false.
    pub datagrams: bool,
    /// An address for syslog messages that carry CEF or EVE, over UDP and TCP.
    #[schemars(with = "Listen")]
    pub syslog: Option<Listen>,
    /// Whose syslog messages are taken; required with `syslog`.
    pub from: Vec<Cidr>,
    /// Syslog connections at once; default 64.
    pub connections: Int<1, 1024>,
}

table!(
    fn overlay_keys of AlertInput { name, eve, from_start, unix, datagrams, syslog, from, connections }
    requires "name"
);

impl Scalar for AlertInput {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut input = Self::unread();
        reader.whole(|reader| input.overlay_keys(node, reader))?;
        Some(input)
    }
}

/// What is done about some alerts. Every condition that is given has to hold; without an action nothing is done.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("required" = ["name"]))]
pub struct AlertRule {
    /// What events call it.
    pub name: Text,
    /// The signature's number, or the first of a range.
    #[schemars(with = "Int<0, 4_294_967_295>")]
    pub signature: Option<Int<0, 4_294_967_295>>,
    /// The last number of the range.
    #[schemars(with = "Int<0, 4_294_967_295>")]
    pub signature_to: Option<Int<0, 4_294_967_295>>,
    /// The signature's name, in any case; with * at its end only how it begins.
    #[schemars(with = "Text")]
    pub signature_name: Option<Text>,
    /// The category, in any case.
    #[schemars(with = "Text")]
    pub category: Option<Text>,
    /// This severity or worse; 1 is the worst.
    #[schemars(with = "Int<1, 255>")]
    pub severity: Option<Int<1, 255>>,
    /// Which side the culprit is on.
    #[schemars(with = "CulpritSide")]
    pub side: Option<CulpritSide>,
    /// The input it came through; `api` = the API.
    #[schemars(with = "Text")]
    pub input: Option<Text>,
    /// Lower the culprit's score by so much; at most one of `lower` and `raise` is given.
    #[schemars(with = "Share")]
    pub lower: Option<Share>,
    /// Raise it by so much.
    #[schemars(with = "Share")]
    pub raise: Option<Share>,
    /// With `raise`: forget what was counted against it; default false.
    pub forgive: bool,
    /// Put a treatment in force for a while, by an entry of the list `alerts`.
    #[schemars(with = "Treat")]
    pub treat: Option<Treat>,
    /// With `treat`: for how long; default 1h.
    #[schemars(with = "Duration<1_000, 2_592_000_000>")]
    pub lifetime: Option<Duration<1_000, 2_592_000_000>>,
    /// With `treat`: not for the culprit alone but for so many bits of an IPv4 address around it …
    #[schemars(with = "Int<8, 32>")]
    pub around_v4: Option<Int<8, 32>>,
    /// … and so many of an IPv6 address; both are given or none.
    #[schemars(with = "Int<16, 128>")]
    pub around_v6: Option<Int<16, 128>>,
    /// With `treat`: for this prefix, whoever the culprit is.
    #[schemars(with = "Cidr")]
    pub prefix: Option<Cidr>,
    /// With `treat`, in profile egress: for the addresses of this service, whoever the culprit is.
    #[schemars(with = "Text")]
    pub service: Option<Text>,
}

table!(
    fn overlay_keys of AlertRule {
        name, signature, signature_to, signature_name, category, severity, side, input, lower, raise, forgive,
        treat, lifetime, around_v4, around_v6, prefix, service,
    }
    requires "name"
);

impl Scalar for AlertRule {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut rule = Self::unread();
        reader.whole(|reader| rule.overlay_keys(node, reader))?;
        Some(rule)
    }
}

keywords! {
    /// What an alert may ask for, the lighter first: of two for one prefix the heavier counts.
    Treat {
        /// It is metered, queued or begins nothing new, as the profile's bands have it.
        Limit = "limit",
        /// Nothing of it passes.
        Drop = "drop",
        /// All of it passes.
        Allow = "allow",
    }
}

keywords! {
    /// A side of the box.
    CulpritSide {
        /// Protected.
        Inside = "inside",
        /// Everybody else.
        Outside = "outside",
    }
}
