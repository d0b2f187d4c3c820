//! The cache against a plain map, its answers as `domain` reads them.

mod cases;

use std::collections::BTreeMap;

use domain::base::iana::{Class, Rcode as TheirRcode, Rtype};
use domain::base::message_builder::MessageBuilder;
use domain::base::name::{Name as TheirName, ToName};
use domain::base::opt::ClientSubnet as TheirSubnet;
use domain::base::{Message, Serial, Ttl};
use domain::rdata::{A, Soa, Txt};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_wire::dns::Extras;

use super::*;

type Domain = TheirName<Vec<u8>>;

/// How a query is put.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Put {
    name: u8,
    kind: u16,
    recursion: bool,
    unchecked: bool,
    dnssec: bool,
    /// The third byte of a client subnet /24.
    subnet: Option<u8>,
}

const PLAIN: Put = Put { name: 0, kind: 1, recursion: true, unchecked: false, dnssec: false, subnet: None };

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn name_of(put: Put) -> Domain {
    domain(&format!("n{}.example.org", put.name))
}

/// The bytes of a query with this id, its name in upper case where `loud`.
fn query(put: Put, id: u16, loud: bool, udp_size: Option<u16>) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec().question();
    let header = builder.header_mut();
    header.set_id(id);
    header.set_rd(put.recursion);
    header.set_cd(put.unchecked);
    let name = name_of(put).to_string();
    let name = domain(&if loud { name.to_uppercase() } else { name });
    builder.push((name, Rtype::from_int(put.kind), Class::IN)).unwrap();
    let mut builder = builder.additional();
    if let Some(size) = udp_size.or((put.dnssec || put.subnet.is_some()).then_some(1232)) {
        let opt = builder.opt(|opt| {
            opt.set_udp_payload_size(size);
            opt.set_dnssec_ok(put.dnssec);
            put.subnet.map_or(Ok(()), |third| {
                let address = std::net::Ipv4Addr::new(198, 51, third, 0).into();
                opt.push(&TheirSubnet::new(24, 0, address))
            })
        });
        opt.unwrap();
    }
    builder.finish()
}

/// What a server says.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Says {
    /// So many addresses, of which the first ends so, with these TTLs.
    Addresses(Vec<u32>, u8),
    /// No such name; TTL and minimum of its SOA.
    NoName(u32, u32),
    /// No such data.
    NoData(u32, u32),
    /// Nothing, and not for how long.
    Nothing,
    /// The server failed.
    Failure,
    /// It was cut.
    Cut,
    /// Text of so many bytes.
    Text(usize),
}

fn soa(minimum: u32) -> Soa<Domain> {
    let [refresh, minimum] = [9, minimum].map(Ttl::from_secs);
    Soa::new(
        domain("ns.example.org"),
        domain("root.example.org"),
        Serial(1),
        refresh,
        refresh,
        refresh,
        minimum,
    )
}

/// The bytes of the answer to a query.
fn answer(query: &[u8], says: &Says) -> Vec<u8> {
    let query = Message::from_slice(query).unwrap();
    let rcode = match says {
        Says::NoName(..) => TheirRcode::NXDOMAIN,
        Says::Failure => TheirRcode::SERVFAIL,
        _ => TheirRcode::NOERROR,
    };
    let owner: Domain = query.sole_question().unwrap().qname().to_name();
    let mut builder = MessageBuilder::new_vec().start_answer(query, rcode).unwrap();
    builder.header_mut().set_cd(query.header().cd());
    builder.header_mut().set_tc(*says == Says::Cut);
    match says {
        Says::Addresses(ttls, first) => {
            for (ttl, last) in ttls.iter().zip(*first..) {
                builder.push((&owner, *ttl, A::from_octets(192, 0, 2, last))).unwrap();
            }
        }
        Says::Text(len) => {
            let text = Txt::<Vec<u8>>::build_from_slice(&vec![b't'; *len]).unwrap();
            builder.push((&owner, 60, text)).unwrap();
        }
        _ => {}
    }
    let mut builder = builder.authority();
    if let Says::NoName(ttl, minimum) | Says::NoData(ttl, minimum) = says {
        builder.push((domain("example.org"), *ttl, soa(*minimum))).unwrap();
    }
    let mut builder = builder.additional();
    if let Some(theirs) = query.opt() {
        let subnet: Option<TheirSubnet> = theirs.opt().first();
        let opt = builder.opt(|opt| {
            opt.set_dnssec_ok(theirs.dnssec_ok());
            subnet.map_or(Ok(()), |subnet| opt.push(&TheirSubnet::new(24, 20, subnet.addr())))
        });
        opt.unwrap();
    }
    builder.finish()
}

fn cache(entries: u32, bytes: usize) -> Cache {
    Cache::new(CacheLimits { entries, bytes, ..CacheLimits::default() }, 5)
}

/// Old answers may be given for so long.
fn stale(stale_max_s: u32) -> CacheRules {
    CacheRules { stale_max_s, ..RULES }
}

