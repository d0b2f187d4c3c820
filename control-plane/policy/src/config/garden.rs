//! `[garden]`: the walled garden's page.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Cidr, Duration, Int, Listen, Share};

/// The page for challenged requesters whose software answers no challenge; `challenge.garden` of `[profiles.dns]` is the address
/// that leads to it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Garden {
    /// Where the page is served, over HTTP; absent = it is not served.
    #[schemars(with = "Listen")]
    pub listen: Option<Listen>,
    /// Work of its task in bits: one more is twice the time.
    pub work: Int<8, 26>,
    /// How long a task may take.
    pub life: Duration<10_000, 3_600_000>,
    /// How much of the whole scale a pass lifts a score at most, and not above the prior.
    pub lift: Share,
    /// How often one source may pass in an hour.
    pub passes: Int<1, 1000>,
    /// Proxies in front of the page: their `X-Forwarded-For` says who asks.
    pub proxies: Vec<Cidr>,
    /// Connections at once; one source has an eighth of them at most.
    pub connections: Int<8, 4096>,
}

table!(Garden { listen, work, life, lift, passes, proxies, connections });
