//! Which identity has which role: the config, checked, and the look-up.
//!
//! The config comes from the daemon's `[api]` section. The most exact binding wins: a whole identity before a
//! prefix, a longer prefix before a shorter one. Who is not bound has no role and is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::identity::{Identity, is_common_name};
use crate::role::Role;
use crate::spiffe::{SpiffeError, SpiffeId};

/// Most bindings; a config with more is refused.
pub const BINDINGS_MAX: usize = 1024;

/// Who has which role, as configured.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BindingsConfig {
    /// One line an identity, or all below a SPIFFE path.
    pub bind: Vec<Binding>,
    /// Who comes by the unix socket.
    pub socket: SocketConfig,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// `spiffe://example.org/operator/alice`, `spiffe://example.org/operator/*`, `cn:alice` or `uid:1000`.
    pub identity: String,
    /// What they are.
    pub role: Role,
}

/// Roles of those who come by the unix socket and are not bound by their uid. Who may open it at all is said
/// by the file's owner, group and mode.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SocketConfig {
    /// Root and the daemon's own user: a role, or `none`; default admin.
    #[serde(with = "or_none")]
    pub owner: Option<Role>,
    /// Everybody else who may open the socket: a role, or `none`; default viewer.
    #[serde(with = "or_none")]
    pub group: Option<Role>,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self { owner: Some(Role::Admin), group: Some(Role::Viewer) }
    }
}

/// A role by its name, or `none`: TOML has no null, and a key that is absent has its default.
mod or_none {
    use serde::de::IntoDeserializer;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::role::Role;

    pub fn serialize<S: Serializer>(role: &Option<Role>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(role.map_or("none", Role::name))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Role>, D::Error> {
        let text = String::deserialize(from)?;
        if text == "none" {
            return Ok(None);
        }
        Role::deserialize(text.into_deserializer()).map(Some)
    }
}

/// What is wrong with the bindings.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BindingsError {
    /// Too many.
    #[error("{0} bindings, at most {BINDINGS_MAX}; bind a whole path, as in `spiffe://example.org/viewer/*`")]
    TooMany(usize),
    /// It has no form that is known.
    #[error(
        "`{0}`: expected `spiffe://domain/path`, `spiffe://domain/path/*`, `cn:name` or `uid:number`; keys \
         carry their role themselves"
    )]
    Form(String),
    /// Its SPIFFE ID is none.
    #[error("`{text}`: {why}; `*` may only be the whole last part")]
    Spiffe {
        /// The binding's text.
        text: String,
        /// What is wrong.
        why: SpiffeError,
    },
    /// Bound twice.
    #[error("`{0}` is bound twice; keep one of the two")]
    Twice(String),
}

/// Who has which role, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bindings {
    exact: BTreeMap<String, Role>,
    /// Prefixes that end in a slash.
    below: BTreeMap<String, Role>,
    socket: SocketConfig,
    own_uid: u32,
}

impl Bindings {
    /// Checks a config. `own_uid` is the user the daemon runs as.
    ///
    /// # Errors
    /// All that is wrong, in the order of the config.
    pub fn new(config: &BindingsConfig, own_uid: u32) -> Result<Self, Vec<BindingsError>> {
        if config.bind.len() > BINDINGS_MAX {
            return Err(vec![BindingsError::TooMany(config.bind.len())]);
        }
        let mut made =
            Self { exact: BTreeMap::new(), below: BTreeMap::new(), socket: config.socket.clone(), own_uid };
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for binding in &config.bind {
            match made.bind(binding) {
                Err(error) => wrong.push(error),
                Ok(()) if !seen.insert(&binding.identity) => {
                    wrong.push(BindingsError::Twice(binding.identity.clone()));
                }
                Ok(()) => {}
            }
        }
        if wrong.is_empty() { Ok(made) } else { Err(wrong) }
    }

    fn bind(&mut self, binding: &Binding) -> Result<(), BindingsError> {
        let text = &binding.identity;
        if let Some(above) = text.strip_suffix("/*").filter(|above| above.starts_with("spiffe://")) {
            let id = spiffe(text, above)?;
            self.below.insert(format!("{id}/"), binding.role);
            return Ok(());
        }
        let identity = if text.starts_with("spiffe://") {
            Identity::Spiffe(spiffe(text, text)?)
        } else if let Some(name) = text.strip_prefix("cn:").filter(|name| is_common_name(name)) {
            Identity::CommonName(name.to_owned())
        } else if let Some(uid) = text.strip_prefix("uid:").and_then(|uid| uid.parse().ok()) {
            Identity::Uid(uid)
        } else {
            return Err(BindingsError::Form(text.clone()));
        };
        self.exact.insert(identity.to_string(), binding.role);
        Ok(())
    }

    /// The role of somebody; none = refused. Keys have theirs from the key file.
    pub fn role(&self, identity: &Identity) -> Option<Role> {
        let text = identity.to_string();
        self.exact.get(&text).copied().or_else(|| match identity {
            Identity::Spiffe(_) => self.role_below(&text),
            Identity::Uid(uid) if *uid == 0 || *uid == self.own_uid => self.socket.owner,
            Identity::Uid(_) => self.socket.group,
            Identity::CommonName(_) | Identity::Key(_) => None,
        })
    }

