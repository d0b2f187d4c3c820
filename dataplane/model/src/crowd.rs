//! What may happen to a crowd: kinds of floods, states, and what is said of a change.
//!
//! A crowd is an aggregate subject: a destination or a prefix of destinations. Made by the leader of the workers,
//! read by every worker, by the control plane and by whoever asks why.

use crate::{Prefix, Tick, named};

named! {
    /// A kind of packets that strangers may flood a crowd with. Each is watched, and answered, by itself.
    Flood;

    /// Connections that are asked for and never used: TCP SYN.
    Syn = "syn",
    /// Questions that nobody answers: datagrams, echo requests, protocols without ports.
    Request = "request",
    /// TCP segments of connections that the receiver does not know.
    Segment = "segment",
    /// Answers that nobody asked for: SYN-ACK, RST, reflected datagrams, echo replies, ICMP errors.
    Answer = "answer",
    /// Fragments whose first one was not seen.
    Fragment = "fragment",
}

impl Flood {
    /// What becomes of a packet of this kind whose sender has no standing to send it to a crowd in flood, and what the
    /// sender has to do, in one sentence without its end. `syn`: what strangers' SYNs get.
    pub const fn becomes(self, syn: SynAnswer) -> &'static str {
        match (self, syn) {
            (Self::Syn, SynAnswer::Retry) => {
                "its SYN is withheld: it has to send the SYN again, which its TCP does by itself after a second"
            }
            (Self::Syn, SynAnswer::Cookie) => {
                "its SYN is answered by the box with a cookie, and who returns that is reset: it has to connect \
                 again, and passes then"
            }
            (Self::Request, _) => {
                "its first question is withheld: it has to ask again between the same ports, within some seconds, and \
                 shares a rate with other strangers"
            }
            (Self::Segment, _) => {
                "segments of connections that this box does not know are withheld: they pass when they are repeated, \
                 which its TCP does by itself"
            }
            (Self::Answer, _) => {
                "of answers pass those to what was asked for, and a few from each port: it has nothing to do"
            }
            (Self::Fragment, _) => {
                "fragments pass only behind the first one of their datagram: it has to send them in order, or \
                 smaller datagrams"
            }
        }
    }
}

named! {
    /// How a crowd stands. In fast, out slowly.
    CrowdState;

    /// Nothing out of the ordinary.
    Calm = "calm",
    /// Half of what makes a flood has come together: it is said, and nothing is done.
    Suspect = "suspect",
    /// Strangers get answers in place of passage.
    Flood = "flood",
    /// The flood has ended a little while ago: nothing is done, and half of what makes a flood makes one again.
    Recovering = "recovering",
}

/// A set of kinds of floods.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Floods(u8);

impl Floods {
    /// None.
    pub const NONE: Self = Self(0);

    /// The set with these bits, as [`bits`](Self::bits) gave them.
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// A bit for every kind, by index.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// One more.
    #[must_use]
    pub const fn with(self, flood: Flood) -> Self {
        Self(self.0 | 1 << flood as u8)
    }

    /// Whether it is in it.
    #[inline]
    pub const fn has(self, flood: Flood) -> bool {
        self.0 >> flood as u8 & 1 != 0
    }

    /// Whether nothing is.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Who sends what makes or might make a flood: estimated from samples, in which every sender counts alike.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// Samples behind it, those of the last second or two.
    pub samples: f64,
    /// The network that most come from, and its share 0..=1; `None` = none stands out.
    pub network: Option<(Prefix, f64)>,
    /// The port that most go to, and its share 0..=1; `None` = none stands out.
    pub port: Option<(u16, f64)>,
    /// How widely senders are spread over networks: 0 = all in one, 1 = as evenly over many as can be told.
    pub entropy: f64,
}

/// What made a crowd change its state, or how it stands.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CrowdNumbers {
    /// What has come together beyond what is usual: openings without completion, or strays.
    pub excess: f64,
    /// The excess that makes a flood.
    pub limit: f64,
    /// Openings or strays per second now.
    pub per_s: f64,
    /// Completions per second now; 0 for kinds that know none.
    pub completed_per_s: f64,
    /// What is usual: failures per second that it takes without an excess.
    pub usual_per_s: f64,
    /// Whether packets from the crowd itself are seen: without them more is needed.
    pub heard: bool,
    /// Who sends; `None` = too few do to tell.
    pub senders: Option<Spread>,
    /// Whether strangers from the network that most come from are held up and no others: all the rest is no flood.
    pub narrow: bool,
}

/// A crowd that moved to another state for one kind of flood.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrowdChange {
    /// Which destinations.
    pub crowd: Prefix,
    /// What kind.
    pub flood: Flood,
    /// The state it left.
    pub from: CrowdState,
    /// The state it entered.
    pub to: CrowdState,
    /// Why.
    pub numbers: CrowdNumbers,
    /// When.
    pub at: Tick,
}

/// Whether both directions of traffic pass the box.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Symmetry {
    /// Found out for each destination: whoever is heard is seen in both directions.
    #[default]
    Auto,
    /// Both, always.
    Symmetric,
    /// One direction only: what needs both is never armed.
    Asymmetric,
}

/// What becomes of the first SYN of a stranger to a destination that is flooded with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SynAnswer {
    /// It is withheld; its retransmission passes (RFC 6298: a second later).
    #[default]
    Retry,
    /// The box answers with a SYN cookie; who returns it has standing and is sent to connect again.
    Cookie,
}

/// How floods are noticed and answered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrowdRules {
    /// Whether floods are looked for at all.
    pub watches: bool,
    /// Whether strangers get answers; otherwise floods are only said.
    pub answers: bool,
    /// Whether both directions are seen.
    pub symmetry: Symmetry,
    /// Divides what it takes to make a flood: 1 = as tested, 2 = twice as easily, 0.1..=10.
    pub sensitivity: f64,
    /// What strangers' SYNs get.
    pub syn: SynAnswer,
}

impl CrowdRules {
    /// Nothing is looked for.
    pub const OFF: Self = Self {
        watches: false,
        answers: false,
        symmetry: Symmetry::Auto,
        sensitivity: 1.0,
        syn: SynAnswer::Retry,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = Floods::NONE.with(Flood::Answer).with(Flood::Syn);
        let held: Vec<_> = Flood::ALL.iter().filter(|&&flood| set.has(flood)).collect();
        assert_eq!(held, [&Flood::Syn, &Flood::Answer]);
        assert_eq!(Floods::of_bits(set.bits()), set);
        assert!(Floods::NONE.is_empty() && !set.is_empty());
    }
}
