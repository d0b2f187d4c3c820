//! How much memory this process has in use, on ordinary pages and on huge ones.

use std::fs;

use anyhow::Context;

/// Resident bytes, with those on reserved huge pages, which the kernel counts apart.
///
/// # Errors
/// `/proc` is not mounted.
pub fn resident_bytes() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    Ok(kib(&status, "VmRSS:") * 1024 + kib(&status, "HugetlbPages:") * 1024)
}

fn kib(status: &str, name: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_their_unit() {
        let status = "VmRSS:\t    1234 kB\nHugetlbPages:\t    2048 kB\n";
        assert_eq!(
            (kib(status, "VmRSS:"), kib(status, "HugetlbPages:"), kib(status, "VmSwap:")),
            (1234, 2048, 0)
        );
    }

    #[test]
    fn touched_memory_counts() {
        let before = resident_bytes().unwrap();
        let touched = vec![1u8; 32 << 20];
        let grown = resident_bytes().unwrap() - before;
        assert!(grown >= 30 << 20, "{grown} of {}", touched.len());
    }
}
