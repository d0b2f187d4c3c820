//! Single cases of the cache: what is not kept, not given, cut, or pushed out.

use super::*;

#[test]
fn what_is_longer_than_the_client_takes_is_left_to_tcp() {
    let mut cache = cache(16, 1 << 16);
    let put = Put { kind: 16, ..PLAIN };
    learn(&mut cache, put, &Says::Text(1000), 0).unwrap();
    for (size, whole) in [(None, false), (Some(600), false), (Some(1232), true)] {
        let bytes = query(put, 1, false, size);
        let asked = Query::read(&bytes).unwrap();
        let mut buffer = [0; 1232];
        let hit = cache.lookup(&asked, None, &RULES, false, Tick(0)).unwrap();
        let len = hit.write(&asked, &mut buffer, &Extras::default(), asked.udp_size()).unwrap();
        let theirs = Message::from_slice(&buffer[..len]).unwrap();
        assert_eq!((theirs.header().tc(), theirs.header_counts().ancount()), (!whole, whole.into()));
        assert!(len <= asked.udp_size());
        // A buffer that is too small is as good as a client that takes too little.
        let mut small = [0; 100];
        let len = hit.write(&asked, &mut small, &Extras::default(), 4096).unwrap();
        assert!(Message::from_slice(&small[..len]).unwrap().header().tc());
        assert!(hit.write(&asked, &mut [0; 20], &Extras::default(), 4096).is_err());
    }
}

#[test]
fn what_no_cache_may_answer_is_not_looked_up() {
    let mut cache = cache(16, 1 << 16);
    learn(&mut cache, PLAIN, &Says::Addresses(vec![60], 1), 0).unwrap();
    let asks = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = query(PLAIN, 1, false, Some(1232));
        change(&mut bytes);
        bytes
    };
    let end = |bytes: &mut Vec<u8>, at: usize| bytes.len() - at;
    let version = asks(&|bytes| {
        let at = end(bytes, 5);
        bytes[at] = 1;
    });
    let signed = asks(&|bytes| {
        bytes[11] = 2;
        bytes.extend_from_slice(b"\0\0\xfa\0\xff\0\0\0\0\0\0");
    });
    let notify = asks(&|bytes| bytes[2] |= 4 << 3);
    for bytes in [version, signed, notify] {
        assert!(cache.lookup(&Query::read(&bytes).unwrap(), None, &RULES, false, Tick(0)).is_none());
    }
    for kind in [252, 255, 41] {
        let put = Put { kind, ..PLAIN };
        assert!(ask(&mut cache, put, false, 0).is_none());
        assert_eq!(learn(&mut cache, put, &Says::NoData(60, 60), 0), Err(Unkept::Question));
    }
    assert_eq!((cache.counters().unfit, cache.counters().misses), (6, 0));
    assert!(ask(&mut cache, PLAIN, false, 0).is_some());
}

#[test]
fn each_reason_not_to_keep_is_told_and_counted() {
    let limits = CacheLimits { entries: 4, bytes: 512, message_max: 600 };
    let mut cache = Cache::new(limits, 5);
    let (text, other) = (Put { kind: 16, ..PLAIN }, Put { name: 1, ..PLAIN });
    for (put, says, why) in [
        (PLAIN, Says::Cut, Unkept::Truncated),
        (PLAIN, Says::Nothing, Unkept::NoSoa),
        (PLAIN, Says::Addresses(vec![60, 0], 1), Unkept::NoTtl),
        (text, Says::Text(700), Unkept::Long),
        (text, Says::Text(520), Unkept::Room),
    ] {
        learn(&mut cache, other, &Says::Addresses(vec![60], 1), 0).unwrap();
        assert_eq!(learn(&mut cache, put, &says, 0), Err(why));
        assert_eq!(cache.counters().unkept[why.index()], 1, "{why}");
    }
    let mut many = Cache::new(CacheLimits::default(), 5);
    assert_eq!(learn(&mut many, PLAIN, &Says::Addresses(vec![9; 129], 1), 0), Err(Unkept::Records));
    let asked = query(PLAIN, 1, false, None);
    let mut refused = answer(&asked, &Says::Nothing);
    refused[3] |= 5;
    let asks = Asks::of(&Query::read(&asked).unwrap());
    assert_eq!(cache.learn(&Answer::read(&refused).unwrap(), asks, &RULES, Tick(0)), Err(Unkept::Error));
    // What does not fit pushes nobody out.
    assert_eq!((cache.entries(), cache.bytes(), cache.counters().learned), (1, 128, 5));
    assert!(ask(&mut cache, other, false, 0).is_some());
}

