//! Which core the worker gets, and which ones are left for everybody else.

use anyhow::{Context, bail};
use core_affinity::CoreId;

/// The worker's core: the configured one, else the last that this process may use, so that core 0 with
/// its interrupts stays with the system.
///
/// # Errors
/// A configured core that this process may not use.
pub fn choose(configured: Option<u16>) -> anyhow::Result<CoreId> {
    let allowed = core_affinity::get_core_ids().context("the kernel does not say which cores may be used")?;
    match configured {
        None => allowed.last().copied().context("no core may be used"),
        Some(core) => match allowed.iter().find(|id| id.id == usize::from(core)) {
            Some(&id) => Ok(id),
            None => {
                let names: Vec<_> = allowed.iter().map(|id| id.id.to_string()).collect();
                bail!("[workers] cores names core {core}; this process may use {}", names.join(", "))
            }
        },
    }
}
