//! `[geo]`: where addresses are, and what follows from that.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Duration, Share, Text};

/// What the selections of `[lists]` by country and AS are called where feeds are: to allow, to deny.
pub const PLACES: [&str; 2] = ["geo-allow", "geo-deny"];

/// Where addresses are: MaxMind DB files, read again when they change.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Geo {
    /// The file that knows countries; a whole path.
    #[schemars(with = "Text")]
    pub country: Option<Text>,
    /// The file that knows autonomous systems; a whole path.
    #[schemars(with = "Text")]
    pub asn: Option<Text>,
    /// Whether somebody shows up where one would expect him.
    pub consistency: Consistency,
}

table!(Geo { country, asn, consistency });

impl Geo {
    /// The files, the one that knows countries first.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.country.iter().chain(&self.asn).map(|text| Path::new(text.as_str()))
    }
}

/// What it costs a source of `[profiles.ingress]` that an account, token or SPIFFE ID that an alert names shows up at it
/// from an unlikely place; without such a name, that it asks a service which is seldom asked from there.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Consistency {
    /// How much of the whole scale an impossible place takes; 0 = nobody is looked at.
    pub weight: Share,
    /// How much this takes from one source at most, within `lifetime`.
    pub size: Share,
    /// For how long what was taken counts towards `size` and is shown by `explain`.
    pub lifetime: Duration<60_000, 2_592_000_000>,
}

table!(Consistency { weight, size, lifetime });
