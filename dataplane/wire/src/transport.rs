//! From the network layer to the transport: fragments of both families, and the choice by protocol.
//!
//! Step between `ipv4` or `ipv6_ext` and the transport files. Always holds: only a packet that carries the start
//! of its transport header is asked for one.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::parsed::Known;
use crate::walk::{Step, Walk};
use crate::{L4, icmp, icmpv6, tcp, udp};

/// Source and destination port, the first four bytes of TCP and UDP alike.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Ports {
    sport: U16,
    dport: U16,
}

impl Walk<'_> {
    /// Goes on to the transport at `at`, unless the packet is a fragment that does not carry it.
    pub(crate) fn fragment_or_transport(&mut self, at: usize) -> Step {
        self.found.l4_off = u16::try_from(at).unwrap_or(u16::MAX);
        self.payload(at);
        self.judge_fragment();
        if self.found.frag_off == 0 { self.transport(at) } else { Ok(()) }
    }

    /// Fragments that no honest sender makes.
    fn judge_fragment(&mut self) {
        let found = &self.found;
        let end = found.payload_len.saturating_add(u32::from(found.frag_off) * 8);
        if found.frag_off != 0 && end > u32::from(u16::MAX) {
            self.flag(Reason::FragmentOverflow);
        } else if found.frag_more() && !found.payload_len.is_multiple_of(8) {
            self.flag(Reason::FragmentLength);
        } else if found.frag_off == 1 && found.protocol == tcp::PROTOCOL {
            // RFC 3128: it would overwrite the flags of the first fragment.
            self.flag(Reason::TinyFragment);
        }
    }

    /// Reads the transport header that `protocol` announces at `at`.
    fn transport(&mut self, at: usize) -> Step {
        match self.found.protocol {
            tcp::PROTOCOL => self.tcp(at),
            udp::PROTOCOL => self.udp(at),
            icmp::PROTOCOL => self.icmp(L4::Icmp, at),
            icmpv6::PROTOCOL => self.icmp(L4::Icmpv6, at),
            _ => Ok(()),
        }
    }

    pub(crate) fn ports(&mut self, at: usize, short: Reason) -> Step {
        let ports: &Ports = self.header(at, short)?;
        self.found.sport = ports.sport.get();
        self.found.dport = ports.dport.get();
        self.found.known.add(Known::PORTS);
        Ok(())
    }
}
