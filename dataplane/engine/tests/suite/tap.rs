//! The tap: what is copied of queries and of what requesters got, whoever answered.

use repute_engine::{Published, Setup, mailbox, tap};
use repute_model::{Address, Tapped};
use rtrb::Consumer;

use crate::common::dns::{A, NOERROR, NXDOMAIN, RESOLVER, answer, back, by_tcp, by_udp, query};
use crate::common::frame::{ACK, Frame, Ip, SYN, Talk, address};
use crate::common::rig::{PAIR, Rig};
use crate::common::{CACHED_DNS, policy};

const CLIENT: Ip = [198, 51, 100, 7];

fn rig(keys: &str, slots: usize) -> (Rig, Consumer<Tapped>) {
    let (mailbox, handle) = mailbox(64, 8192);
    let (end, out) = tap(slots, 1);
    let policy = Box::new(policy(&format!("[profiles.dns]\n{keys}")));
    let alone = Setup::alone(policy, CACHED_DNS, 7, &PAIR, mailbox, Published::shared());
    (Rig::begin(Setup { tap: Some(end), ..alone }, handle), out)
}

fn plain(id: u16) -> Frame {
    by_udp((CLIENT, 40_000), &query(id, "www.example.org", A, None))
}

/// Everything that came out; the ends are always the same.
fn told(out: &mut Consumer<Tapped>) -> Vec<Tapped> {
    let all: Vec<_> = std::iter::from_fn(|| out.pop().ok()).collect();
    let server: (Address, u16) = (address(RESOLVER.0), 53);
    assert!(
        all.iter().all(|one| one.leg.server == server && one.leg.requester.0 == address(CLIENT)),
        "{all:?}"
    );
    all
}

#[test]
fn a_query_and_the_server_s_answer_are_copied_as_they_are() {
    let (mut rig, mut out) = rig("", 64);
    let asked = query(7, "www.example.org", A, None);
    rig.outside(1, plain(7));
    let given = answer(&asked, NXDOMAIN, 0);
    rig.inside(3, back((CLIENT, 40_000), &given));
    let told = told(&mut out);
    assert_eq!(told.iter().map(|one| one.leg.answers).collect::<Vec<_>>(), [false, true]);
    assert_eq!((told[0].message(), told[1].message()), (&asked[..], &given[..]));
    assert_eq!(told[1].at.since(told[0].at), 3);
    assert!(told.iter().all(|one| !one.leg.by_tcp && one.leg.requester.1 == 40_000));
    rig.idle(300);
    assert_eq!((rig.account().dns.tapped, rig.account().dns.untapped), (2, 0));
}

#[test]
fn what_the_box_answers_itself_is_copied_as_it_leaves() {
    let (mut rig, mut out) = rig("paths = { good = \"block\" }\nblock = \"refused\"", 64);
    rig.outside(1, plain(7));
    let refused = told(&mut out);
    assert_eq!((refused.len(), refused[1].message()[3] & 0xf), (2, 5), "REFUSED");
    let (mut rig, mut out) = self::rig("", 64);
    let asked = query(8, "www.example.org", A, None);
    rig.outside(1, plain(8));
    rig.inside(1, back((CLIENT, 40_000), &answer(&asked, NOERROR, 1)));
    rig.outside(1, plain(9));
    let all = told(&mut out);
    assert_eq!((all.len(), all[3].leg.answers, all[3].message()[1]), (4, true, 9), "from the cache");
}

#[test]
fn what_is_dropped_has_no_answer_and_tcp_is_tcp() {
    let (mut rig, mut out) = rig("paths = { good = \"block\" }", 64);
    rig.outside(1, plain(7));
    assert_eq!(told(&mut out).len(), 1);
    let (mut rig, mut out) = self::rig("", 64);
    let talk = Talk { client: (CLIENT, 50_000), server: RESOLVER };
    rig.outside(1, talk.asks(SYN, 0));
    rig.inside(1, talk.answers(SYN | ACK, 0));
    rig.outside(1, talk.asks(ACK, 0));
    let asked = query(78, "www.example.org", A, None);
    rig.outside(1, by_tcp(talk.client, &asked));
    let all = told(&mut out);
    assert_eq!((all.len(), all[0].leg.by_tcp, all[0].message()), (1, true, &asked[..]));
}

#[test]
fn a_ring_that_nobody_drains_costs_copies_and_no_packets() {
    let (mut rig, mut out) = rig("", 4);
    for id in 0..50 {
        // Each name once: the cache has none of them.
        let asked = query(id, &format!("host{id}.example.org"), A, None);
        rig.outside(20, by_udp((CLIENT, 40_000), &asked));
        rig.inside(1, back((CLIENT, 40_000), &answer(&asked, NOERROR, 1)));
    }
    rig.idle(300);
    let dns = rig.account().dns;
    assert_eq!((dns.tapped, dns.untapped, dns.answered), (4, 96, 50));
    assert_eq!(told(&mut out).len(), 4);
}
