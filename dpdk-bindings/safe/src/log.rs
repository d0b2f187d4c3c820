//! Where DPDK's log goes: to the sink that [`crate::EalArgs`] names, line by line, and the newest lines into a small
//! memory, so that an error can say what DPDK said about it.
//!
//! Called by EAL's start-up (which connects it) and by everything that reports a failed call. The memory is bounded;
//! DPDK logs from any thread.

use std::collections::VecDeque;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Errno;

/// Takes one line of DPDK's log, without its newline. Called from any thread, workers too: it must not wait.
pub type LogSink = fn(&str);

/// How much DPDK says; each level includes those above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may fail.
    Warning,
    /// What is worth knowing; DPDK's own default for drivers.
    Notice,
    /// What happens.
    Info,
    /// Everything.
    Debug,
}

impl LogLevel {
    /// The name that `--log-level` takes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// Lines that are kept for error messages.
const KEPT_LINES_MAX: usize = 64;

/// A line that never ends is cut here.
const LINE_BYTES_MAX: usize = 4096;

struct Tap {
    partial: Vec<u8>,
    recent: VecDeque<String>,
    /// Number of lines ever seen.
    seen: u64,
    sink: LogSink,
}

static TAP: Mutex<Tap> =
    Mutex::new(Tap { partial: Vec::new(), recent: VecDeque::new(), seen: 0, sink: discard });

fn discard(_: &str) {}

fn tap() -> MutexGuard<'static, Tap> {
    TAP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A point in the log; what comes after it belongs to the call that follows.
#[derive(Clone, Copy)]
pub(crate) struct Mark(u64);

/// The point where the log stands now.
pub(crate) fn mark() -> Mark {
    Mark(tap().seen)
}

impl Mark {
    /// What DPDK has said since the mark (other threads' lines too), oldest first, joined by "; ". None: nothing.
    pub(crate) fn lines(self) -> Option<String> {
        let tap = tap();
        let new = usize::try_from(tap.seen - self.0).unwrap_or(usize::MAX);
        let skipped = tap.recent.len().saturating_sub(new);
        let lines: Vec<&str> = tap.recent.iter().skip(skipped).map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }

    /// As [`Self::lines`], or the word "nothing".
    pub(crate) fn said(self) -> String {
        self.lines().unwrap_or_else(|| "nothing".to_owned())
    }
}

/// Sends DPDK's log here, from now on and for the rest of the process.
pub(crate) fn connect(sink: LogSink) -> Result<(), Errno> {
    tap().sink = sink;
    // SAFETY: `write` is a function of the C type that fopencookie asks for, and lives for ever.
    Errno::check(unsafe { dpdk_sys::dpdk_log_to(Some(write)) })
}

/// fopencookie's write: takes all of it, always.
unsafe extern "C" fn write(_cookie: *mut c_void, text: *const c_char, len: usize) -> isize {
    // SAFETY: stdio calls this with `len` readable bytes at `text`.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    // A panic of the sink must not unwind into C.
    let _ = catch_unwind(AssertUnwindSafe(|| take(bytes)));
    len.cast_signed()
}

fn take(bytes: &[u8]) {
    let (lines, sink) = {
        let mut tap = tap();
        (tap.take(bytes), tap.sink)
    };
    lines.iter().for_each(|line| sink(line));
}

impl Tap {
    /// Adds text to the log and returns the lines that it completed.
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.partial.push(byte);
            }
            if byte == b'\n' || self.partial.len() >= LINE_BYTES_MAX {
                let line = std::mem::take(&mut self.partial);
                lines.push(String::from_utf8_lossy(&line).trim().to_owned());
            }
        }
        lines.retain(|line| !line.is_empty());
        lines.iter().for_each(|line| self.keep(line));
        lines
    }

    fn keep(&mut self, line: &str) {
        if self.recent.len() == KEPT_LINES_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(line.to_owned());
        self.seen += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Tap {
        Tap { partial: Vec::new(), recent: VecDeque::new(), seen: 0, sink: discard }
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut tap = empty();
        assert!(tap.take(b"EAL: no ").is_empty());
        assert_eq!(tap.take(b"driver\n\nnext\nha"), ["EAL: no driver", "next"]);
        assert_eq!(tap.take(b"lf\n"), ["half"]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut tap = empty();
        for n in 0..1000 {
            tap.take(format!("line {n}\n").as_bytes());
        }
        assert_eq!(tap.recent.len(), KEPT_LINES_MAX);
        assert_eq!(tap.recent.back().map(String::as_str), Some("line 999"));
        assert_eq!(tap.take(&[b'x'; LINE_BYTES_MAX]).len(), 1);
    }
}
