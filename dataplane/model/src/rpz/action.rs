//! What rules of response policy zones do.
//!
//! Always holds: a rule fits four bytes, of which none is all zero.

use std::num::NonZeroU32;

use crate::{Reason, named};

named! {
    /// What a rule does, without its data.
    RpzEffect;

    /// Answers that the name does not exist.
    NxDomain = "nxdomain",
    /// Answers that the name has no such data.
    NoData = "nodata",
    /// Changes nothing.
    Passthru = "passthru",
    /// Gives no answer.
    Drop = "drop",
    /// Makes the asker come back by TCP.
    TcpOnly = "tcp-only",
    /// Answers with data of the zone.
    Local = "local-data",
}

impl RpzEffect {
    /// Why a packet is not plainly forwarded that a rule does this to; `None` = it is.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::NxDomain => Some(Reason::RpzNxdomain),
            Self::NoData => Some(Reason::RpzNodata),
            Self::Passthru => None,
            Self::Drop => Some(Reason::RpzDrop),
            Self::TcpOnly => Some(Reason::RpzTcpOnly),
            Self::Local => Some(Reason::RpzLocal),
        }
    }
}

/// What a rule does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RpzAction {
    /// Answers that the name does not exist.
    NxDomain,
    /// Answers that the name has no such data.
    NoData,
    /// Changes nothing, and ends the search.
    Passthru,
    /// Gives no answer.
    Drop,
    /// Makes the asker come back by TCP (TC=1); changes nothing there.
    TcpOnly,
    /// Answers with data of the zone: [`crate::RpzZone::local`] has it.
    Local(u32),
}

/// A rule's action as a table keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rule(NonZeroU32);

/// The actions without data, by their numbers from 1 on.
const PLAIN: [RpzAction; 5] =
    [RpzAction::NxDomain, RpzAction::NoData, RpzAction::Passthru, RpzAction::Drop, RpzAction::TcpOnly];

impl Rule {
    pub(super) fn new(action: RpzAction) -> Self {
        let number = match action {
            RpzAction::Local(set) => set.saturating_add(PLAIN.len() as u32 + 1),
            plain => PLAIN.iter().position(|&other| other == plain).unwrap_or(0) as u32 + 1,
        };
        Self(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }

    pub(super) fn action(self) -> RpzAction {
        let at = self.0.get() - 1;
        PLAIN.get(at as usize).copied().unwrap_or(RpzAction::Local(at.wrapping_sub(PLAIN.len() as u32)))
    }
}

impl RpzAction {
    /// Its kind.
    pub const fn effect(self) -> RpzEffect {
        match self {
            Self::NxDomain => RpzEffect::NxDomain,
            Self::NoData => RpzEffect::NoData,
            Self::Passthru => RpzEffect::Passthru,
            Self::Drop => RpzEffect::Drop,
            Self::TcpOnly => RpzEffect::TcpOnly,
            Self::Local(_) => RpzEffect::Local,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_keep_their_actions() {
        use RpzAction::Local;
        for action in PLAIN.into_iter().chain([Local(0), Local(7), Local(4_000_000)]) {
            assert_eq!(Rule::new(action).action(), action);
        }
    }
}
