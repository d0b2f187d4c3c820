//! A config in which nothing is wrong: the only way to a policy.

use std::collections::BTreeSet;
use std::fmt;

use repute_model::{Limits, Policy};
use toml::de::DeTable;

use crate::canon::digest;
use crate::check::check;
use crate::config::Config;
use crate::diagnostic::{Diagnostic, Diagnostics, Findings};
use crate::read::{Overlay, Reader};
use crate::topology::{Topology, topology};
use crate::{compile, value::Named};

/// The longest config text in bytes.
pub const TEXT_MAX: usize = 64 << 20;

/// A validated config with its digest.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    config: Config,
    digest: [u8; 32],
}

impl Config {
    /// Reads and checks a config text.
    ///
    /// `name` is what messages call the text: a path, or where it came from.
    ///
    /// # Errors
    /// Every mistake at once, at most [`DIAGNOSTICS_MAX`](crate::DIAGNOSTICS_MAX) of them kept. Where the
    /// text is not even TOML, what depends on several keys is not checked yet.
    pub fn parse(name: &str, text: &str) -> Result<Checked, Diagnostics> {
        if text.len() > TEXT_MAX {
            let mut findings = Findings::default();
            let message = format!("{} bytes of config, at most {TEXT_MAX} are read", text.len());
            findings.push(Diagnostic::new(0..0, message).label("long lists belong into feeds"));
            return Err(Diagnostics::new(name, "", findings));
        }
        let (config, findings) = read(text);
        if findings.is_empty() {
            let digest = digest(&config);
            Ok(Checked { config, digest })
        } else {
            Err(Diagnostics::new(name, text, findings))
        }
    }
}

fn read(text: &str) -> (Config, Findings) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let root = toml::Spanned::new(root.span(), toml::de::DeValue::Table(root.into_inner()));
    let mut config = Config::default();
    let mut reader = Reader::default();
    config.overlay(&root, &mut reader);
    if errors.is_empty() {
        check(&config, &mut reader);
        return (config, reader.findings);
    }
    (config, with_syntax_errors(text, &errors, reader.findings))
}

/// Syntax errors, and what reading found on other lines: on the same line it is only their echo.
fn with_syntax_errors(text: &str, errors: &[toml::de::Error], read: Findings) -> Findings {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|&end| end < at);
    let mut findings = Findings { more: read.more, ..Findings::default() };
    let mut lines = BTreeSet::new();
    for error in errors {
        let span = error.span().unwrap_or_default();
        lines.insert(line(span.start));
        findings.push(Diagnostic::new(span, "not valid TOML").label(error.message()));
    }
    for found in read.items {
        if !lines.contains(&line(found.span().start)) {
            findings.push(found);
        }
    }
    findings
}

impl Checked {
    /// The config itself.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// SHA-256 over the validated config in canonical form: the same for every spelling of one meaning.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The policy that workers judge by: the same bytes for the same config and version.
    pub fn compile(&self, version: u64) -> Policy {
        compile::policy(&self.config, version, self.digest)
    }

    /// Sizes that are fixed at start.
    pub fn limits(&self) -> Limits {
        compile::limits(&self.config)
    }

    /// Ports, pairs and workers.
    pub fn topology(&self) -> Topology {
        topology(&self.config)
    }

    /// The names of the services, by their number in the policy.
    pub fn service_names(&self) -> Vec<String> {
        Named::names(&self.config.services).map(str::to_owned).collect()
    }
}

impl fmt::Display for Checked {
    /// One line for logs: which profile, how much of what, and the digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = if self.config.profiles.ingress.is_some() { "ingress" } else { "egress" };
        let (ports, services) = (self.config.ports.len(), self.config.services.len());
        write!(f, "profile {profile}, {ports} ports, {services} services, sha256 ")?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
