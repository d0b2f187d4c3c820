//! What a judgement comes to for whoever sent the packet: the few words of rehearsals and roll-ups.
//!
//! Asked by replay for every packet, and by the engine in shadow mode for those that would not have passed. Always holds:
//! every judgement has exactly one effect.

use crate::{Judgement, Reason, Verdict, named};

named! {
    /// What became of a packet, as its sender feels it.
    Effect;
    /// It went on.
    Passed = "passed",
    /// It was above a rate, and lost: dropped by a meter, or because a queue would have held it for too long.
    Slowed = "slowed",
    /// It was held back, to go on later.
    Queued = "queued",
    /// It was refused whatever the rate: by standing or list, as a new connection, by a reset, as malformed.
    Cut = "cut",
    /// It was withheld until its sender proves itself.
    Challenged = "challenged",
    /// The box answered it in place of whom was asked.
    Answered = "answered",
}

impl Effect {
    /// What a judgement comes to.
    pub const fn of(judgement: &Judgement) -> Self {
        match (judgement.verdict, judgement.reason) {
            (Verdict::Forward, _) => Self::Passed,
            (Verdict::Queue, _) => Self::Queued,
            (Verdict::Challenge, _) => Self::Challenged,
            (Verdict::Answer, _) => Self::Answered,
            (
                Verdict::Drop,
                Some(
                    Reason::MeterPackets
                    | Reason::MeterBytes
                    | Reason::QueueHorizon
                    | Reason::QueueSource
                    | Reason::QueueFull
                    | Reason::ConnectionQueueFull,
                ),
            ) => Self::Slowed,
            (Verdict::Drop, _) => Self::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_to_a_rate_is_slowed_and_what_is_refused_is_cut() {
        let of = |reason| Effect::of(&Judgement::drop(reason));
        for slowed in [Reason::MeterPackets, Reason::MeterBytes, Reason::QueueHorizon, Reason::QueueFull] {
            assert_eq!(of(slowed), Effect::Slowed);
        }
        for cut in
            [Reason::Standing, Reason::BlockNew, Reason::ConnectionReset, Reason::Listed, Reason::ShortTcp]
        {
            assert_eq!(of(cut), Effect::Cut);
        }
        assert_eq!(Effect::of(&Judgement::FORWARD), Effect::Passed);
        let held = Judgement { verdict: Verdict::Queue, ..Judgement::drop(Reason::ConnectionQueued) };
        assert_eq!(Effect::of(&held), Effect::Queued);
        assert_eq!(Effect::of(&Judgement::challenge(Reason::SynRetry)), Effect::Challenged);
        assert_eq!(Effect::of(&Judgement::answer(Reason::DnsCached)), Effect::Answered);
    }
}
