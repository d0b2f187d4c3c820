//! After boot a worker neither allocates nor frees: ten thousand batches of everything under an allocator
//! that counts. The one file of this crate's tests that needs `unsafe`: an allocator is an unsafe trait.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::net::Ipv6Addr;

use common::dns::{A, NXDOMAIN, TXT, answer, back, by_tcp, by_udp, cookie, query};
use common::endpoint;
use common::frame::{ACK, FIN, Frame, SYN, address, echo, tcp, udp_of};
use common::rig::{PAIR, source};
use common::traffic::{self, Rng};
use common::{CACHED_DNS, INSIDE, OUTSIDE, SMALL, policy, version};
use repute_engine::dns::{Asks, Cache, CacheLimits, Sent, Transaction, Upstream};
use repute_engine::{Batch, Mirror, MirrorSetup, PoolBoard, Published, Setup, Worker, mailbox, tap};
use repute_model::{
    Address, BATCH, Band, CacheRules, Command, CrowdRules, Filter, Io, Limits, Link, Outbox, Policy,
    RESTORE_MAX, Report, Rpz, RpzTrigger, SNAPSHOT_MAX, Sampling, Score, SourceState, Tick, Token, Usuals,
};
use repute_rpz::RpzLimits;
use repute_wire::arp::Resolution;
use repute_wire::dns::{Answer as DnsAnswer, Extras, Query};
use repute_wire::vxlan::{Ends, PORT, Tunnel, Vni};

/// The system's allocator, counting the calls of each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and nothing here to count.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

fn calls() -> u64 {
    CALLS.get()
}

// SAFETY: every call goes to the system's allocator with the same arguments, so its contract is kept as
// the caller keeps it; counting touches a thread-local without a destructor and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        // SAFETY: `memory` came from `System` through `alloc` or `realloc` with this `layout`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `dealloc`; the caller's promise about `size` is passed on.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Ports that give every packet back to the pool it came from.
struct Pool {
    arrivals: VecDeque<Frame>,
    /// Memory for copies.
    copies: Vec<Frame>,
}

impl Pool {
    /// Some of these packets arrive at their ports, drawn anew each time.
    fn fill(&mut self, batch: &mut Batch<Frame>, templates: &[(u8, Frame)], rng: &mut Rng) {
        for _ in 0..rng.below(BATCH as u32 + 1) {
            let mut packet = self.arrivals.pop_front().unwrap();
            let (port, template) = &templates[rng.below(templates.len() as u32) as usize];
            packet.copy_prefix(template, u32::MAX);
            batch.push(*port, packet);
        }
    }
}

/// The number that tells a copy; arrivals have that of their port.
const COPY: u32 = u32::MAX;

impl Pool {
    fn take_back(&mut self, packets: impl Iterator<Item = Frame>) {
        for packet in packets {
            if packet.id == COPY { self.copies.push(packet) } else { self.arrivals.push_back(packet) }
        }
    }
}

impl Io for Pool {
    type Packet = Frame;

    fn send(&mut self, _: u8, packets: &mut Outbox<Frame>) {
        // Every port refuses a little now and then.
        let takes = packets.len().min(40);
        self.take_back(packets.drain(..takes));
    }

    fn free(&mut self, packets: &mut Outbox<Frame>) {
        self.take_back(packets.drain(..));
    }

    fn copy(&mut self, packet: &Frame, bytes_max: u32) -> Option<Frame> {
        let mut copy = self.copies.pop()?;
        copy.copy_prefix(packet, bytes_max);
        Some(copy)
    }

    fn make(&mut self, frame: &[u8]) -> Option<Frame> {
        let mut made = self.copies.pop()?;
        made.bytes.clear();
        made.bytes.extend_from_slice(frame);
        made.wire_len = frame.len() as u32;
        Some(made)
    }
}

/// Copies that can be made before one comes back.
const COPIES: usize = 100;

const POLICY: &str = "[lists]\ndeny = [\"192.1.0.0/16\"]\n[profiles.ingress]\nhalf_life = \"2s\"\n\
                      evidence_half_life = \"3s\"\nsilence = \"300ms\"\n[profiles.ingress.bands]\ndwell_better = \"500ms\"\n\
                      [profiles.ingress.treatments]\ngood = { soften = {}, inspect = true }\n\
                      poor = { log = true, meter = { packets = \"100pps\" }, block_new = true, reset = true }";

