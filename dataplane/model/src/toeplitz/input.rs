//! What a NIC may hash of a packet.
//!
//! Used by the start-up self-test to find out what a port really does.

use std::fmt;

use arrayvec::ArrayVec;

use crate::Address;

/// What RSS can see of a packet. Both addresses are of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Source address.
    pub src: Address,
    /// Destination address.
    pub dst: Address,
    /// Source and destination port of TCP and UDP, unless the packet is a fragment.
    pub ports: Option<(u16, u16)>,
}

/// One of a packet's two addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
}

impl End {
    /// This one of a flow's addresses.
    pub const fn of(self, flow: &Flow) -> Address {
        match self {
            Self::Source => flow.src,
            Self::Destination => flow.dst,
        }
    }
}

/// What is hashed, in network order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// One address alone.
    Only(End),
    /// Source and destination address.
    Addresses,
    /// Both addresses and both ports; packets without ports: both addresses.
    AddressesPorts,
}

impl Input {
    /// Everything that NICs hash.
    pub const ALL: [Self; 4] =
        [Self::Only(End::Source), Self::Only(End::Destination), Self::Addresses, Self::AddressesPorts];

    /// The bytes of a flow that are hashed: 4 to 12 for IPv4, 16 to 36 for IPv6.
    pub fn bytes(self, flow: &Flow) -> ArrayVec<u8, 36> {
        let mut bytes = ArrayVec::new();
        match self {
            Self::Only(end) => push(&mut bytes, end.of(flow)),
            Self::Addresses | Self::AddressesPorts => {
                push(&mut bytes, flow.src);
                push(&mut bytes, flow.dst);
            }
        }
        if let (Self::AddressesPorts, Some((source, destination))) = (self, flow.ports) {
            bytes.extend(source.to_be_bytes());
            bytes.extend(destination.to_be_bytes());
        }
        bytes
    }
}

fn push(bytes: &mut ArrayVec<u8, 36>, address: Address) {
    if address.is_v4() {
        bytes.extend((address.0 as u32).to_be_bytes());
    } else {
        bytes.extend(address.0.to_be_bytes());
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Only(End::Source) => "the source address",
            Self::Only(End::Destination) => "the destination address",
            Self::Addresses => "both addresses",
            Self::AddressesPorts => "both addresses and both ports",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_their_lengths_and_order() {
        let v4 = Flow {
            src: Address::v4(0x0102_0304),
            dst: Address::v4(0x0506_0708),
            ports: Some((0x090a, 0x0b0c)),
        };
        let bytes = |input: Input| input.bytes(&v4).to_vec();
        assert_eq!(bytes(Input::AddressesPorts), (1..=12).collect::<Vec<u8>>());
        assert_eq!(bytes(Input::Addresses), (1..=8).collect::<Vec<u8>>());
        assert_eq!(bytes(Input::Only(End::Source)), [1, 2, 3, 4]);
        assert_eq!(bytes(Input::Only(End::Destination)), [5, 6, 7, 8]);
        let v6 = Flow { src: Address(1), dst: Address(2), ports: Some((3, 4)) };
        assert_eq!(Input::ALL.map(|input| input.bytes(&v6).len()), [16, 16, 32, 36]);
        let portless = Flow { ports: None, ..v6 };
        assert_eq!(Input::AddressesPorts.bytes(&portless), Input::Addresses.bytes(&v6));
    }
}
