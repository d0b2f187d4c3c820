//! TLS with client certificates: rustls with aws-lc-rs, TLS 1.3 and 1.2, HTTP/2.
//!
//! ```text
//! files ─ Material (read, checked) ─ LiveTls (what is in force, reloads) ─ TlsIncoming ─> tonic
//!                                        └── asked again by every Peer whenever it was replaced
//! ```
//!
//! **Always holds:** without a client certificate of the CA nobody gets past the handshake; a broken new file
//! never replaces a good old one; sessions are not resumed, so every connection shows its certificate.

mod connection;
mod incoming;
mod live;
mod material;
mod peer;
mod pem;
mod waiting;

pub use connection::TlsConnection;
pub use incoming::{TlsCounts, TlsIncoming, TlsLimits};
pub use live::{LiveTls, TlsNotice};
pub use material::{TlsError, TlsFiles};
pub use peer::Peer;
