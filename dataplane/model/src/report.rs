//! What a worker says to the control plane, over an SPSC ring.
//!
//! When the ring is full a worker drops the report and counts it, with one exception: what somebody has to free (an
//! old policy, states that were restored, forms that were filled in, what was usual) is kept and offered again.

use crate::{
    Address, Band, CrowdChange, Explanation, Factor, Inspected, Judgement, Lured, NameLook, Passed, Policy,
    Score, Source, SourceRow, SourceState, Tick, Token, TopLook, Treatment, UpstreamChange, Usuals,
};

/// A limit imposed on a source, or lifted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mitigation {
    /// Who.
    pub source: Source,
    /// The band it entered.
    pub band: Band,
    /// What it gets there.
    pub treatment: Treatment,
    /// Its score at that moment.
    pub score: Score,
    /// The factor that weighed most.
    pub cause: Factor,
    /// When.
    pub at: Tick,
}

/// A source went from one band that limits nothing to another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BandChange {
    /// Who.
    pub source: Source,
    /// Its band until now.
    pub from: Band,
    /// Its band from now on.
    pub to: Band,
    /// Its score at that moment.
    pub score: Score,
    /// The factor that weighed most.
    pub cause: Factor,
    /// Such changes before this one that were not told.
    pub untold: u32,
}

/// One packet of a source whose band is logged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LogLine {
    /// When.
    pub at: Tick,
    /// Sender.
    pub src: Address,
    /// Receiver.
    pub dst: Address,
    /// IP protocol.
    pub protocol: u8,
    /// Destination port, 0 where there is none.
    pub dport: u16,
    /// What happened to it.
    pub judgement: Judgement,
    /// Whether that was only judged: the policy was in shadow mode, and the packet went on.
    pub shadow: bool,
}

/// One message from a worker.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation on a worker; ring slots are paid once"
)]
pub enum Report {
    /// The new policy is in force; here is the old one to free.
    Installed {
        /// Edition now in force.
        edition: u64,
        /// The tick from which it judges.
        at: Tick,
        /// What it replaced.
        old: Box<Policy>,
    },
    /// The answer to `BeginHour`: what was usual until now, to be freed.
    HourEnded(Box<Usuals>),
    /// The answer to `Explain`.
    Explained(Token, Explanation),
    /// The answer to `Nudge`: score before and after; `None` where there was no room for an entry.
    Nudged(Token, Option<(Score, Score)>),
    /// The answer to `Pass`.
    Passed(Token, Passed),
    /// One row of a list.
    Row(Token, SourceRow),
    /// One state of a snapshot.
    State(Token, SourceState),
    /// The answer to `Restore`: how many got an entry, and the states to free.
    Restored {
        /// Of the restore.
        token: Token,
        /// Sources that got an entry.
        taken: u32,
        /// What was to be restored.
        states: Box<[SourceState]>,
    },
    /// The page is complete; the cursor of the next one, if there is more.
    Page(Token, Option<u32>),
    /// A source entered a limited band, changed between two, or (treatment pass) left them.
    Mitigation(Mitigation),
    /// A crowd changed its state.
    Crowd(CrowdChange),
    /// How a crowd stands for one kind of flood: `from` and `to` are the same.
    CrowdStands(Token, CrowdChange),
    /// A source changed its band and is limited in neither; told while there is plenty of room.
    Band(BandChange),
    /// An upstream came up or went down.
    Upstream(UpstreamChange),
    /// Inspection has found something.
    Inspected(Inspected),
    /// Somebody has asked for a honeypot.
    Lured(Lured),
    /// The answer to `LookAtName`: the form, to be freed.
    Name(Token, Box<NameLook>),
    /// The answer to `LookAtTop`: the form, to be freed.
    Top(Token, Box<TopLook>),
    /// A packet of a logged band.
    Log(LogLine),
}
