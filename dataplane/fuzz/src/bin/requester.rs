//! Whole breaths before a DNS server: arbitrary messages from requesters of every band, each path of which does something
//! else. The rig asserts after every breath that packets are conserved; whatever the box answers is a DNS answer.
#![no_main]

#[path = "../../../engine/tests/common/mod.rs"]
mod common;
#[path = "../frames.rs"]
mod frames;

use std::sync::LazyLock;

use common::frame::Frame;
use common::rig::{PAIR, Rig};
use frames::frame;
use libfuzzer_sys::fuzz_target;
use repute_engine::{JUMP_MS, Published, Setup, mailbox};
use repute_fuzz::{SMALL_DNS, breaths};
use repute_model::{Link, Policy};
use repute_wire::dns::Answer;
use repute_wire::{L4, parse_ethernet, parse_ip};

/// Who is new is challenged; who is bad is soon blocked by an address.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    common::policy(
        "[lists]\ndeny = [\"22.0.0.0/8\"]\nallow = [\"23.0.0.0/8\"]\n[profiles.dns]\nwindow = \"10ms\"\nsilence = \"10ms\"\n\
         half_life = \"1s\"\nblock = \"sinkhole\"\nsinkhole = { v4 = \"192.0.2.1\", v6 = \"2001:db8::1\" }\n\
         challenge = { tries = 1, slip = 2, garden = { v4 = \"192.0.2.2\" } }\n\
         paths = { good = \"challenge\", neutral = \"cached\", poor = \"block\" }\n\
         [profiles.dns.bands]\ndwell_better = \"10ms\"\n",
    )
});

fuzz_target!(|input: &[u8]| {
    let (mailbox, handle) = mailbox(4, 64);
    let policy = Box::new(POLICY.clone());
    let mut rig = Rig::begin(Setup::alone(policy, SMALL_DNS, 7, &PAIR, mailbox, Published::shared()), handle);
    for (ms, packets) in breaths(input) {
        let frames: Vec<(u8, Frame)> = packets.into_iter().map(frame).collect();
        rig.ports.kept = Some(Vec::new());
        let came: Vec<&Frame> = frames.iter().map(|(_, frame)| frame).collect();
        let forwarded = |frame: &Frame| came.contains(&frame);
        let kept = {
            rig.breathe(ms, frames.clone());
            rig.ports.kept.take().unwrap_or_default()
        };
        kept.iter().map(|(_, frame)| frame).filter(|frame| !forwarded(frame)).for_each(check);
    }
    rig.idle(2 * JUMP_MS);
});

/// What the box made of a query can be read.
fn check(frame: &Frame) {
    let parse = if frame.link == Link::Ip { parse_ip } else { parse_ethernet };
    let parsed = parse(&frame.bytes, frame.wire_len);
    assert_eq!(parsed.error, None);
    if parsed.l4 == L4::Udp {
        let from = usize::from(parsed.payload_off);
        let message = &frame.bytes[from..from + parsed.payload_len as usize];
        assert!(Answer::read(message).is_ok(), "{message:?}");
    }
}
