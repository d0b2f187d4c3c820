//! A town of protected servers and the people who use them, in a closed loop: who is held up notices and tries again.
//!
//! Clients connect, retransmit their SYN after 1, 2 and 4 s as RFC 6298 says, acknowledge what they receive, ask and are
//! answered; the servers answer floods as well, as long as their backlog lasts, and ask resolvers and clocks outside.
//! Everything is drawn from a seed and happens on the rig's grid of ticks.

mod bots;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use repute_model::{BATCH, CrowdState, Judgement, Policy, Report, Verdict};

pub use bots::{Conduct, Toll};

use super::frame::{ACK, Frame, Ip, PSH, SYN, tcp, udp};
use super::rig::Rig;
use super::traffic::Rng;
use super::{INSIDE, OUTSIDE};

/// Waits before a SYN is sent again, ms.
const SYN_AGAIN: [u64; 3] = [1_000, 2_000, 4_000];
/// Half-open connections of one server, and how long each is kept, ms.
const BACKLOG: usize = 512;
const HALF_OPEN: u64 = 7_000;
/// The server that everybody uses.
pub const SERVER: Ip = [10, 0, 0, 80];

/// Whom an attack is aimed at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aim {
    One,
    Two,
    /// Every address of the /24.
    Carpet,
}

/// What a flood is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Syn,
    /// Datagrams to the ports of services and to others.
    Datagrams,
    /// Segments of connections that nobody knows.
    Segments,
    /// What reflectors send from this port: SYN-ACKs (80, 443) or datagrams.
    Reflected(u16),
}

/// A flood in which every packet has a source of its own.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    pub kind: Kind,
    pub per_s: u64,
    pub from_ms: u64,
    pub for_ms: u64,
    pub aim: Aim,
    /// The /24 that all of it comes from; `None` = from everywhere.
    pub network: Option<[u8; 3]>,
}

/// What was counted.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Count {
    /// Packets of the attack from a second after its first one on.
    pub attack: u64,
    pub stopped: u64,
    /// Packets of clients who had been served before.
    pub known: u64,
    pub known_lost: u64,
    /// People who came for the first time and had ten seconds for it.
    pub newcomers: u64,
    /// Of those: whose first or second SYN passed.
    pub at_once: u64,
    /// Of those: who got an answer.
    pub served: u64,
    /// Of those: who were held up at all.
    pub delayed: u64,
    /// Answers to the servers' own questions, and datagrams of people who were answered before.
    pub own: u64,
    pub own_lost: u64,
}

/// Somebody's connection.
#[derive(Clone, Copy, Debug)]
struct Call {
    person: usize,
    port: u16,
    isn: u32,
    tries: usize,
    begun: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A person begins a connection; the next one follows.
    Connect(usize),
    /// A SYN, for the first time or again.
    Knock(Call),
    /// The server answers it.
    Answer(Call, u32),
    /// The client acknowledges that, and asks.
    Ask(Call, u32),
    /// A client acknowledges it, and asks nothing.
    Open(Call, u32),
    /// The server sends what was asked for.
    Serve(Call),
    /// A client goes on sending, whatever comes back.
    Pour(Call, u64),
    /// One packet of the attack.
    Strike(u64),
    /// The server's answer to that.
    StrikeAnswered(Ip, u16, Ip),
    /// The server asks somebody outside (port) and is answered.
    Query(u16, u8),
    Reply(u16, u8),
    /// A person's datagrams and their answers.
    Stream(usize),
    StreamBack(usize),
    /// A newcomer comes.
    Arrive,
}

#[derive(Clone, Copy, Default, Debug)]
struct Person {
    address: Ip,
    /// It was here before.
    served: bool,
    regular: bool,
    delayed: bool,
    at_once: bool,
    arrived: u64,
    stream_answered: bool,
    /// Of a bot: what it does, how often it connects (0 = it is none), packets it has sent, whether it was let in.
    conduct: Conduct,
    every_ms: u64,
    sent: u64,
    let_in: bool,
}

/// The whole of it.
pub struct Town {
    pub rig: Rig,
    pub count: Count,
    pub toll: Toll,
    /// When the first crowd was in flood, and how many changes to that there were.
    pub flooded: Option<u64>,
    pub floods: usize,
    agenda: BinaryHeap<Reverse<(u64, u64, usize)>>,
    steps: Vec<Step>,
    people: Vec<Person>,
    attack: Option<Attack>,
    half_open: Vec<u64>,
    /// Mean ms between two newcomers; 0 = none come.
    newcomers_every: u64,
    /// Packets pass whatever their verdict.
    shadow: bool,
    rng: Rng,
    ms: u64,
    end: u64,
}

