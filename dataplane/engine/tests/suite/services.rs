//! Standings in services (E2): a source in one, a source in several, and what is published of each service.

use repute_model::{Band, Command, Filter, PairStanding, Report, SourceRow, Token};

use crate::common::frame::{ACK, Ip, PSH, RST, SYN, Talk};
use crate::common::rig::Rig;
use crate::common::{INSIDE, OUTSIDE, SMALL, policy, version};

const SERVER: Ip = [198, 51, 100, 22];

/// One request of an inside client, answered.
fn request(rig: &mut Rig, from: Ip, port: u16, data: usize) {
    for (asks, part) in Talk::new(from, port, SERVER, 443).whole(data, 100) {
        rig.breathe(0, [(if asks { INSIDE } else { OUTSIDE }, part)]);
    }
}

/// So many bytes of answers of an inside server's port to a client outside, in segments of a thousand.
fn serve(rig: &mut Rig, server: Ip, port: u16, client: u8, kilobytes: u32) {
    let talk = Talk::new([203, 0, 113, client], 30_000, server, port);
    for _ in 0..kilobytes {
        rig.breathe(0, [(OUTSIDE, talk.asks(ACK | PSH, 40)), (INSIDE, talk.answers(ACK | PSH, 946))]);
    }
}

fn pairs(rig: &Rig, ip: Ip) -> Vec<PairStanding> {
    rig.explain(ip).pairs.into_iter().flatten().collect()
}

fn listed(rig: &mut Rig, service: Option<u8>) -> Vec<SourceRow> {
    let filter = Filter { service, ..Filter::ALL };
    let command = Command::List { token: Token(1), cursor: 0, limit: 256, filter };
    let rows = rig.tell(command).into_iter().filter_map(|report| match report {
        Report::Row(_, row) => Some(row),
        _ => None,
    });
    rows.collect()
}

const DATABASE: Ip = [10, 0, 1, 5];
const PAGE: Ip = [10, 0, 2, 5];

#[test]
fn a_database_stands_above_a_static_page_that_does_the_same() {
    let text = "[services.database]\nprefixes = [\"10.0.1.0/24\"]\ncriticality = 0.9\n\
                [services.page]\nprefixes = [\"10.0.2.0/24\"]\ncriticality = 0.1\n[profiles.egress]\nwindow = \"1s\"\n";
    let mut rig = Rig::sized(policy(text), SMALL);
    for n in 0..100 {
        request(&mut rig, DATABASE, 20_000 + n, 500);
        request(&mut rig, PAGE, 20_000 + n, 500);
        rig.idle(250);
    }
    let [database, page] = [DATABASE, PAGE].map(|ip| rig.explain(ip));
    assert!(database.score > page.score, "{} {}", database.score, page.score);
    let [database, page] = [DATABASE, PAGE].map(|ip| pairs(&rig, ip)[0]);
    assert_eq!((database.service, page.service), (Some(0), Some(1)));
    let parts = |pair: &PairStanding| (pair.habit.known, pair.habit.deviation, pair.habit.destination);
    assert_eq!(parts(&database), parts(&page));
    // 0.15 · (0.9 − 0.1)
    assert_eq!(database.standing.score().get() - page.standing.score().get(), 1_200);
    assert!(database.standing.score().get() > 9_000, "{database:?}");
    // What services show is what their only sources show.
    let board = rig.published.read_services();
    for (service, pair, criticality) in [(Some(0), database, 0.9), (Some(1), page, 0.1)] {
        let row = board.row(service);
        assert_eq!((row.sources[Band::Good.index()], row.sources.iter().sum::<u64>()), (1, 1));
        let over_all = row.roll_up().standing(criticality).unwrap();
        assert_eq!((over_all.baseline, over_all.criticality), (pair.standing.baseline, criticality));
        assert!(over_all.score().get().abs_diff(pair.standing.score().get()) < 50);
    }
    assert_eq!(board.row(None).sources, [0; 5]);
}

const BOTH: Ip = [10, 0, 0, 7];
const SERVICES: &str = "[services.web]\nprefixes = [\"10.0.0.0/24\"]\nports = [\"tcp/80\"]\ncriticality = 0.2\n\
                [services.store]\nprefixes = [\"10.0.0.0/24\"]\nports = [\"tcp/5432\"]\ncriticality = 0.8\n\
                [profiles.egress]\nwindow = \"1s\"\n";

/// Services have numbers in the order of their names.
const STORE: u8 = 0;
const WEB: u8 = 1;

/// A host that serves pages and a database, each for half a minute as always.
fn settled() -> Rig {
    let mut rig = Rig::sized(policy(SERVICES), SMALL);
    for (client, port) in [(1, 80), (2, 5432)] {
        let talk = Talk::new([203, 0, 113, client], 30_000, BOTH, port);
        let handshake = [
            (OUTSIDE, talk.asks(SYN, 0)),
            (INSIDE, talk.answers(SYN | ACK, 0)),
            (OUTSIDE, talk.asks(ACK, 0)),
        ];
        handshake.into_iter().for_each(|one| drop(rig.breathe(1, [one])));
    }
    for _ in 0..120 {
        serve(&mut rig, BOTH, 80, 1, 8);
        serve(&mut rig, BOTH, 5432, 2, 2);
        rig.idle(250);
    }
    rig
}

