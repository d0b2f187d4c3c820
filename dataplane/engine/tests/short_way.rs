//! The short way is a shorter way to the same place: a worker that may take it and one that may not judge the
//! same packets alike, count alike, report alike, and know the same of every source afterwards.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::frame::{ACK, FIN, Frame, Ip, PSH, RST, SYN, Talk, tcp6, udp6, unreachable};
use common::rig::{PAIR, Rig, source};
use common::traffic::Rng;
use common::{INSIDE, OUTSIDE, cases, version};
use proptest::prelude::*;
use proptest::sample::select;
use repute_engine::{MirrorSetup, Published, Role, Setup, Wire, mailbox};
use repute_model::{
    BATCH, Command, Explanation, Judgement, Limits, LogLine, Policy, Report, Sampling, Source, Token, Width,
};

/// What a policy is put together from, one of each.
const LISTS: [&str; 3] = [
    "",
    "deny = [\"192.0.1.0/24\", \"2001:db8:0:8::/61\"]\nallow = [\"192.0.1.64/26\", \"2001:db8:0:9::/64\"]",
    "deny = [{ prefix = \"192.0.0.0/16\", confidence = 60 }, { prefix = \"192.0.1.0/24\", confidence = 30 }]",
];
const PROTECT: [&str; 3] = ["", "", "prefixes = [\"192.0.0.0/28\"]\nports = [\"tcp/443\"]"];
const PROFILE: [&str; 6] = [
    "",
    "half_life = \"2s\"\nevidence_half_life = \"3s\"\nwindow = \"100ms\"\nsilence = \"500ms\"",
    "prior = 0.5\nwindow = \"50ms\"",
    "prior = 0.2",
    "model = \"suspicion\"\ndecay = 0.9\nwindow = \"100ms\"",
    "model = \"egress-interval\"\nwindow = \"100ms\"",
];
const BANDS: [&str; 2] = ["", "dwell_worse = \"0ms\"\ndwell_better = \"20ms\""];
const TREATMENTS: [&str; 9] = [
    "",
    "neutral = \"pass\"\npoor = \"drop\"\nmalicious = \"drop\"",
    "good = \"log\"\nneutral = \"drop\"\npoor = \"block-new\"",
    "neutral = { log = true, drop = true }\npoor = { log = true, drop = true }",
    "excellent = \"drop\"\ngood = { meter = { packets = \"200pps\", packet_burst = 20 } }\nneutral = \"block-new\"",
    "good = { queue = { packets = \"100pps\", packet_burst = 5 } }\nneutral = \"pass\"\npoor = { queue_new = 50 }",
    "neutral = { queue = { packets = \"100pps\", packet_burst = 5 } }\npoor = { queue = { bytes = \"1Mbps\" } }",
    "excellent = { soften = { segments = 2, round_trips = 2 } }\ngood = { soften = { segments = 1 } }\nneutral = \"inspect\"",
    "good = { block_new = true, reset = true }\nneutral = { drop = true, reset = true }\npoor = { log = true, soften = {} }",
];

const SERVICES: [&str; 3] = [
    "",
    "[services.web]\nprefixes = [\"10.0.0.1\"]\nports = [\"tcp/443\", \"udp/4433\", \"udp/443\"]\n[services.names]\nprefixes = [\"10.0.0.0/24\"]\nports = [\"udp/53\", \"tcp/53\"]",
    "[services.first]\nprefixes = [\"10.0.0.1\"]\ncriticality = 0.1\n[services.second]\nprefixes = [\"10.0.0.2\", \"192.0.0.0/24\"]",
];

/// Who had better not be talked to, on either side.
const DESTINATIONS: [&str; 2] = [
    "",
    "default = 0.9\nentries = [{ prefix = \"192.0.0.0/24\", score = 0.1 }, { prefix = \"10.0.1.0/25\", score = 0.3 }]",
];

const PROFILES: [&str; 5] = ["ingress", "ingress", "ingress", "egress", "dns"];