impl Town {
    /// `regulars` people from the beginning, or from `open_ms` on; a newcomer every so many ms.
    pub fn new(policy: Policy, seed: u64, regulars: usize, newcomers_every: u64, open_ms: u64) -> Self {
        let shadow = policy.shadow;
        let mut town = Self {
            rig: Rig::new(policy),
            count: Count::default(),
            toll: Toll::default(),
            flooded: None,
            floods: 0,
            agenda: BinaryHeap::new(),
            steps: Vec::new(),
            people: Vec::new(),
            attack: None,
            half_open: Vec::new(),
            newcomers_every,
            shadow,
            rng: Rng(seed),
            ms: 0,
            end: 0,
        };
        for _ in 0..regulars {
            let person = town.person(true, 0);
            let first = open_ms + u64::from(town.rng.below(3_000));
            town.at(first, Step::Connect(person));
            if person.is_multiple_of(4) {
                town.at(first, Step::Stream(person));
            }
        }
        if newcomers_every > 0 {
            town.at(open_ms, Step::Arrive);
        }
        for (port, who) in [(53, 1), (53, 2), (123, 3)] {
            town.at(u64::from(town.rng.0 as u8), Step::Query(port, who));
        }
        town
    }

    /// Somebody with an address that nobody else has.
    fn person(&mut self, regular: bool, now: u64) -> usize {
        let n = self.people.len() as u32;
        let address = [93, (n >> 12) as u8, (n >> 4) as u8, (n << 4) as u8 | 5];
        self.people.push(Person { address, regular, arrived: now, ..Person::default() });
        self.people.len() - 1
    }

    /// From now on a newcomer comes every so many ms.
    pub fn newcomers_every(&mut self, ms: u64) {
        self.newcomers_every = ms;
    }

    /// The address of somebody who was here from the beginning.
    pub fn regular(&self, number: usize) -> Ip {
        self.people[number].address
    }

    /// How many people have come.
    pub fn newcomers_so_far(&self) -> usize {
        self.people.len()
    }

    /// How many have come since there were `before`, and how many of these were held up.
    pub fn delayed_since(&self, before: usize) -> (usize, usize) {
        let since = &self.people[before..];
        (since.len(), since.iter().filter(|person| person.delayed).count())
    }

    pub fn attack(&mut self, attack: Attack) {
        self.attack = Some(attack);
        self.at(attack.from_ms, Step::Strike(0));
    }

    fn at(&mut self, ms: u64, step: Step) {
        self.steps.push(step);
        let number = self.steps.len();
        self.agenda.push(Reverse((ms, number as u64, number - 1)));
    }

    /// Lets so much time pass.
    pub fn run(&mut self, ms: u64) {
        self.end = self.ms + ms;
        while self.ms < self.end {
            self.ms += 1;
            let mut due = Vec::new();
            while let Some(&Reverse((at, _, step))) = self.agenda.peek() {
                if at > self.ms {
                    break;
                }
                self.agenda.pop();
                match self.steps[step] {
                    Step::Strike(n) => due.extend(self.volley(n)),
                    step => due.push(step),
                }
            }
            self.tick(&due);
        }
        let came = |person: &&Person| !person.regular && person.every_ms == 0;
        for person in self.people.iter().filter(came).filter(|person| person.arrived + 10_000 < self.end) {
            self.count.newcomers += 1;
            self.count.at_once += u64::from(person.at_once);
            self.count.served += u64::from(person.served);
            self.count.delayed += u64::from(person.delayed);
        }
    }

    /// All packets of the attack in this tick, of which `n` is the first; the next ones follow.
    fn volley(&mut self, n: u64) -> impl Iterator<Item = Step> + use<> {
        let (per_s, from_ms, for_ms) =
            self.attack.map_or((1, 0, 0), |attack| (attack.per_s, attack.from_ms, attack.for_ms));
        // Packet number m is due at from + m · 1000 / rate.
        let next = ((self.ms + 1 - from_ms) * per_s).div_ceil(1000).max(n + 1);
        let at = from_ms + next * 1000 / per_s;
        if at < from_ms + for_ms {
            self.at(at, Step::Strike(next));
        }
        (n..next).map(Step::Strike)
    }

