//! What each treatment lets through, and with which reason it stops the rest.

use std::array;

use repute_model::{Band, Command, Judgement, Limits, Reason, Report, Token, Treatment, Verdict};

use crate::common::frame::{ACK, Frame, Ip, PSH, RST, SYN, Talk, echo};
use crate::common::rig::{Rig, source};
use crate::common::{OUTSIDE, SMALL, drop_all, ingress, policy, unguarded, version};

const CLIENT: Ip = [192, 0, 2, 7];
const SERVER: Ip = [10, 0, 0, 80];
const TALK: Talk = Talk { client: (CLIENT, 40_000), server: (SERVER, 443) };

/// Sources begin poor and cannot fall deeper; poor ones get this treatment.
fn poor(treatment: &str) -> Rig {
    let text = format!(
        "[profiles.ingress]\nprior = 0.4\n[profiles.ingress.bands]\npoor = 0\n\
         [profiles.ingress.treatments]\npoor = {treatment}"
    );
    Rig::sized(policy(&text), SMALL)
}

fn nudged(rig: &mut Rig, delta: i16) {
    rig.tell(Command::Nudge { token: Token(0), source: source(CLIENT), delta, forgive: false });
}

/// How many of `per_ms` packets a millisecond pass in `ms`, and the reason of the rest.
fn offered(rig: &mut Rig, ms: u64, per_ms: usize, frame: &Frame) -> (u64, Option<Reason>) {
    let (mut passed, mut reason) = (0, None);
    for _ in 0..ms {
        for judgement in rig.breathe(1, (0..per_ms).map(|_| (OUTSIDE, frame.clone()))) {
            passed += u64::from(judgement.verdict == Verdict::Forward);
            reason = reason.or(judgement.reason);
        }
    }
    (passed, reason)
}

#[test]
fn a_packet_meter_passes_rate_and_burst() {
    let mut rig = poor("{ meter = { packets = \"100pps\", packet_burst = 20 } }");
    let (passed, reason) = offered(&mut rig, 5_000, 1, &TALK.asks(ACK, 10));
    assert!((518..=522).contains(&passed), "{passed}");
    assert_eq!(reason, Some(Reason::MeterPackets));
    assert_eq!(rig.dropped(Reason::MeterPackets), 5_000 - passed);
}

#[test]
fn a_fast_packet_meter_keeps_its_rate_on_the_grid_of_ticks() {
    // 10 000 a second are ten a tick: a burst of two must not make it two.
    let mut rig = poor("{ meter = { packets = \"10kpps\", packet_burst = 2 } }");
    let (passed, _) = offered(&mut rig, 1_000, 30, &TALK.asks(ACK, 10));
    assert!((9_990..=10_020).contains(&passed), "{passed}");
}

#[test]
fn a_byte_meter_passes_rate_and_burst() {
    let mut rig = poor("{ meter = { bytes = \"800kbps\", byte_burst = \"10KiB\" } }");
    let frame = TALK.asks(ACK | PSH, 946);
    assert_eq!(frame.wire_len, 1_000);
    let (passed, reason) = offered(&mut rig, 4_000, 1, &frame);
    assert!((409..=411).contains(&passed), "{passed} kB in 4 s at 100 kB/s and 10 KiB");
    assert_eq!(reason, Some(Reason::MeterBytes));
}

#[test]
fn a_meter_is_its_sources_own() {
    let mut rig = poor("{ meter = { packets = \"1pps\", packet_burst = 1 } }");
    for last in 1..=50 {
        let other = Talk { client: ([192, 0, 2, last], 1), ..TALK };
        assert_eq!(rig.outside(0, other.asks(ACK, 1)).reason, None);
        assert_eq!(rig.outside(0, other.asks(ACK, 1)).reason, Some(Reason::MeterPackets));
    }
}

/// Three seconds of a thousand packets each, of which a limit takes a hundred: how the score changes.
fn fallen(treatment: &str, answered: bool) -> i32 {
    let mut rig = poor(treatment);
    // As many as it takes for the box to know that it sees both directions.
    let talks: [Talk; 20] = array::from_fn(|i| Talk { client: (CLIENT, 40_000 + i as u16), ..TALK });
    for (asks, part) in talks.iter().flat_map(|talk| talk.whole(100, 100).into_iter().take(5)) {
        if asks {
            rig.outside(10, part)
        } else {
            rig.inside(10, part)
        };
    }
    rig.outside(1_000, talks[0].asks(ACK | PSH, 100));
    let score = |rig: &Rig| i32::from(rig.explain(CLIENT).score.get());
    let before = score(&rig);
    for i in 0..3_000 {
        let talk = &talks[i / 16 % 2];
        rig.outside(1, if answered { talk.asks(ACK | PSH, 100) } else { talk.datagram(100) });
    }
    assert!(rig.dropped(Reason::MeterPackets) + rig.dropped(Reason::QueueSource) > 1_500);
    before - score(&rig)
}

