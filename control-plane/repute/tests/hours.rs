//! The hour of the week, end to end: four virtual weeks of a service through the live engine, on capture time.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use clap::Parser;
use repute::replay::{self, Replay};
use serde_json::Value;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    replay: Replay,
}

const CONFIG: &str = "
[services.shop]
prefixes = [\"10.0.1.0/24\"]
[profiles.egress.baseline]
floor = \"2pps\"
floor_bytes = \"8kbps\"
";

const HOUR: u64 = 3600;
const WEEK: u64 = 7 * 24 * HOUR;
/// Seconds since 1970 of a Monday, 00:00 UTC.
const MONDAY: u64 = 1_699_833_600;
/// The nightly backup, and an hour in which nothing much goes on.
const NIGHT: u64 = 3 * HOUR;
const NOON: u64 = 14 * HOUR;
/// For so long an hour is looked at: enough to learn from.
const SESSION: u64 = 16 * 60;
/// For so long a backup goes on, from its hour's second minute on.
const BACKUP: u64 = 6 * 60;

/// The host that makes the backup, and another one of its service that does not.
const HOST: u8 = 7;
const OTHER: u8 = 8;

/// The headers of a datagram of 1028 bytes to 192.0.2.1, as raw IPv4.
fn headers(host: u8) -> [u8; 28] {
    let mut packet = [0; 28];
    packet[..4].copy_from_slice(&[0x45, 0, 4, 4]);
    packet[8..20].copy_from_slice(&[64, 17, 0, 0, 10, 0, 1, host, 192, 0, 2, 1]);
    packet[20..].copy_from_slice(&[0x0f, 0xa0, 0x13, 0x88, 3, 0xf0, 0, 0]);
    packet
}

/// One session from a second on: both hosts send one datagram a second, and in a backup one of them a hundred.
fn session(out: &mut impl Write, from: u64, backup: bool) {
    for second in from..from + SESSION {
        let since = second - from;
        let rate = if backup && (60..60 + BACKUP).contains(&since) { 100 } else { 1 };
        for n in 0..rate {
            packet(out, second, 1_000_000 / rate * n, HOST);
        }
        packet(out, second, 999_999, OTHER);
    }
}

fn packet(out: &mut impl Write, second: u64, us: u64, host: u8) {
    for word in [second as u32, us as u32, 28, 1028] {
        out.write_all(&word.to_le_bytes()).unwrap();
    }
    out.write_all(&headers(host)).unwrap();
}

/// A capture of raw IP packets.
fn write(path: &Path, sessions: impl FnOnce(&mut BufWriter<std::fs::File>)) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    out.write_all(&0xa1b2_c3d4u32.to_le_bytes()).unwrap();
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0]).unwrap();
    sessions(&mut out);
    out.flush().unwrap();
}

/// Three weeks with a backup in the night from Monday to Tuesday, then a fourth with one more, and the same at noon.
fn four_weeks(path: &Path) {
    write(path, |out| {
        for week in 0..4 {
            let tuesday = MONDAY + week * WEEK + 24 * HOUR;
            session(out, tuesday + NIGHT, true);
            session(out, tuesday + NOON, week == 3);
        }
    });
}

/// What a replay under this config says, with these options besides: its files of packets and of sources.
fn run(folder: &Path, config: &str, more: &[&str]) -> anyhow::Result<(String, Vec<Value>)> {
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("policy.toml"), config).unwrap();
    let (packets, sources) = (path("packets.tsv"), path("sources.json"));
    let (policy, capture) = (path("policy.toml"), path("weeks.pcap"));
    let mut line = vec!["replay", "--inside", "10.0.0.0/8", "--config", &policy, "--packets", &packets];
    line.extend(["--sources", &sources]);
    line.extend(more);
    line.push(&capture);
    let cli = Cli::parse_from(line);
    replay::run(&cli.replay)?;
    let rows = serde_json::from_slice(&std::fs::read(sources).unwrap()).unwrap();
    Ok((std::fs::read_to_string(packets).unwrap(), rows))
}

/// Packets of the host in a session without and with a backup.
const QUIET: usize = SESSION as usize;
const BUSY: usize = (SESSION + 99 * BACKUP) as usize;

