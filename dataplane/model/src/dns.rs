//! How the queries to a DNS server are judged, and what becomes of them.
//!
//! Compiled by the control plane, read by the engine's stage for DNS. Always holds: flat values; what is not decided here
//! is decided by the profile, which scores requesters as it would score any sender.

use std::sync::Arc;

use crate::{Address, Band, DomainTable, Endpoint, PrefixTable, Profile, Rpz, Score, named};

named! {
    /// What becomes of a query.
    Path;

    /// It goes on to the server.
    Default = "default",
    /// It is answered from the box's cache, and goes on to the server where that has no answer.
    Cached = "cached",
    /// It goes on where its requester has proved that it receives what is sent to it; else it has to.
    Challenge = "challenge",
    /// It is dropped, or answered by a refusal.
    Block = "block",
}

/// How the path of a query is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// By the band of the requester.
    Bands,
    /// D10, by its score: above excellent cached, above good default, above neutral challenge, else block. Hysteresis and
    /// dwell have no part in it.
    Order,
}

/// What a blocked query gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block {
    /// Nothing: it is dropped.
    Drop,
    /// REFUSED.
    Refused,
    /// NXDOMAIN.
    Nxdomain,
    /// An address that is not the one asked for.
    Sinkhole,
}

/// An address of each family that is given in place of the one asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Redirect {
    /// For queries of type A.
    pub v4: Option<Address>,
    /// For queries of type AAAA.
    pub v6: Option<Address>,
}

impl Redirect {
    /// The address for a query of this type (IANA, DNS parameters).
    pub const fn of(&self, kind: u16) -> Option<Address> {
        match kind {
            1 => self.v4,
            28 => self.v6,
            _ => None,
        }
    }
}

/// What a requester has to do who is challenged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    /// How long it counts that a requester has proved to receive what is sent to it, ms.
    pub lasts_ms: u32,
    /// In so many seconds challenges may go unanswered before queries are dropped, 1..=255.
    pub tries: u8,
    /// One in so many of those queries is challenged all the same, so that whoever is honest at this address finds the
    /// way; 1..=255.
    pub slip: u8,
    /// Where a walled garden is, which those get who answered no challenge.
    pub garden: Redirect,
}

/// When a domain is under attack by names that do not exist (water torture), and what is let through then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subdomains {
    /// Names below it, in a second, that do not exist or that the server fails at; 0 = nobody looks.
    pub misses_per_s: u16,
    /// Names not known to exist that requesters below the band good may then ask for together in a second; at least 1.
    pub rate: u16,
}

/// How often a network may ask for the same without having proved that it receives the answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SameRate {
    /// Queries for one name and type in a second; 0 = as often as it likes.
    pub per_s: u16,
    /// One in so many of those beyond is challenged, the others are dropped; 1..=255.
    pub slip: u8,
}

/// How long answers may be given from a worker's cache. How many it keeps is fixed at start
/// ([`Limits`](crate::Limits)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheRules {
    /// Seconds that an answer is kept at least, whatever its TTLs say; at most `ttl_max_s`.
    pub ttl_min_s: u32,
    /// Seconds that it is kept at most.
    pub ttl_max_s: u32,
    /// Seconds that it is kept at most that there is no such name or no such data (RFC 2308, 5: one to three hours).
    pub negative_max_s: u32,
    /// Seconds that an answer may be given after its time while the server is silent (RFC 8767, 5: one to three days);
    /// 0 = none is.
    pub stale_max_s: u32,
}

impl CacheRules {
    /// For a day, negative answers for an hour, none after their time.
    pub const DEFAULT: Self = Self { ttl_min_s: 0, ttl_max_s: 86_400, negative_max_s: 3600, stale_max_s: 0 };
}

/// How the queries to a DNS server are judged.
#[derive(Clone, PartialEq, Debug)]
pub struct Dns {
    /// How requesters are scored.
    pub profile: Profile,
    /// The servers; empty = every protected address.
    pub servers: PrefixTable<()>,
    /// Where the box is asked itself, and whom it asks in turn: `servers` are its own addresses then; `None` = it is a bump in
    /// the wire in front of them.
    pub endpoint: Option<Endpoint>,
    /// The ports that they are asked at, UDP and TCP; at least one.
    pub ports: Vec<u16>,
    /// How the path is found.
    pub decision: Decision,
    /// By band, best first.
    pub paths: [Path; 5],
    /// Bands whose paths are only counted, a bit each: their queries go on.
    pub dry_run: u8,
    /// What blocked queries get.
    pub block: Block,
    /// What they get in place of an address.
    pub sinkhole: Redirect,
    /// What challenged requesters have to do.
    pub proof: Proof,
    /// When a domain is under attack.
    pub subdomains: Subdomains,
    /// How often the same may be asked for.
    pub same: SameRate,
    /// How long answers may be given from the cache.
    pub cache: CacheRules,
    /// Names that nobody honest asks for, as the config has them.
    pub honeypots: DomainTable<()>,
    /// Further ones, which came while the box runs. Workers share them.
    pub live_honeypots: Arc<DomainTable<()>>,
    /// What is not answered as the server would. Workers share them.
    pub zones: Rpz,
    /// Whether queries that are malformed are dropped.
    pub drops_malformed: bool,
}

impl Dns {
    /// Whether this is an address and a port at which a server is asked.
    pub fn serves(&self, address: Address, port: u16) -> bool {
        self.ports.contains(&port) && self.serves_at(address)
    }

    /// Whether this is an address at which a server is asked.
    #[inline]
    pub fn serves_at(&self, address: Address) -> bool {
        self.servers.is_empty() || self.servers.get(address).is_some()
    }

    /// Everything that lists names which nobody honest asks for.
    pub fn all_honeypots(&self) -> [&DomainTable<()>; 2] {
        [&self.honeypots, &self.live_honeypots]
    }

    /// The path of the queries of a requester that stands like this.
    pub fn path(&self, band: Band, score: Score) -> Path {
        match self.decision {
            Decision::Bands => self.paths[band.index()],
            Decision::Order => {
                let [excellent, good, neutral, _] = self.profile.thresholds.least;
                match score {
                    score if score > excellent => Path::Cached,
                    score if score > good => Path::Default,
                    score if score > neutral => Path::Challenge,
                    _ => Path::Block,
                }
            }
        }
    }

    /// The path of the queries of a requester whom a list allows: it is neither challenged nor blocked.
    pub const fn path_of_allowed(&self) -> Path {
        match self.paths[Band::Excellent.index()] {
            Path::Cached => Path::Cached,
            _ => Path::Default,
        }
    }

    /// Whether the paths of a band are only counted.
    pub const fn is_dry(&self, band: Band) -> bool {
        self.dry_run >> band.index() & 1 != 0
    }
}
