//! Times as feeds write them: RFC 3339 and Go's durations.

use std::time::{Duration, SystemTime};

/// A moment: RFC 3339 (`2017-02-27T13:57:10.515Z`), or without an offset, which then is UTC.
pub(crate) fn moment(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    let timestamp = text.parse::<jiff::Timestamp>();
    let timestamp = timestamp.or_else(|_| format!("{text}Z").parse()).ok()?;
    Some(timestamp.into())
}

/// A duration as Go prints it (`4h3m2.5s`, `-1.014868072s`, `100ms`); negative ones are zero.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() || rest.len() > 64 {
        return None;
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, after) = rest[digits..].split_at(unit_end.unwrap_or(rest.len() - digits));
        sum += number * unit_s(unit)?;
        rest = after;
    }
    let duration = Duration::try_from_secs_f64(sum).ok()?;
    Some(if negative { Duration::ZERO } else { duration })
}

fn unit_s(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" | "μs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_prints_them() {
        let s = |text| go_duration(text).map(|duration| (duration.as_secs_f64() * 1e3).round() / 1e3);
        for (text, expected) in [
            ("9m59.423130548s", Some(599.423)),
            ("3h59m59.4s", Some(14_399.4)),
            ("1.5h", Some(5400.0)),
            ("250ms", Some(0.25)),
            ("15µs", Some(0.0)),
            ("0", Some(0.0)),
            ("0s", Some(0.0)),
            ("-1.014868072s", Some(0.0)),
            ("", None),
            ("-", None),
            ("5", None),
            ("s", None),
            ("4d", None),
            ("1..2s", None),
            ("é", None),
            ("99999999999999999999999999h", None),
        ] {
            assert_eq!(s(text), expected, "{text}");
        }
    }

    #[test]
    fn moments_with_and_without_an_offset() {
        let s = |text| moment(text)?.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs());
        assert_eq!(s("1970-01-02T00:00:00Z"), Some(86_400));
        assert_eq!(s("1970-01-02T02:00:00.5+02:00"), Some(86_400));
        assert_eq!(s("1970-01-02T00:00:00.047553"), Some(86_400));
        assert_eq!(s("yesterday"), None);
    }
}
