//! Whole breaths of a box with addresses of its own: arbitrary frames from clients and from upstreams, which are there and
//! answer checks. The rig asserts after every breath that packets are conserved; whatever leaves is from the box itself.
#![no_main]

#[path = "../../../engine/tests/common/mod.rs"]
mod common;
#[path = "../frames.rs"]
mod frames;

use common::endpoint::{Net, ORIGIN, ORIGIN_6, SERVICE, SERVICE_6, text};
use common::frame::{Frame, address};
use common::{INSIDE, OUTSIDE};
use frames::frame;
use libfuzzer_sys::fuzz_target;
use repute_engine::JUMP_MS;
use repute_fuzz::{SMALL_DNS, breaths};
use repute_model::{Limits, Link};
use repute_wire::{L3, parse_ethernet};

fuzz_target!(|input: &[u8]| {
    let keys = "window = \"10ms\"\nsilence = \"10ms\"\nhalf_life = \"1s\"";
    let mut net = Net::begun(&text(keys), Limits { flows: 64, connections: 64, ..SMALL_DNS });
    // All upstreams are found.
    net.pass(5);
    for (ms, packets) in breaths(input) {
        net.step(ms, packets.into_iter().map(frame)).iter().for_each(|(port, frame)| check(*port, frame));
    }
    net.rig.idle(2 * JUMP_MS);
});

/// What leaves can be read, and its sender is the box.
fn check(port: u8, frame: &Frame) {
    let own = match port {
        OUTSIDE => [address(SERVICE), SERVICE_6],
        INSIDE => [address(ORIGIN), ORIGIN_6],
        _ => return,
    };
    assert_eq!(frame.link, Link::Ethernet);
    let parsed = parse_ethernet(&frame.bytes, frame.wire_len);
    assert_eq!(parsed.error, None);
    assert!(parsed.l3 == L3::Arp || own.contains(&parsed.src), "{parsed:?}");
}
