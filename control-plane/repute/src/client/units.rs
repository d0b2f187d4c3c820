//! Numbers for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// A rate or amount with three digits and a decimal prefix: `0`, `7.5`, `999`, `1.2k`, `34M`.
pub fn short(value: f64) -> String {
    let mut value = value;
    for prefix in ["", "k", "M", "G", "T"] {
        if value.abs() < 999.5 {
            let digits = usize::from(value.abs() < 9.95 && value.fract() != 0.0);
            return format!("{value:.digits$}{prefix}");
        }
        value /= 1000.0;
    }
    format!("{value:.0}P")
}

/// Evidence and other measured values: whole numbers as they are, others with two digits.
pub fn measured(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// A span of time with its two leading units: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub fn span(ms: u64) -> String {
    let (s, min, h) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{s} s"),
        60_000..3_600_000 => format!("{min} min {} s", s % 60),
        3_600_000..86_400_000 => format!("{h} h {} min", min % 60),
        _ => format!("{} d {} h", h / 24, h % 24),
    }
}

/// A span of time with its leading unit alone, at most 7 characters for 99 days: `12 s`, `3 min`.
pub fn brief(ms: u64) -> String {
    let span = span(ms);
    let end = span.match_indices(' ').nth(1).map_or(span.len(), |(at, _)| at);
    span[..end].to_owned()
}

/// Text broken between words into lines of at most `width` characters, longer words apart.
pub fn wrapped(text: &str, width: usize) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let len = word.chars().count();
        let fits = used + 1 + len <= width;
        match (used, fits) {
            (0, _) => {}
            (_, true) => out.push(' '),
            (_, false) => out.push('\n'),
        }
        used = if used > 0 && fits { used + 1 + len } else { len };
        out.push_str(word);
    }
    out
}

/// How long ago a point in time was, in ms; 0 for the future.
pub fn ms_ago(unix_ms: u64) -> u64 {
    now_ms().saturating_sub(unix_ms)
}

/// How far ahead a point in time is, in ms; 0 for the past.
pub fn ms_until(unix_ms: u64) -> u64 {
    unix_ms.saturating_sub(now_ms())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_say_enough() {
        for (value, text) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (7.5, "7.5"),
            (7.0, "7"),
            (42.4, "42"),
            (999.4, "999"),
            (999.6, "1.0k"),
            (1234.0, "1.2k"),
            (34_000_000.0, "34M"),
            (5e15, "5P"),
        ] {
            assert_eq!(short(value), text);
        }
        assert_eq!((measured(24.0).as_str(), measured(0.333).as_str()), ("24", "0.33"));
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrapped("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrapped("aaaaaaa bb", 5), "aaaaaaa\nbb");
        assert_eq!(wrapped("", 5), "");
    }

    #[test]
    fn spans_keep_two_units() {
        for (ms, text) in [
            (999, "999 ms"),
            (12_400, "12 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (100 * 3_600_000, "4 d 4 h"),
        ] {
            assert_eq!(span(ms), text);
        }
        assert_eq!(ms_ago(u64::MAX), 0);
        assert_eq!([850, 12_400, 200_000].map(brief), ["850 ms", "12 s", "3 min"]);
        assert_eq!(ms_until(0), 0);
    }
}
