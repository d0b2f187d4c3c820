//! What a band gets.

use std::fmt;

/// A limit in packets and bytes, enforced by GCRA (ITU-T I.371) on the 1 ms tick grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meter {
    /// Packets per second; `None` = unlimited.
    pub packets_per_s: Option<u32>,
    /// Packets that may come at once.
    pub packet_burst: u32,
    /// Bytes per second on the wire; `None` = unlimited.
    pub bytes_per_s: Option<u64>,
    /// Bytes that may come at once.
    pub byte_burst: u64,
}

/// A combination of treatments. The empty one passes everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Treatment {
    /// Report this source's packets, sampled, to the log.
    pub log: bool,
    /// Drop what is above the limit.
    pub meter: Option<Meter>,
    /// Refuse what would begin something new; what was answered before goes on.
    pub block_new: bool,
    /// Drop everything.
    pub drop: bool,
}

impl Treatment {
    /// Everything passes and nothing is noted.
    pub const PASS: Self = Self { log: false, meter: None, block_new: false, drop: false };

    /// Whether the source is limited in any way: what counts as a mitigation.
    pub const fn limits(self) -> bool {
        self.meter.is_some() || self.block_new || self.drop
    }
}

impl fmt::Display for Treatment {
    /// `pass`, or the names of what applies joined by `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.log, "log"),
            (self.meter.is_some(), "meter"),
            (self.block_new, "block-new"),
            (self.drop, "drop"),
        ];
        let mut any = false;
        for (_, name) in names.iter().filter(|(on, _)| *on) {
            if any {
                f.write_str("+")?;
            }
            f.write_str(name)?;
            any = true;
        }
        if any { Ok(()) } else { f.write_str("pass") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_have_one_spelling() {
        assert_eq!(Treatment::PASS.to_string(), "pass");
        let both = Treatment { log: true, drop: true, ..Treatment::PASS };
        assert_eq!(both.to_string(), "log+drop");
        assert!(both.limits());
        assert!(!Treatment { log: true, ..Treatment::PASS }.limits());
    }
}
