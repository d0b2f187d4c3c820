//! Metering by the generic cell rate algorithm (ITU-T I.371): one theoretical arrival time a limit.
//!
//! GCRA is a token bucket that stores a time in place of a level, so an idle source costs nothing.

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
    let packets = match meter.packets_per_s {
        None => *tat_packets,
        Some(rate) => {
            let cost = 1_000_000_000 / u64::from(rate.max(1));
            next(*tat_packets, now, cost, cost * u64::from(meter.packet_burst)).ok_or(Refused::Packets)?
        }
    };
    let volume = match meter.bytes_per_s {
        None => *tat_bytes,
        Some(rate) => {
            let cost = |bytes: u64| (u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1))) as u64;
            next(*tat_bytes, now, cost(u64::from(bytes)), cost(meter.byte_burst)).ok_or(Refused::Bytes)?
        }
    };
    (*tat_packets, *tat_bytes) = (packets, volume);
    Ok(())
}

/// One tick in ns: time stands still that long, so what a tick's rate allows may come at once.
const TICK: u64 = Tick(1).nanos();

/// The arrival time after a packet of `cost` ns, or `None` if it comes more than `burst` ns early.
#[inline]
fn next(tat: u64, now: u64, cost: u64, burst: u64) -> Option<u64> {
    let tat = tat.max(now) + cost;
    (tat <= now + burst.max(cost).max(TICK)).then_some(tat)
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
}
