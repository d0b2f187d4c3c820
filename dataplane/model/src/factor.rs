//! The named reasons behind a score.

use std::fmt;

macro_rules! factors {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal in $unit:literal,)+) => {
        /// One named reason with a value 0..1 (how bad) and a weight.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Factor {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Factor {
            /// Every factor, in array order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in config, API, CLI and replay.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The unit of the evidence that is ramped into the factor's value.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)+ }
            }

            /// One sentence for people.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

factors! {
    /// Bytes per second against the source's own mean.
    Volume = "volume" in "deviation from the mean, 1 = as much again",
    /// Packets per second against the source's own baseline.
    Rate = "rate" in "standard deviations",
    /// Packets per second that nobody answered or asked for: the absolute rule for a flood that is
    /// the first thing ever seen of a source.
    Unanswered = "unanswered" in "packets per second",
    /// New TCP connections per second, used or not: the absolute rule for a flood of requests.
    Connections = "connections" in "connections per second",
    /// Connections opened and never used, beyond what answered ones excuse (SYN against ACK).
    SynAck = "syn-ack" in "connections",
    /// ICMP errors sent at the protected side that quote nothing it sent.
    IcmpErrors = "icmp-errors" in "packets",
    /// Different hosts that refused, failed or could not be reached (horizontal scan).
    Destinations = "destinations" in "hosts",
    /// Different ports of the same hosts that refused or failed (vertical scan).
    Ports = "ports" in "ports",
    /// Answers that nobody asked for: SYN-ACK, RST, reflector ports, echo replies.
    Unsolicited = "unsolicited" in "packets",
    /// What inspection has found in its packets: broken promises of ports, signatures.
    Signature = "signature" in "hits",
    /// Bad standing of the destinations it talks to.
    Destination = "destination-reputation" in "1 = worst",
    /// How little the service it belongs to may be trusted to deviate.
    Criticality = "criticality" in "1 = least critical",
    /// Mitigations this source has needed before.
    Mitigations = "mitigations" in "mitigations",
    /// Feeds and lists that name the source.
    Feed = "feed" in "confidence, 1 = certain",
    /// The score before this interval (model `egress-interval` only).
    History = "history" in "score, 1 = good",
    /// Of a source without an entry: how many of the sources around it (/24, /48) stand badly.
    Neighbours = "neighbours" in "share of them, 1 = all",
    /// Of a source without an entry: it sends to a crowd in flood.
    Crowd = "crowd" in "1 = in flood",
    /// Of a source without an entry: how often it came and found no room for one.
    Sightings = "sightings" in "sightings",
    /// Queries per second to the DNS server: the absolute rule for a flood of questions.
    Queries = "queries" in "queries per second",
    /// Queries of types that carry data for tunnels and amplifiers: TXT, NULL, ANY and types that nobody assigned.
    QueryTypes = "query-types" in "share of its queries",
    /// Names that do not exist.
    Nxdomain = "nxdomain" in "share of the answers",
    /// Queries that the server failed at or left unanswered.
    Timeouts = "timeouts" in "share of its queries",
    /// Names below one domain that are long and never come again: what tunnels are made of.
    FreshNames = "fresh-names" in "kilobytes",
    /// Bytes of answers for each byte that was asked (amplification).
    AnswerSize = "answer-size" in "bytes for a byte",
    /// Queries for names that look made up by an algorithm.
    RandomNames = "random-names" in "share of its queries",
    /// DNS messages that are malformed.
    MalformedQueries = "malformed-queries" in "messages",
    /// Random and non-existent names among what its whole network (/24, IPv6 /48) asks for.
    Network = "network" in "share of the network's queries",
    /// Queries for names that nobody honest asks for: honeypots and sinkholes.
    Honeypots = "honeypots" in "queries",
    /// Random and non-existent names among what the networks of its autonomous system ask for, each network counted once.
    System = "system" in "share of the networks of its AS",
    /// It asks for a random or non-existent name below a domain for which more of its AS do than are used to: geographic
    /// spread, by networks and by countries.
    Spread = "spread" in "share of the networks or countries of its AS beyond the usual",
}

impl Factor {
    /// How many factors there are.
    pub const COUNT: usize = Self::ALL.len();
    /// How many of them any profile has: those before the ones of DNS.
    pub const GENERAL: usize = Self::Queries as usize;

    /// Whether it is about queries to a DNS server, which only a DNS profile judges.
    pub const fn is_of_dns(self) -> bool {
        self.index() >= Self::GENERAL
    }

    /// The position in arrays by factor.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether it says something only of sources that have no entry: whoever has one is known by what he does.
    pub const fn is_of_strangers(self) -> bool {
        matches!(self, Self::Neighbours | Self::Crowd | Self::Sightings)
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How evidence becomes a value: 0 up to `from`, 1 from `full` on, linear between.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ramp {
    /// The most evidence that means nothing.
    pub from: f64,
    /// The least evidence that means everything; above `from`.
    pub full: f64,
}

impl Ramp {
    /// The value 0..1 of some evidence.
    #[inline]
    pub fn value(self, evidence: f64) -> f64 {
        ((evidence - self.from) / (self.full - self.from)).clamp(0.0, 1.0)
    }
}

/// How much a factor counts, and from which evidence on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weighting {
    /// Share of the whole suspicion that this factor alone can cause, 0..1.
    pub weight: f64,
    /// From evidence to value.
    pub ramp: Ramp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_are_clamped() {
        let ramp = Ramp { from: 2.0, full: 6.0 };
        for (evidence, value) in [(0.0, 0.0), (2.0, 0.0), (4.0, 0.5), (6.0, 1.0), (60.0, 1.0)] {
            assert_eq!(ramp.value(evidence), value);
        }
    }

    #[test]
    fn names_are_unique() {
        for (i, factor) in Factor::ALL.iter().enumerate() {
            assert_eq!(factor.index(), i);
            assert!(Factor::ALL[..i].iter().all(|f| f.name() != factor.name()));
        }
    }
}
