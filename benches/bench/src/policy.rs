//! The policies that rows judge by: the defaults, but for what a row is about.

use anyhow::anyhow;
use repute_model::Policy;
use repute_policy::Config;

/// What every band gets where all of them pass.
const PASS: &str =
    "excellent = \"pass\"\ngood = \"pass\"\nneutral = \"pass\"\npoor = \"pass\"\nmalicious = \"pass\"\n";

/// The text of [`forward`], to be added to.
pub fn forward_text() -> String {
    format!("[profiles.ingress.treatments]\n{PASS}")
}

/// The default ingress profile in which every band passes: everything is scored, and the verdict stays forward.
///
/// # Errors
/// The defaults have changed under this text.
pub fn forward() -> anyhow::Result<Policy> {
    compile(&forward_text())
}

/// The same of hosts of our own, by profile egress.
///
/// # Errors
/// As [`forward`].
pub fn egress() -> anyhow::Result<Policy> {
    compile(&format!("[profiles.egress.treatments]\n{PASS}"))
}

/// The same of requesters of DNS servers: whoever asks is answered from the cache where that is possible.
///
/// # Errors
/// As [`forward`].
pub fn cached() -> anyhow::Result<Policy> {
    let paths =
        ["excellent", "good", "neutral", "poor", "malicious"].map(|band| format!("{band} = \"cached\"\n"));
    compile(&format!("[profiles.dns.paths]\n{}[profiles.dns.same]\nrate = 0\n", paths.concat()))
}

/// The policy of a config text, as version 1.
///
/// # Errors
/// What is wrong with the text.
pub fn compile(text: &str) -> anyhow::Result<Policy> {
    let checked = Config::parse("bench", text).map_err(|mistakes| anyhow!("{mistakes}"))?;
    Ok(checked.compile(1))
}