fn of(rig: &Rig, service: u8) -> PairStanding {
    *pairs(rig, BOTH).iter().find(|pair| pair.service == Some(service)).unwrap()
}

#[test]
fn a_host_in_two_services_has_a_standing_in_each() {
    let mut rig = settled();
    let (web, store) = (of(&rig, WEB), of(&rig, STORE));
    let near = |value: f32, expected: f32| (value - expected).abs() < 0.1 * expected;
    assert!(
        near(web.habit.usual_per_s, 32_000.0) && near(store.habit.usual_per_s, 8_000.0),
        "{web:?} {store:?}"
    );
    let why = rig.explain(BOTH);
    let sum = web.habit.usual_per_s + store.habit.usual_per_s;
    assert!(near(why.baseline_bytes_per_s as f32, sum), "{} is not {sum}", why.baseline_bytes_per_s);
    assert_eq!((web.standing.criticality, store.standing.criticality), (0.2, 0.8));
    // Over all it stands between the two, nearer to where it does more.
    let [low, high, over_all] =
        [web.standing, store.standing, why.standing.unwrap()].map(|standing| standing.score().get());
    assert!(low < over_all && over_all < high && over_all - low < high - over_all, "{low} {over_all} {high}");

    // The database is emptied: that is odd for the database, and the pages are as they were.
    for _ in 0..8 {
        serve(&mut rig, BOTH, 80, 1, 8);
        serve(&mut rig, BOTH, 5432, 2, 30);
        rig.idle(250);
    }
    let (web, emptied) = (of(&rig, WEB), of(&rig, STORE));
    assert!(emptied.standing.deviation == 0.0 && web.standing.deviation > 0.8, "{emptied:?} {web:?}");
    assert!(of(&rig, STORE).standing.score() < store.standing.score());

    let rows = listed(&mut rig, Some(STORE));
    assert_eq!((rows.len(), rows[0].service), (1, Some(STORE)));
    assert_eq!(rows[0].standing, Some(of(&rig, STORE).standing));
    assert_eq!(listed(&mut rig, Some(7)), [], "nobody is in a service that there is not");
    assert_eq!(listed(&mut rig, None).len(), 1, "it is one source");
    // It is counted in both services.
    let board = rig.published.read_services();
    assert_eq!([WEB, STORE].map(|service| board.row(Some(service)).sources.iter().sum::<u64>()), [1, 1]);
}

/// Another service comes before the others, so that all have other numbers.
#[test]
fn other_services_begin_with_nobody_in_them() {
    let mut rig = settled();
    let first = "[services.archive]\nprefixes = [\"10.9.0.0/16\"]\n";
    rig.tell(Command::Install(Box::new(version(&format!("{first}{SERVICES}"), 2))));
    rig.idle(u64::from(SMALL.sweep_ms));
    assert!(pairs(&rig, BOTH).iter().all(|pair| pair.service.is_none()));
    serve(&mut rig, BOTH, 5432, 2, 2);
    let services: Vec<_> = pairs(&rig, BOTH).iter().map(|pair| pair.service).collect();
    assert_eq!(services, [Some(STORE + 1)]);
}

/// So many hosts of the database's network attack whoever they find, until they stand badly.
fn compromise(rig: &mut Rig, hosts: u8) {
    for host in 1..=hosts {
        let ip = [10, 0, 1, 100 + host];
        for n in 0..200u16 {
            let [high, low] = n.to_be_bytes();
            rig.inside(1, Talk::new(ip, 40_000, [203, high, low, 9], 23).asks(SYN, 0));
            rig.outside(1, Talk::new(ip, 40_000, [203, high, low, 9], 23).answers(RST | ACK, 0));
        }
        assert!(rig.explain(ip).band >= Band::Poor, "{host}: {:?}", rig.explain(ip).band);
    }
    rig.idle(2_500);
}

#[test]
fn a_new_host_of_our_own_begins_as_those_around_it_stand() {
    let text = "[services.database]\nprefixes = [\"10.0.1.0/24\", \"10.0.9.0/24\"]\n[profiles.egress]\n";
    let mut rig = Rig::sized(policy(text), SMALL);
    let first = |rig: &mut Rig, ip: Ip| {
        request(rig, ip, 20_000, 100);
        rig.explain(ip)
    };
    let before = first(&mut rig, [10, 0, 1, 1]);
    assert_eq!(before.begins, None);
    compromise(&mut rig, 20);
    let [beside, in_service, elsewhere] =
        [[10, 0, 1, 2], [10, 0, 9, 2], [10, 0, 2, 2]].map(|ip| first(&mut rig, ip));
    assert_eq!((elsewhere.score, elsewhere.begins), (before.score, None), "nobody is bad around it");
    for new in [beside, in_service] {
        assert!(new.score < before.score && new.begins.is_some(), "{:?} {:?}", new.score, new.begins);
    }
    // Who was there before is judged by what it does itself.
    assert_eq!(rig.explain([10, 0, 1, 1]).score, before.score);
    // Company is no evidence: it is forgotten like any score.
    let (begun, target) = (rig.explain([10, 0, 9, 2]).score, rig.explain([10, 0, 9, 2]).target);
    assert!(target > begun, "{target} {begun}");
}
