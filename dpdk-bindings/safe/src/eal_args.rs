//! What EAL is started with, and its translation into EAL's command line.
//!
//! Called by whoever boots (`reputed` from its config). Always: `--iova-mode=va`, no telemetry socket, no shared
//! configuration on disk, so that a killed process leaves nothing behind.

use crate::{LogLevel, LogSink, Memory};

/// Which memory to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HugePages {
    /// Huge pages when enough are free, ordinary ones otherwise.
    #[default]
    Auto,
    /// Huge pages, or do not start.
    Require,
    /// Ordinary pages, even when huge ones are free: for tests.
    None,
}

/// The start-up of EAL. `EalArgs::default()` suits one appliance with virtual ports on one machine.
#[derive(Clone, Debug)]
pub struct EalArgs {
    /// Which pages to use.
    pub huge_pages: HugePages,
    /// MiB for pools, rings and drivers together.
    pub memory_mb: u32,
    /// The CPU of EAL's own threads (interrupts, alarms). Default: wherever this process may run.
    pub main_core: Option<usize>,
    /// Whether PCI ports will be attached. Without it EAL does not look at the bus at all.
    pub pci: bool,
    /// Tells the processes of one machine apart. Default: `repute-` and the process id.
    pub file_prefix: String,
    /// How much DPDK says.
    pub log_level: LogLevel,
    /// Where its log goes, line by line. Default: standard error.
    pub log_sink: LogSink,
}

impl Default for EalArgs {
    fn default() -> Self {
        Self {
            huge_pages: HugePages::Auto,
            memory_mb: 512,
            main_core: None,
            pci: false,
            file_prefix: format!("repute-{}", std::process::id()),
            log_level: LogLevel::Notice,
            log_sink: to_stderr,
        }
    }
}

/// A closed standard error is no reason to fail.
fn to_stderr(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl EalArgs {
    /// EAL's command line; `allowed_cpus` is the list of CPUs that the process may use, as the kernel writes it.
    pub(crate) fn argv(&self, memory: &Memory, allowed_cpus: &str) -> Vec<String> {
        let cpus = self.main_core.map_or(allowed_cpus.to_owned(), |core| core.to_string());
        let mut argv = vec![
            "repute".to_owned(),
            // One lcore id for EAL; workers get theirs when they register.
            format!("--lcores=0@({cpus})"),
            "--iova-mode=va".to_owned(),
            "--no-telemetry".to_owned(),
            format!("--file-prefix={}", self.file_prefix),
            format!("--log-level=*:{}", self.log_level.name()),
        ];
        argv.extend(memory_argv(memory));
        argv.extend(self.bus_argv());
        argv
    }

    /// PCI ports are attached one by one later, so that each has its own error: an allow list of a device that
    /// cannot exist keeps EAL from probing whatever it finds.
    fn bus_argv(&self) -> Vec<String> {
        if self.pci { vec!["--allow=ffff:ff:1f.7".to_owned()] } else { vec!["--no-pci".to_owned()] }
    }
}

/// `--in-memory` and `--no-huge` exclude each other.
fn memory_argv(memory: &Memory) -> Vec<String> {
    match memory {
        Memory::Huge { .. } => vec!["--in-memory".to_owned()],
        Memory::Ordinary { asked_mb, .. } => {
            vec!["--no-huge".to_owned(), "--no-shconf".to_owned(), "-m".to_owned(), asked_mb.to_string()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUGE: Memory = Memory::Huge { free_mb: 1024, asked_mb: 512 };
    const ORDINARY: Memory = Memory::Ordinary { free_mb: 0, asked_mb: 64 };

    #[test]
    fn memory_kinds_exclude_each_other() {
        let argv = EalArgs::default().argv(&HUGE, "0-1").join(" ");
        assert!(argv.contains("--in-memory") && !argv.contains("--no-huge"), "{argv}");
        let argv = EalArgs::default().argv(&ORDINARY, "0-1").join(" ");
        assert!(argv.contains("--no-huge --no-shconf -m 64") && !argv.contains("--in-memory"), "{argv}");
    }

    #[test]
    fn cores_and_bus() {
        let argv = EalArgs::default().argv(&HUGE, "0-1,4").join(" ");
        assert!(argv.contains("--lcores=0@(0-1,4)") && argv.contains("--no-pci"), "{argv}");
        let args = EalArgs { main_core: Some(3), pci: true, ..EalArgs::default() };
        let argv = args.argv(&HUGE, "0-1").join(" ");
        assert!(argv.contains("--lcores=0@(3)") && !argv.contains("--no-pci"), "{argv}");
    }
}
