//! `[profiles.dns]`: how the queries to a DNS server are judged.

use repute_model::{Band, Factor};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::factors::schema_of;
use super::{Endpoint, ModelName, PolicyZone, Profile, Weight};
use crate::read::{Node, Overlay, Reader, table};
use crate::value::{Cidr, Domain, Duration, Int, Ip, Size, Text, keywords};

keywords! {
    /// Where a query goes.
    PathName {
        /// On to the server.
        Default = "default",
        /// Answered from the box's cache; on to the server where that has no answer.
        Cached = "cached",
        /// On to the server once the requester has proved that it receives what is sent to it.
        Challenge = "challenge",
        /// Nowhere: see `block`.
        Block = "block",
    }
}

keywords! {
    /// How the path of a query is found.
    DecisionName {
        /// By the band of the requester and the table `paths`.
        Bands = "bands",
        /// By its score: above `bands.excellent` cached, above `good` default, above `neutral` challenge, else block.
        Order = "order",
    }
}

keywords! {
    /// What a blocked query gets.
    BlockName {
        /// Nothing.
        Drop = "drop",
        /// An answer that the server refuses.
        Refused = "refused",
        /// An answer that there is no such name.
        Nxdomain = "nxdomain",
        /// An answer with the address of `sinkhole`.
        Sinkhole = "sinkhole",
    }
}

keywords! {
    /// What becomes of messages to the server that are no query.
    GarbledName {
        /// They are dropped, by the reason that names what is wrong with them.
        Drop = "drop",
        /// They go on to the server; they are counted all the same.
        Pass = "pass",
    }
}

keywords! {
    /// A band of standing.
    BandName {
        /// Long proven.
        Excellent = "excellent",
        /// Nothing is known against it.
        Good = "good",
        /// Something is odd.
        Neutral = "neutral",
        /// Suspicious.
        Poor = "poor",
        /// Stop it.
        Malicious = "malicious",
    }
}

impl BandName {
    /// The band of this name.
    pub const fn band(self) -> Band {
        match self {
            Self::Excellent => Band::Excellent,
            Self::Good => Band::Good,
            Self::Neutral => Band::Neutral,
            Self::Poor => Band::Poor,
            Self::Malicious => Band::Malicious,
        }
    }
}

/// How the outside requesters of a DNS server are judged: the keys of every profile, and those of queries.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Dns {
    /// How requesters are scored.
    #[serde(flatten)]
    pub scoring: Profile,
    /// What becomes of their queries.
    #[serde(flatten)]
    pub queries: Queries,
}

/// What becomes of queries.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Queries {
    /// The box is asked itself, at addresses of its own.
    #[schemars(with = "Endpoint")]
    pub endpoint: Option<Endpoint>,
    /// Addresses of the servers; empty = every protected address, or those of `endpoint`.
    pub servers: Vec<Cidr>,
    /// The ports that they are asked at, UDP and TCP; 1 to 4.
    pub ports: Vec<Int<1, 65_535>>,
    /// How the path of a query is found.
    pub decision: DecisionName,
    /// Where the queries of each band go, for decision `bands`.
    pub paths: Paths,
    /// Bands whose paths are only counted: their queries go on.
    pub dry_run: Vec<BandName>,
    /// What blocked queries get.
    pub block: BlockName,
    /// The address that blocked queries get with `block = "sinkhole"`.
    pub sinkhole: Redirect,
    /// What challenged requesters have to do.
    pub challenge: Challenge,
    /// When a domain is under attack by names that do not exist, and what is let through then.
    pub subdomains: Subdomains,
    /// How often a network may ask for the same without having proved that it receives the answers.
    pub same: SameRate,
    /// Answers that the box keeps and gives itself.
    pub cache: Cache,
    /// Names that nobody honest asks for, such as those of honeypots and sinkholes; one that begins with an asterisk is for all
    /// below the rest of it. Who asks for them loses reputation (factor `honeypots`).
    pub honeypots: Vec<Domain>,
    /// Files of such names, one a line; whole paths.
    pub honeypot_files: Vec<Text>,
    /// Response policy zones, the first one first: what is not answered as the server would.
    pub zones: Vec<PolicyZone>,
    /// What becomes of messages to the server that are no query.
    pub malformed: GarbledName,
    /// Weight and ramp of the factors of queries.
    pub query_factors: QueryFactors,
}

table!(keys of Queries {
    endpoint, servers, ports, decision, paths, dry_run, block, sinkhole, challenge, subdomains, same, cache, honeypots,
    honeypot_files, zones, malformed, query_factors,
});

impl Overlay for Dns {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        if let Some(model) = self.scoring.begin(node) {
            self.queries.query_factors.start_with(model);
        }
        let known: Vec<&str> = Profile::KEYS.iter().chain(Queries::KEYS).copied().collect();
        reader.keys(node, &known, &[], |reader, key, value| {
            self.scoring.overlay_key(key, value, reader);
            self.queries.overlay_key(key, value, reader);
        });
    }
}