    fn tick(&mut self, due: &[Step]) {
        let mut sent = Vec::new();
        for &step in due {
            if let Some((port, frame)) = self.send(step) {
                sent.push((step, port, frame));
            }
        }
        let first = self.ms.saturating_sub(self.rig.now.0);
        if sent.is_empty() {
            self.rig.idle(first);
        }
        for chunk in sent.chunks(BATCH) {
            let frames = chunk.iter().map(|(_, port, frame)| (*port, frame.clone()));
            let wait = self.ms.saturating_sub(self.rig.now.0);
            let judged = self.rig.breathe(wait, frames.collect::<Vec<_>>());
            for ((step, _, _), judgement) in chunk.iter().zip(judged) {
                self.judged(*step, &judgement);
            }
        }
        self.rig.ports.sent.clear();
        self.rig.ports.freed.clear();
        for report in self.rig.reports.drain(..) {
            if let Report::Crowd(change) = report
                && change.to == CrowdState::Flood
            {
                self.floods += 1;
                self.flooded = self.flooded.or(Some(self.ms));
            }
        }
    }

    /// The frame of a step, and what follows in any case.
    fn send(&mut self, step: Step) -> Option<(u8, Frame)> {
        let now = self.ms;
        let to = |person: &Person, port: u16| ((person.address, port), (SERVER, 443));
        Some(match step {
            Step::Connect(person) => {
                let (port, isn) = (20_000 + self.rng.below(40_000) as u16, self.rng.word() as u32);
                self.at(now + 1, Step::Knock(Call { person, port, isn, tries: 0, begun: now }));
                if self.people[person].regular {
                    let pause = 1_000 + u64::from(self.rng.below(2_000));
                    self.at(now + pause, Step::Connect(person));
                }
                let every_ms = self.people[person].every_ms;
                if every_ms > 0 {
                    self.at(now + every_ms, Step::Connect(person));
                }
                return None;
            }
            Step::Arrive => {
                let person = self.person(false, now);
                self.at(now, Step::Connect(person));
                let pause = self.rng.below(2 * self.newcomers_every as u32);
                self.at(now + u64::from(pause), Step::Arrive);
                return None;
            }
            Step::Knock(call) => {
                let (client, server) = to(&self.people[call.person], call.port);
                (OUTSIDE, tcp(client, server, SYN, 0).numbered(call.isn, 0))
            }
            Step::Answer(call, isn) => {
                let (client, server) = to(&self.people[call.person], call.port);
                (INSIDE, tcp(server, client, SYN | ACK, 0).numbered(isn, call.isn.wrapping_add(1)))
            }
            Step::Ask(call, isn) => {
                let (client, server) = to(&self.people[call.person], call.port);
                let (seq, ack) = (call.isn.wrapping_add(1), isn.wrapping_add(1));
                (OUTSIDE, tcp(client, server, ACK | PSH, 200).numbered(seq, ack))
            }
            Step::Open(call, isn) => {
                let (client, server) = to(&self.people[call.person], call.port);
                let (seq, ack) = (call.isn.wrapping_add(1), isn.wrapping_add(1));
                (OUTSIDE, tcp(client, server, ACK, 0).numbered(seq, ack))
            }
            Step::Pour(call, per_s) => {
                self.at(now + 1000 / per_s, Step::Pour(call, per_s));
                let (client, server) = to(&self.people[call.person], call.port);
                (OUTSIDE, tcp(client, server, ACK | PSH, 200).numbered(call.isn.wrapping_add(201), 10))
            }
            Step::Serve(call) => {
                let (client, server) = to(&self.people[call.person], call.port);
                (INSIDE, tcp(server, client, ACK | PSH, 900).numbered(9, call.isn.wrapping_add(201)))
            }
            Step::Strike(n) => {
                let attack = self.attack?;
                let word = self.rng.word();
                let source = match attack.network {
                    Some([a, b, c]) => [a, b, c, word as u8],
                    None => [31 + (word >> 60) as u8, (word >> 16) as u8, (word >> 8) as u8, word as u8],
                };
                let target = match attack.aim {
                    Aim::One => SERVER,
                    Aim::Two => [10, 0, 0, if n.is_multiple_of(2) { 80 } else { 81 }],
                    Aim::Carpet => [10, 0, 0, (word >> 24) as u8],
                };
                let port = (word >> 32) as u16 | 1024;
                let alive = target == SERVER || target[3] == 81;
                if attack.kind == Kind::Syn && alive && self.has_backlog() {
                    self.steps.push(Step::StrikeAnswered(source, port, target));
                    let number = self.steps.len();
                    self.agenda.push(Reverse((now + 1, number as u64, number - 1)));
                }
                let number = (word >> 20) as u32;
                let frame = match attack.kind {
                    Kind::Syn => tcp((source, port), (target, 443), SYN, 0).numbered(number, 0),
                    Kind::Segments => {
                        tcp((source, port), (target, 443), ACK, 10).numbered(number, port.into())
                    }
                    Kind::Datagrams => {
                        udp((source, port), (target, if n.is_multiple_of(3) { 443 } else { port / 2 }), 400)
                    }
                    Kind::Reflected(from @ (80 | 443)) => {
                        tcp((source, from), (target, port), SYN | ACK, 0).numbered(number, number / 3)
                    }
                    Kind::Reflected(from) => udp((source, from), (target, port), 1_200),
                };
                (OUTSIDE, frame)
            }
            Step::StrikeAnswered(source, port, target) => {
                (INSIDE, tcp((target, 443), (source, port), SYN | ACK, 0).numbered(77, 1))
            }
            Step::Query(port, who) => {
                self.at(now + 300, Step::Query(port, who));
                (INSIDE, udp((SERVER, 40_000 + u16::from(who)), ([9, 9, 9, who], port), 40))
            }
            Step::Reply(port, who) => {
                (OUTSIDE, udp(([9, 9, 9, who], port), (SERVER, 40_000 + u16::from(who)), 200))
            }
            Step::Stream(person) => {
                self.at(now + 150, Step::Stream(person));
                (OUTSIDE, udp((self.people[person].address, 4_433), (SERVER, 443), 300))
            }
            Step::StreamBack(person) => {
                (INSIDE, udp((SERVER, 443), (self.people[person].address, 4_433), 900))
            }
        })
    }

