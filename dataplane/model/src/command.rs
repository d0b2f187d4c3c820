//! What the control plane says to a worker, over an SPSC ring.

use crate::{Band, NameLook, Policy, Source, SourceState, TopLook, Usuals};

/// Joins a report to the question it answers; chosen by the asker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Token(pub u64);

/// Which sources a list is about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Filter {
    /// This band or worse.
    pub at_least: Band,
    /// At least this many packets per second now.
    pub min_packets_per_s: f32,
    /// In this service; of sources in several, what they do there.
    pub service: Option<u8>,
}

impl Filter {
    /// Every source.
    pub const ALL: Self = Self { at_least: Band::Excellent, min_packets_per_s: 0.0, service: None };
}

/// One request to a worker. A worker takes a bounded number per tick.
#[derive(Debug)]
pub enum Command {
    /// Judge by this policy from the next tick on; the old one comes back in a report.
    Install(Box<Policy>),
    /// An hour has begun, or more is known of it: this is usual for the services of the policy in force. What was told
    /// before comes back in a report.
    BeginHour(Box<Usuals>),
    /// Take a source's score apart.
    Explain {
        /// Joins the answer.
        token: Token,
        /// Who.
        source: Source,
    },
    /// Move one source's score by `delta` points of 1/10 000.
    Nudge {
        /// Joins the answer.
        token: Token,
        /// Who; gets an entry if it has none.
        source: Source,
        /// −10 000..=10 000.
        delta: i16,
        /// Whether what was counted against it is forgotten as well.
        forgive: bool,
    },
    /// Take note that somebody has passed a challenge off the wire, at this source's address: it counts as a proof, and lifts
    /// the score by at most `points` and at most to the prior. Where queries of the source are blocked it counts for
    /// nothing.
    Pass {
        /// Joins the answer.
        token: Token,
        /// Who; gets no entry if it has none.
        source: Source,
        /// 0..=10 000.
        points: u16,
    },
    /// Report the sources behind `cursor` that pass the filter, at most `limit`.
    List {
        /// Joins the answers.
        token: Token,
        /// 0, or where the last page ended.
        cursor: u32,
        /// Rows at most, 1..=256.
        limit: u16,
        /// Which ones.
        filter: Filter,
    },
    /// Report how the crowds behind `cursor` stand that are not calm, at most about `limit` lines. Only the leader of the
    /// workers knows; others have nothing to report.
    Crowds {
        /// Joins the answers.
        token: Token,
        /// 0, or where the last page ended.
        cursor: u32,
        /// Lines at most, 1..=256; those of one crowd are not torn apart.
        limit: u16,
        /// Whether calm ones that something happens to are reported too.
        all: bool,
    },
    /// Report the states of the sources behind `cursor`, at most `limit`.
    Snapshot {
        /// Joins the answers.
        token: Token,
        /// 0, or where the last page ended.
        cursor: u32,
        /// States at most, 1..=[`SNAPSHOT_MAX`](crate::SNAPSHOT_MAX).
        limit: u16,
    },
    /// Give these sources entries where there is room, and the worse of both where they have one; nobody is evicted. One
    /// a tick is taken.
    Restore {
        /// Joins the answer, which hands the states back: a worker never frees.
        token: Token,
        /// At most [`RESTORE_MAX`](crate::RESTORE_MAX); more are not looked at. Faded as of now, for this worker.
        states: Box<[SourceState]>,
    },
    /// Fill in what is made of a name; the form comes back in a report.
    LookAtName {
        /// Joins the answer, which hands the form back.
        token: Token,
        /// The form.
        look: Box<NameLook>,
    },
    /// Fill in who asks most; the form comes back in a report.
    LookAtTop {
        /// Joins the answer, which hands the form back.
        token: Token,
        /// The form.
        look: Box<TopLook>,
    },
}
