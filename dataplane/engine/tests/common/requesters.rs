//! Requesters of a DNS server in a closed loop: who is challenged does what he can, and tries again what is lost.
//!
//! One query at a time, from its first packet to its answer; the server answers what reaches it. Everything is drawn from
//! a seed and happens on the rig's grid of ticks.

use repute_model::{Band, Policy, Verdict};

use super::CACHED_DNS;
use super::dns::{
    A, AAAA, NOERROR, NXDOMAIN, RESOLVER, TXT, answer, back, by_tcp, by_udp, cookie, query, read,
};
use super::frame::{ACK, FIN, Ip, PSH, SYN, Talk, tcp_of};
use super::rig::Rig;
use super::traffic::Rng;

/// What somebody asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Habit {
    /// The web: few names, most of which exist.
    Browser,
    /// The same with a search list: every name is first looked for below two domains of its own.
    Searcher,
    /// Mail: TXT, MX and block lists, whose names are new every time and mostly do not exist.
    Mail,
    /// Others' questions: many names, types and rates.
    Resolver,
    /// A domain generation algorithm: names that do not exist.
    Algorithm,
    /// A tunnel: long names that never come again, in TXT and NULL.
    Tunnel,
}

/// What somebody does about a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skill {
    /// Returns cookies.
    Cookies,
    /// Asks again by TCP.
    Tcp,
    /// Nothing.
    None,
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Requester {
    pub ip: Ip,
    pub habit: Habit,
    pub skill: Skill,
    /// The server's cookie.
    server: Vec<u8>,
    asked: u32,
}

/// Everybody, and what became of their queries.
pub struct Requesters {
    pub rig: Rig,
    pub rng: Rng,
    pub asked: u64,
    pub answered: u64,
    /// Queries that reached the server, of the one who asked last.
    pub reached: u64,
}

const WORDS: [&str; 40] = [
    "news", "shop", "cloud", "mail", "photo", "music", "bank", "travel", "garden", "school", "water",
    "green", "river", "stone", "house", "market", "sport", "game", "video", "radio", "paper", "light",
    "north", "south", "coffee", "bread", "silver", "forest", "winter", "summer", "doctor", "lawyer", "hotel",
    "train", "metal", "cotton", "island", "bridge", "castle", "harbour",
];
const HOSTS: [&str; 10] = ["www", "mail", "api", "cdn", "img", "static", "m", "shop", "blog", "login"];
const TOPS: [&str; 5] = ["com", "org", "net", "de", "co.uk"];

impl Requester {
    pub fn new(n: u32, habit: Habit, skill: Skill) -> Self {
        Self::at([198, 18, (n >> 8) as u8, n as u8 | 1], habit, skill)
    }

    pub fn at(ip: Ip, habit: Habit, skill: Skill) -> Self {
        Self { ip, habit, skill, server: Vec::new(), asked: 0 }
    }

    /// The next questions, with whether such a name exists and how many addresses it has.
    fn questions(&mut self, rng: &mut Rng) -> Vec<(String, u16, u8, u8)> {
        self.asked += 1;
        let mut pick = |of: &[&'static str]| of[rng.below(of.len() as u32) as usize];
        let usual = format!("{}.{}{}.{}", pick(&HOSTS), pick(&WORDS), pick(&WORDS), pick(&TOPS));
        let kind = [A, A, A, AAAA, 65][rng.below(5) as usize];
        match self.habit {
            Habit::Browser => {
                vec![(usual, kind, if rng.below(20) == 0 { NXDOMAIN } else { NOERROR }, 2)]
            }
            Habit::Searcher => {
                vec![(format!("{usual}.office.example.com"), kind, NXDOMAIN, 0), (usual, kind, NOERROR, 2)]
            }
            Habit::Mail => {
                let listed = format!(
                    "{}.{}.{}.{}.bl.example.org",
                    rng.below(255),
                    rng.below(255),
                    rng.below(255),
                    rng.below(255)
                );
                let domain = usual.split_once('.').map_or(usual.clone(), |(_, domain)| domain.to_owned());
                let rest = [(domain.clone(), 15), (domain, TXT), (usual, A)];
                let rest = rest.map(|(name, kind)| (name, kind, NOERROR, 1));
                std::iter::once((listed, A, NXDOMAIN, 0)).chain(rest).collect()
            }
            Habit::Resolver => {
                let kind = [A, A, A, A, AAAA, AAAA, AAAA, 65, 65, 15, 2, 48, TXT, 12][rng.below(14) as usize];
                vec![(usual, kind, if rng.below(8) == 0 { NXDOMAIN } else { NOERROR }, 4)]
            }
            Habit::Algorithm => {
                let len = 9 + rng.below(10);
                let name: String = (0..len).map(|_| char::from(b'a' + rng.below(26) as u8)).collect();
                vec![(format!("{name}.{}", TOPS[rng.below(4) as usize]), A, NXDOMAIN, 0)]
            }
            Habit::Tunnel => {
                let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
                let mut label =
                    || (0..50).map(|_| char::from(alphabet[rng.below(32) as usize])).collect::<String>();
                let name = format!("{}.{}.t.example.net", label(), label());
                vec![(name, [TXT, 10][rng.below(2) as usize], NOERROR, 20)]
            }
        }
    }
}

impl Requesters {
    pub fn new(policy: Policy, seed: u64) -> Self {
        let mut rig = Rig::sized(policy, CACHED_DNS);
        rig.ports.kept = Some(Vec::new());
        Self { rig, rng: Rng(seed), asked: 0, answered: 0, reached: 0 }
    }

