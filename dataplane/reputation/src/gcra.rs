//! Metering by the generic cell rate algorithm (ITU-T I.371): one theoretical arrival time a limit.
//!
//! GCRA is a token bucket that stores a time in place of a level, so an idle source costs nothing. A meter
//! asks whether a packet [`conforms`]; a queue asks for the [`departure`] at which it will.

use repute_model::{Meter, Tick};

/// Which limit a packet broke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Packets per second.
    Packets,
    /// Bytes per second.
    Bytes,
}

/// Whether a packet of `bytes` conforms to `meter` at `now`; both arrival times advance only if it does.
#[inline]
pub fn conforms(
    meter: &Meter,
    now: Tick,
    bytes: u32,
    tat_packets: &mut u64,
    tat_bytes: &mut u64,
) -> Result<(), Refused> {
    let now = now.nanos();
    let next = |demand: Option<Demand>, tat: u64| demand.map_or(Some(tat), |demand| demand.next(tat, now));
    let packets = next(Demand::of_packet(meter), *tat_packets).ok_or(Refused::Packets)?;
    let volume = next(Demand::of_bytes(meter, bytes), *tat_bytes).ok_or(Refused::Bytes)?;
    (*tat_packets, *tat_bytes) = (packets, volume);
    Ok(())
}

/// When a packet may leave, and the source's arrival times once it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Departure {
    /// Earliest departure time in ns, not before the packet came.
    pub at: u64,
    /// Arrival time of packets from then on, ns.
    pub tat_packets: u64,
    /// Arrival time of bytes from then on, ns.
    pub tat_bytes: u64,
}

/// A meter whose divisions are done, for whoever asks for many departures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    packet: Option<Demand>,
    /// Bytes per second, and how far their arrival time may run ahead, ns.
    bytes: Option<(u64, u64)>,
}

impl Pace {
    /// The pace of a meter.
    #[inline]
    pub fn of(meter: &Meter) -> Self {
        let rate = meter.bytes_per_s.map(|rate| rate.max(1));
        Self {
            packet: Demand::of_packet(meter),
            bytes: rate.map(|rate| (rate, lasts(meter.byte_burst, rate))),
        }
    }

    /// The earliest time from `now` on at which a packet of `bytes` conforms (the earliest departure
    /// time of Carousel, SIGCOMM 2017): at once within the burst, later above it. Departures at one pace
    /// never run backwards.
    ///
    /// Nothing is charged: whoever lets the packet leave keeps the arrival times of the answer.
    #[inline]
    pub fn departure(&self, now: Tick, bytes: u32, tat_packets: u64, tat_bytes: u64) -> Departure {
        let now = now.nanos();
        let volume = self.bytes.map(|(rate, burst)| Demand::new(lasts(bytes.into(), rate), burst));
        let earliest = |demand: Option<Demand>, tat: u64| demand.map_or(now, |demand| demand.earliest(tat));
        let at = now.max(earliest(self.packet, tat_packets)).max(earliest(volume, tat_bytes));
        let after = |demand: Option<Demand>, tat: u64| demand.map_or(tat, |demand| tat.max(at) + demand.cost);
        Departure { at, tat_packets: after(self.packet, tat_packets), tat_bytes: after(volume, tat_bytes) }
    }
}

/// The departure of one packet under a meter; see [`Pace::departure`].
#[inline]
pub fn departure(meter: &Meter, now: Tick, bytes: u32, tat_packets: u64, tat_bytes: u64) -> Departure {
    Pace::of(meter).departure(now, bytes, tat_packets, tat_bytes)
}

/// One tick in ns: time stands still that long, so what a tick's rate allows may come at once.
const TICK: u64 = Tick(1).nanos();

/// How long a rate takes for so many bytes, ns. Exact for whatever a packet can have; a burst of more than 18 GB counts as
/// one of 18 GB.
#[inline]
const fn lasts(bytes: u64, rate: u64) -> u64 {
    bytes.saturating_mul(1_000_000_000) / rate
}

/// What one packet takes of one limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Demand {
    /// The time its share of the rate lasts, ns.
    cost: u64,
    /// How far the arrival time may run ahead, ns: the burst, but at least this packet and a tick.
    tolerance: u64,
}

impl Demand {
    #[inline]
    fn of_packet(meter: &Meter) -> Option<Self> {
        let cost = 1_000_000_000 / u64::from(meter.packets_per_s?.max(1));
        Some(Self::new(cost, cost * u64::from(meter.packet_burst)))
    }

    #[inline]
    fn of_bytes(meter: &Meter, bytes: u32) -> Option<Self> {
        let rate = meter.bytes_per_s?.max(1);
        Some(Self::new(lasts(bytes.into(), rate), lasts(meter.byte_burst, rate)))
    }

    fn new(cost: u64, burst: u64) -> Self {
        Self { cost, tolerance: burst.max(cost).max(TICK) }
    }

    /// The arrival time after the packet, or `None` if it comes too early.
    #[inline]
    fn next(self, tat: u64, now: u64) -> Option<u64> {
        let tat = tat.max(now) + self.cost;
        (tat <= now + self.tolerance).then_some(tat)
    }