fn pool(rng: &mut Rng) -> Pool {
    let mut arrivals: VecDeque<Frame> = (0..4_096)
        .map(|i| {
            let (port, mut frame) = traffic::frame(rng, 300);
            frame.id = u32::from(port);
            if i % 50 == 0 {
                frame.bytes.truncate(20);
                frame.wire_len = 20;
            }
            frame
        })
        .collect();
    arrivals.reserve(2 * BATCH);
    let blank = || Frame { id: COPY, ..Frame::raw(Link::Ethernet, Vec::with_capacity(2_048)) };
    Pool { arrivals, copies: (0..COPIES).map(|_| blank()).collect() }
}

/// Gives one frame in ten of the outside a sender nobody has seen.
fn renew(rng: &mut Rng, frame: &mut Frame) {
    if frame.id == 0 && frame.bytes.len() > 34 && rng.below(10) == 0 {
        let address = 0xc000_0000 | rng.below(1 << 22);
        frame.bytes[26..30].copy_from_slice(&address.to_be_bytes());
    }
}

/// States of sources that nobody has seen, a full restore.
fn strangers(chunk: u32) -> Box<[SourceState]> {
    let one = |i: u32| [198, 18 + (chunk & 1) as u8, (chunk / 2 + (i >> 8)) as u8, i as u8];
    let bad = |i| SourceState::new(source(one(i)), Score::new(100), Band::Malicious);
    (0..RESTORE_MAX as u32).map(bad).collect()
}

fn command(
    i: u64,
    policies: &mut VecDeque<Box<Policy>>,
    states: &mut VecDeque<Box<[SourceState]>>,
) -> Option<Command> {
    let (token, source) = (Token(i), source([192, 0, 0, i as u8 | 1]));
    match i % 60 {
        0 => policies.pop_front().map(Command::Install),
        10 => Some(Command::List { token, cursor: 0, limit: 256, filter: Filter::ALL }),
        20 => Some(Command::List {
            token,
            cursor: 0,
            limit: 9,
            filter: Filter { at_least: Band::Poor, min_packets_per_s: 1.0, service: Some(0) },
        }),
        30 | 31 => Some(Command::Explain { token, source }),
        40 => Some(Command::Nudge { token, source, delta: -3_000, forgive: false }),
        50 => Some(Command::Nudge { token, source, delta: 5_000, forgive: true }),
        55 => Some(Command::Pass { token, source, points: 500 }),
        5 => Some(Command::Snapshot { token, cursor: 0, limit: SNAPSHOT_MAX }),
        35 => Some(Command::Restore { token, states: states.pop_front()? }),
        _ => None,
    }
}

#[test]
fn the_allocator_counts() {
    let before = calls();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(calls() - before, 2);
}

#[test]
fn a_mirror_allocates_and_frees_nothing() {
    let mut rng = Rng(43);
    let mut pool = pool(&mut rng);
    let ends = Ends::V6 { src: Ipv6Addr::LOCALHOST, dst: Ipv6Addr::LOCALHOST };
    let tunnel = Tunnel { src_mac: [2; 6], dst_mac: [4; 6], ends, port: PORT, vni: Vni::new(1).unwrap() };
    let setup = MirrorSetup { port: 2, bytes: 128, bytes_per_s: 5_000_000, tunnel: Some(tunnel) };
    let (mut left, sampling) = (0, Sampling { one_in: 2, first: 1 });

    let before = calls();
    let mut mirror = Mirror::new(Some(setup));
    for tick in 0..1_000 {
        for nth in 1..=100 {
            let packet = pool.arrivals.pop_front().unwrap();
            if mirror.picks(Band::Poor, &sampling, nth) {
                mirror.copy(&packet, Tick(tick), &mut pool);
            }
            pool.arrivals.push_back(packet);
        }
        let (port, outbox) = mirror.outbox().unwrap();
        left += outbox.len() as u64;
        pool.send(port, outbox);
        pool.free(outbox);
    }
    assert_eq!(calls() - before, 0);
    assert_eq!(left + mirror.withheld(), 51_000);
    assert!(left > 10_000 && mirror.withheld() > 1_000, "{left}");
}