#[test]
fn a_flood_of_names_leaves_what_is_asked_for_again() {
    let mut cache = cache(400, 1 << 20);
    let hot: Vec<Put> = (0..100).map(|name| Put { name, ..PLAIN }).collect();
    let says = Says::Addresses(vec![3600], 1);
    let (mut asked, mut lost) = (0, 0);
    for round in 0..100u16 {
        for put in &hot {
            asked += 1;
            if ask(&mut cache, *put, false, 0).is_none() {
                lost += 1;
                learn(&mut cache, *put, &says, 0).unwrap();
            }
        }
        for strange in 0..50u8 {
            let put = Put { name: 100 + strange, kind: 300 + round, ..PLAIN };
            learn(&mut cache, put, &Says::NoName(3600, 3600), 0).unwrap();
        }
    }
    // All are learned once.
    assert!((lost - 100) * 100 < asked, "{lost} of {asked}");
    assert!(cache.counters().evicted > 4000);
}

#[test]
fn a_referral_keeps_its_glue() {
    let asked = query(PLAIN, 1, false, None);
    let message = Message::from_slice(&asked).unwrap();
    let server = domain("ns.example.org");
    let builder = MessageBuilder::new_vec().start_answer(message, TheirRcode::NOERROR).unwrap();
    let mut builder = builder.authority();
    builder.push((domain("example.org"), 60, domain::rdata::Ns::new(server.clone()))).unwrap();
    let mut builder = builder.additional();
    builder.push((server, 50, A::from_octets(192, 0, 2, 53))).unwrap();
    let bytes = builder.finish();
    let mut cache = cache(16, 1 << 16);
    let asks = Asks::of(&Query::read(&asked).unwrap());
    cache.learn(&Answer::read(&bytes).unwrap(), asks, &RULES, Tick(0)).unwrap();
    let given = ask(&mut cache, PLAIN, false, 20_000).unwrap();
    let theirs = Message::from_slice(&given).unwrap();
    let glue = theirs.additional().unwrap().limit_to::<A>().next().unwrap().unwrap();
    assert_eq!((glue.ttl().as_secs(), glue.owner().to_string()), (30, "ns.example.org".to_owned()));
    assert!(ask(&mut cache, PLAIN, false, 50_000).is_none());
}

#[test]
fn an_answer_is_kept_as_long_as_the_rules_say() {
    let addresses = |ttl| Says::Addresses(vec![ttl], 1);
    let rules = CacheRules { ttl_min_s: 30, ttl_max_s: 100, negative_max_s: 60, stale_max_s: 0 };
    for (says, life_s) in [
        (addresses(0), 30),
        (addresses(29), 30),
        (addresses(70), 70),
        (addresses(3600), 100),
        (Says::NoName(3600, 3600), 60),
        (Says::NoName(3600, 40), 40),
        (Says::NoName(3600, 2), 30),
    ] {
        let mut cache = cache(16, 1 << 16);
        learn_by(&mut cache, PLAIN, &says, &rules, 0).unwrap();
        assert!(ask_by(&mut cache, PLAIN, &rules, false, life_s * 1000 - 1).is_some(), "{says:?}");
        assert!(ask_by(&mut cache, PLAIN, &rules, true, life_s * 1000).is_none(), "{says:?}");
    }
}

#[test]
fn what_is_too_long_for_one_datagram_is_left_to_the_server() {
    let mut cache = cache(16, 1 << 16);
    let put = Put { kind: 16, ..PLAIN };
    learn(&mut cache, put, &Says::Text(1150), 0).unwrap();
    let mut found = |size| {
        let bytes = query(put, 1, false, size);
        cache.lookup(&Query::read(&bytes).unwrap(), None, &RULES, false, Tick(0)).is_some()
    };
    assert_eq!([None, Some(1232), Some(1233)].map(&mut found), [true, true, false]);
    assert_eq!((cache.counters().unfit, cache.counters().hits), (1, 2));
}