    /// The first time at which the packet is not too early, ns.
    #[inline]
    fn earliest(self, tat: u64) -> u64 {
        (tat + self.cost).saturating_sub(self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(meter: Meter, ms: u64, per_ms: u32, bytes: u32) -> u32 {
        let (mut a, mut b) = (0, 0);
        let mut passed = 0;
        for tick in 1..=ms {
            for _ in 0..per_ms {
                passed += u32::from(conforms(&meter, Tick(tick), bytes, &mut a, &mut b).is_ok());
            }
        }
        passed
    }

    #[test]
    fn packets_per_second_plus_burst() {
        let meter = Meter { packets_per_s: Some(1000), packet_burst: 10, bytes_per_s: None, byte_burst: 0 };
        let passed = run(meter, 10_000, 5, 64);
        assert!((9_990..=10_010).contains(&passed), "{passed}");
    }

    #[test]
    fn bytes_per_second_plus_burst() {
        let meter =
            Meter { packets_per_s: None, packet_burst: 0, bytes_per_s: Some(125_000), byte_burst: 15_000 };
        let passed = u64::from(run(meter, 8_000, 3, 1_500)) * 1_500;
        assert!((1_000_000..=1_016_500).contains(&passed), "{passed}");
    }

    #[test]
    fn a_refused_packet_costs_nothing() {
        let meter = Meter { packets_per_s: Some(1), packet_burst: 1, bytes_per_s: Some(10), byte_burst: 10 };
        let (mut a, mut b) = (0, 0);
        assert_eq!(conforms(&meter, Tick(1), 10, &mut a, &mut b), Ok(()));
        let before = (a, b);
        assert_eq!(conforms(&meter, Tick(2), 10, &mut a, &mut b), Err(Refused::Packets));
        assert_eq!((a, b), before);
        assert_eq!(conforms(&meter, Tick(1001), 10, &mut a, &mut b), Ok(()));
    }

    #[test]
    fn slow_rates_and_huge_bursts_do_not_overflow() {
        let meter = Meter {
            packets_per_s: Some(1),
            packet_burst: u32::MAX,
            bytes_per_s: Some(1),
            byte_burst: 1 << 32,
        };
        let (mut a, mut b) = (0, 0);
        assert_eq!(conforms(&meter, Tick(1 << 40), 9_000, &mut a, &mut b), Ok(()));
    }

    /// Meters with one limit, both, and neither; bursts below and above a packet and a tick.
    fn meters() -> impl Iterator<Item = Meter> {
        let packets = [None, Some(1), Some(70), Some(1_000), Some(30_000)];
        let bytes = [None, Some(1_500), Some(125_000), Some(1_250_000)];
        let both = packets.into_iter().flat_map(move |packets| bytes.map(move |bytes| (packets, bytes)));
        both.flat_map(|(packets_per_s, bytes_per_s)| {
            [(0, 0), (5, 4_000)].map(|(packet_burst, byte_burst)| Meter {
                packets_per_s,
                packet_burst,
                bytes_per_s,
                byte_burst,
            })
        })
    }

    #[test]
    fn a_departure_is_the_first_time_that_conforms_to_both_limits() {
        for meter in meters() {
            let (mut a, mut b) = (0, 0);
            for i in 0..300u32 {
                let (now, bytes) = (Tick(100 + u64::from(i * i % 17 + i)), 64 + i * 389 % 1_450);
                let (mut then_a, mut then_b) = (a, b);
                let at_once = conforms(&meter, now, bytes, &mut then_a, &mut then_b).is_ok();
                let leaves = departure(&meter, now, bytes, a, b);
                let conform = |at: u64| {
                    Demand::of_packet(&meter).is_none_or(|d| d.next(a, at) == Some(leaves.tat_packets))
                        && Demand::of_bytes(&meter, bytes)
                            .is_none_or(|d| d.next(b, at) == Some(leaves.tat_bytes))
                };
                assert!(conform(leaves.at), "{meter:?}: too early");
                assert_eq!(leaves.at == now.nanos(), at_once, "{meter:?}");
                if at_once {
                    assert_eq!((leaves.tat_packets, leaves.tat_bytes), (then_a, then_b));
                } else {
                    let late =
                        |d: Option<Demand>, tat| d.is_some_and(|d| d.next(tat, leaves.at - 1).is_none());
                    let (packet, volume) = (Demand::of_packet(&meter), Demand::of_bytes(&meter, bytes));
                    assert!(late(packet, a) || late(volume, b), "{meter:?}: later than needed");
                }
                (a, b) = (leaves.tat_packets, leaves.tat_bytes);
            }
        }
    }

    #[test]
    fn departures_under_one_meter_never_run_backwards() {
        for meter in meters() {
            let (mut a, mut b, mut last) = (0, 0, 0);
            for i in 0..300u32 {
                let now = Tick(5 + u64::from(i / 7));
                let leaves = departure(&meter, now, 64 + i * 389 % 1_450, a, b);
                assert!(leaves.at >= last, "{meter:?}: {} after {last}", leaves.at);
                (a, b, last) = (leaves.tat_packets, leaves.tat_bytes, leaves.at);
            }
        }
    }
}