#[test]
fn what_a_queue_cuts_off_an_answered_conversation_is_held_against_nobody() {
    let (queue, meter) = ("{ queue = { packets = \"100pps\" } }", "{ meter = { packets = \"100pps\" } }");
    assert!(fallen(queue, true) <= 0);
    assert!(fallen(queue, false) > 1_000, "a flood that nobody answers");
    assert!(fallen(meter, true) > 1_000, "who goes on regardless of a meter");
}

#[test]
fn block_new_refuses_what_begins_and_lets_go_on_what_was_answered() {
    let blocks = "[profiles.ingress.treatments]\npoor = \"block-new\"";
    let mut rig = Rig::sized(policy(blocks), SMALL);
    let datagrams = Talk { server: (SERVER, 5_000), ..TALK };
    for part in TALK.whole(100, 100).into_iter().take(5) {
        rig.pass(1, part);
    }
    rig.outside(1, datagrams.datagram(10));
    rig.inside(1, datagrams.reply(10));
    rig.inside(1, Talk::new(SERVER, 53, CLIENT, 53).datagram(30));
    nudged(&mut rig, -3_500);
    assert_eq!(rig.explain(CLIENT).band, Band::Poor);

    for (name, frame) in [
        ("data of an open connection", TALK.asks(ACK | PSH, 500)),
        ("its end", TALK.asks(RST, 0)),
        ("an answered datagram conversation", datagrams.datagram(10)),
        ("an answer to a question from inside", Talk::new(SERVER, 53, CLIENT, 53).reply(100)),
    ] {
        assert_eq!(rig.outside(1, frame).reason, None, "{name}");
    }
    for (name, frame) in [
        ("a new connection", Talk { server: (SERVER, 80), ..TALK }.asks(SYN, 0)),
        ("a new datagram conversation", Talk { server: (SERVER, 5_001), ..TALK }.datagram(10)),
        ("a ping", echo(CLIENT, SERVER, false)),
    ] {
        assert_eq!(rig.outside(1, frame).reason, Some(Reason::BlockNew), "{name}");
    }
}

#[test]
fn drop_stops_everything_of_this_source_and_nothing_of_others() {
    let mut rig = Rig::sized(ingress(), SMALL);
    for part in TALK.whole(100, 100).into_iter().take(5) {
        rig.pass(1, part);
    }
    nudged(&mut rig, -7_000);
    for frame in [TALK.asks(ACK, 10), TALK.asks(SYN, 0), TALK.datagram(1), echo(CLIENT, SERVER, false)] {
        assert_eq!(rig.outside(1, frame).reason, Some(Reason::Standing));
    }
    let other = Talk { client: ([192, 0, 2, 8], 1), ..TALK };
    assert_eq!(rig.outside(1, other.asks(SYN, 0)).reason, None);
    assert_eq!(rig.inside(1, TALK.answers(ACK, 10)).reason, None, "the inside is not judged by ingress");
}

#[test]
fn log_lines_are_bounded_per_tick() {
    let mut rig = poor("\"log\"");
    for _ in 0..10 {
        rig.breathe(1, (0..20).map(|_| (OUTSIDE, TALK.asks(ACK, 10))));
    }
    let lines: Vec<_> = rig
        .reports
        .iter()
        .filter_map(|r| if let Report::Log(line) = r { Some(line) } else { None })
        .collect();
    assert_eq!((lines.len(), rig.account().log_lines_suppressed), (40, 160));
    assert_eq!((lines[0].protocol, lines[0].dport), (6, 443));
    assert_eq!(lines[3].judgement.to_string(), "forward\t\tpoor\t4000\tlog");
}

#[test]
fn an_allow_list_wins_from_its_tick_on() {
    let mut rig = Rig::sized(ingress(), SMALL);
    rig.outside(1, TALK.asks(SYN, 0));
    nudged(&mut rig, -7_500);
    assert_eq!(rig.outside(1, TALK.asks(ACK, 0)).reason, Some(Reason::Standing));
    let allows =
        version("[lists]\nallow = [\"192.0.2.0/24\"]\ndeny = [\"192.0.2.7\"]\n[profiles.ingress]", 2);
    rig.tell(Command::Install(Box::new(allows)));
    for i in 0..300 {
        let scan = Talk::new(CLIENT, 1_000, [10, 0, 1, i as u8], 22);
        assert_eq!(rig.outside(1, scan.asks(SYN, 0)).reason, None);
        rig.inside(0, scan.answers(RST | ACK, 0));
    }
    let lifted = rig.mitigations.last().unwrap();
    assert_eq!((lifted.source, lifted.treatment.limits()), (source(CLIENT), false), "the end is reported");
}

