//! Every frame of the demo is valid, in order, on the side its addresses say, and distinct.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails its test")]

mod decode;

use std::collections::{BTreeMap, HashSet};

use decode::decode;
use repute_traffic::{Preset, address::number_of, digest, event::Side};

#[test]
fn every_frame_of_the_demo_is_valid_and_in_its_place() {
    let mut last = 0;
    let (mut packets, mut v6) = (0u64, 0u64);
    let mut digests = HashSet::new();
    let mut protocols = BTreeMap::new();
    for event in Preset::Demo.plan(5).events().unwrap() {
        let seen = decode(&event.frame);
        assert_eq!((seen.src, seen.dst), (event.src, event.dst));
        assert!(event.time_us >= last && event.time_us < 60_000_000);
        last = event.time_us;
        let expected = if number_of(event.src).is_some() { Side::Inside } else { Side::Outside };
        assert_eq!(event.side, expected);
        *protocols.entry(seen.protocol).or_insert(0u64) += 1;
        packets += 1;
        v6 += u64::from(event.src.is_ipv6());
        digests.insert(digest(&event.frame));
    }
    assert!((150_000..=400_000).contains(&packets), "{packets}");
    assert_eq!(protocols.keys().copied().collect::<Vec<_>>(), [1, 6, 17, 58]);
    let share = v6 as f64 / packets as f64;
    assert!((0.1..0.3).contains(&share), "IPv6 share {share}");
    assert!(
        packets - digests.len() as u64 <= packets / 10_000,
        "{packets} frames, {} distinct",
        digests.len()
    );
}

#[test]
fn both_directions_have_fixed_routers() {
    for event in Preset::Benign.plan(5).events().unwrap().take(5000) {
        let ends = [event.frame[11], event.frame[5]];
        assert_eq!(ends, if event.side == Side::Outside { [1, 2] } else { [2, 1] });
    }
}
