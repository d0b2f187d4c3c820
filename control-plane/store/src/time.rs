//! Wall time as it is stored: whole milliseconds since 1970, never negative.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; earlier times are 0, later ones than a `u64` holds its maximum.
pub(crate) fn to_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time so many milliseconds after 1970; what no clock can show is 1970.
pub(crate) fn from_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

/// How long ago something was; nothing if the clock was set back since.
pub(crate) fn age(now: SystemTime, then_ms: u64) -> Duration {
    Duration::from_millis(to_ms(now).saturating_sub(then_ms))
}

/// For `#[serde(with)]`.
pub(crate) mod ms {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(super::to_ms(*time))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        u64::deserialize(from).map(super::from_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_out_of_range() {
        assert_eq!(to_ms(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(to_ms(from_ms(1_700_000_000_123)), 1_700_000_000_123);
        let _ = from_ms(u64::MAX);
        assert_eq!(age(from_ms(5), 10), Duration::ZERO);
        assert_eq!(age(from_ms(15), 10), Duration::from_millis(5));
    }
}
