//! The part of a source's traffic that made it suspicious: what a treatment may be narrowed to.
//!
//! Learnt by `repute-reputation`, said in explanations. Always holds: which packets a factor points to at all follows from
//! the factor alone; protocol, port, destination and size are added where most of those packets have them in common.

use std::fmt;

use crate::{Address, Factor, named};

named! {
    /// Which packets of a source a factor points to.
    Offence;
    /// Whatever it sends.
    Traffic = "traffic",
    /// What begins something: a SYN, an echo, a datagram to where none was answered.
    Openings = "openings",
    /// Answers that nobody asked for.
    Answers = "answers",
    /// ICMP errors.
    Errors = "errors",
    /// What goes to destinations of bad standing.
    BadDestinations = "traffic to bad destinations",
}

impl Offence {
    /// What a factor points to; `None` where it is about the source and not about what it sends.
    pub const fn of(factor: Factor) -> Option<Self> {
        match factor {
            Factor::Volume | Factor::Rate | Factor::Unanswered => Some(Self::Traffic),
            Factor::Connections | Factor::SynAck | Factor::Destinations | Factor::Ports => {
                Some(Self::Openings)
            }
            Factor::Unsolicited => Some(Self::Answers),
            Factor::IcmpErrors => Some(Self::Errors),
            Factor::Destination => Some(Self::BadDestinations),
            Factor::Signature
            | Factor::Criticality
            | Factor::Mitigations
            | Factor::Feed
            | Factor::History => None,
            // Whoever has none is not known by what he sends.
            Factor::Neighbours | Factor::Crowd | Factor::Sightings => None,
            // What is said to a DNS server takes a path in place of a treatment.
            Factor::Queries
            | Factor::QueryTypes
            | Factor::Nxdomain
            | Factor::Timeouts
            | Factor::FreshNames
            | Factor::AnswerSize
            | Factor::RandomNames
            | Factor::MalformedQueries
            | Factor::Network
            | Factor::Honeypots
            | Factor::System
            | Factor::Spread => None,
        }
    }
}

named! {
    /// How long packets are on the wire.
    SizeClass;
    /// Up to 128 bytes.
    Small = "small",
    /// Up to 512 bytes.
    Medium = "medium",
    /// Longer ones.
    Large = "large",
}

impl SizeClass {
    /// The class of a packet of so many bytes.
    pub const fn of(wire_len: u32) -> Self {
        match wire_len {
            0..=128 => Self::Small,
            129..=512 => Self::Medium,
            _ => Self::Large,
        }
    }
}

/// A kind of packets: all that offend in one way and have in common what is said here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Excess {
    /// Which packets at all.
    pub offence: Offence,
    /// Their IP protocol number.
    pub protocol: Option<u8>,
    /// The port that they are for; of answers, the one that they come from.
    pub port: Option<u16>,
    /// Whom they are for.
    pub destination: Option<Address>,
    /// How long they are.
    pub size: Option<SizeClass>,
}

impl Excess {
    /// Everything that offends like this.
    pub const fn all(offence: Offence) -> Self {
        Self { offence, protocol: None, port: None, destination: None, size: None }
    }

    /// Whether it names a part of what a source sends, and not all of it.
    pub fn is_part(&self) -> bool {
        *self != Self::all(Offence::Traffic)
    }
}

impl fmt::Display for Excess {
    /// Such as `large UDP traffic to port 4444 of 203.0.113.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, "{size} ")?;
        }
        match self.protocol {
            Some(1 | 58) => f.write_str("ICMP ")?,
            Some(6) => f.write_str("TCP ")?,
            Some(17) => f.write_str("UDP ")?,
            Some(other) => write!(f, "IP protocol {other} ")?,
            None => {}
        }
        f.write_str(self.offence.name())?;
        let way = if self.offence == Offence::Answers { "from" } else { "to" };
        if let Some(port) = self.port {
            write!(f, " {way} port {port}")?;
        }
        match (self.destination, self.port) {
            (Some(host), Some(_)) if self.offence != Offence::Answers => write!(f, " of {host}"),
            (Some(host), _) => write!(f, " to {host}"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_like_sentences() {
        let flood = Excess {
            protocol: Some(17),
            port: Some(4444),
            destination: Some(Address::v4(0xcb00_7109)),
            size: Some(SizeClass::of(1400)),
            ..Excess::all(Offence::Traffic)
        };
        assert_eq!(flood.to_string(), "large UDP traffic to port 4444 of 203.0.113.9");
        let scan = Excess { protocol: Some(6), port: Some(445), ..Excess::all(Offence::Openings) };
        assert_eq!(scan.to_string(), "TCP openings to port 445");
        let answers = Excess { offence: Offence::Answers, size: None, ..flood };
        assert_eq!(answers.to_string(), "UDP answers from port 4444 to 203.0.113.9");
        assert_eq!(Excess::all(Offence::Errors).to_string(), "errors");
        assert!(scan.is_part() && !Excess::all(Offence::Traffic).is_part());
    }

    #[test]
    fn factors_about_the_source_point_to_no_packets() {
        let about_others = |factor: Factor| factor.is_of_dns() || factor.is_of_strangers();
        let factors = Factor::ALL.iter().copied();
        assert!(factors.clone().filter(|&factor| about_others(factor)).all(|f| Offence::of(f).is_none()));
        let none: Vec<_> = factors.filter(|&f| !about_others(f) && Offence::of(f).is_none()).collect();
        assert_eq!(
            none,
            [Factor::Signature, Factor::Criticality, Factor::Mitigations, Factor::Feed, Factor::History]
        );
    }
}
