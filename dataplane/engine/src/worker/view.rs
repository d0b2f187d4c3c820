//! What the hot path asks of ports and policy, worked out once an installation.

use repute_model::{Limits, Listing, Masks, Measures, Policy, Side, Treatment};

use super::{Role, Stranger, Wire, owner_side, rules, width};
use crate::PORTS;

/// Which of a packet's two addresses has exact state here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facing {
    /// The sender's.
    Senders,
    /// The receiver's.
    Receivers,
    /// Either or both, or packets have nowhere to go: the short way is closed.
    Both,
}

/// What a treatment is for the short way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Nothing is done.
    Pass,
    /// Everything is dropped.
    Drop {
        /// Whether packets are logged as well.
        logs: bool,
        /// The treatment's name in judgements.
        measures: Measures,
    },
    /// Anything else.
    General,
}

/// One policy as one worker sees it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// By port number.
    facing: [Facing; PORTS],
    /// How wide a source is.
    pub masks: Masks,
    /// Whether `[protect]` names anybody.
    pub protects: bool,
    /// What each band gets.
    pub ways: [Way; 5],
    /// What a source without an entry gets that no list names.
    pub stranger: Way,
    /// What sources get that a list denies, by percent of confidence.
    denied: [Way; 101],
    /// What entries keep of the policy's version.
    pub epoch: u16,
}

impl View {
    /// Looks at a policy from these ports.
    pub fn of(policy: &Policy, wires: &[Wire; PORTS], limits: &Limits) -> Self {
        let facing = |wire: Wire| match (wire.role, owner_side(policy)) {
            _ if wire.peer.is_none() => Facing::Both,
            (Role::Both, _) => Facing::Both,
            (Role::Outside, Side::Outside) | (Role::Inside, Side::Inside) => Facing::Senders,
            (Role::Outside, Side::Inside) | (Role::Inside, Side::Outside) => Facing::Receivers,
        };
        let treatments = rules(policy).map(|rules| rules.profile.treatments);
        let stranger = |listing| {
            rules(policy).map_or(Way::General, |rules| way(Stranger::listed(listing, rules).treatment))
        };
        Self {
            facing: wires.map(facing),
            masks: width(policy, limits).masks(),
            protects: !policy.protect.is_empty(),
            ways: treatments.map_or([Way::General; 5], |all| all.map(way)),
            stranger: stranger(None),
            denied: std::array::from_fn(|percent| stranger(Some(Listing::Deny(percent as u8)))),
            epoch: policy.version as u16,
        }
    }

    /// Which way a port faces.
    #[inline(always)]
    pub fn facing(&self, port: u8) -> Facing {
        self.facing[usize::from(port) % PORTS]
    }

    /// What a source gets that a list denies with this confidence.
    pub fn denied(&self, percent: u8) -> Way {
        self.denied[usize::from(percent).min(100)]
    }
}

fn way(treatment: Treatment) -> Way {
    match treatment {
        Treatment::PASS => Way::Pass,
        Treatment { drop: true, log: logs, mirror: None, .. } => {
            Way::Drop { logs, measures: treatment.measures() }
        }
        _ => Way::General,
    }
}
