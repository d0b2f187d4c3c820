//! What somebody is here.
//!
//! A viewer sees; an operator changes what traffic gets; an admin changes who may do what. A peer is another
//! provider that exchanges scores: it neither sees nor changes this box.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody is here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Another provider.
    Peer,
    /// Sees everything, changes nothing.
    Viewer,
    /// Also changes what traffic gets.
    Operator,
    /// Also changes who may do what.
    Admin,
}

/// The least role that a method takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Least {
    /// Whoever has a role.
    Any,
    /// Viewers, operators and admins.
    Viewer,
    /// Operators and admins.
    Operator,
    /// Admins.
    Admin,
    /// Peers, and admins to try it out.
    Peer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Peer, Self::Viewer, Self::Operator, Self::Admin];

    /// Whether it is enough for a method that takes `least`.
    pub fn suffices(self, least: Least) -> bool {
        match least {
            Least::Any => true,
            Least::Viewer => self >= Self::Viewer,
            Least::Operator => self >= Self::Operator,
            Least::Admin => self == Self::Admin,
            Least::Peer => matches!(self, Self::Peer | Self::Admin),
        }
    }

    /// The name in config, API and log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Least {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any role",
            Self::Viewer => "the role viewer, operator or admin",
            Self::Operator => "the role operator or admin",
            Self::Admin => "the role admin",
            Self::Peer => "the role peer or admin",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_what() {
        let may = |least| Role::ALL.map(|role| role.suffices(least));
        //                               peer   viewer operator admin
        assert_eq!(may(Least::Any), [true, true, true, true]);
        assert_eq!(may(Least::Viewer), [false, true, true, true]);
        assert_eq!(may(Least::Operator), [false, false, true, true]);
        assert_eq!(may(Least::Admin), [false, false, false, true]);
        assert_eq!(may(Least::Peer), [true, false, false, true]);
    }
}
