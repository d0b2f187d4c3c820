//! From `[api]` to who may do what: bindings, keys, the audit log, the TLS listener.
//!
//! Called before boot, so that what is wrong with them is said before a port is touched; bindings again on SIGHUP.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use repute_access::{
    Access, Audit, AuditConfig, Binding, Bindings, BindingsConfig, Clock, Keys, LiveTls, RateConfig, Rates,
    Role, SocketConfig, TlsFiles,
};
use repute_policy::Checked;
use repute_policy::config::{self, AccessRole, Api, SocketRole};
use repute_policy::value::Text;
use repute_server::{Security, TlsDoor};

/// Opens all that `[api]` names.
///
/// # Errors
/// Bindings that are none, files that cannot be read or written, certificates that are not good, an address that
/// is taken, TLS without an audit log.
pub fn open(checked: &Checked) -> anyhow::Result<Security> {
    let api = &checked.config().api;
    let keys = match place(api.keys.as_ref(), "keys.toml") {
        Some(path) => Keys::open(&path, Clock::system()).context("`[api] keys`")?,
        None => Keys::none(),
    };
    let rates = RateConfig { requests_per_s: api.requests_per_s.get() as u32, burst: api.burst.get() as u32 };
    let access = Access::new(bindings(checked)?, Arc::new(keys), Rates::new(rates)?);
    let audit = audit(api)?;
    if audit.is_none() && api.listen.is_some() {
        bail!(
            "`[api] listen` opens this box to others, and there is no place for the audit log: name one \
             (`[api] audit = \"/var/lib/repute/audit.jsonl\"`)"
        );
    }
    Ok(Security { access, audit, tls: door(api)? })
}

/// Who may do what, as the config has it.
///
/// # Errors
/// All that is wrong.
pub fn bindings(checked: &Checked) -> anyhow::Result<Bindings> {
    let access = &checked.config().api.access;
    let bind =
        access.bind.iter().map(|one| Binding { identity: one.identity.to_string(), role: role(one.role) });
    let socket =
        SocketConfig { owner: by_socket(access.socket_owner), group: by_socket(access.socket_group) };
    let own = rustix::process::getuid().as_raw();
    Bindings::new(&BindingsConfig { bind: bind.collect(), socket }, own).map_err(|wrong| {
        let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("`[api.access] bind`: {}", wrong.join("\n  "))
    })
}

fn role(role: AccessRole) -> Role {
    match role {
        AccessRole::Peer => Role::Peer,
        AccessRole::Viewer => Role::Viewer,
        AccessRole::Operator => Role::Operator,
        AccessRole::Admin => Role::Admin,
    }
}

fn by_socket(role: SocketRole) -> Option<Role> {
    match role {
        SocketRole::None => None,
        SocketRole::Viewer => Some(Role::Viewer),
        SocketRole::Operator => Some(Role::Operator),
        SocketRole::Admin => Some(Role::Admin),
    }
}

/// A file that the config names, or of this name in the folder that systemd has made for the daemon's state.
fn place(named: Option<&Text>, name: &str) -> Option<PathBuf> {
    let folder = || std::env::var_os("STATE_DIRECTORY").filter(|folder| !folder.is_empty());
    named.map(|path| path.as_str().into()).or_else(|| folder().map(|folder| PathBuf::from(folder).join(name)))
}

fn audit(api: &Api) -> anyhow::Result<Option<Arc<Audit>>> {
    let Some(path) = place(api.audit.as_ref(), "audit.jsonl") else {
        tracing::info!("no audit log: changes are in this log only; name one by `[api] audit`");
        return Ok(None);
    };
    let config = AuditConfig { path, ..AuditConfig::default() };
    Ok(Some(Audit::open(config, Clock::system()).context("`[api] audit`")?))
}

/// The listener is opened here, with all privileges still there: ports below 1024 need one.
fn door(api: &Api) -> anyhow::Result<Option<TlsDoor>> {
    let (Some(listen), Some(tls)) = (api.listen, &api.tls) else { return Ok(None) };
    let config::Tls { certificate, key, client_ca, crl } = tls;
    let path = |text: &Text| PathBuf::from(text.as_str());
    let files = TlsFiles {
        certificate: path(certificate),
        key: path(key),
        client_ca: path(client_ca),
        crl: crl.as_ref().map(path),
    };
    let live = LiveTls::open(files, Clock::system()).context("`[api.tls]`")?;
    let listener = TcpListener::bind(listen.get()).with_context(|| {
        format!("`[api] listen`: cannot listen on {listen}; choose another address or port")
    })?;
    listener.set_nonblocking(true)?;
    tracing::info!("API on {listen}, by TLS with client certificates");
    Ok(Some(TlsDoor { listener, live }))
}
