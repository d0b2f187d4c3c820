//! What the engine's tests share: packets they own, ports that remember, a worker with both.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod dns;
pub mod endpoint;
pub mod frame;
pub mod packets;
pub mod ports;
pub mod requesters;
pub mod rig;
pub mod town;
pub mod traffic;

use repute_model::{Limits, Policy};

/// The port of the outside senders.
pub const OUTSIDE: u8 = 0;
/// The port of the protected side.
pub const INSIDE: u8 = 1;

/// Small tables, so that thousands of workers can be made.
pub const SMALL: Limits = Limits { sources: 1024, contacts: 4096, sweep_ms: 50, ..Limits::DEFAULT };

/// The policy of a config text, version 1.
pub fn policy(text: &str) -> Policy {
    version(text, 1)
}

/// The policy of a config text.
pub fn version(text: &str, version: u64) -> Policy {
    match repute_policy::Config::parse("test", text) {
        Ok(checked) => checked.compile(version),
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

/// The default policy for outside senders.
pub fn ingress() -> Policy {
    policy("[profiles.ingress]")
}

/// Small tables, with room for queries.
pub const SMALL_DNS: Limits = Limits { queries: 1024, ..SMALL };

/// And for answers.
pub const CACHED_DNS: Limits = Limits { cache_answers: 256, cache_bytes: 64 << 10, ..SMALL_DNS };

/// The default policy, but that nobody looks for floods: for tests whose traffic is one.
pub fn unguarded() -> Policy {
    policy("[profiles.ingress.crowds]\nmode = \"off\"")
}

/// A policy whose every band drops.
pub fn drop_all() -> Policy {
    policy(
        "[profiles.ingress.treatments]\nexcellent = \"drop\"\ngood = \"drop\"\nneutral = \"drop\"\n\
         poor = \"drop\"\nmalicious = \"drop\"",
    )
}

/// So many cases, the same ones every time.
pub fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..Default::default()
    }
}