    /// The longest prefix that ends at a slash.
    fn role_below(&self, id: &str) -> Option<Role> {
        let ends = id.rmatch_indices('/').map(|(at, _)| at + 1);
        ends.filter_map(|end| id.get(..end)).find_map(|prefix| self.below.get(prefix)).copied()
    }
}

fn spiffe(text: &str, id: &str) -> Result<SpiffeId, BindingsError> {
    id.parse().map_err(|why| BindingsError::Spiffe { text: text.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(lines: &[(&str, Role)]) -> BindingsConfig {
        let bind = lines.iter().map(|(identity, role)| Binding { identity: (*identity).into(), role: *role });
        BindingsConfig { bind: bind.collect(), ..BindingsConfig::default() }
    }

    fn bindings(lines: &[(&str, Role)]) -> Bindings {
        Bindings::new(&config(lines), 990).unwrap()
    }

    fn spiffe(id: &str) -> Identity {
        Identity::Spiffe(id.parse().unwrap())
    }

    #[test]
    fn the_most_exact_wins() {
        let bound = bindings(&[
            ("spiffe://td/*", Role::Viewer),
            ("spiffe://td/operator/*", Role::Operator),
            ("spiffe://td/operator/eve", Role::Viewer),
            ("spiffe://other/gw", Role::Peer),
            ("cn:alice", Role::Admin),
        ]);
        for (id, role) in [
            ("spiffe://td/operator/alice", Some(Role::Operator)),
            ("spiffe://td/operator/eve", Some(Role::Viewer)),
            ("spiffe://td/operator/eve/x", Some(Role::Operator)),
            ("spiffe://td/operator", Some(Role::Viewer)),
            ("spiffe://td/operators/x", Some(Role::Viewer)),
            ("spiffe://td", None),
            ("spiffe://td.evil/operator/alice", None),
            ("spiffe://other/gw", Some(Role::Peer)),
            ("spiffe://other/gw/x", None),
        ] {
            assert_eq!(bound.role(&spiffe(id)), role, "{id}");
        }
        assert_eq!(bound.role(&Identity::CommonName("alice".into())), Some(Role::Admin));
        assert_eq!(bound.role(&Identity::CommonName("Alice".into())), None);
        // A common name that looks like something else is still a common name.
        assert_eq!(bound.role(&Identity::CommonName("spiffe://other/gw".into())), None);
    }

    #[test]
    fn the_unix_socket() {
        let bound = bindings(&[("uid:1000", Role::Operator), ("uid:7", Role::Peer)]);
        let role = |uid| bound.role(&Identity::Uid(uid));
        assert_eq!([role(0), role(990)], [Some(Role::Admin); 2]);
        assert_eq!([role(1000), role(1001)], [Some(Role::Operator), Some(Role::Viewer)]);
        assert_eq!(role(7), Some(Role::Peer));
        let closed = SocketConfig { owner: Some(Role::Operator), group: None };
        let bound = Bindings::new(&BindingsConfig { socket: closed, ..config(&[]) }, 990).unwrap();
        assert_eq!(bound.role(&Identity::Uid(0)), Some(Role::Operator));
        assert_eq!(bound.role(&Identity::Uid(1001)), None);
    }

    #[test]
    fn every_mistake_at_once() {
        let lines = ["alice", "spiffe://td/a*", "spiffe:///*", "cn:", "uid:-1", "key:1", "cn:x", "cn:x"];
        let lines: Vec<_> = lines.iter().map(|line| (*line, Role::Viewer)).collect();
        let wrong = Bindings::new(&config(&lines), 0).unwrap_err();
        assert_eq!(wrong.len(), 7);
        assert!(wrong[0].to_string().starts_with("`alice`: expected `spiffe://"), "{}", wrong[0]);
        assert!(wrong[1].to_string().contains("may only be the whole last part"), "{}", wrong[1]);
        assert_eq!(wrong[6], BindingsError::Twice("cn:x".into()));
        let many = vec![("cn:x", Role::Viewer); BINDINGS_MAX + 1];
        assert_eq!(Bindings::new(&config(&many), 0), Err(vec![BindingsError::TooMany(BINDINGS_MAX + 1)]));
    }

    #[test]
    fn as_toml() {
        let text =
            "bind = [{ identity = \"spiffe://td/*\", role = \"operator\" }]\n[socket]\ngroup = \"peer\"\n";
        let config: BindingsConfig = toml::from_str(text).unwrap();
        assert_eq!(config.bind[0].role, Role::Operator);
        assert_eq!(config.socket, SocketConfig { owner: Some(Role::Admin), group: Some(Role::Peer) });
        let closed: BindingsConfig = toml::from_str("[socket]\nowner = \"none\"\n").unwrap();
        assert_eq!(closed.socket, SocketConfig { owner: None, group: Some(Role::Viewer) });
        assert_eq!(toml::from_str::<BindingsConfig>(&toml::to_string(&closed).unwrap()).unwrap(), closed);
        assert!(toml::from_str::<BindingsConfig>("[socket]\ngroup = \"root\"\n").is_err());
        let error = toml::from_str::<BindingsConfig>("bind = [{ identity = \"cn:a\", role = \"root\" }]");
        assert!(error.unwrap_err().to_string().contains("expected one of `peer`, `viewer`"));
    }
}