const RULES: CacheRules = CacheRules::DEFAULT;

/// Lets the cache learn what a server says to a query like this.
fn learn_by(cache: &mut Cache, put: Put, says: &Says, rules: &CacheRules, now: u64) -> Result<(), Unkept> {
    let asked = query(put, 77, false, None);
    let bytes = answer(&asked, says);
    let asks = Asks::of(&Query::read(&asked).unwrap());
    cache.learn(&Answer::read(&bytes).unwrap(), asks, rules, Tick(now))
}

/// The same by the default rules.
fn learn(cache: &mut Cache, put: Put, says: &Says, now: u64) -> Result<(), Unkept> {
    learn_by(cache, put, says, &RULES, now)
}

/// What the cache answers; `loud` and with another id than what was learned.
fn ask_by(cache: &mut Cache, put: Put, rules: &CacheRules, silent: bool, now: u64) -> Option<Vec<u8>> {
    let bytes = query(put, 4711, true, None);
    let asked = Query::read(&bytes).unwrap();
    let mut buffer = [0; 4096];
    cache.lookup(&asked, None, rules, silent, Tick(now))?;
    let hit = cache.again(&asked, rules, Tick(now)).unwrap();
    let len = hit.write(&asked, &mut buffer, &Extras::default(), 4096).unwrap();
    let theirs = Message::from_slice(&buffer[..len]).unwrap();
    assert!(theirs.is_answer(Message::from_slice(&bytes).unwrap()));
    assert_eq!(buffer[12..bytes.len().min(len).min(12 + 20)], bytes[12..bytes.len().min(len).min(12 + 20)]);
    assert_eq!(theirs.header().cd(), put.unchecked);
    assert_eq!(
        theirs.opt().map(|opt| opt.dnssec_ok()),
        (put.dnssec || put.subnet.is_some()).then_some(put.dnssec)
    );
    let subnet = theirs.opt().and_then(|opt| opt.opt().first::<TheirSubnet>());
    let told = subnet.map(|subnet| (subnet.addr().to_string(), subnet.scope_prefix_len()));
    assert_eq!(told, put.subnet.map(|third| (format!("198.51.{third}.0"), 20)));
    Some(buffer[..len].to_vec())
}

/// The same by the default rules.
fn ask(cache: &mut Cache, put: Put, silent: bool, now: u64) -> Option<Vec<u8>> {
    ask_by(cache, put, &RULES, silent, now)
}

/// What an answer says, as [`Says`] has it.
fn said(bytes: &[u8]) -> Says {
    let message = Message::from_slice(bytes).unwrap();
    if message.header().rcode() == TheirRcode::SERVFAIL {
        return Says::Failure;
    }
    let records = message.answer().unwrap().limit_to::<A>().map(Result::unwrap);
    let (ttls, lasts): (Vec<_>, Vec<_>) =
        records.map(|record| (record.ttl().as_secs(), record.data().addr().octets()[3])).unzip();
    if let Some(first) = lasts.first() {
        return Says::Addresses(ttls, *first);
    }
    let soa = message.authority().unwrap().limit_to::<Soa<_>>().next().map(Result::unwrap);
    let Some(soa) = soa else { return Says::Nothing };
    let (ttl, minimum) = (soa.ttl().as_secs(), soa.data().minimum().as_secs());
    if message.header().rcode() == TheirRcode::NXDOMAIN {
        Says::NoName(ttl, minimum)
    } else {
        Says::NoData(ttl, minimum)
    }
}

/// What a plain map keeps: when it came, how long it may be given.
struct Kept {
    says: Says,
    at: u64,
    life_s: u64,
}

impl Kept {
    fn age_s(&self, now: u64) -> u64 {
        (now - self.at) / 1000
    }

    fn stale_s(&self, stale_max_s: u64) -> u64 {
        if self.says == Says::Failure { 0 } else { stale_max_s }
    }

    /// What is said at `now`, if anything.
    fn says(&self, silent: bool, stale_max_s: u64, now: u64) -> Option<Says> {
        let age = self.age_s(now);
        let fresh = age < self.life_s;
        if !(fresh || silent && age < self.life_s + self.stale_s(stale_max_s)) {
            return None;
        }
        let left = |ttl: u32| if fresh { ttl.saturating_sub(age as u32) } else { 30 };
        Some(match &self.says {
            Says::Addresses(ttls, first) => {
                Says::Addresses(ttls.iter().map(|ttl| left(*ttl)).collect(), *first)
            }
            Says::NoName(ttl, minimum) => Says::NoName(left(*ttl), *minimum),
            Says::NoData(ttl, minimum) => Says::NoData(left(*ttl), *minimum),
            other => other.clone(),
        })
    }
}