#[test]
fn allowed_sources_pass_where_every_band_drops() {
    let mut policy = drop_all();
    policy.lists = version("[lists]\nallow = [\"192.0.2.7\"]\n[profiles.ingress]", 1).lists;
    let mut rig = Rig::sized(policy, SMALL);
    assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).verdict, Verdict::Forward);
    assert_eq!(rig.explain(CLIENT).treatment, Treatment::PASS);
    assert_eq!(rig.explain([192, 0, 2, 8]).treatment, Treatment { drop: true, ..Treatment::PASS });
}

const DENY: &str = "[lists]\ndeny = [\"192.0.2.0/24\"]\n[profiles.ingress]";

#[test]
fn a_certain_deny_list_drops_the_first_packet() {
    let mut rig = Rig::sized(policy(DENY), SMALL);
    let judgement = rig.outside(1, TALK.asks(SYN, 0));
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Drop, Some(Reason::Listed)));
    assert_eq!(rig.dropped(Reason::Listed), 1);
}

#[test]
fn a_deny_list_counts_whatever_the_model() {
    for model in ["egress-interval", "suspicion"] {
        let mut rig = Rig::sized(policy(&format!("{DENY}\nmodel = \"{model}\"")), SMALL);
        assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).reason, Some(Reason::Listed), "{model}");
        // Intervals later the formula has not lifted it.
        assert_eq!(rig.outside(5_000, TALK.asks(SYN, 0)).reason, Some(Reason::Listed), "{model}");
    }
}

#[test]
fn a_deny_list_reaches_sources_that_are_known() {
    let mut rig = Rig::sized(ingress(), SMALL);
    assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).reason, None);
    rig.tell(Command::Install(Box::new(version(DENY, 2))));
    assert_eq!(rig.outside(0, TALK.asks(ACK, 0)).reason, Some(Reason::Listed));
}

#[test]
fn a_tick_looks_up_so_many_again_and_the_sweep_the_rest() {
    let limits = Limits { revisions: 4, ..SMALL };
    let mut rig = Rig::sized(ingress(), limits);
    let frames = |flags| {
        let client = move |n| Talk::new([192, 0, 2, n], 40_000, SERVER, 443).asks(flags, 0);
        (0..40).map(move |n| (OUTSIDE, client(n)))
    };
    let listed = |rig: &mut Rig| {
        let judgements = rig.breathe(0, frames(ACK));
        judgements.iter().filter(|judgement| judgement.reason == Some(Reason::Listed)).count()
    };
    rig.breathe(1, frames(SYN));
    rig.breathe(1, frames(ACK));
    rig.tell(Command::Install(Box::new(version(DENY, 2))));
    assert_eq!(listed(&mut rig), 4);
    assert_eq!(listed(&mut rig), 4, "the others wait for the next tick");
    rig.idle(1);
    assert!((8..=12).contains(&listed(&mut rig)));
    rig.idle(u64::from(limits.sweep_ms));
    assert_eq!(listed(&mut rig), 40);
}

#[test]
fn what_a_policy_does_to_a_band_it_does_to_all_at_once() {
    let mut rig = Rig::sized(ingress(), Limits { revisions: 0, ..SMALL });
    rig.outside(1, TALK.asks(SYN, 0));
    rig.outside(1, TALK.datagram(9));
    rig.outside(1, TALK.datagram(9));
    let drops = "[profiles.ingress.treatments]\nexcellent = \"drop\"\ngood = \"drop\"\nneutral = \"drop\"";
    rig.tell(Command::Install(Box::new(version(drops, 2))));
    assert_eq!(rig.outside(0, TALK.datagram(9)).verdict, Verdict::Drop);
}

#[test]
fn whom_a_deny_list_no_longer_names_begins_again() {
    let mut rig = Rig::sized(ingress(), SMALL);
    assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).reason, None);
    rig.tell(Command::Install(Box::new(version(DENY, 2))));
    assert_eq!(rig.outside(0, TALK.asks(SYN, 0)).reason, Some(Reason::Listed));
    rig.tell(Command::Install(Box::new(version("[profiles.ingress]", 3))));
    assert_eq!(rig.outside(0, TALK.asks(SYN, 0)).reason, None);
    assert_eq!(rig.explain(CLIENT).score.get(), 7_500);
    assert!(!rig.mitigations.last().unwrap().treatment.limits(), "the end is reported");
}

#[test]
fn whom_a_deny_list_names_needs_no_entry_to_be_dropped() {
    let mut rig = Rig::sized(policy(DENY), SMALL);
    assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).reason, Some(Reason::Listed));
    assert_eq!(rig.outside(1, TALK.asks(ACK, 0)).reason, Some(Reason::Listed));
    rig.worker.publish();
    assert_eq!((rig.account().tracked, rig.account().strangers), (0, 2));
}

