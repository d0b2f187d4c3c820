//! Upstreams that come up and go down, and what becomes of queries meanwhile.

use super::*;

/// Whom queries go to.
fn asked_of(net: &mut Net, queries: u16) -> BTreeSet<Address> {
    let sent = (0..queries).flat_map(|n| {
        net.step(
            1,
            [(OUTSIDE, udp_of((CLIENT.0, 1000 + n), (SERVICE, 53), &query(n, "a.example.org", A, None)))],
        )
    });
    sent.filter(|(port, _)| *port == INSIDE).map(|(_, frame)| parsed(&frame).dst).collect()
}

fn changes(net: &mut Net) -> Vec<(Upstream, bool, u8)> {
    let reports = net.rig.reports.drain(..);
    reports
        .filter_map(|report| match report {
            Report::Upstream(change) => Some((change.upstream, change.is_up, change.up)),
            _ => None,
        })
        .collect()
}

#[test]
fn who_is_down_gets_no_queries_and_who_is_up_again_gets_some() {
    let mut net = Net::up("");
    let [a, b, c, six] = upstreams();
    let told: BTreeSet<_> =
        changes(&mut net).into_iter().map(|(upstream, is_up, _)| (upstream, is_up)).collect();
    assert_eq!(told, [(a, true), (b, true), (c, true), (six, true)].into());
    assert_eq!(asked_of(&mut net, 9), [a.address, b.address, c.address].into());
    net.alive[1] = false;
    net.pass(3500);
    assert_eq!(changes(&mut net), [(b, false, 3)]);
    assert_eq!(asked_of(&mut net, 9), [a.address, c.address].into());
    net.alive[1] = true;
    net.pass(1000);
    assert_eq!(asked_of(&mut net, 9), [a.address, c.address].into(), "one answer is not enough");
    net.pass(1000);
    assert_eq!(changes(&mut net), [(b, true, 4)]);
    assert_eq!(asked_of(&mut net, 9), [a.address, b.address, c.address].into());
    net.rig.worker.publish();
    let counted = net.rig.account().endpoint.upstreams[1];
    assert_eq!((counted.up, counted.downs), (1, 1));
    assert!((3..=4).contains(&counted.failed_checks), "{counted:?}");
    assert!(net.checks.iter().all(|&checks| (5..=8).contains(&checks)), "{:?}", net.checks);
}

#[test]
fn a_server_that_fails_is_down() {
    let mut net = Net::begun(&text(""), LIMITS);
    net.alive = [false; 4];
    // Neighbours are found, and every check is answered by SERVFAIL.
    for _ in 0..4000 {
        let sent = net.step(1, []);
        assert_eq!(sent, []);
    }
    assert_eq!(changes(&mut net), [], "who was never up goes down without a word");
    assert_eq!(net.rig.account().ports[usize::from(INSIDE)].forwarded, 0);
}

#[test]
fn where_nobody_is_up_old_answers_are_given_and_else_the_server_failed() {
    let mut net = Net::up("cache = { stale_max = \"1h\" }");
    let sent = one(net.step(1, [(OUTSIDE, asks(1))]), INSIDE);
    one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 1)), OUTSIDE);
    net.alive = [false; 4];
    net.pass(70_000);
    for id in 2..40 {
        let stale = one(net.step(1, [(OUTSIDE, asks(id))]), OUTSIDE);
        assert_eq!(read(&stale).rcode(), Rcode::NOERROR);
    }
    let unknown = query(9, "other.example.org", A, Some(&[]));
    let failed = one(net.step(1, [(OUTSIDE, udp_of(CLIENT, (SERVICE, 53), &unknown))]), OUTSIDE);
    let told = read(&failed);
    assert_eq!((told.rcode(), id_of(&failed)), (Rcode::SERVFAIL, 9));
    assert_eq!(net.rig.dropped(Reason::DnsServfail), 1);
    assert_eq!(net.step(1, [(OUTSIDE, tcp(CLIENT, (SERVICE, 53), SYN, 0))]), []);
    assert_eq!(net.rig.dropped(Reason::EndpointUpstream), 1);
    net.rig.worker.publish();
    assert_eq!(net.rig.account().dns.silent, 0, "no query went on that could stay without an answer");
}

#[test]
fn a_new_policy_changes_whom_is_asked_and_what_is_under_way_goes_on() {
    let mut net = Net::up("");
    let sent = one(net.step(1, [(OUTSIDE, asks(1))]), INSIDE);
    let fewer = text("").replace("\"10.0.0.53\", ", "").replace("\"198.18.0.1\", ", "");
    net.rig.tell(Command::Install(Box::new(policy(&fewer))));
    net.pass(5);
    assert_eq!(asked_of(&mut net, 9), [upstreams()[1].address].into());
    one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 1)), OUTSIDE);
    // A box with addresses of its own does not become a bridge by a policy.
    net.rig.tell(Command::Install(Box::new(policy("[profiles.dns]"))));
    assert_eq!(net.step(1, [(OUTSIDE, asks(1)), (INSIDE, says(&sent, &[0; 12]))]), []);
    assert_eq!(net.rig.dropped(Reason::EndpointForeign), 2);
}
