//! Address resolution (RFC 826).
//!
//! A last step: ARP always passes, so only its length is checked here. Where the box has an address of its own the engine
//! asks and answers with [`Resolution`]. Always holds: the addresses in ARP are claims about the link, never a source's.

use repute_model::{Address, Reason};
use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::walk::{Step, Walk};
use crate::{Class, L3, Parsed, ethernet};

/// Asks who has an address.
pub const REQUEST: u16 = 1;
/// Says who has it.
pub const REPLY: u16 = 2;

/// The fixed 8 bytes of an ARP packet.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Hardware type: 1 for Ethernet.
    pub hardware: U16,
    /// EtherType of the resolved protocol.
    pub protocol: U16,
    /// Bytes of a hardware address.
    pub hardware_len: u8,
    /// Bytes of a protocol address.
    pub protocol_len: u8,
    /// Request (1), reply (2) and others.
    pub operation: U16,
}

impl Header {
    /// Bytes of the whole packet: the fixed part, and sender and target with two addresses each.
    pub fn packet_len(&self) -> usize {
        let pair = usize::from(self.hardware_len) + usize::from(self.protocol_len);
        size_of::<Self>() + 2 * pair
    }
}

/// An ARP packet that is about an IPv4 address and an Ethernet address.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Resolution {
    header: Header,
    sender_mac: [u8; 6],
    sender: U32,
    target_mac: [u8; 6],
    target: U32,
}

/// A frame with nothing but it.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct Frame {
    link: ethernet::Header,
    body: Resolution,
}

impl Resolution {
    /// Bytes of a frame with nothing but it.
    pub const FRAME: usize = size_of::<Frame>();

    const HEADER: Header = Header {
        hardware: U16::new(1),
        protocol: U16::new(ethernet::IPV4),
        hardware_len: 6,
        protocol_len: 4,
        operation: U16::new(REQUEST),
    };

    /// Reads it in a frame of which `parsed` tells; `None` where it is about other kinds of addresses.
    pub fn read(frame: &[u8], parsed: &Parsed) -> Option<Self> {
        let body = frame.get(usize::from(parsed.l3_off)..).filter(|_| parsed.l3 == L3::Arp)?;
        let (found, _) = Self::read_from_prefix(body).ok()?;
        let Header { hardware, protocol, hardware_len, protocol_len, .. } = found.header;
        let kinds = (hardware, protocol, hardware_len, protocol_len);
        let Header { hardware, protocol, hardware_len, protocol_len, .. } = Self::HEADER;
        (kinds == (hardware, protocol, hardware_len, protocol_len)).then_some(found)
    }

    /// [`REQUEST`], [`REPLY`] or another one.
    pub const fn operation(&self) -> u16 {
        self.header.operation.get()
    }

    /// Who says it: his addresses.
    pub const fn sender(&self) -> (Address, [u8; 6]) {
        (Address::v4(self.sender.get()), self.sender_mac)
    }

    /// Whom it is about.
    pub const fn target(&self) -> Address {
        Address::v4(self.target.get())
    }

    /// The frame with which `from` asks everybody who has `target`.
    pub fn request(target: Address, from: (Address, [u8; 6])) -> [u8; Self::FRAME] {
        let body = Self {
            header: Self::HEADER,
            sender_mac: from.1,
            sender: (from.0.0 as u32).into(),
            target_mac: [0; 6],
            target: (target.0 as u32).into(),
        };
        let link = ethernet::Header { dst: [0xff; 6], src: from.1, ether_type: ethernet::ARP.into() };
        zerocopy::transmute!(Frame { link, body })
    }

    /// The frame with which whoever has `mac` answers this request.
    pub fn reply(&self, mac: [u8; 6]) -> [u8; Self::FRAME] {
        let body = Self {
            header: Header { operation: REPLY.into(), ..Self::HEADER },
            sender_mac: mac,
            sender: self.target,
            target_mac: self.sender_mac,
            target: self.sender,
        };
        let link = ethernet::Header { dst: self.sender_mac, src: mac, ether_type: ethernet::ARP.into() };
        zerocopy::transmute!(Frame { link, body })
    }
}

impl Walk<'_> {
    pub(crate) fn arp(&mut self, at: usize) -> Step {
        self.found.l3 = L3::Arp;
        self.found.class = Class::Arp;
        let header: &Header = self.header(at, Reason::ShortArp)?;
        self.span(at, header.packet_len(), Reason::ShortArp)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_ethernet;

    #[test]
    fn who_asks_is_answered() {
        let (box_ip, host_ip) = (Address::v4(0x0a00_0001), Address::v4(0x0a00_0002));
        let asked = Resolution::request(box_ip, (host_ip, [2; 6]));
        let parsed = parse_ethernet(&asked, 60);
        assert_eq!((parsed.class, parsed.error), (Class::Arp, None));
        let request = Resolution::read(&asked, &parsed).unwrap();
        assert_eq!(
            (request.operation(), request.sender(), request.target()),
            (REQUEST, (host_ip, [2; 6]), box_ip)
        );
        let answered = request.reply([1; 6]);
        assert_eq!((&answered[..6], &answered[6..12]), (&[2; 6][..], &[1; 6][..]));
        let reply = Resolution::read(&answered, &parse_ethernet(&answered, 60)).unwrap();
        assert_eq!((reply.operation(), reply.sender(), reply.target()), (REPLY, (box_ip, [1; 6]), host_ip));
        let mut other = asked;
        other[14] = 9;
        assert!(Resolution::read(&other, &parse_ethernet(&other, 60)).is_none());
    }

    #[test]
    fn the_addresses_must_fit() {
        let mut frame = vec![0; 14];
        frame[12..14].copy_from_slice(&[0x08, 0x06]);
        frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
        frame.resize(14 + 28, 0);
        let parsed = parse_ethernet(&frame, 42);
        assert_eq!((parsed.l3, parsed.class, parsed.error), (L3::Arp, Class::Arp, None));
        let parsed = parse_ethernet(&frame[..41], 41);
        assert_eq!((parsed.l3, parsed.class), (L3::Arp, Class::Ordinary));
        assert_eq!(parsed.error, Some(Reason::ShortArp));
    }
}
