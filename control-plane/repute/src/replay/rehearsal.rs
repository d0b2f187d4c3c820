//! One engine on capture time, with its packets and rings held right here.

use std::rc::Rc;
use std::sync::Arc;

use repute_engine::{Batch, Handle, Published, REPLAY_SEED, Role, Setup, Wire, Worker, mailbox};
use repute_model::{
    CrowdChange, Explanation, Io, Judgement, Outbox, Packet, Policy, Prefix, PrefixTable, Report, Source,
    SynAnswer,
};
use repute_wire::Parsed;

use super::Standard;
use super::feed::{Captured, FeedBatch};
use super::hours::{Hours, Weeks};
use crate::capture::Link;
use crate::inspect;

/// Slots of the report ring, emptied after every batch.
const REPORTS: usize = 4096;

/// A packet with what the engine made of it.
pub struct Judged {
    /// Which capture it is from.
    pub file: usize,
    /// Its number there, from 1.
    pub n: u64,
    /// µs since 1970.
    pub ts_us: u64,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Its headers.
    pub parsed: Parsed,
    /// What happened to it.
    pub judgement: Judgement,
    /// The source that was judged by it, if any.
    pub source: Option<Source>,
    /// The name of the service that it is about, if any.
    pub service: Option<Rc<str>>,
}

/// A packet shared between the engine, which may keep it for a while, and the account of it.
#[derive(Clone)]
struct Shared(Rc<Captured>);

impl Packet for Shared {
    fn bytes(&self) -> &[u8] {
        &self.0.data
    }

    fn wire_len(&self) -> u32 {
        self.0.wire_len
    }

    fn segments(&self) -> u16 {
        1
    }

    fn link(&self) -> repute_model::Link {
        match self.0.link {
            Link::Ethernet => repute_model::Link::Ethernet,
            Link::RawIp => repute_model::Link::Ip,
        }
    }

    /// The bytes are the account's too.
    fn prepend(&mut self, _header: &[u8]) -> bool {
        false
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }

    fn resize(&mut self, _len: u32) -> bool {
        false
    }
}

/// The way out of a rehearsal: everything is taken, nothing is sent.
struct Nowhere;

impl Io for Nowhere {
    type Packet = Shared;

    fn send(&mut self, _port: u8, packets: &mut Outbox<Shared>) {
        packets.clear();
    }

    fn free(&mut self, packets: &mut Outbox<Shared>) {
        packets.clear();
    }

    /// A rehearsal has nobody to mirror to.
    fn copy(&mut self, _packet: &Shared, _bytes_max: u32) -> Option<Shared> {
        None
    }
}

/// A worker under rehearsal.
pub struct Rehearsal {
    worker: Worker<Shared>,
    handle: Handle,
    hours: Option<Hours>,
    role: Role,
    /// Names of the services, by number.
    services: Vec<Rc<str>>,
    /// Whether the policy is in shadow mode: verdicts are what would have been.
    pub shadow: bool,
    /// What strangers' SYNs get in a flood.
    pub syn: SynAnswer,
    /// Sources that entered a limited band, counted each time.
    pub mitigations: u64,
    /// What happened to crowds, the first of it.
    pub crowds: Vec<CrowdChange>,
}

/// Changes of crowds kept at most.
const CROWDS_MAX: usize = 10_000;

impl Rehearsal {
    /// A fresh engine for one port that carries both sides; `inside` replaces the policy's own prefixes,
    /// and where it is empty every source is outside. `weeks` are what is usual for services at first.
    pub fn new(standard: &Standard, inside: &[Prefix], weeks: &Weeks) -> Self {
        let Standard { checked, homes } = standard;
        let mut policy = Policy { homes: homes.clone(), ..checked.compile(1) };
        policy.inside = PrefixTable::new(inside.iter().map(|&prefix| (prefix, ())));
        let (mailbox, handle) = mailbox(1, REPORTS);
        let published = Published::shared();
        let wire = Wire { role: Role::Both, peer: Some(0) };
        let worker = Worker::new(Setup::alone(
            Box::new(policy),
            checked.limits(),
            REPLAY_SEED,
            &[wire],
            mailbox,
            Arc::clone(&published),
        ));
        let hours = Hours::new(checked, published, weeks);
        let syn = checked.crowd_rules().syn;
        let services = checked.service_names().into_iter().map(Rc::from).collect();
        let (role, shadow) = (wire.role, checked.is_shadow());
        Self { worker, handle, hours, role, services, shadow, syn, mitigations: 0, crowds: Vec::new() }
    }

    /// Judges a batch.
    pub fn judge(&mut self, batch: &FeedBatch) -> Vec<Judged> {
        if let (Some(hours), Some(first)) = (&mut self.hours, batch.packets.first()) {
            hours.look(first.ts_us / 1_000_000, &mut self.handle);
        }
        let mut arrivals: Batch<Shared> =
            batch.packets.iter().map(|packet| (0, Shared(Rc::clone(packet)))).collect();
        let judgements = self.worker.breathe(batch.tick, &mut arrivals, &mut Nowhere).to_vec();
        while let Ok(report) = self.handle.reports.pop() {
            match report {
                Report::Mitigation(mitigation) => {
                    self.mitigations += u64::from(mitigation.treatment.limits());
                }
                Report::Crowd(change) if self.crowds.len() < CROWDS_MAX => self.crowds.push(change),
                _ => {}
            }
        }
        batch
            .packets
            .iter()
            .zip(judgements)
            .map(|(packet, judgement)| self.judged(packet, judgement))
            .collect()
    }

    /// How a source stands now.
    pub fn explain(&self, source: Source) -> Option<Explanation> {
        self.worker.explain(source)
    }

    /// Whether every packet was accounted for.
    pub fn is_conserved(&self) -> bool {
        self.worker.account().is_conserved()
    }

    fn judged(&self, packet: &Captured, judgement: Judgement) -> Judged {
        let parsed = inspect::parse(&packet.record());
        let source = if parsed.has_addresses() { self.worker.owned(&parsed, self.role).0 } else { None };
        let service = source.and_then(|_| self.worker.service_about(&parsed));
        let service = service.and_then(|number| self.services.get(usize::from(number)).cloned());
        Judged {
            file: packet.file,
            n: packet.n,
            ts_us: packet.ts_us,
            wire_len: packet.wire_len,
            parsed,
            judgement,
            source,
            service,
        }
    }
}