/// One part of each kind, and whether excellent sources are mirrored.
#[derive(Clone, Copy, Debug)]
struct Parts {
    name: &'static str,
    lists: &'static str,
    protect: &'static str,
    profile: &'static str,
    bands: &'static str,
    treatments: &'static str,
    services: &'static str,
    destinations: &'static str,
    mirrors: bool,
    shadow: bool,
}

impl Parts {
    fn policy(&self, number: u64) -> Policy {
        let Self { name, lists, protect, profile, bands, treatments, services, destinations, .. } = self;
        // The formula of model `egress-interval` has no term for queries.
        let profile = if *name == "dns" && profile.contains("interval") { "" } else { profile };
        let mode = if self.shadow { "shadow" } else { "on" };
        let text = format!(
            "mode = \"{mode}\"\ninside = [\"10.0.0.0/8\", \"fd77::/16\"]\n[lists]\n{lists}\n[destinations]\n{destinations}\n\
             [protect]\n{protect}\n[profiles.{name}]\n{profile}\n\
             [profiles.{name}.bands]\n{bands}\n[profiles.{name}.treatments]\n{treatments}\n{services}"
        );
        let mut policy = version(&text, number);
        if let Some(profile) = policy.ingress.as_mut().filter(|_| self.mirrors) {
            profile.treatments[0].mirror = Some(Sampling { one_in: 3, first: 1 });
        }
        policy
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let texts = (select(&LISTS), select(&PROTECT), select(&PROFILE), select(&BANDS), select(&TREATMENTS));
    let texts = (texts, select(&SERVICES), select(&DESTINATIONS));
    let flags = [0.2, 0.3].map(prop::bool::weighted);
    (select(&PROFILES), flags, texts).prop_map(
        |(name, [mirrors, shadow], (texts, services, destinations))| {
            let (lists, protect, profile, bands, treatments) = texts;
            Parts {
                name,
                lists,
                protect,
                profile,
                bands,
                treatments,
                services,
                destinations,
                mirrors,
                shadow,
            }
        },
    )
}

fn client(n: u32) -> Ip {
    [192, 0, (n >> 8) as u8, n as u8]
}

const fn client6(n: u32) -> u128 {
    (0x2001_0db8 << 96) | (n as u128) << 64 | 7
}

/// A packet of one of a few conversations of one of `clients` clients, most of which go on with what they did.
fn frame(rng: &mut Rng, clients: u32) -> (u8, Frame) {
    let n = rng.below(clients);
    // Most have one conversation at a time.
    let others = if rng.below(8) == 0 { 2 } else { 1 };
    let (sport, dport) =
        (40_000 + rng.below(others) as u16, [4_433, 443, 53][rng.below(2 * others - 1) as usize]);
    let server = [10, 0, 0, rng.below(others) as u8 + 1];
    let (port, frame) = match rng.below(9) {
        0 => over_v6(rng, n % 16, sport, dport),
        1 => opening(rng, n),
        _ => over_v4(rng, Talk::new(client(n), sport, server, dport)),
    };
    (port, if rng.below(8) == 0 && frame.bytes[0] == 2 { frame.tagged(7) } else { frame })
}

/// A datagram to one of many hosts, or to another port of one that was asked before; some look like answers, and some are
/// answers.
fn opening(rng: &mut Rng, n: u32) -> (u8, Frame) {
    let ports = [53, 443, 4_433, 5_000, 5_001];
    let mut port = || ports[rng.below(5) as usize];
    let (sport, dport) = (port(), port());
    let host = [10, 0, 1, rng.below(200) as u8];
    let inside = [10, 0, 0, rng.below(2) as u8 + 1];
    match rng.below(6) {
        0..3 => (OUTSIDE, Talk::new(client(n), sport, host, dport).datagram(40)),
        3 => (INSIDE, Talk::new(client(n), sport, host, dport).reply(40)),
        4 => (INSIDE, udp6(((0xfd77 << 112) | 1, sport), (client6(n % 500), dport), 30).framed()),
        _ => (INSIDE, Talk::new(inside, sport, client(n), dport).datagram(40)),
    }
}

fn over_v4(rng: &mut Rng, talk: Talk) -> (u8, Frame) {
    let size = rng.below(300) as usize;
    match rng.below(20) {
        0..5 => (OUTSIDE, talk.datagram(size)),
        5..8 => (INSIDE, talk.reply(size)),
        8..11 => (OUTSIDE, talk.asks(ACK | PSH, size)),
        11..13 => (INSIDE, talk.answers(ACK, size)),
        13 => (OUTSIDE, talk.asks(ACK, 0)),
        14 => (OUTSIDE, talk.asks(SYN, 0)),
        15 => (INSIDE, talk.answers(SYN | ACK, 0)),
        16 => (OUTSIDE, talk.asks(FIN | ACK, 0)),
        17 => (INSIDE, talk.answers(RST | ACK, 0)),
        18 => (INSIDE, unreachable(talk.server.0, talk.client.0, &talk.datagram(8))),
        _ => (OUTSIDE, Talk { client: talk.server, server: talk.client }.reply(size)),
    }
}

fn over_v6(rng: &mut Rng, n: u32, sport: u16, dport: u16) -> (u8, Frame) {
    let (client, server) = ((client6(n), sport), ((0xfd77 << 112) | 1, dport));
    let (port, packet) = match rng.below(6) {
        0 | 1 => (OUTSIDE, udp6(client, server, 30)),
        2 => (INSIDE, udp6(server, client, 30)),
        3 => (OUTSIDE, tcp6(client, server, ACK, 90)),
        4 => (INSIDE, tcp6(server, client, ACK, 0)),
        _ => (OUTSIDE, tcp6(client, server, SYN, 0)),
    };
    (port, packet.framed())
}

const MIRROR: MirrorSetup = MirrorSetup { port: 2, bytes: 64, bytes_per_s: 100_000, tunnel: None };

/// Two workers with one policy; only the first may take the short way.
struct Pair([Rig; 2]);

/// Everything that one breath shows to the outside.
type Shown = (Vec<Judgement>, Vec<LogLine>, Vec<(u8, Frame)>, Vec<u32>);

impl Pair {
    fn new(policy: &Policy, wires: &[Wire], revisions: u32) -> Self {
        let small = Limits { sources: 1024, contacts: 1024, sweep_ms: 20, queries: 64, ..Limits::DEFAULT };
        let limits = Limits { cache_answers: 64, cache_bytes: 16 << 10, revisions, ..small };
        let rig = || {
            let (mailbox, handle) = mailbox(64, 8192);
            let alone =
                Setup::alone(Box::new(policy.clone()), limits, 7, wires, mailbox, Published::shared());
            let mut rig = Rig::begin(Setup { mirror: Some(MIRROR), ..alone }, handle);
            rig.ports.kept = Some(Vec::new());
            rig
        };
        let mut pair = Self([rig(), rig()]);
        pair.0[1].worker.only_generally(true);
        pair
    }