#[test]
fn the_rooms_of_dns_allocate_and_free_nothing() {
    let limits = CacheLimits { entries: 64, bytes: 16 << 10, ..CacheLimits::default() };
    let (mut cache, mut upstream) = (Cache::new(limits, 1), Upstream::new(64, 2));
    let question = b"\x04name\0\0\x01\0\x01";
    let mut query = [&b"\0\x09\x01\0\0\x01\0\0\0\0\0\0"[..], question].concat();
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    let mut answer = [&b"\0\x09\x81\x80\0\x01\0\x01\0\0\0\0"[..], question, record].concat();
    let (mut hits, before) = (0, calls());
    for n in 0..10_000u64 {
        let now = Tick(n * 10);
        // Every other one asks for what was asked for a moment ago.
        let which = if n % 2 == 0 { n % 16 } else { n };
        let name = [7, 11, 13].map(|letters| b'a' + (which % letters) as u8);
        query[13..16].copy_from_slice(&name);
        answer[13..16].copy_from_slice(&name);
        let asked = Query::read(&query).unwrap();
        let ends = Transaction {
            client: Address::v4(n as u32),
            server: Address::v4(1),
            client_port: 4000,
            server_port: 53,
            protocol: 17,
            id: 9,
            question: Some(asked.question),
        };
        let mut buffer = [0; 512];
        if let Some(hit) = cache.lookup(&asked, None, &CacheRules::DEFAULT, false, now) {
            hits += hit.write(&asked, &mut buffer, &Extras::default(), 512).map_or(0, |_| 1);
            continue;
        }
        upstream.note(&ends, Sent { asks: Asks::of(&asked), asker: None, bytes: query.len() as u16 }, now);
        upstream.expire(now, 3000, |_| {});
        if n % 3 > 0 {
            let waiting = upstream.answered(&ends).unwrap();
            let learned = DnsAnswer::read(&answer).unwrap();
            cache.learn(&learned, waiting.sent.asks, &CacheRules::DEFAULT, now).unwrap();
        }
    }
    assert_eq!(calls(), before);
    assert!(
        hits > 100 && cache.counters().evicted > 100 && upstream.forgotten() + cache.counters().expired > 0
    );
}

#[test]
fn ten_thousand_batches_allocate_and_free_nothing() {
    let mut rng = Rng(42);
    let mut pool = pool(&mut rng);
    let (mailbox, mut handle) = mailbox(64, 256);
    let mut policies: VecDeque<Box<Policy>> = (2..150)
        // Strangers come in floods: every second policy lets them pass.
        .map(|n| {
            let mut policy = version(POLICY, n);
            if let Some(profile) = policy.ingress.as_mut().filter(|_| n % 2 == 0) {
                profile.crowds = CrowdRules::OFF;
            }
            Box::new(policy)
        })
        .collect();
    let mut chunks: VecDeque<Box<[SourceState]>> = (0..200).map(strangers).collect();
    let (mut spent, mut states) = (Vec::with_capacity(chunks.len()), 0);
    let mut retired: VecDeque<Box<Policy>> = VecDeque::with_capacity(policies.len());
    let first = Box::new(version(POLICY, 1));
    let mut worker = Worker::new(Setup::alone(first, SMALL, 5, &PAIR, mailbox, Published::shared()));
    let mut batch: Batch<Frame> = Batch::new();
    let (mut rows, mut logs, mut mitigations) = (0, 0, 0);
    let (mut usuals, mut hours) = (vec![Box::new(Usuals::UNKNOWN)], 0);

    for i in 0..10_000u64 {
        if let Some(usuals) = (i % 60 == 15).then(|| usuals.pop()).flatten() {
            handle.commands.push(Command::BeginHour(usuals)).unwrap();
        }
        if let Some(command) = command(i, &mut policies, &mut chunks) {
            handle.commands.push(command).unwrap();
        }
        for _ in 0..rng.below(BATCH as u32 + 1) {
            let mut packet = pool.arrivals.pop_front().unwrap();
            renew(&mut rng, &mut packet);
            let port = packet.id as u8;
            batch.push(port, packet);
        }

        let before = calls();
        worker.breathe(Tick(2 * i), &mut batch, &mut pool);
        assert_eq!(calls() - before, 0, "in breath {i}");

        // The ring runs full in every third round.
        while i % 3 != 0
            && let Ok(report) = handle.reports.pop()
        {
            match report {
                Report::Installed { old, .. } => retired.push_back(old),
                Report::HourEnded(old) => {
                    usuals.push(old);
                    hours += 1;
                }
                Report::Row(..) => rows += 1,
                Report::State(..) => states += 1,
                Report::Restored { taken, states, .. } => spent.push((taken, states)),
                Report::Log(_) => logs += 1,
                Report::Mitigation(_) => mitigations += 1,
                _ => {}
            }
        }
    }

    // It was not idle all the time.
    let account = worker.account();
    assert!(account.is_conserved());
    assert!(states > 10_000 && spent.len() > 100 && spent.iter().any(|(taken, _)| *taken > 0));
    assert!(hours > 100 && retired.len() > 100 && rows > 1_000 && logs > 1_000 && mitigations > 100);
    assert!(account.evicted > 100 && account.changes > 500 && account.expired == 0);
    let refused: u64 = account.ports.iter().map(|port| port.refused).sum();
    let dropped: u64 = account.ports.iter().map(|port| port.dropped_total()).sum();
    assert!(refused > 0 && dropped > 1_000, "{refused} {dropped}");
    let resets: u64 = account.ports.iter().map(|port| port.resets).sum();
    // What is softened comes again as it left.
    assert!(account.softened > 0 && resets > 100, "{} softened, {resets} resets", account.softened);
}

