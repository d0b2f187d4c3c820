//! What is found in packets of sources whose treatment inspects.
//!
//! Called by the general way for packets that go on. Always holds: at most one finding a packet, the cheapest look first;
//! what is found is counted, counts against the source, and is told within a bound.

use repute_model::{Finding, Hit, Inspected, Packet, PortRule, Report, Source, Verdict};
use repute_reputation::{Act, Exchange, Slot};
use repute_wire::{L4, Parsed, promise, tcp, udp};

use super::Worker;

impl<P: Packet> Worker<P> {
    /// Looks into a packet of a source that was judged, if it goes on.
    pub(super) fn inspect(
        &mut self,
        slot: Slot,
        source: Source,
        packet: &P,
        parsed: &Parsed,
        x: &Exchange,
        what: Verdict,
    ) {
        let goes_on = self.view.shadow || matches!(what, Verdict::Forward | Verdict::Queue);
        if !goes_on || !self.treatment(slot).inspect {
            return;
        }
        let Some(hit) = self.find_in(packet.bytes(), parsed, x) else { return };
        self.account.findings[hit.finding.index()] += 1;
        let signatures = &self.policy.inspection.signatures.signatures;
        let signature = hit.signature.and_then(|number| signatures.get(usize::from(number)));
        let parts = signature.map_or(repute_reputation::Tally::ONE, |signature| signature.parts);
        self.shard.found(slot, parts);
        self.tell_of(source, hit, x);
        self.rescore(slot);
    }

    fn find_in(&mut self, bytes: &[u8], parsed: &Parsed, x: &Exchange) -> Option<Hit> {
        let hit = |finding| Some(Hit { finding, signature: None });
        if parsed.has_tcp_flags() && promise::is_impossible(parsed.tcp_flags) {
            return hit(Finding::TcpFlags);
        }
        if parsed.tcp_flags & (tcp::SYN | tcp::ACK) == tcp::SYN {
            self.opened.note(self.shard.segment_key(&Exchange { seq: x.seq.wrapping_add(1), ..*x }));
        }
        let payload = payload(bytes, parsed)?;
        let is_first = match x.act {
            Act::Segment { data: true, .. } => self.opened.take(self.shard.segment_key(x)),
            Act::Datagram { .. } => payload.len() == parsed.payload_len as usize,
            _ => false,
        };
        let inspection = &self.policy.inspection;
        match inspection.promise(x.protocol, x.dport) {
            Some(promised) if is_first && !promise::keeps(promised, x.protocol, payload) => {
                return hit(Finding::broken(promised));
            }
            None if is_first && x.protocol == udp::PROTOCOL && promise::is_dns_query(payload) => {
                return hit(Finding::DnsElsewhere);
            }
            _ => {}
        }
        let looked = &payload[..payload.len().min(usize::from(inspection.bytes))];
        let found = inspection.signatures.find(looked, x.protocol, x.dport)?;
        Some(Hit { finding: Finding::Signature, signature: Some(found) })
    }

    fn tell_of(&mut self, source: Source, hit: Hit, x: &Exchange) {
        let Some(untold) = self.hits.take() else { return };
        let to = PortRule { protocol: x.protocol, port: x.dport };
        self.mailbox.send(Report::Inspected(Inspected { source, hit, destination: x.dst, to, untold }));
    }
}

/// What a packet carries for its transport, as far as it was captured; `None` where there is nothing to look at.
fn payload<'a>(bytes: &'a [u8], parsed: &Parsed) -> Option<&'a [u8]> {
    let has_ports =
        matches!(parsed.l4, L4::Tcp | L4::Udp) && parsed.payload_off > 0 && parsed.error.is_none();
    let from = usize::from(parsed.payload_off);
    let end = bytes.len().min(from + parsed.payload_len as usize);
    bytes.get(from..end).filter(|payload| has_ports && !payload.is_empty())
}
