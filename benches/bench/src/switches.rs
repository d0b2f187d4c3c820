//! Whether the kernel took the calling thread off its core.
//!
//! Asked before and after every slice: a slice in which the thread was switched out measured somebody else as well.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Longer than any status file.
const STATUS_BYTES: usize = 4096;

/// The context switch counters of the thread that made it.
#[derive(Debug)]
pub struct Switches {
    status: File,
}

impl Switches {
    /// Of the calling thread.
    ///
    /// # Errors
    /// `/proc` is not mounted.
    pub fn of_this_thread() -> io::Result<Self> {
        Ok(Self { status: File::open("/proc/thread-self/status")? })
    }

    /// Voluntary and involuntary switches so far (`ru_nvcsw` + `ru_nivcsw`).
    pub fn count(&self) -> io::Result<u64> {
        let mut bytes = [0; STATUS_BYTES];
        let len = self.status.read_at(&mut bytes, 0)?;
        Ok(sum(&String::from_utf8_lossy(&bytes[..len])))
    }
}

fn sum(status: &str) -> u64 {
    let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
    lines.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_count() {
        assert_eq!(sum("State:\tR\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t35\n"), 42);
    }

    #[test]
    fn a_thread_that_waits_is_switched_out() {
        let switches = Switches::of_this_thread().unwrap();
        let before = switches.count().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(switches.count().unwrap() > before);
    }
}
