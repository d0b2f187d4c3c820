//! Long-lived quiet connections: SSH and SMTP sessions that say little for a long time.

use crate::{
    address::{Pool, inside},
    conversation::{Conversation, End, Manner, Party},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Outside administrators and mail servers.
#[derive(Clone, Debug, PartialEq)]
pub struct Sessions {
    /// How many connections; all are opened in the first three seconds and stay open.
    pub sessions: u32,
    /// Mean silence between two exchanges, microseconds.
    pub pause_us: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { sessions: 20, pause_us: 6_000_000 }
    }
}

impl Parameters for Sessions {
    const FLAG: &'static str = "sessions";
    const KEYS: &'static str = "sessions, pause";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "sessions" => self.sessions = value.count(1..=1_000_000)?,
            "pause" => self.pause_us = value.time()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Sessions {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.sessions);
        let mut agenda = Agenda::default();
        let talks = (0..self.sessions)
            .map(|who| {
                let start = rng.between(0, 3_000_000);
                agenda.add(start, who);
                conversation(&pool, who, start, &mut rng)
            })
            .collect();
        Box::new(Quiet {
            pause_us: self.pause_us,
            talks,
            opened: vec![false; self.sessions as usize],
            agenda,
            rng,
        })
    }
}

fn conversation(pool: &Pool, who: u32, start: u64, rng: &mut Rng) -> Conversation {
    let (number, port) = rng.pick(&[(inside::SSH, 22), (inside::SMTP, 25), (inside::SMTP, 587)]);
    let host = pool.host(who, rng);
    let server = End::protected(number, port, host.address.is_ipv6(), rng);
    let client = End { host, port: rng.ephemeral_port(), delay_us: rng.between(5_000, 150_000) };
    let manner = Manner { loss: 0.0, gap_us: 200, tag: Tag::benign() };
    Conversation::new(client, server, manner, start, rng)
}

struct Quiet {
    pause_us: u64,
    talks: Vec<Conversation>,
    opened: Vec<bool>,
    agenda: Agenda,
    rng: Rng,
}

impl Activity for Quiet {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let (talk, rng) = (&mut self.talks[who as usize], &mut self.rng);
        talk.now_us = time;
        if !std::mem::replace(&mut self.opened[who as usize], true) {
            talk.connect(out);
        } else if rng.chance(0.2) {
            talk.keep_alive(Party::Server, out);
        } else {
            for party in [Party::Client, Party::Server] {
                let line = rng.between(24, 180) as usize;
                let line = rng.bytes(line);
                talk.transfer(party, &line, rng, out);
            }
        }
        let next = talk.now_us + rng.interval(self.pause_us as f64);
        self.agenda.add(next, who);
    }
}
