//! Which machine this is, and taking a quiet place on it.

use std::fs;

use anyhow::{Context, bail};
use core_affinity::CoreId;

/// The CPU, its cores and its huge pages, in one line for the report.
pub fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or("?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} (family {} model {}), {} cores, {} of memory, {} huge pages of {}, Linux {}",
        field(&cpuinfo, "model name"),
        field(&cpuinfo, "cpu family"),
        field(&cpuinfo, "model\t"),
        cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
        field(&meminfo, "MemTotal"),
        field(&meminfo, "HugePages_Total"),
        field(&meminfo, "Hugepagesize"),
        kernel.trim()
    )
}

/// The commit of the working tree, with `+` when it has changes; `?` outside of one.
pub fn commit() -> String {
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "?".to_owned() };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    if changed { format!("{commit}+") } else { commit }
}

/// A session of one's own with the best autogroup priority. Best effort: says what it could not get.
pub fn take_precedence() {
    // Fails for the leader of a session, which has its own already.
    let _ = rustix::process::setsid();
    if let Err(error) = fs::write("/proc/self/autogroup", "-20") {
        eprintln!("note: no precedence over other sessions ({error}); expect more disturbed slices");
    }
}

/// The cores that this process may use, the one to measure on first.
///
/// # Errors
/// The kernel does not say, or does not allow the one that was asked for.
pub fn cores(wanted: Option<usize>) -> anyhow::Result<Vec<CoreId>> {
    let mut cores =
        core_affinity::get_core_ids().context("the kernel does not say which cores may be used")?;
    // Core 0 has the interrupts.
    cores.reverse();
    let Some(wanted) = wanted else { return Ok(cores) };
    let Some(at) = cores.iter().position(|core| core.id == wanted) else {
        let names: Vec<_> = cores.iter().map(|core| core.id.to_string()).collect();
        bail!("--core {wanted}: this process may use {}", names.join(", "))
    };
    cores.swap(0, at);
    Ok(cores)
}
