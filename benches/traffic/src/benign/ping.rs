//! Echo requests once a second, from outside monitors to protected servers and from the inside out.

use crate::{
    address::{inside, protected_host},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    net::{Host, datagram::echo},
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Pairs of machines that ping.
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// How many pairs; every second one asks from the inside.
    pub pairs: u32,
}

impl Default for Ping {
    fn default() -> Self {
        Self { pairs: 8 }
    }
}

impl Parameters for Ping {
    const FLAG: &'static str = "ping";
    const KEYS: &'static str = "pairs";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "pairs" => self.pairs = value.count(1..=10_000)?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Ping {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.pairs);
        let mut agenda = Agenda::default();
        let pairs = (0..self.pairs)
            .map(|who| {
                agenda.add(rng.between(0, 1_000_000), who);
                let remote = pool.host(who, &mut rng);
                let own = protected_host(rng.pick(&inside::WEB), remote.address.is_ipv6(), rng.half());
                let (hosts, delay_us) = if who.is_multiple_of(2) {
                    ([remote, own], rng.between(100, 400))
                } else {
                    ([own, remote], rng.between(5_000, 150_000))
                };
                Pair { hosts, delay_us, id: rng.half(), seq: 0 }
            })
            .collect();
        Box::new(Pinging { pairs, agenda, rng })
    }
}

struct Pair {
    /// Who asks, who answers.
    hosts: [Host; 2],
    delay_us: u64,
    id: u16,
    seq: u16,
}

struct Pinging {
    pairs: Vec<Pair>,
    agenda: Agenda,
    rng: Rng,
}

impl Activity for Pinging {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let Pair { hosts: [asker, target], delay_us, id, seq } = &mut self.pairs[who as usize];
        let (v6, data, tag) = (asker.address.is_ipv6(), self.rng.bytes(56), Tag::benign());
        *seq = seq.wrapping_add(1);
        let ends = [target.address, asker.address];
        out.push(time, asker.send(ends[0], asker.icmp(), echo(v6, false, *id, *seq, &data)), &tag);
        out.push(
            time + *delay_us,
            target.send(ends[1], target.icmp(), echo(v6, true, *id, *seq, &data)),
            &tag,
        );
        self.agenda.add(time + 1_000_000, who);
    }
}
