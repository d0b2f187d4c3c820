//! Who calls, by which way, and what they may: what the guard puts into a request's extensions.

use std::fmt;
use std::net::SocketAddr;

use repute_model::Source;

use crate::identity::Identity;
use crate::keys::{Grant, Purpose};
use crate::role::{Least, Role};

/// Who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    pub(crate) identity: Identity,
    pub(crate) grant: Grant,
    pub(crate) transport: Transport,
}

/// By which way somebody came, and who they are there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TLS, with the name of the client certificate.
    Tls {
        /// The other end.
        address: SocketAddr,
        /// The certificate's name.
        name: Identity,
    },
    /// The unix socket.
    Unix {
        /// The user there.
        uid: u32,
        /// The process, where the kernel says.
        pid: Option<i32>,
    },
}

impl Caller {
    /// Who it is: the key's holder where a key was presented, else whom the transport names.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The role; none for the holder of a one-purpose token.
    pub fn role(&self) -> Option<Role> {
        match self.grant {
            Grant::Role(role) => Some(role),
            Grant::Purpose(_) => None,
        }
    }

    /// What they may: a role, or one thing.
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// By which way they came.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Whether they may raise the score of this source. The guard lets the holder of a token call the method;
    /// the service asks this about the source in the request, and lets those without a role raise only.
    pub fn may_lift(&self, source: Source) -> bool {
        match self.grant {
            Grant::Role(role) => role.suffices(Least::Operator),
            Grant::Purpose(Purpose::Lift(only)) => only == source,
        }
    }
}

impl Transport {
    /// Who comes this way.
    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::Tls { name, .. } => name.clone(),
            Self::Unix { uid, .. } => Identity::Uid(*uid),
        }
    }
}

/// As the audit log has it: `tls 192.0.2.1:4711 spiffe://…`, `unix uid:0 pid 17`.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls { address, name } => write!(f, "tls {address} {name}"),
            Self::Unix { uid, pid: Some(pid) } => write!(f, "unix uid:{uid} pid {pid}"),
            Self::Unix { uid, pid: None } => write!(f, "unix uid:{uid}"),
        }
    }
}
