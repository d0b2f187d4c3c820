//! The policies that rows judge by: the defaults, but for what a row is about.

use anyhow::anyhow;
use repute_model::Policy;
use repute_policy::Config;

/// The default ingress profile in which every band passes: everything is scored, and the verdict stays forward.
const FORWARD: &str = "[profiles.ingress.treatments]\nexcellent = \"pass\"\ngood = \"pass\"\nneutral = \"pass\"\n\
                       poor = \"pass\"\nmalicious = \"pass\"\n";

/// The text of [`forward`], to be added to.
pub fn forward_text() -> String {
    FORWARD.to_owned()
}

/// Scores as by default and lets everything pass.
///
/// # Errors
/// The defaults have changed under this text.
pub fn forward() -> anyhow::Result<Policy> {
    compile(FORWARD)
}

/// The policy of a config text, as version 1.
///
/// # Errors
/// What is wrong with the text.
pub fn compile(text: &str) -> anyhow::Result<Policy> {
    let checked = Config::parse("bench", text).map_err(|mistakes| anyhow!("{mistakes}"))?;
    Ok(checked.compile(1))
}
