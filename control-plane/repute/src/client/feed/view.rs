//! Feeds and their entries for people. Writing to a `String` cannot fail.

use std::fmt::Write;

use repute_proto::v1;

use crate::client::table::Table;
use crate::client::units::{brief, ms_ago, ms_until, span};

/// What a feed of names says.
const HONEYPOT: &str = "honeypot";

/// One line a feed, and what is wrong with some of them.
pub fn feeds(list: &[v1::Feed]) -> String {
    if list.is_empty() {
        return "no feeds; add [[feeds]] to the policy\n".to_owned();
    }
    let mut table =
        Table::new(["<FEED", "<SAYS", ">ENTRIES", ">SKIPPED", ">CUT", ">CAME", ">NEXT", "<ORIGIN"]);
    for feed in list {
        table.row([
            (&feed.name).into(),
            if feed.honeypot { HONEYPOT.to_owned() } else { says(feed.allow, feed.confidence) }.into(),
            feed.entries.into(),
            feed.skipped.into(),
            (feed.cut_whole + feed.cut_partly).into(),
            feed.good_unix_ms.map_or("never".to_owned(), |at| brief(ms_ago(at)) + " ago").into(),
            feed.next_unix_ms.map_or("-".to_owned(), |at| "in ".to_owned() + &brief(ms_until(at))).into(),
            (&feed.origin).into(),
        ]);
    }
    let mut out = table.render();
    for feed in list.iter().filter(|feed| feed.kept) {
        let of = feed.good_unix_ms.map_or(String::new(), |at| format!(", of {} ago", span(ms_ago(at))));
        let _ = writeln!(out, "{}: from the store{of}; nothing has come since the start", feed.name);
    }
    for feed in list.iter().filter(|feed| !feed.error.is_empty()) {
        let _ = writeln!(out, "{}: {}", feed.name, feed.error);
    }
    out
}

/// Everything about a feed but its entries.
pub fn one(feed: &v1::Feed) -> String {
    let mut out = feeds(std::slice::from_ref(feed));
    let v1::Feed { refreshed, unchanged, failed, .. } = feed;
    let _ = writeln!(
        out,
        "\nformat {}; {} records; refreshes: {refreshed} new, {unchanged} unchanged, {failed} failed",
        feed.format, feed.records
    );
    for skip in &feed.skips {
        let at = if skip.first.is_empty() { String::new() } else { format!(", the first at {}", skip.first) };
        let _ = writeln!(out, "skipped: {} {}{at}", skip.count, skip.reason);
    }
    if !feed.cut_first.is_empty() {
        let _ = writeln!(out, "{}", cuts(feed.cut_whole, feed.cut_partly, &feed.cut_first));
    } else if feed.cut_whole > 0 {
        let _ = writeln!(out, "left out: {} names, for which there is no room", feed.cut_whole);
    }
    out.push('\n');
    out
}

/// What was cut out, in words.
pub fn cuts(whole: u64, partly: u64, first: &str) -> String {
    format!("cut out: {whole} entries wholly and {partly} in part, the first {first}")
}

/// One entry a line.
pub fn entries(rows: &[v1::Listed]) -> String {
    let mut out = String::new();
    for row in rows {
        let about = if row.name.is_empty() { &row.prefix } else { &row.name };
        let _ = writeln!(out, "{about:<20} {}", terms(row));
    }
    out
}

/// What an entry says, what it is called, and until when it says so.
pub fn terms(row: &v1::Listed) -> String {
    let note = if row.note.is_empty() { String::new() } else { format!(", {}", row.note) };
    let until = row.until_unix_ms.map(|at| format!(", for another {}", span(ms_until(at))));
    let cut = if row.cut { ", but this space must not be denied" } else { "" };
    let says = if row.name.is_empty() { says(row.allow, row.confidence) } else { HONEYPOT.to_owned() };
    format!("{says}{note}{}{cut}", until.unwrap_or_default())
}

fn says(allow: bool, confidence: u32) -> String {
    if allow { "allow".to_owned() } else { format!("deny {confidence} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_shows_what_it_lacks() {
        let skip = v1::FeedSkip { reason: "expired".into(), count: 3, first: "line 7".into() };
        let feed = v1::Feed {
            name: "drop".into(),
            origin: "/a".into(),
            confidence: 90,
            entries: 12,
            skips: vec![skip],
            cut_whole: 1,
            cut_first: "10.0.0.0/8".into(),
            error: "feed `drop`: gone".into(),
            kept: true,
            ..v1::Feed::default()
        };
        let text = one(&feed);
        for part in [
            "deny 90 %",
            "never",
            "skipped: 3 expired, the first at line 7",
            "10.0.0.0/8",
            "drop`: gone",
            "drop: from the store; nothing has come",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(feeds(&[]).contains("[[feeds]]"));
        let row = v1::Listed { prefix: "192.0.2.0/24".into(), allow: true, ..v1::Listed::default() };
        assert_eq!(entries(&[row]), "192.0.2.0/24         allow\n");
        let row = v1::Listed { name: "*.dga.example".into(), note: "one".into(), ..v1::Listed::default() };
        assert_eq!(entries(&[row]), "*.dga.example        honeypot, one\n");
        let names = v1::Feed { honeypot: true, cut_whole: 7, cut_first: String::new(), ..feed };
        let text = one(&names);
        assert!(text.contains("honeypot") && text.contains("left out: 7 names"), "{text}");
    }
}
