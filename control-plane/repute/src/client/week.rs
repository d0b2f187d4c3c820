//! A service's week for people: a row of bars for each day, one for each hour.

use std::fmt::Write;

use repute_proto::v1;

use super::units::short;

/// From hardly anything to the most.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// An hour of which too little was seen to say anything.
const UNKNOWN: char = '·';
/// Hours of a day.
const HOURS: usize = 24;

/// A heading, seven days, and what the bars mean. Nothing where nothing was learnt. Writing to a `String` cannot fail.
pub fn week(week: &[v1::HourOfWeek]) -> String {
    if week.is_empty() {
        return String::new();
    }
    let known = || week.iter().filter(|hour| hour.known).map(|hour| f64::from(hour.bytes_per_s));
    let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    let bar = |hour: &v1::HourOfWeek| {
        if hour.known { BARS[height(f64::from(hour.bytes_per_s), least, most)] } else { UNKNOWN }
    };
    let mut out = String::from("week (UTC) 00    03    06    09    12    15    18    21\n");
    for day in week.chunks(HOURS) {
        let name = day[0].hour.split(' ').next().unwrap_or_default();
        let bars: String = day.iter().flat_map(|hour| [bar(hour), bar(hour)]).collect();
        let _ = writeln!(out, "{name:<10} {bars}");
    }
    let _ = match known().next() {
        Some(_) => {
            writeln!(
                out,
                "           {} {} to {} {} bytes/s of one source",
                BARS[0],
                short(least),
                BARS[7],
                short(most)
            )
        }
        None => writeln!(out, "           {UNKNOWN} seen in too few weeks to say anything"),
    };
    out
}

/// Which bar, on a scale of logarithms.
fn height(value: f64, least: f64, most: f64) -> usize {
    let (value, least, most) = (value.max(1.0).ln(), least.max(1.0).ln(), most.max(1.0).ln());
    if most <= least {
        return 0;
    }
    ((value - least) / (most - least) * 7.0).round().clamp(0.0, 7.0) as usize
}

#[cfg(test)]
mod tests {
    use repute_model::Hour;

    use super::*;

    #[test]
    fn the_nightly_backup_stands_out() {
        let hour = |hour: Hour| v1::HourOfWeek {
            hour: hour.to_string(),
            weeks: 4,
            known: hour.index() < 6 * 24,
            packets_per_s: 0.0,
            bytes_per_s: if hour.index() % 24 == 3 { 8e6 } else { 1e5 },
        };
        let text = week(&Hour::all().map(hour).collect::<Vec<_>>());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[2], format!("Tue        {}██{}", "▁".repeat(6), "▁".repeat(40)));
        assert_eq!(lines[7], format!("Sun        {}", "·".repeat(48)));
        assert!(lines[8].contains("▁ 100k to █ 8M bytes/s"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(week(&[]), "");
    }

    #[test]
    fn a_young_week_says_so() {
        let hour = |hour: Hour| v1::HourOfWeek { hour: hour.to_string(), weeks: 1, ..Default::default() };
        assert!(week(&Hour::all().map(hour).collect::<Vec<_>>()).contains("too few weeks"));
    }
}
