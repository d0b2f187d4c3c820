//! TCP between clients and upstreams.

use super::*;

#[test]
fn a_connection_goes_to_one_upstream_and_ends_with_it() {
    let mut net = Net::up("");
    let client = |flags, payload: &[u8]| (OUTSIDE, tcp_of(CLIENT, (SERVICE, 53), flags, payload));
    let asked = query(7, "www.example.org", A, None);
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    let syn = one(net.step(1, [client(SYN, &[])]), INSIDE);
    let (there, again) = (parsed(&syn), one(net.step(1, [client(SYN, &[])]), INSIDE));
    assert_eq!((there.src, there.l4), (address(ORIGIN), L4::Tcp));
    assert_eq!((parsed(&again).dst, parsed(&again).sport), (there.dst, there.sport), "the same one again");
    let upstream = Upstream { address: there.dst, port: there.dport };
    let server = |flags, payload: &[u8]| (INSIDE, segment_of(upstream, there.sport, flags, payload));
    let back = one(net.step(1, [server(SYN | ACK, &[])]), OUTSIDE);
    let here = parsed(&back);
    assert_eq!(
        (here.src, here.sport, here.dst, here.dport),
        (address(SERVICE), 53, address(CLIENT.0), CLIENT.1)
    );
    assert_eq!(macs(&back), (CLIENT_MAC, CLIENT_PORT));
    let talk = [client(ACK, &[]), client(ACK | PSH, &framed(&asked))];
    for (port, frame) in net.step(1, talk) {
        assert_eq!((port, parsed(&frame).dst, parsed(&frame).sport), (INSIDE, there.dst, there.sport));
    }
    let said = framed(&answer(&asked, NOERROR, 1));
    let back = one(net.step(1, [server(ACK | PSH, &said)]), OUTSIDE);
    assert_eq!(&back.bytes[back.bytes.len() - said.len()..], &said[..]);
    assert_eq!(net.rig.account().dns.answered, 1);

    let other = upstreams().into_iter().find(|other| *other != upstream).unwrap();
    assert_eq!(net.step(1, [(INSIDE, segment_of(other, there.sport, ACK, &[]))]), []);
    assert_eq!(net.step(1, [(INSIDE, segment_of(upstream, there.sport ^ 64, ACK, &[]))]), []);
    assert_eq!(dropped(&net, INSIDE, Reason::EndpointUnasked), 2);
    one(net.step(1, [server(FIN | ACK, &[])]), OUTSIDE);
    one(net.step(1, [client(FIN | ACK, &[])]), INSIDE);
    net.pass(11_000);
    assert_eq!(net.step(1, [client(ACK, &[])]), []);
    assert_eq!(net.rig.dropped(Reason::EndpointConnection), 1);
}

#[test]
fn resets_of_the_box_find_both_ends() {
    let mut net = Net::up("");
    let zone =
        repute_rpz::read(&b"gone CNAME .\n"[..], "rpz".parse().ok(), RpzLimits::default()).unwrap().zone;
    let mut ruled = policy(&text(""));
    ruled.dns.as_mut().unwrap().zones = Rpz::new(vec![Arc::new(zone)]).unwrap();
    net.rig.tell(Command::Install(Box::new(ruled)));
    let client = |flags, payload: &[u8]| (OUTSIDE, tcp_of(CLIENT, (SERVICE, 53), flags, payload));
    let there = parsed(&one(net.step(1, [client(SYN, &[])]), INSIDE));
    let upstream = Upstream { address: there.dst, port: there.dport };
    one(net.step(1, [(INSIDE, segment_of(upstream, there.sport, SYN | ACK, &[]))]), OUTSIDE);
    one(net.step(1, [client(ACK, &[])]), INSIDE);
    let asked = query(7, "gone", A, None);
    let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
    let sent = net.step(1, [client(ACK | PSH, &framed)]);
    assert_eq!(net.rig.dropped(Reason::RpzNxdomain), 1);
    let mut ends: Vec<_> =
        sent.iter().map(|(port, frame)| (*port, parsed(frame).tcp_flags, parsed(frame))).collect();
    ends.sort_by_key(|(port, ..)| *port);
    let [(OUTSIDE, flags, here), (INSIDE, other, gone)] = ends[..] else { panic!("{ends:?}") };
    assert_eq!((flags, other), (RST.into(), RST.into()));
    assert_eq!((here.src, here.dst), (address(SERVICE), address(CLIENT.0)));
    assert_eq!((gone.src, gone.sport, gone.dst), (address(ORIGIN), there.sport, there.dst));
}