/// Seconds that a plain reading of the RFCs gives it; 0 = it is not kept.
fn life_s(says: &Says) -> u64 {
    let life = match says {
        Says::Addresses(ttls, _) => ttls.iter().copied().min().unwrap_or(0).min(86_400),
        Says::NoName(ttl, minimum) | Says::NoData(ttl, minimum) => *ttl.min(minimum).min(&3600),
        Says::Failure => 1,
        Says::Nothing | Says::Cut => 0,
        Says::Text(_) => 60,
    };
    life.into()
}

fn any_put() -> impl Strategy<Value = Put> {
    let subnet = prop::option::weighted(0.2, 0u8..2);
    let flags = prop::array::uniform3(prop::bool::weighted(0.2));
    (0u8..6, prop::sample::select(vec![1u16, 16, 28]), flags, subnet).prop_map(
        |(name, kind, [recursion, unchecked, dnssec], subnet)| Put {
            name,
            kind: if kind == 1 { 1 } else { kind },
            recursion: !recursion,
            unchecked,
            dnssec,
            subnet,
        },
    )
}

fn any_says() -> impl Strategy<Value = Says> {
    let ttl = || prop_oneof![0u32..4, 1u32..200, Just(90_000u32)];
    prop_oneof![
        4 => (prop::collection::vec(ttl(), 1..12), 0u8..200).prop_map(|(ttls, first)| Says::Addresses(ttls, first)),
        1 => (ttl(), ttl()).prop_map(|(ttl, minimum)| Says::NoName(ttl, minimum)),
        1 => (ttl(), ttl()).prop_map(|(ttl, minimum)| Says::NoData(ttl, minimum)),
        1 => prop::sample::select(vec![Says::Nothing, Says::Failure, Says::Cut]),
    ]
}

/// What a server may say to a query: addresses only to those who ask for them.
fn fitting(put: Put, says: Says) -> Says {
    match says {
        Says::Addresses(ttls, _) if put.kind != 1 => Says::NoData(ttls[0], 60),
        says => says,
    }
}

#[derive(Clone, Debug)]
enum Act {
    Learn(Put, Says),
    Ask(Put, bool),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (any_put(), any_says()).prop_map(|(put, says)| Act::Learn(put, fitting(put, says))),
        6 => (any_put(), any::<bool>()).prop_map(|(put, silent)| Act::Ask(put, silent)),
        2 => prop_oneof![0u64..3000, 0u64..300_000, Just(86_400_000)].prop_map(Act::Wait),
    ]
}

/// Acts on a cache and on a map; `all` = the cache has room for all, else it may have forgotten anything.
fn same_answers(
    (entries, bytes): (u32, usize),
    rules: &CacheRules,
    acts: &[Act],
    all: bool,
) -> Result<(), TestCaseError> {
    let cache = &mut cache(entries, bytes);
    let stale_max_s = u64::from(rules.stale_max_s);
    let (mut plain, mut now) = (BTreeMap::<Put, Kept>::new(), 0);
    for act in acts {
        match act {
            Act::Wait(ms) => now += ms,
            Act::Learn(put, says) => {
                let older = plain.get(put).is_some_and(|kept| {
                    kept.says != Says::Failure && kept.age_s(now) < kept.life_s + stale_max_s
                });
                let learned = learn_by(cache, *put, says, rules, now);
                let life_s = life_s(says);
                if *says == Says::Failure && older && (all || learned.is_err()) {
                    prop_assert_eq!(learned, Err(Unkept::Failure));
                } else {
                    prop_assert_eq!(learned.is_ok(), life_s > 0, "{:?}: {:?}", says, learned);
                    if life_s > 0 {
                        plain.insert(*put, Kept { says: says.clone(), at: now, life_s });
                    }
                }
            }
            Act::Ask(put, silent) => {
                let found = ask_by(cache, *put, rules, *silent, now).map(|bytes| said(&bytes));
                let expected = plain.get(put).and_then(|kept| kept.says(*silent, stale_max_s, now));
                if all || found.is_some() {
                    prop_assert_eq!(found, expected);
                }
            }
        }
        prop_assert!(cache.entries() <= entries && cache.bytes() <= bytes);
    }
    // What is over is given back, to the last block.
    now += 1000 * (90_001 + stale_max_s);
    for put in plain.keys() {
        prop_assert!(ask_by(cache, *put, rules, true, now).is_none());
    }
    prop_assert_eq!((cache.entries(), cache.bytes()), (0, 0));
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn with_room_it_is_a_map(acts in prop::collection::vec(act(), 0..80)) {
        same_answers((1024, 1 << 20), &RULES, &acts, true)?;
    }

    #[test]
    fn so_it_is_where_old_answers_may_be_given(acts in prop::collection::vec(act(), 0..80)) {
        same_answers((1024, 1 << 20), &stale(3600), &acts, true)?;
    }

    #[test]
    fn without_room_it_forgets_and_never_errs(
        acts in prop::collection::vec(act(), 0..120), entries in 1u32..6, blocks in 4usize..12, old in 0u32..600,
    ) {
        same_answers((entries, blocks * 128), &stale(old), &acts, false)?;
    }
}
