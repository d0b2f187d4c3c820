//! Whole breaths: arbitrary packets at arbitrary times under a policy that uses every treatment. The rig asserts
//! after every breath that packets are conserved; at the end each was sent or freed once.
#![no_main]

#[path = "../../../engine/tests/common/mod.rs"]
mod common;
#[path = "../frames.rs"]
mod frames;

use std::sync::LazyLock;

use common::rig::{PAIR, Rig};
use frames::frame;
use libfuzzer_sys::fuzz_target;
use repute_engine::{JUMP_MS, MirrorSetup, Published, Setup, mailbox};
use repute_fuzz::breaths;
use repute_model::{Limits, Policy, Sampling};

/// Every band gets something else, and all are within reach: scores follow windows of 10 ms.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let mut policy = common::policy(
        "[protect]\nprefixes = [\"10.9.0.0/16\"]\nbgp_neighbours = [\"10.8.0.0/16\"]\n[lists]\ndeny = [\"22.0.0.0/8\"]\n\
         allow = [\"23.0.0.0/8\"]\n[profiles.ingress]\nwindow = \"10ms\"\nsilence = \"10ms\"\nhalf_life = \"1s\"\n\
         [profiles.ingress.bands]\ndwell_better = \"10ms\"\n[profiles.ingress.treatments]\n\
         good = { queue = { packets = \"100pps\", packet_burst = 4 } }\nneutral = { log = true, queue_new = 20, soften = {}, inspect = true }\n\
         poor = { block_new = true, reset = true, meter = { packets = \"50pps\", packet_burst = 4 } }\nmalicious = \"drop\"",
    );
    if let Some(profile) = &mut policy.ingress {
        profile.treatments[0].mirror = Some(Sampling { one_in: 2, first: 1 });
    }
    policy
});

const LIMITS: Limits = Limits {
    sources: 64,
    contacts: 64,
    sweep_ms: 10,
    queue_packets: 64,
    queue_source: 8,
    queue_horizon_ms: 100,
    queue_connections: 16,
    crowds: 64,
    softened: 64,
    ..Limits::DEFAULT
};

const MIRROR: MirrorSetup = MirrorSetup { port: 2, bytes: 128, bytes_per_s: 100_000, tunnel: None };

fn rig() -> Rig {
    let (mailbox, handle) = mailbox(4, 64);
    let alone = Setup::alone(Box::new(POLICY.clone()), LIMITS, 7, &PAIR, mailbox, Published::shared());
    Rig::begin(Setup { mirror: Some(MIRROR), ..alone }, handle)
}

fuzz_target!(|input: &[u8]| {
    let mut rig = rig();
    for (ms, packets) in breaths(input) {
        rig.breathe(ms, packets.into_iter().map(frame));
    }
    // A jump in time: whatever was held is due.
    rig.idle(2 * JUMP_MS);
    let account = rig.account();
    let total = |of: fn(&repute_engine::PortAccount) -> u64| account.ports.iter().map(of).sum::<u64>();
    let gone = (rig.ports.sent.len() + rig.ports.freed.len()) as u64;
    assert_eq!(total(|port| port.received + port.mirrored + port.resets), gone, "nothing is held for ever");
});
