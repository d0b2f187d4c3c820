//! What every component produces: a packet, when and where it enters the protected wire, and the truth about it.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use crate::net::Packet;

/// The port of the box under test on which a packet arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It comes from the internet.
    Outside,
    /// It comes from the protected network.
    Inside,
}

impl Side {
    /// The other port.
    pub fn opposite(self) -> Self {
        match self {
            Self::Outside => Self::Inside,
            Self::Inside => Self::Outside,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "outside",
            Self::Inside => "inside",
        })
    }
}

/// The truth about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// Wanted traffic: dropping it harms somebody.
    Benign,
    /// Traffic that a perfect defence stops.
    Attack,
    /// What a protected host answers to an attack; stopping or passing it is neither merit nor harm.
    Response,
}

impl Label {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Benign, Self::Attack, Self::Response];
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Benign => "benign",
            Self::Attack => "attack",
            Self::Response => "response",
        })
    }
}

impl FromStr for Label {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|label| label.to_string() == text).ok_or(())
    }
}

/// A label with the name of the attack it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The truth about the packet.
    pub label: Label,
    /// The attack's name; `-` for benign traffic.
    pub attack: Arc<str>,
}

impl Tag {
    /// Wanted traffic.
    pub fn benign() -> Self {
        Self { label: Label::Benign, attack: Arc::from("-") }
    }

    /// Packets of the attack of this name.
    pub fn attack(name: &str) -> Self {
        Self { label: Label::Attack, attack: Arc::from(name) }
    }

    /// The tag of what the protected side answers to packets of this tag.
    pub fn answer(&self) -> Self {
        let label = if self.label == Label::Benign { Label::Benign } else { Label::Response };
        Self { label, attack: self.attack.clone() }
    }
}

/// One packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Microseconds since the start of the capture.
    pub time_us: u64,
    /// Where it enters.
    pub side: Side,
    /// Source address of the IP header: the source that labels count.
    pub src: IpAddr,
    /// Destination address of the IP header.
    pub dst: IpAddr,
    /// The truth about it.
    pub tag: Tag,
    /// The Ethernet frame without FCS, padded to 60 octets.
    pub frame: Vec<u8>,
}

/// Collects what a component emits; time need not rise, the merge sorts.
#[derive(Debug, Default)]
pub struct Sink {
    pub(crate) events: Vec<Event>,
}

impl Sink {
    /// Takes a packet that enters at this time with this tag.
    pub fn push(&mut self, time_us: u64, packet: Packet, tag: &Tag) {
        let Packet { side, src, dst, frame } = packet;
        self.events.push(Event { time_us, side, src, dst, tag: tag.clone(), frame });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back_what_they_print() {
        for label in Label::ALL {
            assert_eq!(label.to_string().parse(), Ok(label));
        }
        assert_eq!("Benign".parse::<Label>(), Err(()));
    }

    #[test]
    fn answers_to_benign_traffic_are_benign() {
        assert_eq!(Tag::benign().answer(), Tag::benign());
        let answer = Tag::attack("scan").answer();
        assert_eq!((answer.label, &*answer.attack), (Label::Response, "scan"));
    }
}