/// The lowest score of the host in each session, by the packets that it sent in each.
fn lowest(packets: &str, sessions: &[usize]) -> Vec<u16> {
    let mut lines = packets.lines();
    let columns: HashMap<_, _> = lines.next().unwrap().split('\t').zip(0..).collect();
    let (src, score): (usize, usize) = (columns["src"], columns["score"]);
    let host = format!("10.0.1.{HOST}");
    let rows = lines.map(|line| line.split('\t').collect::<Vec<_>>()).filter(|fields| fields[src] == host);
    let mut scores = rows.map(|fields| fields[score].parse().unwrap_or(u16::MAX));
    let lowest = sessions.iter().map(|&many| scores.by_ref().take(many).min().unwrap()).collect();
    assert_eq!(scores.next(), None);
    lowest
}

fn evidence(rows: &[Value], host: u8, factor: &str) -> f64 {
    let row = rows.iter().find(|row| row["source"] == format!("10.0.1.{host}")).unwrap();
    let found = row["factors"].as_array().unwrap().iter().find(|one| one["name"] == factor).unwrap();
    found["evidence"].as_f64().unwrap()
}

#[test]
fn a_nightly_backup_is_no_suspicion_in_its_hour_and_is_one_in_another() {
    let folder = tempfile::tempdir().unwrap();
    four_weeks(&folder.path().join("weeks.pcap"));
    let (packets, rows) = run(folder.path(), CONFIG, &[]).unwrap();
    let sessions = [BUSY, QUIET, BUSY, QUIET, BUSY, QUIET, BUSY, BUSY];
    let lows = lowest(&packets, &sessions);
    let (nights, noons): (Vec<_>, Vec<_>) =
        (lows.iter().step_by(2).collect(), lows.iter().skip(1).step_by(2).collect());
    assert!(nights[..3].iter().all(|&&low| low < 5500), "a hundred times as much as before: {nights:?}");
    assert!(*nights[3] >= 7300, "it is what is usual at this hour: {nights:?}");
    assert!(*noons[2] >= 7300, "nothing happened: {noons:?}");
    assert!(*noons[3] < 5500, "the same is not usual at noon: {noons:?}");

    // The same again, to the byte.
    assert!(run(folder.path(), CONFIG, &[]).unwrap().0 == packets);

    // Without the hours the fourth night is as odd as the first.
    let off = format!("{CONFIG}[profiles.egress.hours]\nmode = \"off\"\n");
    let (packets, _) = run(folder.path(), &off, &[]).unwrap();
    assert!(lowest(&packets, &sessions)[6] < 5500);
    assert_eq!(evidence(&rows, OTHER, "volume"), 0.0, "the other host did nothing");
}

/// What `repute service show shop --json` prints on a box that has seen the backup for some weeks.
fn shown(hours: usize) -> String {
    let hour = |hour: usize| {
        let known = hour == 24 + 3;
        let (packets, bytes) = if known { (100.0, 102_800.0) } else { (2.0, 1000.0) };
        serde_json::json!({
            "hour": format!("hour {hour}"), "weeks": 5, "known": true, "packets_per_s": packets, "bytes_per_s": bytes,
        })
    };
    let week: Vec<_> = (0..hours).map(hour).collect();
    serde_json::to_string_pretty(&serde_json::json!({ "service": "shop", "criticality": 0.5, "week": week }))
        .unwrap()
}

#[test]
fn a_replay_begins_with_what_a_box_has_learnt() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("weeks.pcap"), |out| session(out, MONDAY + 24 * HOUR + NIGHT, true));
    let weeks = folder.path().join("shop.json").display().to_string();
    let low = |more: &[&str]| lowest(&run(folder.path(), CONFIG, more).unwrap().0, &[BUSY])[0];
    std::fs::write(&weeks, shown(168)).unwrap();
    let (with, without) = (low(&["--weeks", &weeks]), low(&[]));
    assert!(with >= 7300 && without < 5500, "{with} {without}");

    for (text, says) in [
        (shown(167), "the week of `shop` has 167 hours; it takes 168"),
        ("{\"service\": 7}".to_owned(), "not what `repute service show NAME --json` prints"),
    ] {
        std::fs::write(&weeks, text).unwrap();
        let error = run(folder.path(), CONFIG, &["--weeks", &weeks]).unwrap_err();
        assert!(error.to_string().contains(says), "{error:#}");
    }
}
