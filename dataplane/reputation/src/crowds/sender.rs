//! One sender of what a row counts: drawn by the worker, sent to the leader with the row.
//!
//! Of all senders of openings and strays between two publications the one is kept whose keyed hash with that tick is the
//! least: each is as likely, however much it sends. Always holds: a row that has nothing to say has no sender.

use repute_model::{Address, Flood, Prefix};

/// A sender: its network, the port it sends to, and what kind of flood that would be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    /// An IPv4 address, or the upper half of an IPv6 one.
    number: u64,
    /// Where it sends to, 0 where the protocol has no ports.
    pub port: u16,
    /// [`Flood::index`], or [`Self::NOTHING`].
    flood: u8,
}

impl Sender {
    /// Nobody was drawn.
    pub const NONE: Self = Self { number: 0, port: 0, flood: Self::NOTHING };
    const NOTHING: u8 = u8::MAX;

    /// A sender of what may be part of a flood.
    #[inline]
    pub const fn new(from: Address, port: u16, flood: Flood) -> Self {
        let number = if from.is_v4() { from.0 as u32 as u64 } else { (from.0 >> 64) as u64 };
        Self { number, port, flood: flood as u8 }
    }

    /// What it may be part of; `None` = nobody was drawn.
    pub fn flood(&self) -> Option<Flood> {
        Flood::ALL.get(usize::from(self.flood)).copied()
    }

    /// Its /24 or /48, or (`is_wide`) its /16 or /32.
    pub(super) const fn network(&self, is_wide: bool) -> Network {
        let host = 64 - bits(self.number, is_wide);
        let number = self.number >> host << host;
        Network { number, is_wide }
    }
}

/// A network of senders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Network {
    /// Its first address: an IPv4 address, or the upper half of an IPv6 one.
    pub number: u64,
    /// A /16 or /32 in place of a /24 or /48.
    pub is_wide: bool,
}

impl Network {
    /// As a prefix.
    pub const fn prefix(self) -> Prefix {
        let Self { number, is_wide } = self;
        if is_v4(number) {
            Prefix::containing(Address::v4(number as u32), 64 + bits(number, is_wide))
        } else {
            Prefix::containing(Address((number as u128) << 64), bits(number, is_wide))
        }
    }
}

const fn is_v4(number: u64) -> bool {
    number >> 32 == 0
}

/// How many leading bits of the number of an address name its network.
const fn bits(number: u64, is_wide: bool) -> u8 {
    match (is_v4(number), is_wide) {
        (true, false) => 32 + 24,
        (true, true) => 32 + 16,
        (false, false) => 48,
        (false, true) => 32,
    }
}

/// A sender and how it was drawn: the least rank wins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    pub sender: Sender,
    rank: u32,
}

impl Drawn {
    pub const NONE: Self = Self { sender: Sender::NONE, rank: u32::MAX };

    /// Lets one more sender take part.
    #[inline]
    pub fn draw(&mut self, sender: Sender, rank: u32) {
        if rank < self.rank {
            *self = Self { sender, rank };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_known_by_its_networks() {
        let v4 = Sender::new(Address::v4(0xc000_0207), 443, Flood::Syn);
        let v6 = Sender::new(Address(0x2001_0db8_0001_0002 << 64 | 7), 53, Flood::Answer);
        let prefixes = [(v4, false), (v4, true), (v6, false), (v6, true)]
            .map(|(sender, is_wide)| sender.network(is_wide).prefix().to_string());
        assert_eq!(prefixes, ["192.0.2.0/24", "192.0.0.0/16", "2001:db8:1::/48", "2001:db8::/32"]);
        assert_eq!(
            (v4.flood(), v6.flood(), Sender::NONE.flood()),
            (Some(Flood::Syn), Some(Flood::Answer), None)
        );
    }

    #[test]
    fn the_least_rank_is_drawn() {
        let mut drawn = Drawn::NONE;
        for (port, rank) in [(1, 500), (2, 30), (3, 31), (4, 900)] {
            drawn.draw(Sender::new(Address::v4(9), port, Flood::Syn), rank);
        }
        assert_eq!(drawn.sender.port, 2);
    }
}
