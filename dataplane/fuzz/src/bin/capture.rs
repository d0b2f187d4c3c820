//! A capture file: it is refused, or gives packets within their limits until it ends.
#![no_main]

// The reader alone: what else the command line is made of would take minutes to build with instrumentation.
#[path = "../../../../control-plane/repute/src"]
mod repute {
    #[allow(dead_code, unfulfilled_lint_expectations, reason = "a library has other callers")]
    pub mod capture;
}

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use repute::capture::{Capture, PACKET_LEN_MAX};

fuzz_target!(|file: &[u8]| {
    let reader = Cursor::new(file.to_vec());
    let Ok(mut capture) = Capture::from_reader("fuzz", reader, file.len() as u64) else { return };
    while let Ok(Some(record)) = capture.next() {
        assert!(record.data.len() <= PACKET_LEN_MAX);
    }
    assert!(matches!(capture.next(), Ok(None)), "what has ended stays so");
});
