//! What a worker makes of what it is told of the hour of the week (E2): who sends what is usual then is not odd.

use repute_model::{Command, Explanation, Factor, Hour, Lesson, Rates, Report, Usuals};

use crate::common::frame::{ACK, Ip, PSH, SYN, Talk};
use crate::common::rig::Rig;
use crate::common::{INSIDE, OUTSIDE, SMALL, policy, version};

const HOST: Ip = [10, 0, 1, 5];
const SERVICES: &str = "[services.archive]\nprefixes = [\"10.0.1.0/24\"]\n\
                [services.web]\nprefixes = [\"10.0.2.0/24\"]\n\
                [profiles.egress]\nwindow = \"1s\"\n\
                [profiles.egress.baseline]\nfloor = \"10pps\"\nfloor_bytes = \"8kbps\"\n";
/// Services have numbers in the order of their names.
const ARCHIVE: Option<u8> = Some(0);
const WEB: Option<u8> = Some(1);

fn evidence(explained: &Explanation, factor: Factor) -> f64 {
    explained.terms[factor.index()].evidence
}

/// Begins an hour at which these rates are usual for the archive, and nothing is known of the web; what comes back.
fn begin(rig: &mut Rig, hour: u64, usual: Option<Rates>) -> Option<Usuals> {
    let usuals = Usuals::at(Hour::since_1970(hour), [usual]);
    let reports = rig.tell(Command::BeginHour(Box::new(usuals)));
    reports.into_iter().find_map(|report| match report {
        Report::HourEnded(usuals) => Some(*usuals),
        _ => None,
    })
}

/// A host in a conversation, which has sent a little for long.
fn settled() -> (Rig, Talk) {
    let mut rig = Rig::sized(policy(SERVICES), SMALL);
    let talk = Talk::new(HOST, 30_000, [198, 51, 100, 22], 443);
    for part in
        [(INSIDE, talk.asks(SYN, 0)), (OUTSIDE, talk.answers(SYN | ACK, 0)), (INSIDE, talk.asks(ACK, 0))]
    {
        rig.breathe(1, [part]);
    }
    send(&mut rig, &talk, 80, 2);
    (rig, talk)
}

/// So many quarters of a second, with so many segments of a kilobyte each.
fn send(rig: &mut Rig, talk: &Talk, quarters: u32, segments: u32) {
    for _ in 0..quarters {
        for _ in 0..segments {
            rig.breathe(0, [(INSIDE, talk.asks(ACK | PSH, 946)), (OUTSIDE, talk.answers(ACK, 0))]);
        }
        rig.idle(250);
    }
}

const BACKUP: Rates = Rates { packets_per_s: 400.0, bytes_per_s: 400_000.0 };

#[test]
fn what_is_usual_at_the_hour_is_no_deviation() {
    let (mut rig, talk) = settled();
    assert_eq!(rig.explain(HOST).at_this_hour, None);
    let before = begin(&mut rig, 0, Some(BACKUP)).unwrap();
    assert_eq!(before, Usuals::UNKNOWN, "it is handed back to be freed");
    let score = rig.explain(HOST).score;
    // A hundred segments in each quarter: fifty times as much as ever.
    send(&mut rig, &talk, 3, 100);
    let explained = rig.explain(HOST);
    let here = explained.at_this_hour.unwrap();
    assert_eq!((here.hour.to_string(), here.usual), ("Thu 00:00".to_owned(), BACKUP));
    assert!(here.present.bytes_per_s >= 100_000.0, "{here:?}");
    assert_eq!([Factor::Volume, Factor::Rate].map(|factor| evidence(&explained, factor)), [0.0; 2]);
    assert_eq!(explained.score, score);

    // The hour is over.
    let before = begin(&mut rig, 1, None).unwrap();
    assert_eq!((before.of(ARCHIVE), before.of(WEB)), (Some(BACKUP), None));
    send(&mut rig, &talk, 2, 100);
    let explained = rig.explain(HOST);
    assert_eq!(explained.at_this_hour, None);
    assert!(explained.score < score, "{} {score}", explained.score);
}

#[test]
fn who_keeps_on_with_the_unusual_does_not_make_it_his_normal() {
    let deviation = |usual: Option<Rates>| {
        let (mut rig, talk) = settled();
        begin(&mut rig, 0, usual);
        send(&mut rig, &talk, 240, 100);
        let explained = rig.explain(HOST);
        [Factor::Volume, Factor::Rate].map(|factor| evidence(&explained, factor))
    };
    let [alone, hour] = [None, Some(Rates { packets_per_s: 8.0, bytes_per_s: 8_000.0 })].map(deviation);
    assert!(alone[0] < 1.0 && alone[1] < 3.0, "a minute of it is his own past: {alone:?}");
    assert!(hour[0] > 3.0 && hour[1] > 4.0, "and is still far above what is usual: {hour:?}");
}

#[test]
fn windows_teach_and_other_services_begin_with_nothing() {
    let (mut rig, talk) = settled();
    rig.idle(1_500);
    let board = rig.published.read_services();
    let Lesson { windows, bad, .. } = board.lesson(ARCHIVE);
    assert!((15..=22).contains(&windows) && bad == 0, "{windows} windows of twenty seconds");
    let Rates { packets_per_s, bytes_per_s } = board.lesson(ARCHIVE).rates();
    assert!(
        (7.0..9.0).contains(&packets_per_s) && (7_000.0..9_000.0).contains(&bytes_per_s),
        "{bytes_per_s}"
    );
    assert_eq!([WEB, None].map(|service| board.lesson(service)), [Lesson::default(); 2]);

    begin(&mut rig, 0, Some(BACKUP));
    let other = format!("[services.aaa]\nprefixes = [\"10.9.0.0/16\"]\n{SERVICES}");
    rig.tell(Command::Install(Box::new(version(&other, 2))));
    rig.idle(u64::from(SMALL.sweep_ms) + 300);
    let board = rig.published.read_services();
    assert!(board.since > 0 && board.lessons(3).all(|lesson| lesson == Lesson::default()));
    send(&mut rig, &talk, 2, 2);
    assert_eq!(rig.explain(HOST).at_this_hour, None, "the numbers mean others now");
}
