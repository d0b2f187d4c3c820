//! How far a count may grow before it says something new: by an eighth.
//!
//! Asked wherever evidence is counted by packets and the score is looked at in between: a flood is not scored packet by
//! packet. Always holds: from one step to the next a count grows by an eighth of itself at most, and one below sixteen by
//! one.

/// A step is the power of two below a count, divided by two to the power of this.
const EIGHTHS: u32 = 3;

/// Whether a count that grew from `before` to `after` has come to another step.
#[inline(always)]
pub const fn is_crossed(before: u32, after: u32) -> bool {
    let step = (after | 1 << EIGHTHS).ilog2() - EIGHTHS;
    before >> step != after >> step
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn the_first_ones_are_steps_one_by_one() {
        assert!((0..15).all(|count| is_crossed(count, count + 1)));
        assert!(!is_crossed(16, 17) && is_crossed(17, 18) && !is_crossed(18, 19));
    }

    #[test]
    fn nothing_more_is_no_step() {
        assert!([0, 1, 7, 8, 300, u32::MAX].into_iter().all(|count| !is_crossed(count, count)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_count_is_never_an_eighth_above_its_last_step(parts in prop::collection::vec(1u32..300, 1..400)) {
            let (mut count, mut seen) = (0, 0);
            for part in parts {
                let before = count;
                count += part;
                if is_crossed(before, count) {
                    seen = count;
                }
                prop_assert!(count == seen || count - seen < seen.div_ceil(8), "{count} after {seen}");
            }
        }

        #[test]
        fn what_grows_by_an_eighth_crosses_a_step(before in 0u32..1 << 28, more in 1u32..1 << 28) {
            let after = before + before.div_ceil(8) + more;
            prop_assert!(is_crossed(before, after));
        }
    }
}
