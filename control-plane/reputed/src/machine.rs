//! Whether this CPU runs what was built.

use anyhow::ensure;

/// The build targets x86-64-v3; on an older CPU it would die of an illegal instruction in mid-traffic.
///
/// # Errors
/// A CPU without one of the features, named.
pub fn check() -> anyhow::Result<()> {
    macro_rules! missing {
        ($($feature:tt),+) => {
            [$(($feature, std::arch::is_x86_feature_detected!($feature))),+]
                .iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect::<Vec<_>>()
        };
    }
    let missing = missing!("avx2", "bmi1", "bmi2", "fma", "f16c", "lzcnt", "movbe");
    ensure!(
        missing.is_empty(),
        "this CPU lacks {}; repute is built for x86-64-v3 (2013 and later): build it anew with another \
         target-cpu in .cargo/config.toml",
        missing.join(", ")
    );
    Ok(())
}
