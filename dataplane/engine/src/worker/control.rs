//! The always-forward class: what keeps a network alive passes before any treatment, under a cap.

use repute_model::{Judgement, Meter, Policy, Reason, Tick};
use repute_reputation::conforms;
use repute_wire::{Class, Parsed};

/// The cap's arrival times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cap {
    packets: u64,
    bytes: u64,
}

impl Cap {
    /// The judgement of a packet by its class alone; `None` for ordinary ones.
    pub fn judge(&mut self, policy: &Policy, parsed: &Parsed, wire_len: u32, now: Tick) -> Option<Judgement> {
        match parsed.class {
            Class::Ordinary => return None,
            Class::Bgp if !policy.protect.is_neighbour(parsed.src, parsed.dst) => return None,
            _ => {}
        }
        let rate = policy.control_packets_per_s;
        let meter = Meter { packets_per_s: Some(rate), packet_burst: rate, bytes_per_s: None, byte_burst: 0 };
        let passes = conforms(&meter, now, wire_len, &mut self.packets, &mut self.bytes).is_ok();
        Some(if passes { Judgement::FORWARD } else { Judgement::drop(Reason::ControlCap) })
    }
}
