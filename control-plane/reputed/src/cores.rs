//! Which cores the workers get, and which ones are left for everybody else.
//!
//! Called at boot. Always holds: no two workers share a core.

use anyhow::{Context, ensure};
use core_affinity::CoreId;

/// The workers' cores, by their numbers: the configured ones, else the last that this process may use, so that
/// core 0 with its interrupts stays with the system as long as there are more cores than workers.
///
/// # Errors
/// More workers than cores, or a configured core that this process may not use.
pub fn choose(workers: u16, configured: Option<&[u16]>) -> anyhow::Result<Vec<CoreId>> {
    let allowed = core_affinity::get_core_ids().context("the kernel does not say which cores may be used")?;
    let allowed: Vec<usize> = allowed.iter().map(|core| core.id).collect();
    let chosen = pick(workers, configured, &allowed)?;
    if chosen.len() == allowed.len() {
        tracing::warn!(
            "workers run on every core that this process may use ({}): the API and the system share them; \
             lower [workers] count by one, or allow one more core",
            names(&allowed)
        );
    }
    Ok(chosen.into_iter().map(|id| CoreId { id }).collect())
}

fn pick(workers: u16, configured: Option<&[u16]>, allowed: &[usize]) -> anyhow::Result<Vec<usize>> {
    let Some(cores) = configured else {
        let spare = allowed.len().checked_sub(usize::from(workers)).with_context(|| {
            format!(
                "[workers] count = {workers}: this process may use {} cores ({}), and each worker needs one of its \
                 own; lower the count, or allow more cores",
                allowed.len(),
                names(allowed)
            )
        })?;
        return Ok(allowed[spare..].to_vec());
    };
    let cores: Vec<usize> = cores.iter().map(|&core| usize::from(core)).collect();
    for core in &cores {
        let usable = names(allowed);
        ensure!(allowed.contains(core), "[workers] cores names core {core}; this process may use {usable}");
    }
    Ok(cores)
}

fn names(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cores_work_and_the_first_ones_stay() {
        assert_eq!(pick(1, None, &[0, 1]).unwrap(), [1]);
        assert_eq!(pick(2, None, &[0, 1]).unwrap(), [0, 1]);
        assert_eq!(pick(2, None, &[0, 3, 5, 8]).unwrap(), [5, 8]);
        assert_eq!(pick(2, Some(&[8, 0]), &[0, 3, 5, 8]).unwrap(), [8, 0]);
    }

    #[test]
    fn cores_that_are_not_there_are_named_with_those_that_are() {
        let many = pick(3, None, &[0, 1]).unwrap_err().to_string();
        assert!(many.contains("count = 3") && many.contains("2 cores (0, 1)"), "{many}");
        let other = pick(1, Some(&[7]), &[0, 1]).unwrap_err().to_string();
        assert!(other.contains("names core 7; this process may use 0, 1"), "{other}");
    }
}