#[test]
fn an_uncertain_deny_list_only_lowers_the_standing() {
    let mut rig = Rig::sized(
        policy("[lists]\ndeny = [{ prefix = \"192.0.2.0/24\", confidence = 30 }]\n[profiles.ingress]"),
        SMALL,
    );
    assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).reason, None);
    let explained = rig.explain(CLIENT);
    assert_eq!((explained.score.get(), explained.band), (5_250, Band::Neutral));
}

/// Three thousand sources ask once each, in a table with room for a thousand.
fn crowded(text: &str) -> (Rig, Vec<Judgement>) {
    let mut rig = Rig::sized(policy(text), SMALL);
    let client = |i: u32| ([198, 18, (i >> 8) as u8, i as u8], 9);
    let judgements =
        (0..3_000).map(|i| rig.outside(1, Talk { client: client(i), ..TALK }.asks(SYN, 0))).collect();
    rig.worker.publish();
    (rig, judgements)
}

#[test]
fn strangers_pass_when_the_table_has_no_room_for_them() {
    let (rig, judgements) = crowded("[profiles.ingress.crowds]\nmode = \"off\"");
    let account = rig.account();
    // At once up to three quarters; beyond that who comes again, or who the prefilter takes for that.
    assert!((768..800).contains(&account.tracked), "{}", account.tracked);
    assert_eq!((account.capacity, account.tracked + account.refused), (1_024, 3_000));
    assert_eq!(account.strangers, 3_000);
    assert!(judgements.iter().all(|judgement| judgement.verdict == Verdict::Forward));
}

#[test]
fn strangers_are_judged_by_the_lists_whether_the_table_has_room_for_them_or_not() {
    let (rig, judgements) =
        crowded("[lists]\nallow = [\"198.18.11.0/24\"]\ndeny = [\"198.18.0.0/16\"]\n[profiles.ingress]");
    assert_eq!(rig.account().tracked, 3_000 - 2_816, "who is allowed gets an entry at once");
    assert!(judgements[..2_816].iter().all(|judgement| judgement.reason == Some(Reason::Listed)));
    assert!(judgements[2_816..].iter().all(|judgement| judgement.reason.is_none()));
}

#[test]
fn a_stranger_gets_what_his_explanation_says() {
    for (band, reason) in
        [("drop", Some(Reason::Standing)), ("block-new", Some(Reason::BlockNew)), ("pass", None)]
    {
        let (mut rig, _) = crowded(&format!(
            "[profiles.ingress.crowds]\nmode = \"off\"\n[profiles.ingress.treatments]\ngood = \"{band}\""
        ));
        let stranger = [203, 0, 113, 1];
        let explained = rig.explain(stranger);
        let judgement = rig.outside(1, Talk { client: (stranger, 9), ..TALK }.asks(SYN, 0));
        assert!(!rig.explain(stranger).tracked);
        assert_eq!(
            (judgement.measures, judgement.reason),
            (explained.treatment.measures(), reason),
            "{band}"
        );
    }
}

#[test]
fn a_full_table_keeps_whom_it_punishes() {
    let mut rig = Rig::sized(unguarded(), SMALL);
    rig.outside(1, TALK.asks(SYN, 0));
    nudged(&mut rig, -7_500);
    for i in 0..20_000u32 {
        // Each comes twice, so that the prefilter lets it in; the older ones give way.
        let other = Talk { client: ([198, 18 + (i >> 16) as u8, (i >> 8) as u8, i as u8], 9), ..TALK };
        rig.breathe(1, (0..2).map(|_| (OUTSIDE, other.asks(SYN, 0))));
    }
    rig.worker.publish();
    assert!(rig.account().evicted > 5_000, "{}", rig.account().evicted);
    assert_eq!(rig.account().tracked, 1_024);
    assert_eq!(rig.outside(1, TALK.asks(ACK, 0)).reason, Some(Reason::Standing));
}

#[test]
fn judgements_are_displayed_by_name() {
    let mut rig = Rig::sized(ingress(), SMALL);
    assert_eq!(rig.outside(1, TALK.asks(SYN, 0)).to_string(), "forward\t\t\t\tpass");
    assert_eq!(rig.outside(1, TALK.asks(ACK, 0)).to_string(), "forward\t\tgood\t7500\tpass");
    nudged(&mut rig, -7_500);
    assert_eq!(rig.outside(1, TALK.asks(ACK, 0)).to_string(), "drop\tstanding\tmalicious\t0\tlog+drop");
    nudged(&mut rig, 4_000);
    let ping = rig.outside(1, echo(CLIENT, SERVER, false));
    assert_eq!(ping.to_string(), "drop\tblock-new\tpoor\t4000\tlog+meter+block-new");
    assert_eq!(Judgement::COLUMNS.split('\t').count(), 5);
}
