//! Judges a defence: which labelled packets came through, what share of each attack was stopped, what it harmed.
//!
//! Frames are matched to labels by digest, as a multiset: a frame that stands twice in the labels may come through
//! twice. A frame in the output that no label explains (altered, invented or repeated) is counted as unknown.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::BufReader,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use pcap_file::pcap::PcapReader;
use serde::Serialize;

use crate::{digest::digest, event::Label, labels::Labelled};

/// A capture that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read capture {} after {packets} packets: {reason}; expected a classic pcap file", path.display())]
pub struct ScoreError {
    path: PathBuf,
    packets: u64,
    reason: String,
}

/// What a defence has to reach.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Thresholds {
    /// Attack sources with more packets than this are judged by `min_stopped`.
    pub min_packets: u64,
    /// Least share of the judged attack packets that must be stopped.
    pub min_stopped: f64,
    /// Largest share of the benign packets that may be missing.
    pub max_harmed: f64,
}

/// Packets sent and come through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// In the labels.
    pub packets: u64,
    /// In the output captures.
    pub forwarded: u64,
}

impl Count {
    /// Share that did not come through; 0 when there was nothing.
    pub fn stopped(&self) -> f64 {
        if self.packets == 0 { 0.0 } else { 1.0 - self.forwarded as f64 / self.packets as f64 }
    }

    fn add(&mut self, forwarded: bool) {
        self.packets += 1;
        self.forwarded += u64::from(forwarded);
    }
}

/// Everything that was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// By label.
    pub labels: BTreeMap<Label, Count>,
    /// Attack packets by attack name.
    pub attacks: BTreeMap<Arc<str>, Count>,
    /// Attack packets by source.
    pub attackers: BTreeMap<IpAddr, Count>,
    /// Benign packets by source.
    pub clients: BTreeMap<IpAddr, Count>,
    /// Output frames that no label explains.
    pub unknown: u64,
}

/// Digests of the frames that came through, with how often.
pub type Forwarded = HashMap<u64, u64>;

/// Adds the frames of a capture.
///
/// # Errors
/// When the file cannot be read as pcap; a file cut off inside a packet counts as such.
pub fn read_forwarded(path: &Path, into: &mut Forwarded) -> Result<u64, ScoreError> {
    let mut packets = 0;
    let failed = |packets, reason: String| ScoreError { path: path.into(), packets, reason };
    let file = File::open(path).map_err(|error| failed(0, error.to_string()))?;
    let mut reader = PcapReader::new(BufReader::new(file)).map_err(|error| failed(0, error.to_string()))?;
    while let Some(packet) = reader.next_packet() {
        let packet = packet.map_err(|error| failed(packets, error.to_string()))?;
        *into.entry(digest(&packet.data)).or_insert(0) += 1;
        packets += 1;
    }
    Ok(packets)
}

/// Matches labels against what came through.
pub fn score(labels: &[Labelled], mut forwarded: Forwarded) -> Score {
    let mut score = Score::default();
    for packet in labels {
        let through = forwarded.get_mut(&packet.digest).filter(|left| **left > 0);
        let passed = through.map(|left| *left -= 1).is_some();
        score.labels.entry(packet.label).or_default().add(passed);
        match packet.label {
            Label::Attack => {
                score.attacks.entry(packet.attack.clone()).or_default().add(passed);
                score.attackers.entry(packet.src).or_default().add(passed);
            }
            Label::Benign => score.clients.entry(packet.src).or_default().add(passed),
            Label::Response => {}
        }
    }
    score.unknown = forwarded.values().sum();
    score
}

/// The judgement of a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Attack sources with more than the threshold's packets.
    pub judged_sources: u64,
    /// Their packets.
    pub judged: Count,
    /// Share of those packets that was stopped; 1 when no source is judged.
    pub stopped: f64,
    /// How many of the judged sources alone stay below the threshold.
    pub sources_below: u64,
    /// Share of the benign packets that is missing.
    pub harmed: f64,
    /// Benign sources that lost at least one packet.
    pub clients_harmed: u64,
    /// Whether both thresholds hold.
    pub pass: bool,
}

impl Score {
    /// Compares with what is demanded.
    pub fn judge(&self, thresholds: &Thresholds) -> Judgement {
        let judged_sources: Vec<&Count> =
            self.attackers.values().filter(|count| count.packets > thresholds.min_packets).collect();
        let judged = judged_sources.iter().fold(Count::default(), |sum, count| Count {
            packets: sum.packets + count.packets,
            forwarded: sum.forwarded + count.forwarded,
        });
        let stopped = if judged.packets == 0 { 1.0 } else { judged.stopped() };
        let harmed = self.labels.get(&Label::Benign).map_or(0.0, Count::stopped);
        let below = judged_sources.iter().filter(|count| count.stopped() < thresholds.min_stopped).count();
        let hurt = self.clients.values().filter(|count| count.forwarded < count.packets).count();
        Judgement {
            judged_sources: judged_sources.len() as u64,
            judged,
            stopped,
            sources_below: below as u64,
            harmed,
            clients_harmed: hurt as u64,
            pass: stopped >= thresholds.min_stopped && harmed <= thresholds.max_harmed,
        }
    }
}
