//! A process that writes rounds is killed fifty times: what it said was stored is there.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use common::{Random, at, explained, record, source, sources};
use repute_model::Source;
use repute_store::{Limits, SourceRecord, Store};

/// Tells a process of this test program that it is the one to be killed, and where to write.
const FOLDER: &str = "REPUTE_STORE_CRASH_FOLDER";
const KILLS: u64 = 50;
const SOURCES: u32 = 6000;
const BATCH: usize = 1500;

/// Which sources a round has: some come and go.
fn members(round: u32) -> impl Iterator<Item = u32> {
    (0..SOURCES).filter(move |number| number % 7 != round % 7)
}

/// The round that a record is from.
fn round_of(record: &SourceRecord) -> u32 {
    record.packets_mean as u32
}

#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let opened = Store::open(Path::new(&folder), Limits::default(), at(0)).unwrap();
    assert_eq!(opened.set_aside, None);
    let store = opened.store;
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{line}").and_then(|()| out.flush()).unwrap();
    };
    let last = sources(&store).values().map(round_of).max().unwrap_or(0);
    for round in last + 1.. {
        let records: Vec<_> = members(round).map(|number| record(number, round)).collect();
        let mut under_way = store.begin_round(at(u64::from(round))).unwrap();
        for (batch, number) in records.chunks(BATCH).zip(0..) {
            under_way.add(batch, at(0)).unwrap();
            say(format!("batch {round} {number}"));
        }
        store.add_explanations(&[explained(1, u64::from(round))]).unwrap();
        say(format!("explained {round} 0"));
        under_way.finish().unwrap();
        say(format!("finished {round} 0"));
    }
}

/// What the killed ones have said.
#[derive(Default)]
struct Said {
    finished: u32,
    explained: u32,
    /// The round that a source was last written in, as acknowledged.
    batches: BTreeMap<Source, u32>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(what), Some(Ok(round))) = (words.next(), words.next().map(str::parse)) else { return };
        let batch: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match what {
            "finished" => self.finished = round,
            "explained" => self.explained = round,
            "batch" => {
                let written = members(round).skip(batch * BATCH).take(BATCH);
                self.batches.extend(written.map(|number| (source(number), round)));
            }
            _ => {}
        }
    }

    fn check(&self, folder: &Path) {
        let opened = Store::open(folder, Limits::default(), at(0)).unwrap();
        assert_eq!(opened.set_aside, None);
        // It may have finished a round and had no time to say so.
        let last = opened.store.last_round().unwrap();
        let finished = last.map_or(0, |(begun, _)| millis(begun) as u32);
        assert!(finished >= self.finished, "the last finished round is the last finished round");
        let found = sources(&opened.store);
        for number in members(finished).filter(|_| finished > 0) {
            assert!(round_of(&found[&source(number)]) >= finished, "all of it is there");
        }
        assert!(found.values().all(|record| round_of(record) >= finished), "nothing older is");
        for (source, &round) in self.batches.iter().filter(|(_, round)| **round > finished) {
            assert!(round_of(&found[source]) >= round, "what was added since is there");
        }
        let latest = opened.store.explanation_at(source(1), at(1 << 30)).unwrap();
        assert!(latest.map_or(0, |latest| millis(latest.at)) >= u64::from(self.explained));
    }
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(at(0)).unwrap().as_millis() as u64
}

#[test]
fn fifty_kills_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut random, mut said) = (Random(0x5eed), Said::default());
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // After some lines, and then at any moment: while it opens, writes, or folds what others left.
        for line in lines.by_ref().take(random.below(40) as usize) {
            said.hear(&line);
        }
        std::thread::sleep(Duration::from_micros(random.below(4000)));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(|line| said.hear(&line));
        said.check(folder.path());
    }
    assert!(said.finished > 0);
    println!("{KILLS} kills, {} rounds finished", said.finished);
}
