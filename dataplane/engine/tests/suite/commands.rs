//! What the control plane may ask of a worker, and what it gets back.

use std::collections::BTreeSet;

use repute_engine::mailbox;
use repute_model::{Band, Command, Filter, Report, Rule, Source, SourceRow, Token, Treatment};

use crate::common::frame::{ACK, Ip, SYN, Talk};
use crate::common::rig::{PAIR, Rig, source};
use crate::common::traffic::{self, Rng};
use crate::common::{SMALL, ingress, policy, unguarded, version};

const CLIENT: Ip = [192, 0, 2, 7];
const SERVER: Ip = [10, 0, 0, 80];
const TALK: Talk = Talk { client: (CLIENT, 40_000), server: (SERVER, 443) };

fn install(number: u64) -> Command {
    Command::Install(Box::new(version("[profiles.ingress]", number)))
}

/// Editions of the policies that came back, with the edition that replaced each.
fn handed_back(reports: &[Report]) -> Vec<(u64, u64)> {
    let back = |report: &Report| match report {
        Report::Installed { edition, old, .. } => Some((old.edition, *edition)),
        _ => None,
    };
    reports.iter().filter_map(back).collect()
}

#[test]
fn an_installed_policy_hands_the_old_one_back_once() {
    let mut rig = Rig::sized(ingress(), SMALL);
    assert_eq!(handed_back(&rig.tell(install(2))), [(1, 2)]);
    rig.idle(100);
    assert!(handed_back(&rig.reports).is_empty());
    assert_eq!(rig.published.read().policy_version, 2);
    assert_eq!(rig.explain(CLIENT).policy_version, 2);
    for number in 3..6 {
        rig.handle.commands.push(install(number)).unwrap();
    }
    rig.idle(1);
    assert_eq!(handed_back(&rig.reports), [(2, 3), (3, 4), (4, 5)]);
}

#[test]
fn an_old_policy_waits_for_room_and_no_breath_waits_for_it() {
    let (mailbox, handle) = mailbox(64, 2);
    let mut rig = Rig::with(ingress(), SMALL, &PAIR, mailbox, handle);
    for number in 2..7 {
        rig.handle.commands.push(install(number)).unwrap();
    }
    let mut back = Vec::new();
    for _ in 0..10 {
        rig.idle(1);
        back.extend(handed_back(&std::mem::take(&mut rig.reports)));
    }
    assert_eq!(back, [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]);
    assert_eq!(rig.account().reports_lost, 0);
}

#[test]
fn a_full_mailbox_never_stops_a_breath() {
    let (mailbox, mut handle) = mailbox(64, 4);
    for i in 0..40 {
        handle.commands.push(Command::Explain { token: Token(i), source: source(CLIENT) }).unwrap();
    }
    let (unread, spare) = repute_engine::mailbox(1, 1);
    drop(unread);
    // The rig reads the spare handle: nobody ever reads the worker's reports.
    let mut rig = Rig::with(ingress(), SMALL, &PAIR, mailbox, spare);
    let mut rng = Rng(9);
    for _ in 0..2_000 {
        rig.breathe(1, (0..20).map(|_| traffic::frame(&mut rng, 30)).collect::<Vec<_>>());
    }
    rig.worker.publish();
    assert!(rig.account().reports_lost > 100, "{}", rig.account().reports_lost);
    assert_eq!(rig.account().ports.iter().map(|port| port.received).sum::<u64>(), 40_000);
    drop(handle);
}

#[test]
fn commands_are_taken_a_bounded_number_per_tick() {
    let mut rig = Rig::sized(ingress(), SMALL);
    for i in 0..40 {
        rig.handle.commands.push(Command::Explain { token: Token(i), source: source(CLIENT) }).unwrap();
    }
    for expected in [16, 16, 8, 0] {
        rig.reports.clear();
        rig.idle(1);
        assert_eq!(rig.reports.len(), expected);
    }
}

#[test]
fn explanations_say_which_rule_decides() {
    let lists = "[lists]\nallow = [\"192.0.2.1\"]\ndeny = [{ prefix = \"192.0.2.2\", confidence = 90 }]\n[profiles.ingress]";
    let mut rig = Rig::sized(policy(lists), SMALL);
    let ask = |rig: &mut Rig, last: u8| match &rig
        .tell(Command::Explain { token: Token(u64::from(last)), source: source([192, 0, 2, last]) })[..]
    {
        [Report::Explained(token, explanation)] if token.0 == u64::from(last) => *explanation,
        other => panic!("{other:?}"),
    };
    // Before and after each has sent its first packet.
    for tracked in [false, true] {
        let expected = [
            (1, Rule::Allowed, 10_000, Band::Excellent),
            (2, Rule::Listed(90), 750, Band::Malicious),
            (3, if tracked { Rule::Band(Band::Good) } else { Rule::Stranger(Band::Good) }, 7_500, Band::Good),
        ];
        for (last, rule, score, band) in expected {
            let explained = ask(&mut rig, last);
            // Whom a list denies outright is dropped without an entry.
            let tracked = tracked && last != 2;
            assert_eq!((explained.rule, explained.band, explained.tracked), (rule, band, tracked));
            assert_eq!(explained.score.get(), score, "{rule:?}");
            assert_eq!(explained.treatment.drop, last == 2);
            rig.outside(0, Talk { client: ([192, 0, 2, last], 9), ..TALK }.asks(SYN, 0));
        }
    }
    let seen = rig.now;
    assert_eq!(ask(&mut rig, 1).treatment, Treatment::PASS);
    rig.idle(30);
    assert_eq!(ask(&mut rig, 3).last_seen, seen);
}

