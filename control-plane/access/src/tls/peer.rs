//! The other end of a TLS connection: who it is, and whether its certificate is still good.
//!
//! Made once a connection; the guard finds it in the extensions of every request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use super::live::LiveTls;
use crate::clock::from_unix_seconds;
use crate::identity::{Identity, IdentityError};

/// The other end of a TLS connection. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    address: SocketAddr,
    /// The client's own certificate first.
    chain: Vec<CertificateDer<'static>>,
    not_after: SystemTime,
    live: Arc<LiveTls>,
    /// The generation of `live` that accepted the chain.
    accepted_by: AtomicU64,
}

impl Peer {
    /// The one who showed this chain, which generation `accepted_by` has verified.
    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        address: SocketAddr,
        live: Arc<LiveTls>,
        accepted_by: u64,
    ) -> Result<Self, IdentityError> {
        let own = chain.first().ok_or(IdentityError::NoName)?;
        let identity = Identity::of_certificate(own)?;
        let (_, parsed) =
            parse_x509_certificate(own).map_err(|error| IdentityError::Unreadable(error.to_string()))?;
        let not_after =
            from_unix_seconds(u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0));
        let accepted_by = AtomicU64::new(accepted_by);
        Ok(Self(Arc::new(Inner { identity, address, chain, not_after, live, accepted_by })))
    }

    /// Whom the certificate names.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The other end's address.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Whether the certificate would still be accepted: it has not expired, and where CAs or revocation lists
    /// were replaced since, the new ones take it.
    ///
    /// # Errors
    /// What the verifier says against it.
    pub fn still_accepted(&self) -> Result<(), String> {
        let Inner { chain, not_after, live, accepted_by, .. } = &*self.0;
        if live.clock().now() > *not_after {
            return Err("it has expired".to_owned());
        }
        if accepted_by.load(Ordering::Acquire) == live.generation() {
            return Ok(());
        }
        let generation = live.verify(chain)?;
        accepted_by.store(generation, Ordering::Release);
        Ok(())
    }
}
