//! What a limited source gets on capture time, and how far single packets leave from their ideal times.

use repute_engine::shaper::{ConnectionQueue, Shaper, Turn};
use repute_model::{Band, Limits, Meter, Tick};
use repute_reputation::departure;

/// Lengths of the simple IMIX, 7:4:1.
const IMIX: [u32; 12] = [64, 64, 590, 64, 590, 64, 1514, 64, 590, 64, 590, 64];
const TEN_SECONDS_MS: u64 = 10_000;
const TICK_NS: u64 = 1_000_000;

/// A packet that was let through, times in ns.
#[derive(Clone, Copy)]
struct Passed {
    came: u64,
    left: u64,
    bytes: u32,
}

/// Offers `per_ms` packets of IMIX each ms for ten seconds, and takes out what is due meanwhile.
fn offer(meter: &Meter, per_ms: usize, start: u64) -> Vec<Passed> {
    let mut shaper = Shaper::new(&Limits { queue_source: 50, ..Limits::DEFAULT });
    let mut lengths = IMIX.iter().copied().cycle();
    let (mut tat_packets, mut tat_bytes, mut passed) = (0, 0, Vec::new());
    for now in (start..start + TEN_SECONDS_MS).map(Tick) {
        while let Some((came, bytes)) = shaper.due(now) {
            passed.push(Passed { came, left: now.nanos(), bytes });
        }
        for bytes in lengths.by_ref().take(per_ms) {
            let leaves = departure(meter, now, bytes, tat_packets, tat_bytes);
            let Ok(turn) = shaper.reserve(now, 1 << 63, leaves.at) else { continue };
            (tat_packets, tat_bytes) = (leaves.tat_packets, leaves.tat_bytes);
            match turn {
                Turn::Now => passed.push(Passed { came: now.nanos(), left: now.nanos(), bytes }),
                Turn::Later(ticket) => shaper.hold(ticket, (now.nanos(), bytes)),
            }
        }
    }
    passed
}

/// Within 0.5 %.
fn close(value: u64, wanted: u64) -> bool {
    value.abs_diff(wanted) * 200 <= wanted
}

const TEN_MEGABIT: Meter =
    Meter { packets_per_s: None, packet_burst: 0, bytes_per_s: Some(1_250_000), byte_burst: 15_000 };
const THOUSAND_PACKETS: Meter =
    Meter { packets_per_s: Some(1_000), packet_burst: 10, bytes_per_s: None, byte_burst: 0 };

#[test]
fn ten_megabit_per_second() {
    // 20 packets a ms of IMIX are 58 Mb/s; 4 are 11.6 Mb/s.
    for per_ms in [4, 20] {
        let bytes = offer(&TEN_MEGABIT, per_ms, 1).iter().map(|passed| u64::from(passed.bytes)).sum();
        assert!(close(bytes, 12_500_000), "{bytes} bytes in 10 s");
    }
}

#[test]
fn a_thousand_packets_per_second() {
    for per_ms in [2, 20] {
        let packets = offer(&THOUSAND_PACKETS, per_ms, 1).len() as u64;
        assert!(close(packets, 10_000), "{packets} packets in 10 s");
    }
}

#[test]
fn who_stays_below_his_rate_is_not_held() {
    // 0.7 of the 10 Mb/s.
    let passed = offer(&TEN_MEGABIT, 2, 1);
    assert_eq!(passed.len() as u64, 2 * TEN_SECONDS_MS);
    assert!(passed.iter().all(|passed| passed.came == passed.left));
}

#[test]
fn packets_leave_within_burst_and_one_tick_of_their_ideal_times() {
    for (meter, burst_ns) in [(TEN_MEGABIT, 12_000_000), (THOUSAND_PACKETS, 10_000_000)] {
        let cost = |bytes: u32| match meter.bytes_per_s {
            Some(rate) => u64::from(bytes) * 1_000_000_000 / rate,
            None => 1_000_000,
        };
        // Ideally a packet leaves when the one before it has had its time at the rate.
        let mut ideal = 0;
        let (mut earliest, mut latest) = (0, 0);
        // Across the wrap of the clock's low 32 bits.
        for passed in offer(&meter, 20, (1 << 32) - 5_000) {
            ideal = ideal.max(passed.came);
            earliest = earliest.max(ideal.saturating_sub(passed.left));
            latest = latest.max(passed.left.saturating_sub(ideal));
            ideal += cost(passed.bytes);
        }
        assert!(earliest <= burst_ns, "{earliest} ns early");
        assert!(latest < TICK_NS, "{latest} ns late");
    }
}

#[test]
fn bands_begin_the_connections_of_their_rates() {
    let mut queue = ConnectionQueue::new(&Limits::DEFAULT);
    let rates = [(Band::Neutral, 250), (Band::Poor, 20)];
    let mut begun = [0u64; 2];
    for now in (1..=TEN_SECONDS_MS).map(Tick) {
        while let Some(i) = queue.due(now) {
            begun[i] += 1;
        }
        // A thousand SYNs per second to each, all of different connections.
        for (i, (band, rate)) in rates.into_iter().enumerate() {
            match queue.reserve(now, band, rate, now.0 << 1 | i as u64) {
                Ok(Turn::Now) => begun[i] += 1,
                Ok(Turn::Later(ticket)) => queue.hold(ticket, i),
                Err(_) => {}
            }
        }
    }
    assert!(close(begun[0], 2_500) && close(begun[1], 200), "{begun:?}");
    assert_eq!(queue.held(), (250 + 20) * 3, "three seconds of each rate wait");
}
