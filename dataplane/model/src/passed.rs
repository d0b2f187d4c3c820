//! What comes of a challenge that somebody has passed off the wire: at the walled garden's page.

use crate::Score;

/// What a worker made of it ([`Command::Pass`](crate::Command::Pass)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passed {
    /// It counts as a proof; the score before and after.
    Counts {
        /// 0..=10 000.
        before: Score,
        /// Not below `before`, and where that is below the prior, not above the prior.
        after: Score,
    },
    /// Queries of the source are blocked: no challenge is asked of it, and none helps. Its score.
    Blocked(Score),
    /// Nothing is known of the source, so that nothing stands against it.
    Unknown,
}
