//! What an operator asks a worker about DNS: forms that the control plane sends, a worker fills in and hands back.
//!
//! Always holds: a worker neither allocates nor frees for them. Lists have the capacity that they were sent with, and come
//! back in a report to be freed.

use crate::{Address, Band, DomainName, RpzMatch, Score, Source};

/// What a worker makes of a name.
#[derive(Clone, PartialEq, Debug)]
pub struct NameLook {
    /// The name.
    pub name: DomainName,
    /// The type that is asked for.
    pub kind: u16,
    /// Who would ask; counts for policy zones.
    pub client: Address,
    /// Filled in: whether it was found to exist, as far as the worker remembers.
    pub exists: bool,
    /// Filled in: whether its domain is under attack by names that do not exist.
    pub attacked: bool,
    /// Filled in: what the cache has for who asks with recursion, without DNSSEC records (RFC 3225) and with them.
    pub kept: [Option<KeptLook>; 2],
}

/// An answer in a cache.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KeptLook {
    /// Its response code.
    pub rcode: u16,
    /// Bytes of the message.
    pub bytes: u32,
    /// Seconds since it came.
    pub age_s: u32,
    /// Seconds that it may be given from now on; 0 = its time is over, and only a silent server lets it be given.
    pub left_s: u32,
    /// What policy zones say of it.
    pub ruled: Option<RpzMatch>,
}

impl NameLook {
    /// An empty form.
    pub const fn new(name: DomainName, kind: u16, client: Address) -> Self {
        Self { name, kind, client, exists: false, attacked: false, kept: [None; 2] }
    }
}

/// Who asks most, and below which domains, lately.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopLook {
    /// Filled in: requesters, the busiest first; as many as there is room for.
    pub requesters: Vec<RequesterRow>,
    /// Filled in: domains, the busiest first; as many as there is room for.
    pub domains: Vec<DomainRow>,
}

impl TopLook {
    /// A form with room for so many of each.
    pub fn with_room(rows: u16) -> Self {
        Self { requesters: Vec::with_capacity(rows.into()), domains: Vec::with_capacity(rows.into()) }
    }
}

/// How much is asked, lately.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Asking {
    /// Queries per second, at least; what was pushed out by others is missing.
    pub queries_per_s: f32,
    /// Share of them for names that do not exist, 0..=1.
    pub nxdomain: f32,
}

/// One requester.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RequesterRow {
    /// Who.
    pub source: Source,
    /// How much it asks.
    pub asking: Asking,
    /// How it stands; `None` = it has no entry.
    pub standing: Option<(Band, Score)>,
}

/// One domain: what somebody registered, one label left of its public suffix.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DomainRow {
    /// Which.
    pub name: FlatName,
    /// How much its names are asked for.
    pub asking: Asking,
}

/// A name in wire form, not compressed, in lower case, in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FlatName {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl FlatName {
    /// Bytes of the longest name.
    pub const MAX: usize = 255;
    /// The root.
    pub const ROOT: Self = Self { bytes: [0; Self::MAX], len: 1 };

    /// The name in `wire`; the root where that is too long.
    pub fn new(wire: &[u8]) -> Self {
        let mut flat = Self::ROOT;
        if let Some(place) = flat.bytes.get_mut(..wire.len()) {
            place.copy_from_slice(wire);
            flat.len = wire.len() as u8;
        }
        flat
    }

    /// The name as people read it; `None` where it is none.
    pub fn name(&self) -> Option<DomainName> {
        DomainName::from_wire(self.bytes.get(..self.len.into())?)
    }
}

impl std::fmt::Debug for FlatName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.name().fmt(f)
    }
}
