//! The decision: who is it, what may they, have they asked too often?
//!
//! Asked by the [`GuardLayer`](crate::GuardLayer) for every request; the daemon holds it to replace bindings and
//! to read the counts. **Always holds:** whoever is not named, bound and listed is refused, and the refusal
//! says what is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tonic::Status;

use crate::audit::Change;
use crate::bindings::Bindings;
use crate::caller::{Caller, Transport};
use crate::guard::GuardLayer;
use crate::identity::Identity;
use crate::keys::{Grant, KeyId, KeyRefused, Keys, Purpose};
use crate::permissions::{self, NUDGE};
use crate::rate::Rates;
use crate::refusals::Refusals;
use crate::role::{Least, Role};

/// Who may do what, as it stands now.
#[derive(Debug)]
pub struct Access {
    bindings: ArcSwap<Bindings>,
    keys: Arc<Keys>,
    rates: Rates,
    counts: Counters,
    pub(crate) refusals: Refusals,
}

#[derive(Debug, Default)]
struct Counters {
    admitted: AtomicU64,
    unauthenticated: AtomicU64,
    denied: AtomicU64,
    limited: AtomicU64,
}

/// Requests since the start, by what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AccessCounts {
    /// Handed to their method.
    pub admitted: u64,
    /// Nobody, or a certificate or key that is no longer good.
    pub unauthenticated: u64,
    /// Somebody who may not do this.
    pub denied: u64,
    /// Somebody who asked too often.
    pub limited: u64,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The transport names nobody.
    #[error(
        "nobody is known at the other end; connect by the unix socket, or by TLS with a client certificate"
    )]
    Nobody,
    /// The certificate that the connection began with is no longer good.
    #[error("{identity}: the client certificate is no longer accepted: {why}; connect with a new one")]
    Certificate {
        /// Whose it was.
        identity: Identity,
        /// What the verifier says now.
        why: String,
    },
    /// The key is not accepted.
    #[error(transparent)]
    Key(#[from] KeyRefused),
    /// Somebody without a role.
    #[error("{0} has no role here; an admin can bind it to one (`bind` in the config)")]
    Unbound(Identity),
    /// A method that nobody may call.
    #[error("nobody may call {0}: it is no method of this box")]
    Unlisted(String),
    /// Another role is needed.
    #[error("{method} needs {least}; {identity} has the role {role}")]
    Role {
        /// What was asked for.
        method: String,
        /// What it takes.
        least: Least,
        /// Who asked.
        identity: Identity,
        /// What they are.
        role: Role,
    },
    /// A token is for something else.
    #[error("{method} needs a role; {identity} is a token for one purpose only: {purpose}")]
    Purpose {
        /// What was asked for.
        method: String,
        /// Who asked.
        identity: Identity,
        /// What it is for.
        purpose: Purpose,
    },
    /// Too many requests.
    #[error("{identity} asks too often; wait {} ms", wait.as_millis() + 1)]
    Rate {
        /// Who.
        identity: Identity,
        /// Until the next one is taken.
        wait: Duration,
    },
}

impl Refusal {
    /// Who is refused, where that is known beyond the way they came.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Certificate { identity, .. }
            | Self::Unbound(identity)
            | Self::Role { identity, .. }
            | Self::Purpose { identity, .. }
            | Self::Rate { identity, .. } => Some(identity),
            Self::Nobody | Self::Key(_) | Self::Unlisted(_) => None,
        }
    }
}

/// A request that may go on, once the use of its key is counted.
#[derive(Debug)]
pub(crate) struct Admission {
    pub caller: Caller,
    /// Whose uses are counted.
    pub counted: Option<KeyId>,
}

impl Access {
    /// Nobody has asked for anything yet.
    pub fn new(bindings: Bindings, keys: Arc<Keys>, rates: Rates) -> Arc<Self> {
        Arc::new(Self {
            bindings: ArcSwap::from_pointee(bindings),
            keys,
            rates,
            counts: Counters::default(),
            refusals: Refusals::new(),
        })
    }