/// Queries, their answers and garbage, of so many clients.
fn queries(clients: u8) -> Vec<(u8, Frame)> {
    let of = |client: u8| {
        let from = ([198, 18, 0, client], 4_000);
        let name = format!("{}.example.net", "x7q".repeat(usize::from(client % 20)));
        let (bare, text) = (query(client.into(), &name, A, None), query(3, &name, TXT, None));
        let knows = query(7, "www.example.org", A, Some(&cookie(b"a client", &[])));
        let asked = [by_udp(from, &bare), by_udp(from, &text), by_udp(from, &knows), by_tcp(from, &bare)];
        let answered = back(from, &answer(&bare, if client.is_multiple_of(2) { NXDOMAIN } else { 0 }, 9));
        // Some are soon blocked, the others answered or challenged.
        let garbage = client.is_multiple_of(5).then(|| by_udp(from, &bare[..20]));
        let asked = asked.into_iter().chain(garbage).map(|frame| (OUTSIDE, frame));
        asked.chain([(INSIDE, answered)]).collect::<Vec<_>>()
    };
    (1..clients).flat_map(of).collect()
}

#[test]
fn queries_and_answers_in_their_place_allocate_and_free_nothing() {
    let mut rng = Rng(44);
    let blank = || Frame::raw(Link::Ethernet, Vec::with_capacity(2_048));
    let mut pool = Pool { arrivals: (0..2 * BATCH).map(|_| blank()).collect(), copies: Vec::new() };
    pool.arrivals.reserve(2 * BATCH);
    let templates = queries(100);
    let text = "[profiles.dns]\nblock = \"refused\"\nsilence = \"300ms\"";
    let (mailbox, mut handle) = mailbox(64, 256);
    let mut first = Box::new(policy(text));
    let zone = "x7qx7q.example.net A 192.0.2.1\n*.x7q.example.net CNAME .\n32.1.100.51.198.rpz-ip CNAME *.\n";
    let zone = repute_rpz::read(zone.as_bytes(), "rpz".parse().ok(), RpzLimits::default()).unwrap().zone;
    first.dns.as_mut().unwrap().zones = Rpz::new(vec![zone.into()]).unwrap();
    let (end, mut tapped) = tap(64, 2);
    let alone = Setup::alone(first, CACHED_DNS, 5, &PAIR, mailbox, Published::shared());
    let mut worker = Worker::new(Setup { tap: Some(end), ..alone });
    let mut batch: Batch<Frame> = Batch::new();
    for i in 0..3_000u64 {
        pool.fill(&mut batch, &templates, &mut rng);
        let before = calls();
        worker.breathe(Tick(2 * i), &mut batch, &mut pool);
        assert_eq!(calls() - before, 0, "in breath {i}");
        while handle.reports.pop().is_ok() {}
        while i % 8 == 0 && tapped.pop().is_ok() {}
    }
    let account = worker.account();
    assert!(account.is_conserved());
    assert!(account.dns.tapped > 1_000 && account.dns.untapped > 0, "{:?}", account.dns);
    let answered: u64 = account.ports.iter().map(|port| port.answered).sum();
    let dns = account.dns;
    assert!(answered > 1_000 && dns.paths.iter().sum::<u64>() > 10_000 && dns.garbled > 1_000, "{dns:?}");
    assert!(dns.answered + dns.nxdomain > 0 && dns.silent > 0, "{dns:?}");
    let ruled = |trigger: RpzTrigger| dns.zones[trigger.index()].iter().sum::<u64>();
    assert!(ruled(RpzTrigger::Qname) > 10 && ruled(RpzTrigger::Ip) > 1_000, "{dns:?}");
}

