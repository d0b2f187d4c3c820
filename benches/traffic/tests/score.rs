//! Score arithmetic on hand-made cases.

use std::net::IpAddr;

use repute_traffic::{
    event::Label,
    labels::Labelled,
    score::{Count, Forwarded, Thresholds, score},
};

const DEMAND: Thresholds = Thresholds { min_packets: 2, min_stopped: 0.75, max_harmed: 0.25 };

fn packet(source: u8, label: Label, attack: &str, digest: u64) -> Labelled {
    Labelled { src: IpAddr::from([5, 0, 0, source]), label, attack: attack.into(), digest }
}

/// Four benign packets, a scanner of four, a flooder of one, an answer.
fn table() -> Vec<Labelled> {
    let mut table: Vec<Labelled> = (1..=4).map(|digest| packet(1, Label::Benign, "-", digest)).collect();
    table.extend((11..=14).map(|digest| packet(2, Label::Attack, "scan", digest)));
    table.push(packet(3, Label::Attack, "flood", 21));
    table.push(packet(4, Label::Response, "scan", 31));
    table
}

fn through(digests: &[u64]) -> Forwarded {
    let mut forwarded = Forwarded::new();
    for &digest in digests {
        *forwarded.entry(digest).or_insert(0) += 1;
    }
    forwarded
}

#[test]
fn counts_by_label_attack_and_source() {
    let score = score(&table(), through(&[1, 2, 3, 11, 21, 31]));
    assert_eq!(score.labels[&Label::Benign], Count { packets: 4, forwarded: 3 });
    assert_eq!(score.labels[&Label::Attack], Count { packets: 5, forwarded: 2 });
    assert_eq!(score.labels[&Label::Response], Count { packets: 1, forwarded: 1 });
    assert_eq!(score.attacks["scan"].stopped(), 0.75);
    assert_eq!(score.attacks["flood"].stopped(), 0.0);
    assert_eq!(score.unknown, 0);
    let judgement = score.judge(&DEMAND);
    // The flooder sent too little to be judged, so its packet does not count against the share.
    assert_eq!((judgement.judged_sources, judgement.judged.packets), (1, 4));
    assert_eq!((judgement.stopped, judgement.harmed), (0.75, 0.25));
    assert_eq!((judgement.sources_below, judgement.clients_harmed), (0, 1));
    assert!(judgement.pass);
}

#[test]
fn either_threshold_alone_fails() {
    let leaky = score(&table(), through(&[1, 2, 3, 4, 11, 12])).judge(&DEMAND);
    assert_eq!((leaky.stopped, leaky.harmed, leaky.pass), (0.5, 0.0, false));
    assert_eq!(leaky.sources_below, 1);
    let harsh = score(&table(), through(&[1, 2])).judge(&DEMAND);
    assert_eq!((harsh.stopped, harsh.harmed, harsh.pass), (1.0, 0.5, false));
}

#[test]
fn equal_frames_match_as_often_as_they_were_sent() {
    let twice = [packet(1, Label::Benign, "-", 7), packet(1, Label::Benign, "-", 7)];
    let one = score(&twice, through(&[7]));
    assert_eq!(one.labels[&Label::Benign], Count { packets: 2, forwarded: 1 });
    let three = score(&twice, through(&[7, 7, 7]));
    assert_eq!(three.labels[&Label::Benign], Count { packets: 2, forwarded: 2 });
    assert_eq!(three.unknown, 1, "the third copy was made on the way");
}

#[test]
fn frames_without_a_label_are_unknown() {
    let score = score(&table(), through(&[1, 99, 99]));
    assert_eq!(score.unknown, 2);
}

#[test]
fn without_attacks_only_harm_counts() {
    let benign: Vec<Labelled> = (1..=4).map(|digest| packet(1, Label::Benign, "-", digest)).collect();
    let judgement = score(&benign, through(&[1, 2, 3, 4])).judge(&DEMAND);
    assert_eq!((judgement.stopped, judgement.pass), (1.0, true));
}
