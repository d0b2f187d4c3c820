//! What the tests of this crate share.

use proptest::prelude::ProptestConfig;

/// So many cases, the same ones every time.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
