//! The ladder of the shipped egress config: a hijacked host goes down rung by rung within stated ticks, a neighbour
//! beside it loses nothing, and time brings it back.

use repute_model::{Band, Factor, Limits, Measures, Reason, Tick};

use crate::common::frame::{ACK, Ip, PSH, RST, SYN, Talk};
use crate::common::rig::{Rig, source};
use crate::common::{INSIDE, OUTSIDE, SMALL, policy};

const EGRESS: &str = include_str!("../../../../configs/egress.toml");

const HOST: Ip = [10, 0, 0, 7];
const NEIGHBOUR: Ip = [10, 0, 0, 8];
const SERVER: Ip = [198, 51, 100, 22];
const SSH: Talk = Talk { client: (HOST, 50_000), server: (SERVER, 22) };

/// A host of ours, and one beside it that only ever behaves.
struct Story {
    rig: Rig,
    requests: u16,
    /// When the neighbour asks again.
    next: Tick,
}

/// The neighbour asks so often, ms.
const EVERY: u64 = 250;

impl Story {
    /// 203.0.113.0/24 is where nobody had better talk to.
    fn begin() -> Self {
        let entries = "default = 1.0\nentries = [{ prefix = \"203.0.113.0/24\", score = 0.1 }]";
        let text = EGRESS.replace("default = 1.0", entries);
        assert!(text.contains(entries));
        let limits = Limits { queue_packets: 4_096, queue_source: 1_024, ..SMALL };
        let mut story = Self { rig: Rig::sized(policy(&text), limits), requests: 0, next: Tick(0) };
        for (asks, part) in SSH.whole(36, 36).into_iter().take(5) {
            let port = if asks { INSIDE } else { OUTSIDE };
            assert_eq!(story.rig.breathe(1, [(port, part)])[0].reason, None);
        }
        story
    }

    fn now(&self) -> u64 {
        self.rig.now.0
    }

    fn band(&self) -> Band {
        self.rig.explain(HOST).band
    }

    /// What the host gets, and what the part of its traffic that is not in excess.
    fn gets(&self) -> [Measures; 2] {
        let explained = self.rig.explain(HOST);
        [explained.treatment.measures(), explained.rest.measures()]
    }

    /// A whole request of somebody inside; why parts of it did not pass.
    fn request(&mut self, from: Ip, to: Ip) -> Vec<Reason> {
        self.requests += 1;
        let talk = Talk::new(from, 20_000 + self.requests, to, 443);
        let parts = talk.whole(200, 1_000).into_iter();
        let judge =
            |(asks, part)| self.rig.breathe(1, [(if asks { INSIDE } else { OUTSIDE }, part)])[0].reason;
        parts.filter_map(judge).collect()
    }

    /// The neighbour asks somebody now and then, and loses nothing by what the host does.
    fn neighbour_works(&mut self) {
        if self.rig.now < self.next {
            return;
        }
        self.next = Tick(self.now() + EVERY);
        assert_eq!(self.request(NEIGHBOUR, SERVER), [], "in tick {}", self.now());
    }

    /// The host knocks at a closed port of one more address.
    fn knock(&mut self, number: u8) {
        let talk = Talk::new(HOST, 40_000 + u16::from(number), [198, 51, 100, 100 + number], 23);
        self.rig.inside(1, talk.asks(SYN, 0));
        self.rig.outside(1, talk.answers(RST | ACK, 0));
    }

    /// What the host types, echoed or not.
    fn types(&mut self) -> [Option<Reason>; 2] {
        let typed = self.rig.inside(1, SSH.asks(ACK | PSH, 36)).reason;
        [typed, self.rig.outside(0, SSH.answers(ACK | PSH, 36)).reason]
    }

    /// A millisecond of a flood to a port that does not answer.
    fn floods(&mut self) {
        let talk = Talk::new(HOST, 4_444, [198, 51, 100, 66], 4_444);
        self.rig.breathe(1, (0..5).map(|_| (INSIDE, talk.datagram(1_000))));
        self.neighbour_works();
    }

    /// Goes on until the band is this one; the ticks that it took.
    fn until(&mut self, band: Band, mut does: impl FnMut(&mut Self, u8)) -> u64 {
        let begun = self.now();
        for step in 0..100 {
            if self.band() == band {
                return self.now() - begun;
            }
            assert!(self.band() < band, "{} without {band}", self.band());
            does(self, step);
            self.neighbour_works();
        }
        panic!("still {} in tick {}: {:?}", self.band(), self.now(), self.rig.explain(HOST));
    }
}

#[test]
fn a_hijacked_host_goes_down_rung_by_rung_and_comes_back() {
    let mut story = Story::begin();
    // Good: nothing is limited.
    story.neighbour_works();
    assert_eq!(story.request(HOST, SERVER), []);
    assert_eq!((story.band(), story.gets()), (Band::Good, [Measures::PASS; 2]));

    // It scans: neutral within half a second, and what it did before goes on.
    let took = story.until(Band::Neutral, Story::knock);
    assert!(took <= 500, "{took}");
    let [excess, rest] = story.gets();
    assert_eq!(excess.to_string(), "log+inspect+meter+queue-new+excess-only");
    assert_eq!(rest.to_string(), "inspect");
    assert_eq!(story.types(), [None; 2]);

    // It talks to those whom nobody had better talk to: poor. It is slow now, and loses nothing.
    let took = story.until(Band::Poor, |story, number| {
        story.request(HOST, [203, 0, 113, number]);
    });
    assert!(took <= 2_000, "{took}");
    assert_eq!(story.rig.mitigations.last().map(|last| last.cause), Some(Factor::Destination));
    assert_eq!(story.types(), [None; 2]);

    // It floods: malicious within a second.
    let begun = story.now();
    while story.band() < Band::Malicious && story.now() < begun + 2_000 {
        story.floods();
    }
    let last = *story.rig.mitigations.last().unwrap();
    assert_eq!((last.source, last.band), (source(HOST), Band::Malicious));
    assert!(last.at <= Tick(begun + 1_000), "{} after {begun}", last.at.0);
    assert_eq!(story.types()[0], Some(Reason::ConnectionReset));
    assert_eq!(story.request(HOST, SERVER)[0], Reason::BlockNew);
    let before = story.rig.dropped(Reason::MeterPackets);
    (0..1_000).for_each(|_| story.floods());
    let passed = 5_000 - (story.rig.dropped(Reason::MeterPackets) - before);
    assert!(passed <= 110, "{passed} in a second at fifty a second, and a burst of fifty");

    // It is cleaned: within an hour time has brought it back, and it is as it was.
    let begun = story.now();
    let mut bands = vec![story.band()];
    while story.band() > Band::Good && story.now() < begun + 3_600_000 {
        story.rig.idle(30_000);
        bands.push(story.band());
    }
    assert!(bands.is_sorted_by(|a, b| a >= b) && story.band() == Band::Good, "{bands:?}");
    assert_eq!((story.request(HOST, SERVER), story.gets()), (vec![], [Measures::PASS; 2]));
    story.neighbour_works();

    // Nobody else was limited at any time.
    assert!(story.rig.mitigations.iter().all(|one| one.source == source(HOST)));
    let explained = story.rig.explain(NEIGHBOUR);
    assert_eq!((explained.band, explained.treatment.measures()), (Band::Good, Measures::PASS));
}