#[test]
fn a_nudge_moves_the_score_and_forgiveness_clears_the_evidence() {
    let mut rig = Rig::sized(ingress(), SMALL);
    let nudge = |delta, forgive| Command::Nudge { token: Token(4), source: source(CLIENT), delta, forgive };
    let moved = |reports: Vec<Report>| match reports[..] {
        [Report::Nudged(Token(4), Some((before, after)))] => (before.get(), after.get()),
        ref other => panic!("{other:?}"),
    };
    assert_eq!(moved(rig.tell(nudge(-4_000, false))), (7_500, 3_500), "gets an entry if it has none");
    assert_eq!(rig.mitigations.last().unwrap().band, Band::Poor);
    assert_eq!(moved(rig.tell(nudge(10_000, false))), (3_500, 10_000));
    assert!(!rig.mitigations.last().unwrap().treatment.limits());

    for i in 0..15 {
        let scan = Talk::new(CLIENT, 1, [10, 0, 3, i], 22);
        rig.outside(20, scan.asks(SYN, 0));
        rig.inside(0, scan.answers(crate::common::frame::RST | ACK, 0));
    }
    assert!(rig.explain(CLIENT).band >= Band::Poor);
    rig.tell(nudge(10_000, false));
    rig.idle(200);
    assert!(rig.explain(CLIENT).score.get() < 4_500, "the evidence still stands");
    rig.tell(nudge(10_000, true));
    rig.idle(200);
    assert!(rig.explain(CLIENT).score.get() > 9_900, "the evidence is forgotten");
}

#[test]
fn a_nudge_without_a_profile_is_answered_too() {
    let policy = repute_model::Policy { ingress: None, ..ingress() };
    let mut rig = Rig::sized(policy, SMALL);
    let reports =
        rig.tell(Command::Nudge { token: Token(1), source: source(CLIENT), delta: 1, forgive: false });
    assert!(matches!(reports[..], [Report::Nudged(Token(1), None)]), "{reports:?}");
}

/// All pages of a list, from page to page; the rig reads at most a ring's worth a tick.
fn list(rig: &mut Rig, limit: u16, filter: Filter) -> Vec<SourceRow> {
    let (mut rows, mut cursor) = (Vec::new(), 0);
    loop {
        rig.handle.commands.push(Command::List { token: Token(1), cursor, limit, filter }).unwrap();
        let (mut page, mut next) = (0, None);
        while next.is_none() {
            rig.reports.clear();
            rig.idle(1);
            for report in &rig.reports {
                match report {
                    Report::Row(Token(1), row) => {
                        page += 1;
                        rows.push(*row);
                    }
                    Report::Page(Token(1), cursor) => next = Some(*cursor),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(page <= limit);
        match next {
            Some(Some(next)) => cursor = next,
            _ => return rows,
        }
    }
}

fn populated(reports: usize) -> Rig {
    let (mailbox, handle) = mailbox(64, reports);
    let limits = repute_model::Limits { sources: 8_192, ..SMALL };
    let mut rig = Rig::with(unguarded(), limits, &PAIR, mailbox, handle);
    for i in 0..5_000u32 {
        rig.outside(
            u64::from(i % 8 == 0),
            Talk { client: ([198, 18, (i >> 8) as u8, i as u8], 9), ..TALK }.asks(SYN, 0),
        );
    }
    rig
}

#[test]
fn pages_return_every_source_exactly_once() {
    for (limit, reports) in [(256, 8_192), (100, 8_192), (256, 16)] {
        let mut rig = populated(reports);
        let rows = list(&mut rig, limit, Filter::ALL);
        let distinct: BTreeSet<Source> = rows.iter().map(|row| row.source).collect();
        assert_eq!((rows.len(), distinct.len()), (5_000, 5_000), "limit {limit}, ring {reports}");
        assert!(distinct.contains(&source([198, 18, 3, 7])));
        assert_eq!(rig.account().reports_lost, 0);
    }
}

#[test]
fn a_list_can_be_about_the_worst_only() {
    let mut rig = populated(8_192);
    for last in [3, 9] {
        let nudge = Command::Nudge {
            token: Token(0),
            source: source([198, 18, 0, last]),
            delta: -7_000,
            forgive: false,
        };
        rig.tell(nudge);
    }
    let rows = list(&mut rig, 256, Filter { at_least: Band::Poor, ..Filter::ALL });
    let sources: BTreeSet<_> = rows.iter().map(|row| row.source).collect();
    assert_eq!(sources, BTreeSet::from([source([198, 18, 0, 3]), source([198, 18, 0, 9])]));
    assert!(rows.iter().all(|row| row.band == Band::Malicious && row.treatment.drop));
    let busy = Filter { min_packets_per_s: 1e6, ..Filter::ALL };
    assert!(list(&mut rig, 256, busy).is_empty());
}

#[test]
fn a_change_of_band_that_limits_nobody_is_told() {
    let mut rig = Rig::new(policy("[profiles.ingress]\n"));
    let who = source(CLIENT);
    let mut nudge = |delta| {
        rig.tell(Command::Nudge { token: Token(1), source: who, delta, forgive: false });
        std::mem::take(&mut rig.bands)
    };
    let [down] = nudge(-1500)[..] else { panic!("one change") };
    assert_eq!((down.source, down.from, down.to, down.untold), (who, Band::Good, Band::Neutral, 0));
    assert_eq!(down.score.get(), 6000);
    // What limits is told as that alone.
    assert!(nudge(-5000).is_empty());
    assert!(rig.mitigations.iter().any(|mitigation| mitigation.source == who));
}
