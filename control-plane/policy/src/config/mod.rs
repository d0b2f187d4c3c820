//! The config as the operator writes it: one struct a section, every field a key of the same name.
//!
//! [`Config::parse`] lays a file over the defaults; the checks, the compiler, the diff and the JSON Schema
//! read these structs. What a field's comment says is what editors show and must hold for the product.
//!
//! **Invariant:** every default is in `defaults` and nowhere else.

mod alerts;
mod api;
mod bands;
mod crowds;
mod defaults;
mod dns;
mod dnstap;
mod endpoint;
mod events;
mod factors;
mod feeds;
mod garden;
mod geo;
mod hours;
mod inspect;
mod limits;
mod lists;
mod lookups;
mod measures;
mod mirror;
mod mode;
mod pages;
mod places;
mod policy_zones;
mod ports;
mod profiles;
mod protect;
mod services;
mod state;
mod treatments;
mod workers;

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Cidr, Named};

pub use alerts::{AlertInput, AlertRule, Alerts, CulpritSide, Treat};
pub use api::{Access, AccessRole, Api, Binding, SocketRole, Tls};
pub use bands::Bands;
pub use crowds::{CrowdMode, Crowds, SymmetryName, SynAnswerName};
pub use dns::{
    BandName, BlockName, Cache, Challenge, DecisionName, Dns, GarbledName, PathName, Paths, Queries,
    QueryFactors, Redirect, SameRate, Subdomains,
};
pub use dnstap::{Dnstap, DnstapRole};
pub use endpoint::{Endpoint, HealthCheck, Origin, RecordType};
pub use events::{EventFormat, Events, Incidents, Severity, Sink, Step};
pub(crate) use factors::general;
pub use factors::{Factors, Weight};
pub use feeds::{Feed, FeedFormat, FeedHeader, Says};
pub use garden::Garden;
pub use geo::{Consistency, Geo, PLACES};
pub use hours::{Hours, HoursMode};
pub use inspect::{Inspect, Signature};
pub use limits::{Limits, Sources};
pub use lists::{Deny, DenyFile, Destination, Destinations, Lists};
pub use lookups::{Lookup, LookupService};
pub use measures::{Meter, Sampling, Soften};
pub use mirror::{Mirror, Vxlan};
pub use mode::Mode;
pub use pages::{CrowdsecApi, Metrics};
pub use places::{Asn, DenyAsn, DenyCountry};
pub use policy_zones::PolicyZone;
pub use ports::{LinkRule, Port, PortRole};
pub use profiles::{Baseline, ModelName, Profile, Profiles};
pub use protect::Protect;
pub use services::Service;
pub use state::State;
pub use treatments::{Only, Treatment, Treatments};
pub use workers::{Idle, Workers};

/// Everything `repute` is told by its operator.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Config {
    /// Whether what is judged is done, or only told: `shadow` forwards every packet.
    pub mode: Mode,
    /// Prefixes of the protected side: who is inside where one port carries both sides.
    pub inside: Vec<Cidr>,
    /// Network ports by a name of your choice; each forwards to its peer.
    pub ports: Named<Port>,
    /// Where copies of packets go; absent = there is no mirror.
    #[schemars(with = "Mirror")]
    pub mirror: Option<Mirror>,
    /// The threads that move packets.
    pub workers: Workers,
    /// Sizes of tables, fixed at start.
    pub limits: Limits,
    /// How many bits of an address name one source.
    pub sources: Sources,
    /// What always passes, whatever else this file says.
    pub protect: Protect,
    /// Sources that are trusted or refused by name.
    pub lists: Lists,
    /// What others know about sources, each a `[[feeds]]`.
    pub feeds: Vec<Feed>,
    /// Where addresses are.
    pub geo: Geo,
    /// Who is asked about single addresses, each a `[[lookups]]`.
    pub lookups: Vec<Lookup>,
    /// The standing of destinations, for egress.
    pub destinations: Destinations,
    /// Named sets of protected addresses and ports.
    pub services: Named<Service>,
    /// What is looked for in packets of sources whose treatment inspects.
    pub inspect: Inspect,
    /// Patterns of payloads that are looked for there.
    pub signatures: Named<Signature>,
    /// How senders are judged: exactly one of `ingress`, `egress` and `dns`.
    pub profiles: Profiles,
    /// Where the control API listens, and who may do what through it.
    pub api: Api,
    /// What survives a restart.
    pub state: State,
    /// What the box says to others.
    pub events: Events,
    /// What others say to the box.
    pub alerts: Alerts,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
    /// Decisions for CrowdSec's bouncers.
    pub crowdsec_api: CrowdsecApi,
    /// The walled garden's page.
    pub garden: Garden,
    /// Copies of DNS messages for whoever listens in.
    pub dnstap: Dnstap,
}

table!(Config {
    mode,
    inside,
    ports,
    mirror,
    workers,
    limits,
    sources,
    protect,
    lists,
    feeds,
    geo,
    lookups,
    destinations,
    services,
    inspect,
    signatures,
    profiles,
    api,
    state,
    events,
    alerts,
    metrics,
    crowdsec_api,
    garden,
    dnstap,
});
