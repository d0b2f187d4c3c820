//! The config file: read at boot, and again on SIGHUP.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use repute_policy::{Checked, Config};

/// The config at a path, checked, and its text.
///
/// # Errors
/// It cannot be read, or has mistakes: all of them, with their places.
pub fn load(path: &Path) -> anyhow::Result<(Checked, String)> {
    let text = read(path)?;
    match Config::parse(&path.display().to_string(), &text) {
        Ok(checked) => Ok((checked, text)),
        Err(mistakes) => bail!("{mistakes}"),
    }
}

/// The text at a path.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))
}
