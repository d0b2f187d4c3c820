//! A prefix from text: what is read is written in a way that is read as the same.
#![no_main]

use repute_model::Prefix;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(prefix) = text.parse::<Prefix>() {
        assert_eq!(prefix.to_string().parse(), Ok(prefix));
    }
});
