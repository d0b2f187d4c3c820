//! UDP reflection: large answers that nobody asked for, from servers abused as amplifiers.

use super::{Beat, victim::Unreachable};
use crate::{
    address::protected,
    event::{Sink, Tag},
    merge::Activity,
    net::{Host, datagram::send_udp},
    payload,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// A service that answers more than it was asked, to whom it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amplifier {
    /// Port 53, large answers.
    Dns,
    /// Port 123, monlist.
    Ntp,
    /// Port 11211, stored values.
    Memcached,
    /// Port 1900, device descriptions.
    Ssdp,
}

impl Amplifier {
    const ALL: [Self; 4] = [Self::Dns, Self::Ntp, Self::Memcached, Self::Ssdp];

    /// The source port of its answers.
    pub fn port(self) -> u16 {
        match self {
            Self::Dns => 53,
            Self::Ntp => 123,
            Self::Memcached => 11_211,
            Self::Ssdp => 1900,
        }
    }

    fn answer(self, rng: &mut Rng) -> Vec<u8> {
        match self {
            Self::Dns => {
                let (id, records) = (rng.half(), rng.between(50, 84) as u16);
                payload::dns_answer(id, "any.example.org", 255, 0, records, rng)
            }
            Self::Ntp => [vec![0xd7, 0, 3, 0x2a], rng.bytes(436)].concat(),
            Self::Memcached => {
                let size = rng.between(1300, 1400) as usize;
                [b"\0\0\0\0\0\x01\0\0VALUE a 0 65536\r\n".to_vec(), rng.bytes(size)].concat()
            }
            Self::Ssdp => {
                let head = b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:".to_vec();
                let size = rng.between(230, 300) as usize;
                [head, rng.bytes(size)].concat()
            }
        }
    }
}

/// A reflection attack.
#[derive(Clone, Debug, PartialEq)]
pub struct Reflection {
    /// The service abused; `None` mixes all four, one per reflector.
    pub amplifier: Option<Amplifier>,
    /// Packets per second, all reflectors together.
    pub rate: f64,
    /// Reflectors.
    pub reflectors: u32,
    /// First packet, microseconds.
    pub start_us: u64,
    /// How long, microseconds.
    pub duration_us: u64,
    /// Last number of the victim.
    pub target: u8,
    /// Name in labels.
    pub name: String,
}

impl Default for Reflection {
    fn default() -> Self {
        Self {
            amplifier: None,
            rate: 3000.0,
            reflectors: 150,
            start_us: 34_000_000,
            duration_us: 10_000_000,
            target: 11,
            name: "reflection".into(),
        }
    }
}

impl Parameters for Reflection {
    const FLAG: &'static str = "reflection";
    const KEYS: &'static str =
        "kind (mix, dns, ntp, memcached, ssdp), rate, reflectors, start, duration, target, name";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        use Amplifier::{Dns, Memcached, Ntp, Ssdp};
        match value.key {
            "kind" => {
                self.amplifier = value.choice(&[
                    ("mix", None),
                    ("dns", Some(Dns)),
                    ("ntp", Some(Ntp)),
                    ("memcached", Some(Memcached)),
                    ("ssdp", Some(Ssdp)),
                ])?;
            }
            "rate" => self.rate = value.rate()?,
            "reflectors" => self.reflectors = value.count(1..=10_000_000)?,
            "start" => self.start_us = value.time()?,
            "duration" => self.duration_us = value.time()?,
            "target" => self.target = value.number()?,
            "name" => self.name = value.name()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Reflection {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.reflectors);
        let reflectors = (0..self.reflectors)
            .map(|index| {
                (pool.host(index, &mut rng), self.amplifier.unwrap_or_else(|| rng.pick(&Amplifier::ALL)))
            })
            .collect();
        Box::new(Reflecting {
            beat: Beat::new(self.start_us, self.duration_us, self.rate),
            target: self.target,
            reflectors,
            unreachable: Unreachable::default(),
            tag: Tag::attack(&self.name),
            rng,
        })
    }
}

struct Reflecting {
    beat: Beat,
    target: u8,
    reflectors: Vec<(Host, Amplifier)>,
    unreachable: Unreachable,
    tag: Tag,
    rng: Rng,
}

impl Activity for Reflecting {
    fn next_us(&self) -> Option<u64> {
        self.beat.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, _)) = self.beat.take() else { return };
        let rng = &mut self.rng;
        let who = rng.between(0, self.reflectors.len() as u64 - 1) as usize;
        let (host, amplifier) = &mut self.reflectors[who];
        let (answer, dport) = (amplifier.answer(rng), rng.between(1024, 65_535) as u16);
        let target = protected(self.target, host.address.is_ipv6());
        let packet = send_udp(host, target, [amplifier.port(), dport], &answer);
        out.push(time, packet.clone(), &self.tag);
        self.unreachable.meet(&packet, dport, time, &self.tag.answer(), rng, out);
    }
}
