//! Which memory DPDK gets: huge pages when enough of them are free, ordinary pages otherwise, and what that costs.
//!
//! Called by EAL's start-up; the result is kept as [`crate::Eal::memory`] for the operator to read.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::{EalError, HugePages};

/// Where the kernel lists its huge page pools.
const SYSFS: &str = "/sys/kernel/mm/hugepages";

/// The memory that EAL was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Huge pages, taken as they are needed, anonymous: nothing stays behind on disk.
    Huge {
        /// MiB that were free in the kernel's pools at the start.
        free_mb: u64,
        /// MiB that were asked for.
        asked_mb: u32,
    },
    /// Ordinary 4 KiB pages, all of them taken at the start.
    Ordinary {
        /// MiB that were free in the kernel's huge page pools at the start; less than were asked for, or not wanted.
        free_mb: u64,
        /// MiB that were asked for and taken.
        asked_mb: u32,
    },
}

impl Memory {
    pub(crate) fn choose(wanted: HugePages, asked_mb: u32) -> Result<Self, EalError> {
        Self::choose_from(Path::new(SYSFS), wanted, asked_mb)
    }

    fn choose_from(pools: &Path, wanted: HugePages, asked_mb: u32) -> Result<Self, EalError> {
        let free_mb = free_huge_mb(pools);
        let enough = free_mb >= u64::from(asked_mb);
        match wanted {
            HugePages::Require if !enough => Err(EalError::HugePages { asked_mb, free_mb }),
            HugePages::Require | HugePages::Auto if enough => Ok(Self::Huge { free_mb, asked_mb }),
            _ => Ok(Self::Ordinary { free_mb, asked_mb }),
        }
    }

    /// Whether these are huge pages.
    #[must_use]
    pub fn is_huge(&self) -> bool {
        matches!(self, Self::Huge { .. })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Huge { free_mb, asked_mb } => {
                write!(f, "huge pages: {asked_mb} MiB asked for, {free_mb} MiB free at start")
            }
            Self::Ordinary { free_mb, asked_mb } => write!(
                f,
                "ordinary pages: {asked_mb} MiB of 4 KiB pages ({free_mb} MiB of huge pages free). Costs TLB misses \
                 on every packet, and PCI ports cannot do DMA reliably. Way out: `sysctl vm.nr_hugepages={}`",
                asked_mb.div_ceil(2)
            ),
        }
    }
}

/// MiB of free huge pages of all sizes; 0 where the kernel has none.
fn free_huge_mb(pools: &Path) -> u64 {
    let Ok(sizes) = fs::read_dir(pools) else { return 0 };
    sizes.flatten().filter_map(|size| free_kib(&size.path())).sum::<u64>() / 1024
}

/// Free KiB of one pool, a folder `hugepages-<size>kB`.
fn free_kib(pool: &Path) -> Option<u64> {
    let name = pool.file_name()?.to_str()?;
    let page_kib: u64 = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
    let free: u64 = fs::read_to_string(pool.join("free_hugepages")).ok()?.trim().parse().ok()?;
    Some(page_kib * free)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(free: &[(u32, u32)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (kib, pages) in free {
            let pool = root.path().join(format!("hugepages-{kib}kB"));
            fs::create_dir(&pool).unwrap();
            fs::write(pool.join("free_hugepages"), format!("{pages}\n")).unwrap();
        }
        root
    }

    #[test]
    fn pages_of_all_sizes_count() {
        assert_eq!(free_huge_mb(pools(&[(2048, 100), (1_048_576, 1)]).path()), 1224);
        assert_eq!(free_huge_mb(Path::new("/nonexistent")), 0);
    }

    #[test]
    fn automatic_choice_falls_back_and_says_what_it_costs() {
        let few = pools(&[(2048, 10)]);
        let chosen = Memory::choose_from(few.path(), HugePages::Auto, 512).unwrap();
        assert_eq!(chosen, Memory::Ordinary { free_mb: 20, asked_mb: 512 });
        assert!(chosen.to_string().contains("vm.nr_hugepages=256"), "{chosen}");
    }

    #[test]
    fn enough_huge_pages_are_taken_unless_not_wanted() {
        let many = pools(&[(2048, 512)]);
        let choose = |wanted| Memory::choose_from(many.path(), wanted, 512).unwrap();
        assert!(choose(HugePages::Auto).is_huge());
        assert!(choose(HugePages::Require).is_huge());
        assert!(!choose(HugePages::None).is_huge());
    }

    #[test]
    fn required_but_missing_is_an_error_with_the_numbers() {
        let few = pools(&[(2048, 10)]);
        let error = Memory::choose_from(few.path(), HugePages::Require, 512).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("512 MiB") && text.contains("20 MiB"), "{text}");
    }
}
