//! Clients whose first SYNs are lost behind the wire and who repeat them as RFC 6298 says: after 1 s, 2 s, 4 s …

use crate::{
    address::{Pool, inside},
    conversation::{Conversation, End, Manner},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// New clients on a bad line.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// How many, evenly spread over the capture.
    pub clients: u32,
    /// SYNs lost before one gets through, at most; each client loses at least one.
    pub lost: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { clients: 20, lost: 3 }
    }
}

impl Parameters for Retry {
    const FLAG: &'static str = "retry";
    const KEYS: &'static str = "clients, lost";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "clients" => self.clients = value.count(1..=1_000_000)?,
            "lost" => self.lost = value.count(1..=6)?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Retry {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.clients);
        let mut agenda = Agenda::default();
        for who in 0..self.clients {
            agenda.add(rng.between(0, setup.duration_us), who);
        }
        Box::new(Knocking { lost: self.lost, pool, agenda, rng })
    }
}

struct Knocking {
    lost: u32,
    pool: Pool,
    agenda: Agenda,
    rng: Rng,
}

impl Activity for Knocking {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let rng = &mut self.rng;
        let host = self.pool.host(who, rng);
        let server = End::protected(rng.pick(&inside::WEB), 443, host.address.is_ipv6(), rng);
        let client = End { host, port: rng.ephemeral_port(), delay_us: rng.between(5_000, 150_000) };
        let manner = Manner { loss: 0.0, gap_us: 300, tag: Tag::benign() };
        let mut talk = Conversation::new(client, server, manner, time, rng);
        talk.call_lost(rng.between(1, u64::from(self.lost)) as u32, out);
        super::browse(talk, true, rng, out);
    }
}
