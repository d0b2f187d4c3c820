//! The environment abstraction layer: started once per process, for the life of the process.
//!
//! Called by the boot code before anything else of this crate. EAL pins the thread that starts it, and every thread
//! born from that one, so it starts on a thread of its own: the caller's affinity stays as it was.

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

use dpdk_sys::{
    DPDK_BUILT_MONTH, DPDK_BUILT_YEAR, rte_eal_get_runtime_dir, rte_eal_init, rte_version, rte_version_month,
    rte_version_year,
};
use thiserror::Error;

use crate::{EalArgs, Errno, Memory, log, timestamp};

/// Why EAL did not start.
#[derive(Debug, Error)]
pub enum EalError {
    /// EAL can start once in the life of a process, even when that start failed.
    #[error("DPDK was already started in this process; way out: start it once and share the handle")]
    AlreadyStarted,
    /// Another libdpdk is installed than the headers were of.
    #[error(
        "built against DPDK {built}, but {running} is installed; way out: install the runtime packages of {built}, \
         or build again on this machine"
    )]
    Version {
        /// Year and month of the headers.
        built: String,
        /// What the library calls itself.
        running: String,
    },
    /// Huge pages were required.
    #[error(
        "{asked_mb} MiB of huge pages are required and {free_mb} MiB are free; way out: \
         `sysctl vm.nr_hugepages={}`, or huge_pages = \"auto\"", asked_mb.div_ceil(2)
    )]
    HugePages {
        /// MiB asked for.
        asked_mb: u32,
        /// MiB free in the kernel's pools.
        free_mb: u64,
    },
    /// An argument holds a zero byte.
    #[error(
        "the EAL argument {argument:?} holds a zero byte; way out: correct the config value that it came from"
    )]
    Argument {
        /// The argument.
        argument: String,
    },
    /// The operating system refused a thread.
    #[error("no thread to start DPDK on: {0}; way out: raise the limit of processes (ulimit -u)")]
    Thread(#[from] std::io::Error),
    /// EAL's start panicked, which is a defect.
    #[error("the start of DPDK panicked; way out: report it with the log above")]
    Panicked,
    /// `rte_eal_init` or what follows it failed.
    #[error("DPDK did not start: {errno}; DPDK said: {said}; started with: {argv}; way out: {}", way_out(*errno))]
    Start {
        /// What DPDK left in `rte_errno`.
        errno: Errno,
        /// What it logged meanwhile.
        said: String,
        /// Its command line.
        argv: String,
    },
}

fn way_out(errno: Errno) -> &'static str {
    match errno.0 {
        1 | 13 => "run as root, or with CAP_IPC_LOCK and access to the huge pages",
        12 => "lower memory_mb, or free memory or huge pages",
        _ => {
            "see what DPDK said; main_core must be a CPU that this process may use, file_prefix free of slashes"
        }
    }
}

/// Proof that DPDK runs in this process. Clones are the same environment; it ends with the process.
#[derive(Clone, Debug)]
pub struct Eal {
    memory: Memory,
}

static STARTED: AtomicBool = AtomicBool::new(false);

impl Eal {
    /// Starts DPDK.
    ///
    /// # Errors
    /// A second call, another library than the one built against, too few huge pages where they are required, and
    /// whatever `rte_eal_init` refuses. After a failed start of EAL itself the process cannot try again.
    pub fn init(args: EalArgs) -> Result<Self, EalError> {
        check_version()?;
        let memory = Memory::choose(args.huge_pages, args.memory_mb)?;
        let argv = args.argv(&memory, &allowed_cpus());
        let c_argv = to_c(&argv)?;
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(EalError::AlreadyStarted);
        }
        std::thread::Builder::new()
            .name("dpdk-main".to_owned())
            .spawn(move || start(c_argv, &args, &argv))?
            .join()
            .map_err(|_| EalError::Panicked)??;
        Ok(Self { memory })
    }

    /// The memory that was chosen; its text says what it costs.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// One sentence for the operator: which memory was chosen and what it costs.
    #[must_use]
    pub fn memory_note(&self) -> String {
        self.memory.to_string()
    }

    /// What the library calls itself, such as "DPDK 22.11.11".
    #[must_use]
    pub fn version() -> String {
        // SAFETY: rte_version returns a string of static life and may be called before rte_eal_init.
        unsafe { CStr::from_ptr(rte_version()) }.to_string_lossy().into_owned()
    }
}

/// DPDK keeps its ABI for one year and month, and only promises it there.
fn check_version() -> Result<(), EalError> {
    // SAFETY: both only return numbers that were compiled into the library.
    let running = unsafe { (rte_version_year(), rte_version_month()) };
    if running == (DPDK_BUILT_YEAR, DPDK_BUILT_MONTH) {
        return Ok(());
    }
    let built = format!("{DPDK_BUILT_YEAR}.{DPDK_BUILT_MONTH:02}");
    Err(EalError::Version { built, running: Eal::version() })
}

fn to_c(argv: &[String]) -> Result<Vec<CString>, EalError> {
    argv.iter()
        .map(|argument| {
            CString::new(argument.as_str()).map_err(|_| EalError::Argument { argument: argument.clone() })
        })
        .collect()
}

/// The CPUs that this process may use, such as "0-3,8".
fn allowed_cpus() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.map_or("0", str::trim).to_owned()
}

/// Runs on a thread of its own, which ends afterwards: none of EAL's work is bound to it.
fn start(c_argv: Vec<CString>, args: &EalArgs, argv: &[String]) -> Result<(), EalError> {
    let mark = log::mark();
    let failed = |errno| EalError::Start { errno, said: mark.said(), argv: argv.join(" ") };
    log::connect(args.log_sink).map_err(failed)?;
    // EAL permutes the array and may keep the strings: both live as long as the process.
    let strings: &'static mut [*mut c_char] =
        c_argv.into_iter().map(CString::into_raw).collect::<Vec<_>>().leak();
    let count = c_int::try_from(strings.len()).unwrap_or(c_int::MAX);
    // SAFETY: `strings` holds `count` C strings that live for ever; STARTED lets one thread come here once.
    Errno::check_last(unsafe { rte_eal_init(count, strings.as_mut_ptr()) }).map_err(failed)?;
    remove_runtime_folder();
    timestamp::register().map_err(failed)
}

/// EAL makes a folder for files that this configuration never writes; it would outlive the process.
fn remove_runtime_folder() {
    // SAFETY: EAL runs; the string lives as long as the process.
    let folder = unsafe { CStr::from_ptr(rte_eal_get_runtime_dir()) };
    // Only an empty folder can be removed this way; one that is not empty is in use, and stays.
    let _ = std::fs::remove_dir(OsStr::from_bytes(folder.to_bytes()));
}
