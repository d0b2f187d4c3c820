//! The two sides of the wire and the direction of a packet between them.

use crate::{Address, PrefixTable};

/// Which end of a port pair: inside is what the box protects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Side {
    /// Protected.
    Inside,
    /// Everybody else.
    Outside,
}

impl Side {
    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Self::Inside => Self::Outside,
            Self::Outside => Self::Inside,
        }
    }
}

/// Where a packet goes, seen from the protected side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Direction {
    /// Outside to inside: judged by an ingress profile.
    Inbound,
    /// Inside to outside: judged by an egress profile.
    Outbound,
    /// Both ends on one side: forwarded unjudged.
    Local,
    /// One port carries everything and nothing says who is inside: every source is outside and
    /// every destination protected.
    Anyone,
}

/// How a port says on which side a packet's sender is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sides<'a> {
    /// The port itself is one side.
    Fixed(Side),
    /// One port carries both; these prefixes are inside. An empty table means [`Direction::Anyone`].
    Prefixes(&'a PrefixTable<()>),
}

impl Sides<'_> {
    /// The direction of a packet from `src` to `dst`.
    pub fn direction(self, src: Address, dst: Address) -> Direction {
        match self {
            Self::Fixed(Side::Outside) => Direction::Inbound,
            Self::Fixed(Side::Inside) => Direction::Outbound,
            Self::Prefixes(inside) if inside.is_empty() => Direction::Anyone,
            Self::Prefixes(inside) => match (inside.get(src).is_some(), inside.get(dst).is_some()) {
                (false, true) => Direction::Inbound,
                (true, false) => Direction::Outbound,
                _ => Direction::Local,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_decide_on_a_shared_port() {
        let inside = PrefixTable::new([("10.0.0.0/8".parse().unwrap(), ())]);
        let sides = Sides::Prefixes(&inside);
        let (a, b) = (Address::v4(0x0a00_0001), Address::v4(0xc000_0201));
        assert_eq!(sides.direction(b, a), Direction::Inbound);
        assert_eq!(sides.direction(a, b), Direction::Outbound);
        assert_eq!(sides.direction(a, a), Direction::Local);
        assert_eq!(sides.direction(b, b), Direction::Local);
        let nobody = PrefixTable::default();
        assert_eq!(Sides::Prefixes(&nobody).direction(a, b), Direction::Anyone);
    }
}
