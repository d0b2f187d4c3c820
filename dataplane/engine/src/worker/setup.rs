//! What a worker begins with.

use std::sync::Arc;

use repute_model::{Limits, Owners, Policy};

use crate::crowd_mesh::{CrowdMesh, crowd_mesh};
use crate::handover::Peers;
use crate::{EndpointSetup, Mailbox, MirrorSetup, Published, TapSetup};

/// On which side of a port its senders are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The protected side.
    Inside,
    /// Everybody else.
    Outside,
    /// Both; the policy's `inside` prefixes tell.
    Both,
}

/// One port of a worker: the side of its senders, and where its packets go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wire {
    /// Which side.
    pub role: Role,
    /// The port its packets are forwarded to; `None` drops them as `no-peer`.
    pub peer: Option<u8>,
}

/// What a worker begins with.
#[derive(Debug)]
pub struct Setup<'a, P> {
    /// What it judges by at first.
    pub policy: Box<Policy>,
    /// Sizes of its tables.
    pub limits: Limits,
    /// Keys its hash tables.
    pub seed: u64,
    /// Its ports, at most [`crate::PORTS`].
    pub wires: &'a [Wire],
    /// Its end of the rings to the control plane.
    pub mailbox: Mailbox,
    /// Where others read its account.
    pub published: Arc<Published>,
    /// The other workers; `None` = there is no other.
    pub team: Option<Team<P>>,
    /// Where copies go; `None` = nowhere.
    pub mirror: Option<MirrorSetup>,
    /// Where copies of DNS messages go; `None` = nowhere.
    pub tap: Option<TapSetup>,
    /// Its way to the sums of the crowds.
    pub crowds: CrowdMesh,
    /// What it has to know where the policy gives the box an address of its own; `None` = it stays a bump in the wire.
    pub endpoint: Option<EndpointSetup>,
}

impl<'a, P> Setup<'a, P> {
    /// A worker that is the only one.
    pub fn alone(
        policy: Box<Policy>,
        limits: Limits,
        seed: u64,
        wires: &'a [Wire],
        mailbox: Mailbox,
        published: Arc<Published>,
    ) -> Self {
        let mut leader = crowd_mesh(1, limits.crowds, seed);
        let crowds = leader.remove(0);
        let (team, mirror, tap, endpoint) = (None, None, None, None);
        Self { policy, limits, seed, wires, mailbox, published, team, mirror, tap, crowds, endpoint }
    }
}

/// A worker among others.
#[derive(Debug)]
pub struct Team<P> {
    /// Who owns whom; the same for all of them.
    pub owners: Owners,
    /// The ways between them, made by [`crate::handover::mesh`]; these are this worker's.
    pub peers: Peers<P>,
}
