//! What happened to one packet, and why.

use std::fmt;

use crate::{Band, Measures, Reason, Score};

/// What happened to one packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Sent on unchanged.
    Forward,
    /// Held back, to be sent on later.
    Queue,
    /// Dropped.
    Drop,
    /// Withheld until its sender proves itself: by repeating it, or by returning what the box answered.
    Challenge,
    /// Answered by the box in place of whom was asked.
    Answer,
}

impl Verdict {
    /// The name used in captures' accounts, API and CLI.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Queue => "queue",
            Self::Drop => "drop",
            Self::Challenge => "challenge",
            Self::Answer => "answer",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A packet's verdict with its reason, and the standing of its source before this packet: one word, written whole. Under a
/// policy in shadow mode it is what would have happened; the packet is forwarded where it has a way out.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(8))]
pub struct Judgement {
    /// What happened.
    pub verdict: Verdict,
    /// Why, for everything but a plain forward.
    pub reason: Option<Reason>,
    /// Band and score of the source, where it has an entry.
    pub standing: Option<(Band, Score)>,
    /// What the band gets; pass for packets that were not judged.
    pub measures: Measures,
}

impl Judgement {
    /// A plain forward of a packet that has no standing of its own.
    pub const FORWARD: Self =
        Self { verdict: Verdict::Forward, reason: None, standing: None, measures: Measures::PASS };

    /// A drop of a packet that has no standing of its own.
    pub const fn drop(reason: Reason) -> Self {
        Self { verdict: Verdict::Drop, reason: Some(reason), ..Self::FORWARD }
    }

    /// Withheld until the sender, who has no standing of his own, proves himself.
    pub const fn challenge(reason: Reason) -> Self {
        Self { verdict: Verdict::Challenge, reason: Some(reason), ..Self::FORWARD }
    }

    /// Answered by the box, to a sender who has no standing of his own.
    pub const fn answer(reason: Reason) -> Self {
        Self { verdict: Verdict::Answer, reason: Some(reason), ..Self::FORWARD }
    }

    /// The header of the columns that [`Judgement`] displays.
    pub const COLUMNS: &'static str = "verdict\treason\tband\tscore\ttreatment";
}

impl fmt::Display for Judgement {
    /// Five tab-separated columns; reason, band and score are empty where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t", self.verdict, self.reason.map_or("", Reason::name))?;
        match self.standing {
            Some((band, score)) => write!(f, "{band}\t{score}\t")?,
            None => f.write_str("\t\t")?,
        }
        self.measures.fmt(f)
    }
}
