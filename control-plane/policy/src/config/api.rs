//! `[api]`: where the control API listens, and who may do what through it.
//!
//! Only `[api.access]` changes while reputed runs, and only by its own config file (SIGHUP): a policy that came
//! over the API never says who may apply policies.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Int, Listen, Text, keywords};

/// Where the control API listens, and who may do what through it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Api {
    /// Path of the Unix socket; absent = `/run/repute/repute.sock` for root,
    /// `$XDG_RUNTIME_DIR/repute/repute.sock` otherwise.
    #[schemars(with = "Text")]
    pub socket: Option<Text>,
    /// Address and port for clients elsewhere: TLS with client certificates, never less; needs `[api.tls]` and an
    /// audit log. Absent = the Unix socket only.
    #[schemars(with = "Listen")]
    pub listen: Option<Listen>,
    /// The files of TLS; read anew when they change.
    #[schemars(with = "Tls")]
    pub tls: Option<Tls>,
    /// File of API keys and tokens; absent = `keys.toml` in `$STATE_DIRECTORY` (systemd sets it), else there are none.
    #[schemars(with = "Text")]
    pub keys: Option<Text>,
    /// The audit log; absent = `audit.jsonl` in `$STATE_DIRECTORY` (systemd sets it), else changes are only in the
    /// daemon's own log.
    #[schemars(with = "Text")]
    pub audit: Option<Text>,
    /// Requests per second that one identity may make in the long run.
    pub requests_per_s: Int<1, 1_000_000>,
    /// Requests that it may make at once after a pause.
    pub burst: Int<1, 1_000_000>,
    /// Who may do what.
    pub access: Access,
}

table!(Api { socket, listen, tls, keys, audit, requests_per_s, burst, access });

/// The files of TLS, in PEM.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Tls {
    /// The box's certificate, with those between it and its CA.
    pub certificate: Text,
    /// Its private key; nobody else may read the file.
    pub key: Text,
    /// The CAs whose certificates clients present.
    pub client_ca: Text,
    /// What those CAs have revoked; absent = nothing.
    #[schemars(with = "Text", default)]
    pub crl: Option<Text>,
}

table!(
    fn overlay_keys of Tls { certificate, key, client_ca, crl } requires "certificate", "key", "client_ca"
);

impl Scalar for Tls {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut tls = Self::blank();
        reader.whole(|reader| tls.overlay_keys(node, reader))?;
        Some(tls)
    }
}

keywords! {
    /// What somebody is: a peer exchanges scores, a viewer sees, an operator also changes what traffic gets, an admin
    /// also who may do what.
    AccessRole {
        /// Another provider.
        Peer = "peer",
        /// Sees everything, changes nothing.
        Viewer = "viewer",
        /// Also changes what traffic gets.
        Operator = "operator",
        /// Also changes who may do what.
        Admin = "admin",
    }
}

keywords! {
    /// What those are who come by the Unix socket.
    SocketRole {
        /// They are refused.
        None = "none",
        /// They see.
        Viewer = "viewer",
        /// They also change what traffic gets.
        Operator = "operator",
        /// They also change who may do what.
        Admin = "admin",
    }
}

/// Who may do what. Whoever is not named has no role and is refused.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Access {
    /// By the Unix socket: root and the user that reputed runs as.
    pub socket_owner: SocketRole,
    /// By the Unix socket: everybody else who may open it.
    pub socket_group: SocketRole,
    /// Identities with a role; the most exact one counts.
    pub bind: Vec<Binding>,
}

table!(Access { socket_owner, socket_group, bind });

/// An identity and its role.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Binding {
    /// `spiffe://example.org/operator/alice`, all below a path (`spiffe://example.org/viewer/*`), `cn:alice` or
    /// `uid:1000`.
    pub identity: Text,
    /// What they are.
    pub role: AccessRole,
}

table!(fn overlay_keys of Binding { identity, role } requires "identity", "role");

impl Scalar for Binding {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut binding = Self::blank();
        reader.whole(|reader| binding.overlay_keys(node, reader))?;
        Some(binding)
    }
}