    fn breathe(&mut self, ms: u64, frames: &[(u8, Frame)]) {
        let [short, general] = self.0.each_mut().map(|rig| shown(rig, ms, frames));
        for ((short, general), frame) in short.0.iter().zip(&general.0).zip(frames) {
            assert_eq!(short, general, "{frame:?}");
        }
        assert_eq!(short, general);
    }

    fn tell(&mut self, command: impl Fn() -> Command) {
        for rig in &mut self.0 {
            rig.handle.commands.push(command()).unwrap();
        }
    }

    fn nudge(&mut self, rng: &mut Rng, clients: u32) {
        let (source, delta) = (source(client(rng.below(clients))), rng.below(20_000) as i16 - 10_000);
        let forgive = delta % 2 == 0;
        self.tell(|| Command::Nudge { token: Token(1), source, delta, forgive });
    }

    fn explanation(&self, source: Source) -> Option<Explanation> {
        let [short, general] = self.0.each_ref().map(|rig| rig.worker.explain(source));
        assert_eq!(short, general);
        short
    }

    /// Compares what is left behind; how many of the sources have an entry.
    fn compare(&mut self) -> usize {
        let [short, general] = self.0.each_mut().map(|rig| {
            rig.worker.publish();
            (*rig.account(), std::mem::take(&mut rig.mitigations))
        });
        assert_eq!(short, general);
        let outside = (0..1_600).map(|n| source(client(n)));
        let wide = (0..16).filter_map(|n| Source::of(repute_model::Address(client6(n)), Width::OUTSIDE));
        let inside = (1..3).map(|n| source([10, 0, 0, n]));
        let all = outside.chain(wide).chain(inside);
        all.filter(|&source| self.explanation(source).is_some_and(|why| why.tracked)).count()
    }
}

fn shown(rig: &mut Rig, ms: u64, frames: &[(u8, Frame)]) -> Shown {
    let judgements = rig.breathe(ms, frames.iter().cloned());
    let line = |report| if let Report::Log(line) = report { Some(line) } else { None };
    let lines = std::mem::take(&mut rig.reports).into_iter().filter_map(line).collect();
    let sent = rig.ports.kept.replace(Vec::new()).unwrap();
    (judgements, lines, sent, std::mem::take(&mut rig.ports.freed))
}

const ONE_PORT: [Wire; 2] =
    [Wire { role: Role::Both, peer: Some(0) }, Wire { role: Role::Inside, peer: Some(0) }];

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn both_ways_lead_to_the_same_place(
        (first, second) in (parts(), parts()),
        seed in any::<u64>(),
        clients in select(vec![2u32, 60, 700, 1_500]),
        (flood, wires) in (any::<bool>(), select(vec![PAIR, PAIR, PAIR, ONE_PORT])),
        revisions in select(vec![0u32, 3, 40, 128]),
    ) {
        let mut rng = Rng(seed);
        let mut pair = Pair::new(&first.policy(1), &wires, revisions);
        for breath in 0..45 {
            match breath {
                20 => pair.tell(|| Command::Install(Box::new(second.policy(2)))),
                30 => pair.tell(|| Command::Install(Box::new(first.policy(3)))),
                n if n % 4 == 0 => pair.nudge(&mut rng, clients.min(60)),
                _ => {}
            }
            let gaps = if flood { [0, 0, 0, 1] } else { [0, 1, 40, 700] };
            let mut frames: Vec<_> = (0..BATCH).map(|_| frame(&mut rng, clients)).collect();
            frames.retain(|&(port, _)| !flood || port == OUTSIDE);
            pair.breathe(gaps[rng.below(4) as usize], &frames);
        }
        prop_assert!(pair.compare() > 0);
    }
}