#[test]
fn an_endpoint_allocates_and_frees_nothing() {
    let mut rng = Rng(45);
    let blank = |id| Frame { id, ..Frame::raw(Link::Ethernet, Vec::with_capacity(2_048)) };
    let mut pool = Pool {
        arrivals: (0..2 * BATCH).map(|_| blank(0)).collect(),
        copies: (0..COPIES).map(|_| blank(COPY)).collect(),
    };
    pool.arrivals.reserve(2 * BATCH);
    let host = (address([10, 0, 0, 53]), endpoint::mac(address([10, 0, 0, 53])));
    let mut templates: Vec<_> = (0..50u8)
        .flat_map(|n| {
            let (from, to) = (([198, 18, 1, n], 4_000 + u16::from(n)), (endpoint::SERVICE, 53));
            let asked = query(n.into(), &format!("h{n}.example.org"), A, None);
            let flags = [SYN, ACK, FIN | ACK][usize::from(n % 3)];
            [udp_of(from, to, &asked), tcp(from, to, flags, 0), echo(from.0, to.0, false)]
        })
        .map(|frame| (OUTSIDE, frame))
        .collect();
    templates.push((INSIDE, endpoint::raw(&Resolution::request(address(endpoint::ORIGIN), host))));
    let (mailbox, mut handle) = mailbox(64, 256);
    let text = endpoint::text(
        "same = { rate = 0 }\ncrowds = { mode = \"off\" }\n\
         paths = { neutral = \"default\", poor = \"default\", malicious = \"default\" }",
    );
    let limits = Limits { flows: 64, ..endpoint::LIMITS };
    let alone = Setup::alone(Box::new(policy(&text)), limits, 7, &PAIR, mailbox, Published::shared());
    let setup = Some(endpoint::setup(0, 1, &PoolBoard::shared()));
    let mut worker = Worker::new(Setup { endpoint: setup, ..alone });
    let mut batch: Batch<Frame> = Batch::new();
    // What upstreams said to the checks of another box of the same seed, and to some queries.
    let mut net = endpoint::Net::begun(&text, limits);
    net.heard = Some(Vec::new());
    net.pass(5);
    let heard = net.heard.take().unwrap();
    for i in 0..3_000u64 {
        pool.fill(&mut batch, &templates, &mut rng);
        let tick = i / 20 + 1;
        for (_, frame) in heard.iter().filter(|(at, _)| *at == tick && i % 20 == 19) {
            if let Some(mut packet) = pool.arrivals.pop_front().filter(|_| batch.len() < BATCH) {
                packet.copy_prefix(frame, u32::MAX);
                batch.push(INSIDE, packet);
            }
        }
        let before = calls();
        worker.breathe(Tick(tick), &mut batch, &mut pool);
        assert_eq!(calls() - before, 0, "in breath {i}");
        while handle.reports.pop().is_ok() {}
    }
    worker.publish();
    let account = worker.account();
    assert!(account.is_conserved());
    let own: u64 = account.ports.iter().map(|port| port.own).sum();
    assert!(own >= 8 && account.endpoint.upstreams[0].up == 1, "{own} {:?}", account.endpoint.upstreams[0]);
    assert!(account.endpoint.flows_displaced > 1_000, "{:?}", account.endpoint.flows_displaced);
}