    fn has_backlog(&mut self) -> bool {
        let now = self.ms;
        self.half_open.retain(|&until| until > now);
        let room = self.half_open.len() < BACKLOG;
        if room {
            self.half_open.push(now + HALF_OPEN);
        }
        room
    }

    /// What follows from what became of a packet.
    fn judged(&mut self, step: Step, judgement: &Judgement) {
        let (now, passed) = (self.ms, self.shadow || judgement.verdict == Verdict::Forward);
        match step {
            Step::Knock(call) => {
                self.note_client(call.person, passed || call.tries > 0);
                self.note_bot(call.person, passed, false);
                if passed {
                    self.people[call.person].at_once |= call.tries <= 1;
                    let isn = self.rng.word() as u32;
                    self.at(now + 1, Step::Answer(call, isn));
                } else {
                    self.people[call.person].delayed = true;
                    if let Some(wait) = SYN_AGAIN.get(call.tries) {
                        self.at(now + wait, Step::Knock(Call { tries: call.tries + 1, ..call }));
                    }
                }
            }
            Step::Answer(call, isn) if passed => {
                let round_trip = 20 + u64::from(self.rng.below(130));
                let opens = self.people[call.person].conduct == Conduct::Opens;
                self.at(now + round_trip, if opens { Step::Open(call, isn) } else { Step::Ask(call, isn) });
            }
            Step::Open(call, _) => self.note_bot(call.person, passed, true),
            Step::Pour(call, _) => self.note_bot(call.person, passed, false),
            Step::Ask(call, _) => {
                self.note_client(call.person, passed);
                let begins = !self.people[call.person].let_in;
                self.note_bot(call.person, passed, true);
                if passed {
                    self.at(now + 3, Step::Serve(call));
                    if let (true, Conduct::Pours(per_s)) = (begins, self.people[call.person].conduct) {
                        self.at(now + 10, Step::Pour(call, per_s));
                    }
                }
            }
            Step::Serve(call) if passed => self.people[call.person].served = true,
            Step::Strike(_) => {
                let attack = self.attack.as_ref().map_or(0, |attack| attack.from_ms);
                if now >= attack + 1_000 {
                    self.count.attack += 1;
                    self.count.stopped += u64::from(!passed);
                }
            }
            Step::Query(port, who) if passed => self.at(now + 15, Step::Reply(port, who)),
            Step::Reply(..) => self.note_own(passed),
            Step::Stream(person) => {
                if self.people[person].stream_answered {
                    self.note_own(passed);
                }
                if passed {
                    self.at(now + 2, Step::StreamBack(person));
                }
            }
            Step::StreamBack(person) if passed => self.people[person].stream_answered = true,
            _ => {}
        }
    }

    fn note_client(&mut self, person: usize, passed: bool) {
        if self.people[person].served {
            self.count.known += 1;
            self.count.known_lost += u64::from(!passed);
        }
    }

    fn note_own(&mut self, passed: bool) {
        self.count.own += 1;
        self.count.own_lost += u64::from(!passed);
    }
}
