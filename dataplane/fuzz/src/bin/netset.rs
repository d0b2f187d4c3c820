//! The file of a list: nothing is taken over, or every line of it that names somebody denies him.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use repute_model::{Listing, Prefix};
use repute_policy::Config;

/// Written anew for every input; the folder is the caller's, who removes it.
static LIST: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join("fuzz.netset"));

fuzz_target!(|text: &[u8]| {
    if let Err(error) = std::fs::write(&*LIST, text) {
        panic!("{}: {error}", LIST.display());
    }
    let config = format!("[profiles.ingress]\n[lists]\ndeny_files = [{:?}]", LIST.display().to_string());
    let Ok(checked) = Config::parse("fuzz", &config) else { return };
    let policy = checked.compile(1);
    for line in String::from_utf8_lossy(text).lines() {
        let entry = line.split(['#', ';']).next().unwrap_or(line).trim();
        if let Ok(prefix) = entry.parse::<Prefix>() {
            assert_eq!(policy.lists.get(prefix.first()), Some(Listing::Deny(100)), "{entry}");
        }
    }
});
