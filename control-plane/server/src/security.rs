//! Who may do what through the API, and where it is written down.
//!
//! Built by the daemon from `[api]`, used by [`serve`](crate::serve()) and [`serve_secured`](crate::serve_secured).

use std::net::TcpListener;
use std::sync::Arc;

use repute_access::{Access, Audit, Bindings, BindingsConfig, Keys, LiveTls, RateConfig, Rates};

/// Who may do what, by which ways.
#[derive(Debug)]
pub struct Security {
    /// Stands before every method, on the socket and on TCP.
    pub access: Arc<Access>,
    /// Where changes are written down; without it they are in the daemon's own log only.
    pub audit: Option<Arc<Audit>>,
    /// The way for clients elsewhere.
    pub tls: Option<TlsDoor>,
}

/// A listener whose connections are TLS with client certificates or nothing.
#[derive(Debug)]
pub struct TlsDoor {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its certificates.
    pub live: Arc<LiveTls>,
}

impl Security {
    /// The unix socket alone, by its default rule (root and the own user are admins, others who may open it
    /// viewers), without keys and without an audit log.
    pub fn local() -> Self {
        let own = rustix::process::getuid().as_raw();
        // The defaults of a room are valid in it; its own tests say so.
        #[expect(clippy::expect_used, reason = "no input gets here")]
        let (bindings, rates) = (
            Bindings::new(&BindingsConfig::default(), own).expect("no bindings are good bindings"),
            Rates::new(RateConfig::default()).expect("default rates are in range"),
        );
        Self { access: Access::new(bindings, Arc::new(Keys::none()), rates), audit: None, tls: None }
    }
}
