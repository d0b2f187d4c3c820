//! Packets of an input as the engine's rig takes them; a part of every target that has one.

use repute_fuzz::Packet;
use repute_model::Link;

use crate::common::frame::Frame;

/// One packet, and the port it comes in by.
pub fn frame(packet: Packet<'_>) -> (u8, Frame) {
    let link = if packet.bare { Link::Ip } else { Link::Ethernet };
    let frame = Frame::raw(link, packet.bytes.to_vec());
    (packet.port, Frame { wire_len: frame.wire_len + packet.cut, segments: packet.segments, ..frame })
}
