//! What a worker has counted of what goes on from an address of the box's own: part of its account.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Of one upstream, since boot or since it came to its place in the policy's list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UpstreamAccount {
    /// 1 while it is up; of the leader.
    pub up: u64,
    /// Queries by UDP and connections by TCP that it was given.
    pub asked: u64,
    /// Queries by UDP that it has answered.
    pub answered: u64,
    /// Checks that it was sent; of the leader.
    pub checks: u64,
    /// Checks without a good answer, or that could not be sent; of the leader.
    pub failed_checks: u64,
    /// How often it went down; of the leader.
    pub downs: u64,
}

/// Of all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EndpointAccount {
    /// By their places in the policy's list.
    pub upstreams: [UpstreamAccount; repute_model::Endpoint::UPSTREAMS_MAX],
    /// Queries that made room for newer ones before they were answered.
    pub flows_displaced: u64,
    /// TCP connections that made room for newer ones before they were over.
    pub connections_displaced: u64,
}
