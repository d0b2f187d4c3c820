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

/// Which packets of a source are copied to the mirror port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sampling {
    /// One packet in so many; 1 = every one.
    pub one_in: u32,
    /// Beside that, the first so many packets of a source in every window.
    pub first: u32,
}

impl Sampling {
    /// No packet.
    pub const NONE: Self = Self { one_in: u32::MAX, first: 0 };
}

/// How TCP connections of a source are softened: how much it may send before it hears that this arrived.
///
/// The receivers of its segments are made to take smaller ones and fewer at once than they offer, from the handshake on
/// and for the first round trips: then what they offer is theirs again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Soften {
    /// Segments that may be under way during the first round trips, 1..=100.
    pub segments: u8,
    /// Bytes of a segment behind the fixed header at most (RFC 9293, 3.7.1), 536..=9000.
    pub mss: u16,
    /// How many round trips those are, 1..=255.
    pub round_trips: u8,
}

/// A combination of treatments. The empty one passes everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Treatment {
    /// Report this source's packets, sampled, to the log.
    pub log: bool,
    /// Copy packets to the mirror port.
    pub mirror: Option<Sampling>,
    /// Look into packets; what is found counts against the source.
    pub inspect: bool,
    /// Let TCP connections begin slowly.
    pub soften: Option<Soften>,
    /// Drop what is above the limit.
    pub meter: Option<Meter>,
    /// Hold back what is above the limit, and send it when its time has come.
    pub queue: Option<Meter>,
    /// Hold back what would begin a TCP connection; all sources of the band together begin so many per
    /// second.
    pub queue_new: Option<u32>,
    /// Refuse what would begin something new; what was answered before goes on.
    pub block_new: bool,
    /// End TCP connections that are established, by resets to both of their ends.
    pub reset: bool,
    /// Drop everything.
    pub drop: bool,
    /// Do all this to the kind of packets alone that made the source suspicious; the rest gets what the next better band
    /// gets that is not narrowed like this.
    pub excess_only: bool,
}

impl Treatment {
    /// Everything passes and nothing is noted.
    pub const PASS: Self = Self {
        log: false,
        mirror: None,
        inspect: false,
        soften: None,
        meter: None,
        queue: None,
        queue_new: None,
        block_new: false,
        reset: false,
        drop: false,
        excess_only: false,
    };

    /// Which measures apply.
    pub const fn measures(self) -> Measures {
        Measures(
            self.log as u16
                | (self.mirror.is_some() as u16) << 1
                | (self.inspect as u16) << 2
                | (self.soften.is_some() as u16) << 3
                | (self.meter.is_some() as u16) << 4
                | (self.queue.is_some() as u16) << 5
                | (self.queue_new.is_some() as u16) << 6
                | (self.block_new as u16) << 7
                | (self.reset as u16) << 8
                | (self.drop as u16) << 9
                | (self.excess_only as u16) << 10,
        )
    }

    /// Whether anything of the source is held up, refused or ended: what counts as a mitigation. A softened connection
    /// loses nothing.
    pub const fn limits(self) -> bool {
        self.meter.is_some()
            || self.queue.is_some()
            || self.queue_new.is_some()
            || self.block_new
            || self.reset
            || self.drop
    }
}

impl fmt::Display for Treatment {
    /// `pass`, or the names of what applies joined by `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.measures().fmt(f)
    }
}

/// Which measures a treatment is made of, without their numbers: a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Measures(u16);

impl Measures {
    /// None of them.
    pub const PASS: Self = Self(0);
    /// Log lines alone.
    pub const LOG: Self = Self(1);
    /// Copies alone.
    pub const MIRROR: Self = Self(1 << 1);

    /// Whether all of `other` are among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const NAMES: [&str; 11] = [
        "log",
        "mirror",
        "inspect",
        "soften",
        "meter",
        "queue",
        "queue-new",
        "block-new",
        "reset",
        "drop",
        "excess-only",
    ];
}

impl fmt::Display for Measures {
    /// `pass`, or the names of what applies joined by `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::PASS {
            return f.write_str("pass");
        }
        let mut before = "";
        for (bit, name) in Self::NAMES.iter().enumerate() {
            if self.0 & 1 << bit != 0 {
                write!(f, "{before}{name}")?;
                before = "+";
            }
        }
        Ok(())
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
        let soften = Some(Soften { segments: 4, mss: 1220, round_trips: 3 });
        let soft = Treatment { soften, ..Treatment::PASS };
        assert_eq!((soft.to_string().as_str(), soft.limits()), ("soften", false));
        let ended = Treatment { block_new: true, reset: true, ..soft };
        assert_eq!((ended.to_string().as_str(), ended.limits()), ("soften+block-new+reset", true));
    }
}
