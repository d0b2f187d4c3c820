//! The shaper and the connection queue against plain lists: who leaves when, who is refused why, nothing
//! lost.

use proptest::collection::vec;
use proptest::prelude::*;
use repute_engine::shaper::{ConnectionQueue, Held, Shaper, Turn, WAIT_MS_MAX};
use repute_model::{Band, Limits, Meter, Reason, Tick};
use repute_reputation::departure;

use crate::common::cases;

const SOURCES: usize = 6;

/// Meters that a policy change may switch between, slow and fast.
const METERS: [Meter; 3] = [
    Meter { packets_per_s: Some(50), packet_burst: 2, bytes_per_s: None, byte_burst: 0 },
    Meter { packets_per_s: None, packet_burst: 0, bytes_per_s: Some(50_000), byte_burst: 3_000 },
    Meter { packets_per_s: Some(5_000), packet_burst: 20, bytes_per_s: Some(5_000_000), byte_burst: 9_000 },
];

/// A packet that the model holds: when it leaves, whose it is, its number.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Waits {
    at: u64,
    source: usize,
    number: u32,
}

/// The shaper as a list.
struct Model {
    limits: Limits,
    waits: Vec<Waits>,
    /// GCRA times of packets and bytes, for each source.
    tats: [(u64, u64); SOURCES],
}

impl Model {
    /// The tick in which a packet leaves, or why it is refused.
    fn offer(
        &mut self,
        now: u64,
        source: usize,
        number: u32,
        meter: &Meter,
        bytes: u32,
    ) -> Result<u64, Reason> {
        let (packets, volume) = self.tats[source];
        let leaves = departure(meter, Tick(now), bytes, packets, volume);
        let held = self.waits.iter().filter(|waits| waits.source == source);
        let at = held.clone().map(|waits| waits.at).fold(leaves.at.div_ceil(1_000_000), u64::max);
        if at > now {
            if held.count() as u32 >= self.limits.queue_source {
                return Err(Reason::QueueSource);
            }
            if at - now > u64::from(self.limits.queue_horizon_ms) {
                return Err(Reason::QueueHorizon);
            }
            if self.waits.len() as u32 >= self.limits.queue_packets {
                return Err(Reason::QueueFull);
            }
            self.waits.push(Waits { at, source, number });
        }
        self.tats[source] = (leaves.tat_packets, leaves.tat_bytes);
        Ok(at)
    }

    /// Takes out what is due, in order.
    fn due(&mut self, now: u64) -> Vec<u32> {
        let (mut out, stay): (Vec<Waits>, _) = self.waits.iter().partition(|waits| waits.at <= now);
        self.waits = stay;
        out.sort_by_key(|waits| waits.at);
        out.iter().map(|waits| waits.number).collect()
    }
}

/// What the worker does with the shaper: the turn asked for, the arrival times kept, the packet handed over.
fn offer(
    shaper: &mut Shaper<Held<u32>>,
    tats: &mut (u64, u64),
    (now, source, number): (u64, usize, u32),
    meter: &Meter,
    bytes: u32,
) -> Result<u64, Reason> {
    let leaves = departure(meter, Tick(now), bytes, tats.0, tats.1);
    let turn = shaper.reserve(Tick(now), fingerprint(source), leaves.at)?;
    *tats = (leaves.tat_packets, leaves.tat_bytes);
    Ok(match turn {
        Turn::Now => now,
        Turn::Later(ticket) => {
            let at = ticket.departure().0;
            shaper.hold(ticket, Held { packet: Some(number), port_in: 0, port_out: 1 });
            at
        }
    })
}

/// Ms between two packets: bursts, pauses, now and then a jump over everything that waits.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![90 => Just(0u64), 10 => 1..4u64, 4 => 0..200u64, 1 => Just(90_000u64)]
}

/// Fingerprints that share their low bits.
fn fingerprint(source: usize) -> u64 {
    (source as u64 + 1) << 40 | 1 << 63
}