    /// Somebody asks what he asks next, and gets an answer or gives up.
    pub fn step(&mut self, who: &mut Requester) {
        for (name, kind, rcode, addresses) in who.questions(&mut self.rng) {
            self.asked += 1;
            let answered = self.resolve(who, &name, kind, rcode, addresses);
            self.answered += u64::from(answered);
        }
    }

    /// The band in which somebody stands.
    pub fn band(&self, who: &Requester) -> Band {
        self.rig.explain(who.ip).band
    }

    /// A packet of somebody who does nothing about a challenge, for a name that does not exist; whether it reached the
    /// server.
    pub fn strike(&mut self, from: Ip, name: &str) -> bool {
        let (id, port) = (self.rng.word() as u16, 1024 + self.rng.below(60_000) as u16);
        let asked = query(id, name, A, None);
        let passed = self.rig.outside(0, by_udp((from, port), &asked)).verdict == Verdict::Forward;
        if passed {
            self.rig.inside(0, back((from, port), &answer(&asked, NXDOMAIN, 0)));
        }
        passed
    }

    /// Somebody asks for a name, and gets an answer or gives up.
    pub fn resolve(&mut self, who: &mut Requester, name: &str, kind: u16, rcode: u8, addresses: u8) -> bool {
        for _ in 0..3 {
            let (id, port) = (self.rng.word() as u16, 1024 + self.rng.below(60_000) as u16);
            for _ in 0..2 {
                let options = cookie(b"a client", &who.server);
                let edns = (who.skill == Skill::Cookies).then_some(&options[..]);
                let asked = query(id, name, kind, edns);
                match self.send((who.ip, port), &asked) {
                    (Verdict::Forward, _) => {
                        self.answer((who.ip, port), &query(id, name, kind, None), rcode, addresses);
                        return true;
                    }
                    // From the cache.
                    (Verdict::Answer, _) => return true,
                    (Verdict::Challenge, Some(server)) if who.skill == Skill::Cookies => who.server = server,
                    (Verdict::Challenge, _) if who.skill == Skill::Tcp => {
                        return self.by_tcp(who, &query(id, name, kind, None), rcode, addresses);
                    }
                    _ => break,
                }
            }
            // Lost: again after a second.
            self.rig.idle(1_000);
        }
        false
    }

    /// A query by UDP: what became of it, and the cookie that came back.
    fn send(&mut self, from: (Ip, u16), asked: &[u8]) -> (Verdict, Option<Vec<u8>>) {
        let wait = 1 + u64::from(self.rng.below(4));
        let verdict = self.rig.outside(wait, by_udp(from, asked)).verdict;
        self.reached += u64::from(verdict == Verdict::Forward);
        let sent = self.rig.ports.kept.replace(Vec::new()).unwrap();
        let given = sent.first().filter(|_| verdict == Verdict::Challenge).and_then(|(_, frame)| {
            read(frame).edns.and_then(|edns| edns.cookie).map(|cookie| cookie.server.to_vec())
        });
        (verdict, given)
    }

    fn answer(&mut self, to: (Ip, u16), asked: &[u8], rcode: u8, addresses: u8) {
        let wait = u64::from(self.rng.below(3));
        self.rig.inside(wait, back(to, &answer(asked, rcode, addresses)));
    }

    /// A whole connection with one query.
    fn by_tcp(&mut self, who: &Requester, asked: &[u8], rcode: u8, addresses: u8) -> bool {
        let talk = Talk { client: (who.ip, 1024 + self.rng.below(60_000) as u16), server: RESOLVER };
        let open =
            [(true, talk.asks(SYN, 0)), (false, talk.answers(SYN | ACK, 0)), (true, talk.asks(ACK, 0))];
        let opened = open.into_iter().all(|one| self.rig.pass(1, one).verdict == Verdict::Forward);
        let asks = by_tcp(talk.client, asked);
        if !opened || self.rig.outside(1, asks).verdict != Verdict::Forward {
            return false;
        }
        self.reached += 1;
        let message = answer(asked, rcode, addresses);
        let framed = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
        self.rig.inside(1, tcp_of(talk.server, talk.client, ACK | PSH, &framed));
        self.rig.outside(1, talk.asks(FIN | ACK, 0));
        self.rig.inside(1, talk.answers(FIN | ACK, 0));
        true
    }
}
