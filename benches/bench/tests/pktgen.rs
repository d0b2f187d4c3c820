//! The command files for Pktgen-DPDK hold only commands that Pktgen has, with arguments that it takes.
//!
//! The grammar is that of Pktgen's command reference (releases 20 to 23).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// One command each. `P` port list, `N` number, `4` IPv4 address, `4/` the same with a prefix length, `M` MAC
/// address, `X` mask of at most 32 bits, `a|b` one of these words, anything else itself.
const COMMANDS: &[&str] = &[
    "start P",
    "stop P",
    "enable|disable P process|mpls|qinq|gre|gre_eth|vlan|garp|random|latency|pcap|icmp|range|capture|vxlan|rate",
    "set P count|size|rate|txburst|rxburst|sport|dport|ttl|seq_cnt|prime N",
    "set P type ipv4|ipv6|vlan|arp",
    "set P proto udp|tcp|icmp",
    "set P src|dst mac M",
    "set P src ip 4/",
    "set P dst ip 4",
    "set P rnd N N X",
    "range P proto udp|tcp",
    "range P size N N N N",
    "range P src|dst ip 4 4 4 4",
    "range P src|dst port N N N N",
    "sequence N P dst M src M dst 4 src 4/ sport N dport N ipv4|ipv6 udp|tcp|icmp vlan N size N",
];

/// Slots of a port's sequence, and of its random masks.
const SLOTS_MAX: u32 = 16;

fn is_mac(word: &str) -> bool {
    let parts: Vec<_> = word.split(':').collect();
    parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok())
}

fn fits(word: &str, pattern: &str) -> bool {
    match pattern {
        "P" => word == "all" || word.parse::<u8>().is_ok(),
        "N" => word.parse::<u32>().is_ok(),
        "4" => word.parse::<Ipv4Addr>().is_ok(),
        "4/" => word.split_once('/').is_some_and(|(address, len)| {
            address.parse::<Ipv4Addr>().is_ok() && len.parse::<u8>().is_ok_and(|len| len <= 32)
        }),
        "M" => is_mac(word),
        "X" => word.len() <= 32 && word.chars().all(|bit| "01.X".contains(bit)),
        words => words.split('|').any(|one| one == word),
    }
}

fn is_command(line: &str) -> bool {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    COMMANDS.iter().any(|command| {
        let patterns: Vec<_> = command.split(' ').collect();
        patterns.len() == words.len() && words.iter().zip(patterns).all(|(word, pattern)| fits(word, pattern))
    })
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pktgen");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "pkt")).collect();
    files.sort();
    files
}

fn commands(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn every_line_is_a_command() {
    assert!(files().len() >= 6, "the streams of the table are there");
    for path in files() {
        let wrong: Vec<_> = commands(&path).into_iter().filter(|line| !is_command(line)).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
    }
}

#[test]
fn the_check_finds_mistakes() {
    for wrong in [
        "start",
        "range 0 src ip 16.0.0.0 16.0.0.0 16.0.3.256 0.0.0.1",
        "set 0 rnd 0 26 2XXX",
        "set 0 src ip 16.0.0.1",
        "set 0 proto sctp",
        "enable 0 everything",
    ] {
        assert!(!is_command(wrong), "{wrong}");
    }
}

#[test]
fn every_stream_stops_before_it_begins_and_starts_at_its_end() {
    for path in files() {
        let all = commands(&path);
        let (first, last) = (all.first().unwrap(), all.last().unwrap());
        assert_eq!((first.as_str(), last.as_str()), ("stop 0", "start 0"), "{}", path.display());
    }
}

#[test]
fn sequences_are_as_long_as_they_say() {
    for path in files() {
        let all = commands(&path);
        let slot = |line: &String| line.strip_prefix("sequence ")?.split(' ').next()?.parse::<u32>().ok();
        let slots: BTreeSet<_> = all.iter().filter_map(slot).collect();
        let said = all.iter().find_map(|line| line.strip_prefix("set 0 seq_cnt ")?.parse::<u32>().ok());
        let count = u32::try_from(slots.len()).unwrap();
        assert_eq!(said.unwrap_or(0), count, "{}", path.display());
        assert!(
            count <= SLOTS_MAX && slots.last().is_none_or(|&last| last + 1 == count),
            "{}",
            path.display()
        );
    }
}

/// What a file's name says is what its range spans.
#[test]
fn ranges_have_as_many_sources_as_they_promise() {
    for (name, sources) in
        [("udp64-1k.pkt", 1 << 10), ("udp64-100k.pkt", 100 << 10), ("udp64-1m.pkt", 1 << 20)]
    {
        let path = files().into_iter().find(|path| path.ends_with(name)).unwrap();
        let all = commands(&path);
        let range = all.iter().find_map(|line| line.strip_prefix("range 0 src ip ")).unwrap();
        let ends: Vec<u32> = range.split(' ').map(|ip| ip.parse::<Ipv4Addr>().unwrap().into()).collect();
        assert_eq!(ends[2] - ends[1] + 1, sources, "{name}");
        assert!(sources.is_multiple_of(64), "each source keeps its server");
    }
}
