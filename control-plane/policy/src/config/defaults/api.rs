//! Defaults of `[api]`.

use crate::config::{Access, AccessRole, Api, Binding, SocketRole, Tls};
use crate::value::{Int, Text};

impl Default for Api {
    fn default() -> Self {
        Self {
            socket: None,
            listen: None,
            tls: None,
            keys: None,
            audit: None,
            requests_per_s: Int::new(50),
            burst: Int::new(200),
            access: Access::default(),
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self { socket_owner: SocketRole::Admin, socket_group: SocketRole::Viewer, bind: Vec::new() }
    }
}

impl Tls {
    pub(in crate::config) fn blank() -> Self {
        Self { certificate: Text::UNREAD, key: Text::UNREAD, client_ca: Text::UNREAD, crl: None }
    }
}

impl Binding {
    pub(in crate::config) fn blank() -> Self {
        Self { identity: Text::UNREAD, role: AccessRole::Viewer }
    }
}
