//! Sets of CPU numbers as the kernel writes them: `0-3,8`.
//!
//! Called by the checks of cores and NUMA nodes.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;

/// A set of CPU numbers; its text is the kernel's, and `none` when it is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CpuSet(BTreeSet<u16>);

impl CpuSet {
    /// Reads the kernel's notation; what is not of its shape is left out.
    pub fn parse(text: &str) -> Self {
        Self(text.trim().split(',').filter_map(range).flatten().collect())
    }
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

impl FromIterator<u16> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u16>>(cpus: I) -> Self {
        Self(cpus.into_iter().collect())
    }
}

impl Deref for CpuSet {
    type Target = BTreeSet<u16>;

    fn deref(&self) -> &BTreeSet<u16> {
        &self.0
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for &cpu in &self.0 {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == cpu => *last = cpu,
                _ => ranges.push((cpu, cpu)),
            }
        }
        for (i, (first, last)) in ranges.into_iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_the_kernel_does() {
        for text in ["0", "0-3", "0-3,8", "1,3,5-6"] {
            assert_eq!(CpuSet::parse(text).to_string(), text);
        }
        assert_eq!(CpuSet::parse("0-1,2\n").to_string(), "0-2");
        assert_eq!(CpuSet::parse("(null)").to_string(), "none");
    }
}
