//! Ports that remember what they were given and may refuse some of it.

use repute_engine::PORTS;
use repute_model::{Io, Link, Outbox, Packet};

use super::frame::Frame;

/// What became of every packet.
#[derive(Debug)]
pub struct Ports {
    /// Packets that each port takes per offer; the rest is refused.
    pub takes: [usize; PORTS],
    /// Port, number and length on the wire of what was sent, in order.
    pub sent: Vec<(u8, u32, u32)>,
    /// What was sent, whole, where somebody wants to look at it.
    pub kept: Option<Vec<(u8, Frame)>>,
    /// Numbers of what was freed.
    pub freed: Vec<u32>,
    /// Copies that the pool of copies still holds.
    pub copies: usize,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            takes: [usize::MAX; PORTS],
            sent: Vec::new(),
            kept: None,
            freed: Vec::new(),
            copies: usize::MAX,
        }
    }
}

impl Io for Ports {
    type Packet = Frame;

    fn send(&mut self, port: u8, packets: &mut Outbox<Frame>) {
        let takes = self.takes[usize::from(port)].min(packets.len());
        if let Some(kept) = &mut self.kept {
            kept.extend(packets[..takes].iter().map(|frame| (port, frame.clone())));
        }
        let taken = packets.drain(..takes);
        self.sent.extend(taken.map(|frame| (port, frame.id, frame.wire_len())));
    }

    fn free(&mut self, packets: &mut Outbox<Frame>) {
        self.freed.extend(packets.drain(..).map(|frame| frame.id));
    }

    /// The copy has the number of its original.
    fn copy(&mut self, packet: &Frame, bytes_max: u32) -> Option<Frame> {
        self.copies = self.copies.checked_sub(1)?;
        let mut copy = Frame { id: packet.id, ..Frame::raw(Link::Ethernet, Vec::new()) };
        copy.copy_prefix(packet, bytes_max);
        Some(copy)
    }

    fn make(&mut self, frame: &[u8]) -> Option<Frame> {
        self.copies = self.copies.checked_sub(1)?;
        Some(Frame::raw(Link::Ethernet, frame.to_vec()))
    }
}