/// Where the queries of each band go.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Paths {
    /// Those of excellent requesters.
    pub excellent: PathName,
    /// Those of good requesters.
    pub good: PathName,
    /// Those of neutral requesters.
    pub neutral: PathName,
    /// Those of poor requesters.
    pub poor: PathName,
    /// Those of malicious requesters.
    pub malicious: PathName,
}

table!(Paths { excellent, good, neutral, poor, malicious });

impl Paths {
    /// The paths of all bands, best first.
    pub const fn all(&self) -> [PathName; 5] {
        [self.excellent, self.good, self.neutral, self.poor, self.malicious]
    }
}

/// An address of each family that is given in place of the one asked for; of a family without one there is no such data.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Redirect {
    /// For queries of type A.
    #[schemars(with = "Ip")]
    pub v4: Option<Ip>,
    /// For queries of type AAAA.
    #[schemars(with = "Ip")]
    pub v6: Option<Ip>,
}

table!(Redirect { v4, v6 });

/// What challenged requesters have to do: return a cookie (RFC 7873) if they know what that is, else ask by TCP.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Challenge {
    /// How long a proof counts.
    pub lasts: Duration<1_000, 604_800_000>,
    /// In so many seconds challenges may go unanswered before queries are dropped.
    pub tries: Int<1, 255>,
    /// One in so many of the queries that would be dropped is challenged all the same.
    pub slip: Int<1, 255>,
    /// The address of a walled garden: what those get in place of being dropped.
    pub garden: Redirect,
}

table!(Challenge { lasts, tries, slip, garden });

/// When a domain is under attack by names that do not exist (water torture), for each worker. Names known to exist are
/// resolved whatever happens; whoever has proved itself and stands well is not held up.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Subdomains {
    /// Names below it, in a second, that do not exist or that the server fails at; 0 = nobody looks.
    pub misses: Int<0, 60_000>,
    /// Names not known to exist that requesters below the band good may then ask for together in a second.
    pub rate: Int<1, 60_000>,
}

table!(Subdomains { misses, rate });

/// How often a network (/24, IPv6 /48) may ask for the same without having proved that it receives the answers.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct SameRate {
    /// Queries for one name and type in a second, for each worker; 0 = as often as it likes.
    pub rate: Int<0, 60_000>,
    /// One in so many of those beyond is challenged, the others are dropped.
    pub slip: Int<1, 255>,
}

table!(SameRate { rate, slip });

/// Answers that the box keeps, for each worker, and gives those whose queries take the path `cached`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Cache {
    /// Memory for them, fixed at start; 0 = none are kept.
    pub size: Size<0, 68_719_476_736>,
    /// How many, fixed at start.
    pub answers: Int<64, 16_777_216>,
    /// How long an answer is kept at least, whatever its TTLs say.
    pub ttl_min: Duration<0, 3_600_000>,
    /// How long it is kept at most.
    pub ttl_max: Duration<1_000, 604_800_000>,
    /// How long it is kept at most that there is no such name or no such data.
    pub negative_max: Duration<1_000, 86_400_000>,
    /// How long after its time an answer may be given while the server is silent; 0 = none is.
    pub stale_max: Duration<0, 604_800_000>,
}

table!(Cache { size, answers, ttl_min, ttl_max, negative_max, stale_max });

/// Weight and ramp of the factors of queries, in the order of [`Factor::ALL`].
#[derive(Clone, PartialEq, Debug)]
pub struct QueryFactors(pub [Weight; Factor::COUNT - Factor::GENERAL]);

impl QueryFactors {
    /// The factors that have a key, with what they count.
    pub fn iter(&self) -> impl Iterator<Item = (Factor, Weight)> {
        Self::named().zip(self.0)
    }

    fn named() -> impl Iterator<Item = Factor> {
        Factor::ALL.iter().copied().filter(|factor| factor.is_of_dns())
    }

    fn start_with(&mut self, model: ModelName) {
        if model == ModelName::Suspicion {
            self.0.iter_mut().for_each(Weight::count_in_points);
        }
    }
}

impl Overlay for QueryFactors {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        let known: Vec<_> = Self::named().map(Factor::name).collect();
        reader.keys(node, &known, &[], |reader, key, value| {
            let found = Self::named().zip(&mut self.0).find(|(factor, _)| factor.name() == key);
            if let Some((_, weight)) = found {
                weight.overlay(value, reader);
            }
        });
    }
}

impl Serialize for QueryFactors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(factor, weight)| (factor.name(), weight)))
    }
}

impl JsonSchema for QueryFactors {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "QueryFactors".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema_of(Self::named(), generator)
    }
}