/// Everything that left, by source: numbers only grow.
fn in_order(left: &mut [Option<u32>; SOURCES], source: usize, number: u32) -> bool {
    left[source].replace(number) < Some(number)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_shaper_is_a_list_of_what_waits(
        queue_packets in 1..40u32,
        queue_source in 1..20u32,
        queue_horizon_ms in prop_oneof![10..200u32, Just(10_000u32)],
        start in prop_oneof![Just(1u64), (1u64 << 32) - 500..(1u64 << 32)],
        steps in vec((0..SOURCES, gap(), 64..1_500u32), 1..500),
        switch in 1..200u32,
    ) {
        let limits = Limits { queue_packets, queue_source, queue_horizon_ms, ..Limits::DEFAULT };
        let mut shaper: Shaper<Held<u32>> = Shaper::new(&limits);
        let mut model = Model { limits, waits: Vec::new(), tats: [(0, 0); SOURCES] };
        let (mut tats, mut left) = ([(0, 0); SOURCES], [None; SOURCES]);
        let (mut now, mut offered, mut gone, mut refused) = (start, 0u32, 0u32, 0u32);
        let mut source_of = Vec::new();
        for (number, (source, ms, bytes)) in (0..).zip(steps) {
            now += ms;
            let due = std::iter::from_fn(|| shaper.due(Tick(now)));
            let out: Vec<u32> = due.filter_map(|held| held.packet).collect();
            prop_assert!(out.iter().all(|&n| in_order(&mut left, source_of[n as usize], n)), "overtaken");
            gone += out.len() as u32;
            prop_assert_eq!(out, model.due(now));
            // Every so many packets a policy with another rate is installed.
            let meter = &METERS[(number / switch) as usize % METERS.len()];
            let ours = offer(&mut shaper, &mut tats[source], (now, source, number), meter, bytes);
            prop_assert_eq!(ours, model.offer(now, source, number, meter, bytes));
            prop_assert_eq!(tats, model.tats, "a refused packet is charged for, or a packet is not");
            source_of.push(source);
            match ours {
                Ok(at) if at == now => {
                    gone += 1;
                    prop_assert!(in_order(&mut left, source, number), "overtook");
                }
                Ok(_) => {}
                Err(_) => refused += 1,
            }
            offered += 1;
            prop_assert_eq!(shaper.held() as usize, model.waits.len());
            prop_assert_eq!(offered, gone + refused + shaper.held());
        }
        let rest: Vec<u32> = shaper.drain().filter_map(|held| held.packet).collect();
        prop_assert_eq!(rest, model.due(u64::MAX));
        prop_assert_eq!(shaper.held(), 0);
    }

    #[test]
    fn a_connection_queue_is_a_list_of_who_waits(
        queue_connections in 1..50u32,
        rates in vec(prop_oneof![1..5u32, 5..500u32, 500..100_000u32], 15),
        steps in vec((0..5usize, prop_oneof![3 => 0..3u64, 1 => 0..400u64], 1..80u64), 1..400),
        switch in 1..200usize,
    ) {
        let mut queue = ConnectionQueue::new(&Limits { queue_connections, ..Limits::DEFAULT });
        // When it begins, its key, its band.
        let mut model: Vec<(u64, u64, usize)> = Vec::new();
        let mut tats = [0u64; 5];
        let mut now = 1;
        for (number, (band, ms, key)) in steps.into_iter().enumerate() {
            now += ms;
            let (mut due, stay): (Vec<_>, _) = model.iter().partition(|waits| waits.0 <= now);
            model = stay;
            due.sort_by_key(|waits| waits.0);
            let out: Vec<_> = std::iter::from_fn(|| queue.due(Tick(now))).collect();
            prop_assert_eq!(out, due);
            // Every so many SYNs a policy with other rates is installed.
            let rate = rates[band + number / switch % 3 * 5];
            let meter =
                Meter { packets_per_s: Some(rate), packet_burst: 1, bytes_per_s: None, byte_burst: 0 };
            let leaves = departure(&meter, Tick(now), 0, tats[band], 0);
            // Behind everybody of the band who waits.
            let behind = model.iter().filter(|waits| waits.2 == band).map(|waits| waits.0);
            let at = behind.fold(leaves.at.div_ceil(1_000_000), u64::max);
            let expected = if model.iter().any(|waits| waits.1 == key) {
                Err(Reason::ConnectionQueued)
            } else if at - now > u64::from(WAIT_MS_MAX) {
                Err(Reason::QueueHorizon)
            } else if at > now && model.len() as u32 >= queue_connections {
                Err(Reason::ConnectionQueueFull)
            } else {
                Ok(at)
            };
            let turn = queue.reserve(Tick(now), Band::ALL[band], rate, key);
            let ours = turn.map(|turn| match turn {
                Turn::Now => now,
                Turn::Later(ticket) => {
                    let waits = (ticket.departure().0, key, band);
                    queue.hold(ticket, waits);
                    model.push(waits);
                    waits.0
                }
            });
            prop_assert_eq!(ours, expected);
            if ours.is_ok() {
                tats[band] = leaves.tat_packets;
            }
            prop_assert_eq!(queue.held() as usize, model.len());
            prop_assert_eq!(queue.next(), model.iter().map(|waits| Tick(waits.0)).min());
        }
    }
}
