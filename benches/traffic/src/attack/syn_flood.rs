//! SYN floods: from few sources at a high rate each, or with a new source for every packet.

use super::{
    Beat, packets,
    victim::{Backlog, SynAck, syn_ack},
};
use crate::{
    address::{Pool, protected},
    event::{Sink, Tag},
    merge::Activity,
    net::{
        Host, protocol,
        tcp::{Segment, flag, mss_option, syn_options},
    },
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// A SYN flood.
#[derive(Clone, Debug, PartialEq)]
pub struct SynFlood {
    /// SYNs per second, all sources together.
    pub rate: f64,
    /// Sources; `None` gives every packet its own.
    pub sources: Option<u32>,
    /// First SYN, microseconds.
    pub start_us: u64,
    /// How long, microseconds.
    pub duration_us: u64,
    /// Last number of the victim.
    pub target: u8,
    /// Its port.
    pub port: u16,
    /// Half-open connections the victim keeps; it ignores further SYNs.
    pub backlog: u32,
    /// Name in labels; `syn-flood` or `syn-spray` when absent.
    pub name: Option<String>,
}

impl Default for SynFlood {
    fn default() -> Self {
        Self {
            rate: 2000.0,
            sources: Some(5),
            start_us: 30_000_000,
            duration_us: 10_000_000,
            target: 10,
            port: 443,
            backlog: 512,
            name: None,
        }
    }
}

impl Parameters for SynFlood {
    const FLAG: &'static str = "syn-flood";
    const KEYS: &'static str =
        "rate, sources (a number or each), start, duration, target, port, backlog, name";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "rate" => self.rate = value.rate()?,
            "sources" if value.is("each") => self.sources = None,
            "sources" => self.sources = Some(value.count(1..=10_000_000)?),
            "start" => self.start_us = value.time()?,
            "duration" => self.duration_us = value.time()?,
            "target" => self.target = value.number()?,
            "port" => self.port = value.port()?,
            "backlog" => self.backlog = value.count(0..=1_000_000)?,
            "name" => self.name = Some(value.name()?),
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl SynFlood {
    /// The name in labels.
    pub fn name(&self) -> String {
        let made = if self.sources.is_some() { "syn-flood" } else { "syn-spray" };
        self.name.clone().unwrap_or_else(|| made.to_owned())
    }

    pub(crate) fn addresses(&self) -> u64 {
        self.sources.map_or_else(|| packets(self.rate, self.duration_us), u64::from)
    }

    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.addresses() as u32);
        let few = (0..self.sources.unwrap_or(0)).map(|index| pool.host(index, &mut rng)).collect();
        Box::new(Flooding {
            beat: Beat::new(self.start_us, self.duration_us, self.rate),
            backlog: Backlog::new(self.backlog),
            tag: Tag::attack(&self.name()),
            parameters: self.clone(),
            pool,
            few,
            rng,
        })
    }
}

struct Flooding {
    parameters: SynFlood,
    beat: Beat,
    pool: Pool,
    /// The sources that send again and again; empty when each sends once.
    few: Vec<Host>,
    backlog: Backlog,
    tag: Tag,
    rng: Rng,
}

impl Activity for Flooding {
    fn next_us(&self) -> Option<u64> {
        self.beat.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, index)) = self.beat.take() else { return };
        let rng = &mut self.rng;
        let mut once;
        let source = if self.few.is_empty() {
            once = self.pool.host(index as u32, rng);
            &mut once
        } else {
            let who = rng.between(0, self.few.len() as u64 - 1) as usize;
            &mut self.few[who]
        };
        let options = tool_options(rng);
        let call = Segment {
            sport: rng.between(1024, 65_535) as u16,
            dport: self.parameters.port,
            seq: rng.word(),
            flags: flag::SYN,
            window: rng.pick(&[512, 1024, 8192, 64_240]),
            options: &options,
            ..Segment::default()
        };
        let target = protected(self.parameters.target, source.address.is_ipv6());
        let syn = source.send(target, protocol::TCP, call.encode());
        out.push(time, syn.clone(), &self.tag);
        if self.backlog.admit(time) {
            let at_us = time + rng.between(150, 900);
            syn_ack(&syn, &call, SynAck { at_us, repeat: true }, &self.tag.answer(), rng, out);
        }
    }
}

/// Flooding tools send no options, the MSS alone, or copy a real stack.
fn tool_options(rng: &mut Rng) -> Vec<u8> {
    match rng.between(0, 2) {
        0 => Vec::new(),
        1 => mss_option(1460).to_vec(),
        _ => syn_options(1460, [rng.word(), 0], 7),
    }
}
