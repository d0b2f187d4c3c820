//! Carpet bombing: UDP spread over every address of the network, too thin on each to be seen there.

use super::{Beat, victim::Unreachable};
use crate::{
    address::protected,
    event::{Sink, Tag},
    merge::Activity,
    net::{Host, datagram::send_udp},
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// A carpet bombing.
#[derive(Clone, Debug, PartialEq)]
pub struct Carpet {
    /// Packets per second, all sources together.
    pub rate: f64,
    /// Sources.
    pub sources: u32,
    /// First packet, microseconds.
    pub start_us: u64,
    /// How long, microseconds.
    pub duration_us: u64,
    /// Largest UDP payload, octets.
    pub size: u32,
    /// Name in labels.
    pub name: String,
}

impl Default for Carpet {
    fn default() -> Self {
        Self {
            rate: 2500.0,
            sources: 30,
            start_us: 46_000_000,
            duration_us: 10_000_000,
            size: 1024,
            name: "carpet".into(),
        }
    }
}

impl Parameters for Carpet {
    const FLAG: &'static str = "carpet";
    const KEYS: &'static str = "rate, sources, start, duration, size, name";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "rate" => self.rate = value.rate()?,
            "sources" => self.sources = value.count(1..=10_000_000)?,
            "start" => self.start_us = value.time()?,
            "duration" => self.duration_us = value.time()?,
            "size" => self.size = value.count(16..=1400)?,
            "name" => self.name = value.name()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Carpet {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.sources);
        Box::new(Bombing {
            beat: Beat::new(self.start_us, self.duration_us, self.rate),
            size: u64::from(self.size),
            sources: (0..self.sources).map(|index| pool.host(index, &mut rng)).collect(),
            unreachable: Unreachable::default(),
            tag: Tag::attack(&self.name),
            rng,
        })
    }
}

struct Bombing {
    beat: Beat,
    size: u64,
    sources: Vec<Host>,
    unreachable: Unreachable,
    tag: Tag,
    rng: Rng,
}

impl Activity for Bombing {
    fn next_us(&self) -> Option<u64> {
        self.beat.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, _)) = self.beat.take() else { return };
        let rng = &mut self.rng;
        let who = rng.between(0, self.sources.len() as u64 - 1) as usize;
        let source = &mut self.sources[who];
        let target = protected(rng.between(1, 254) as u8, source.address.is_ipv6());
        let (sport, dport) = (rng.between(1024, 65_535) as u16, rng.between(1024, 65_535) as u16);
        let size = rng.between(16, self.size) as usize;
        let packet = send_udp(source, target, [sport, dport], &rng.bytes(size));
        out.push(time, packet.clone(), &self.tag);
        self.unreachable.meet(&packet, dport, time, &self.tag.answer(), rng, out);
    }
}