    /// The tower layer that asks this before every request: `Server::builder().layer(access.layer())`.
    pub fn layer(self: &Arc<Self>) -> GuardLayer {
        GuardLayer::new(Arc::clone(self))
    }

    /// From now on these hold, also for connections that are open.
    pub fn bind(&self, bindings: Bindings) {
        self.bindings.store(Arc::new(bindings));
    }

    /// All keys and tokens.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// Those who were kept from a change, for the audit log; a bounded number. `None` = somebody takes them already.
    pub fn refused(&self) -> Option<mpsc::Receiver<Change>> {
        self.refusals.take()
    }

    /// What became of requests.
    pub fn counts(&self) -> AccessCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        AccessCounts {
            admitted: read(&self.counts.admitted),
            unauthenticated: read(&self.counts.unauthenticated),
            denied: read(&self.counts.denied),
            limited: read(&self.counts.limited),
        }
    }

    /// Judges one request: by which way it came, the key it presents, the method's path.
    pub(crate) fn judge(
        &self,
        transport: Transport,
        key: Option<&str>,
        method: &str,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        let (identity, grant, counted) = match key {
            None => (transport.identity(), None, None),
            Some(text) => match self.keys.verify(text) {
                Ok(info) => (Identity::Key(info.id), Some(info.grant), info.uses_left.map(|_| info.id)),
                Err(refused) => {
                    // A guess costs the one who connected.
                    self.take(&transport.identity(), now)?;
                    return Err(refused.into());
                }
            },
        };
        self.take(&identity, now)?;
        let role = || self.bindings.load().role(&identity).map(Grant::Role);
        let grant = grant.or_else(role).ok_or_else(|| Refusal::Unbound(identity.clone()))?;
        permit(&identity, grant, method)?;
        Ok(Admission { caller: Caller { identity, grant, transport }, counted })
    }

    fn take(&self, identity: &Identity, now: Instant) -> Result<(), Refusal> {
        self.rates.take(identity, now).map_err(|wait| Refusal::Rate { identity: identity.clone(), wait })
    }

    /// Counts what became of a request.
    pub(crate) fn count(&self, outcome: Result<(), &Refusal>) {
        let count = match outcome {
            Ok(()) => &self.counts.admitted,
            Err(Refusal::Nobody | Refusal::Certificate { .. } | Refusal::Key(_)) => {
                &self.counts.unauthenticated
            }
            Err(Refusal::Rate { .. }) => &self.counts.limited,
            Err(_) => &self.counts.denied,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether a role or a purpose is enough for the method.
fn permit(identity: &Identity, grant: Grant, method: &str) -> Result<(), Refusal> {
    // As much of a path as anybody needs to read.
    let shown = || method.chars().take(100).collect();
    let least = permissions::least(method).ok_or_else(|| Refusal::Unlisted(shown()))?;
    match grant {
        Grant::Role(role) if role.suffices(least) => Ok(()),
        Grant::Role(role) => Err(Refusal::Role { method: shown(), least, identity: identity.clone(), role }),
        Grant::Purpose(Purpose::Lift(_)) if method == NUDGE => Ok(()),
        Grant::Purpose(purpose) => {
            Err(Refusal::Purpose { method: shown(), identity: identity.clone(), purpose })
        }
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Key(KeyRefused::Unrecorded { .. }) => Self::unavailable(text),
            Refusal::Nobody | Refusal::Certificate { .. } | Refusal::Key(_) => Self::unauthenticated(text),
            Refusal::Rate { .. } => Self::resource_exhausted(text),
            Refusal::Unbound(_) | Refusal::Unlisted(_) | Refusal::Role { .. } | Refusal::Purpose { .. } => {
                Self::permission_denied(text)
            }
        }
    }
}
