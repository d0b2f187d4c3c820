//! No packet is lost sight of, whatever it is made of and whatever the ports refuse.

use proptest::collection::vec;
use proptest::prelude::*;
use repute_engine::{Account, PORTS, Role, Wire};
use repute_model::{Link, Policy, Reason, Verdict};
use repute_wire::Class;

use crate::common::frame::Frame;
use crate::common::rig::Rig;
use crate::common::traffic::{self, Rng};
use crate::common::{SMALL, cases, drop_all, ingress, policy};

const METERED: &str = "[profiles.ingress]\nprior = 0.4\n[profiles.ingress.treatments.poor]\nlog = true\n\
                       block_new = true\nmeter = { packets = \"20pps\", packet_burst = 3 }";

pub fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(ingress()),
        Just(drop_all()),
        Just(policy(METERED)),
        Just(policy("[profiles.egress]")),
        Just(policy("inside = [\"10.0.0.0/8\"]\n[profiles.ingress]")),
        Just(Policy { ingress: None, ..ingress() }),
    ]
}

pub fn wires() -> impl Strategy<Value = Vec<Wire>> {
    let role = prop_oneof![Just(Role::Inside), Just(Role::Outside), Just(Role::Both)];
    let wire = (role, proptest::option::of(0..PORTS as u8)).prop_map(|(role, peer)| Wire { role, peer });
    vec(wire, 0..=PORTS)
}

fn frames() -> impl Strategy<Value = Frame> {
    let link = prop_oneof![Just(Link::Ethernet), Just(Link::Ip)];
    let garbage =
        (link, vec(any::<u8>(), 0..120), 0..2_000u32, 0..4u16).prop_map(|(link, bytes, more, segments)| {
            let wire_len = bytes.len() as u32 + more * u32::from(more < 200);
            Frame { segments: segments.max(1), ..Frame::raw(link, bytes) }.longer(wire_len)
        });
    let sound = any::<u64>().prop_map(|seed| traffic::frame(&mut Rng(seed), 50).1);
    let torn = (any::<u64>(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(
        |(seed, at, value, cuts)| {
            let mut frame = traffic::frame(&mut Rng(seed), 50).1;
            let at = at.index(frame.bytes.len());
            frame.bytes[at] = value;
            if cuts {
                frame.bytes.truncate(at);
            }
            frame
        },
    );
    prop_oneof![2 => garbage, 5 => sound, 3 => torn]
}

/// Ms since the one before, what arrives, and what each port takes.
pub type Breath = (u64, Vec<(u8, Frame)>, Vec<usize>);

pub fn breaths() -> impl Strategy<Value = Vec<Breath>> {
    let arrivals = vec((0..PORTS as u8, frames()), 0..=repute_model::BATCH);
    vec((0..200u64, arrivals, vec(0..=repute_model::BATCH, PORTS)), 1..12)
}

/// Every packet is judged by exactly one rule.
fn judged(account: &Account) -> u64 {
    let unfit = Reason::ALL.iter().filter(|reason| reason.is_malformed() || **reason == Reason::Scattered);
    let unfit =
        unfit.map(|reason| account.ports.iter().map(|port| port.dropped[reason.index()]).sum::<u64>());
    let control: u64 = account.control.iter().sum();
    let bands: u64 = account.bands.iter().sum();
    unfit.sum::<u64>() + control + account.protected + account.unjudged + account.strangers + bands
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn every_packet_is_sent_or_freed_exactly_once(
        policy in policies(),
        wires in wires(),
        breaths in breaths(),
    ) {
        let mut rig = Rig::wired(policy, SMALL, &wires);
        let (mut next, mut bytes) = (0u32, 0u64);
        for (ms, mut arrivals, takes) in breaths {
            rig.ports.takes.copy_from_slice(&takes);
            for (_, frame) in &mut arrivals {
                frame.id = next;
                next += 1;
                bytes += u64::from(frame.wire_len);
            }
            let count = arrivals.len();
            let judgements = rig.breathe(ms, arrivals);
            prop_assert_eq!(judgements.len(), count);
            for judgement in judgements {
                prop_assert_eq!(judgement.reason.is_none(), judgement.verdict == Verdict::Forward);
            }
        }
        let account = *rig.account();
        let mut seen: Vec<u32> = rig.ports.sent.iter().map(|&(_, id, _)| id).chain(rig.ports.freed.iter().copied()).collect();
        seen.sort_unstable();
        prop_assert!(seen.into_iter().eq(0..next));

        let total = |of: fn(&repute_engine::PortAccount) -> u64| account.ports.iter().map(of).sum::<u64>();
        prop_assert_eq!(total(|port| port.received), u64::from(next));
        prop_assert_eq!(total(|port| port.received_bytes), bytes);
        prop_assert_eq!(total(|port| port.sent), rig.ports.sent.len() as u64);
        prop_assert_eq!(total(|port| port.sent_bytes), rig.ports.sent.iter().map(|&(.., len)| u64::from(len)).sum::<u64>());
        prop_assert_eq!(total(|port| port.dropped_total() + port.refused), rig.ports.freed.len() as u64);
        prop_assert_eq!(judged(&account), u64::from(next));
        prop_assert_eq!(account.control[Class::Ordinary.index()], 0);

        rig.worker.publish();
        prop_assert_eq!(&rig.published.read(), rig.account());
    }
}

#[test]
fn what_a_port_refuses_is_freed_and_counted() {
    let mut rig = Rig::sized(ingress(), SMALL);
    rig.ports.takes[1] = 3;
    let mut rng = Rng(1);
    let frames = (0..10).map(|id| (0, Frame { id, ..traffic::frame(&mut rng, 9).1 }));
    let judgements = rig.breathe(1, frames);
    assert!(judgements.iter().all(|j| j.verdict == Verdict::Forward));
    assert_eq!(rig.ports.sent.iter().map(|&(_, id, _)| id).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(rig.ports.freed, [3, 4, 5, 6, 7, 8, 9]);
    assert_eq!((rig.account().ports[1].sent, rig.account().ports[1].refused), (3, 7));
}