#[test]
fn a_flood_in_one_conversation_is_noticed_on_both_ways() {
    let mut pair = Pair::new(&common::ingress(), &PAIR, 128);
    let datagram = Talk::new(client(7), 40_000, [10, 0, 0, 1], 443).datagram(30);
    let batch = vec![(OUTSIDE, datagram); BATCH];
    for _ in 0..40 {
        pair.breathe(1, &batch);
    }
    assert_eq!(pair.compare(), 1);
    assert!(pair.0[0].account().changes > 0, "nobody answered 2560 packets in 40 ms");
}

#[test]
fn hosts_that_ask_one_after_the_other_are_noted_on_both_ways() {
    let policy = |name| version(&format!("[profiles.{name}]\n[destinations]\n{}", DESTINATIONS[1]), 1);
    for (name, port) in [("ingress", OUTSIDE), ("egress", INSIDE)] {
        let (mut pair, mut rng) = (Pair::new(&policy(name), &PAIR, 128), Rng(11));
        for _ in 0..40 {
            let asked = |rng: &mut Rng| [10, 0, rng.below(2) as u8, rng.below(256) as u8];
            let asks = |rng: &mut Rng| {
                Talk::new(client(rng.below(4)), 5_000 + rng.below(2) as u16, asked(rng), 4_433)
            };
            let batch: Vec<_> = (0..BATCH).map(|_| (port, asks(&mut rng).datagram(30))).collect();
            pair.breathe(3, &batch);
        }
        assert_eq!(pair.compare(), 4);
        assert!(pair.0[0].account().changes > 0, "nobody answered 2560 questions in 120 ms");
    }
}
