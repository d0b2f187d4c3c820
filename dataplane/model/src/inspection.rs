//! What is looked for inside packets of sources whose treatment inspects, and what is found.
//!
//! Compiled by `repute-policy`, walked by workers. Always holds: one table look-up a byte, and no more bytes of a packet
//! than the policy says; a pattern is found wherever it lies in them, and by its number.

use crate::{PortRule, Source, named};

named! {
    /// What a port promises to whoever connects to it.
    Promise;
    /// TLS: a connection begins with a ClientHello (RFC 8446).
    Tls = "tls",
    /// HTTP: with a request line (RFC 9112), or the preface of HTTP/2 (RFC 9113).
    Http = "http",
    /// SSH: with an identification string (RFC 4253).
    Ssh = "ssh",
    /// DNS: with a query (RFC 1035).
    Dns = "dns",
}

named! {
    /// What inspection may find.
    Finding;
    /// A TCP segment with flags that no host sets together, or none at all.
    TcpFlags = "tcp-flags",
    /// The first bytes of a connection to a port that promises TLS are none.
    NotTls = "not-tls",
    /// The same of HTTP.
    NotHttp = "not-http",
    /// The same of SSH.
    NotSsh = "not-ssh",
    /// What goes to a port of DNS is no query.
    NotDns = "not-dns",
    /// A DNS query to a port that promises none.
    DnsElsewhere = "dns-elsewhere",
    /// A payload that a signature of the policy names.
    Signature = "signature",
}

impl Finding {
    /// A promise that was not kept.
    pub const fn broken(promise: Promise) -> Self {
        match promise {
            Promise::Tls => Self::NotTls,
            Promise::Http => Self::NotHttp,
            Promise::Ssh => Self::NotSsh,
            Promise::Dns => Self::NotDns,
        }
    }
}

/// Something that was found in a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// What.
    pub finding: Finding,
    /// The number of the signature, if it was one.
    pub signature: Option<u16>,
}

/// A hit as workers tell of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inspected {
    /// In whose packet.
    pub source: Source,
    /// What.
    pub hit: Hit,
    /// Whom the packet was for.
    pub destination: crate::Address,
    /// Its protocol and the port that it was for.
    pub to: PortRule,
    /// Hits before this one that were not told.
    pub untold: u32,
}

/// What a policy has looked for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inspection {
    /// Bytes of a payload in which signatures are looked for.
    pub bytes: u16,
    /// What ports promise.
    pub promises: Vec<(PortRule, Promise)>,
    /// Patterns of payloads.
    pub signatures: Signatures,
}

impl Inspection {
    /// What a port promises.
    pub fn promise(&self, protocol: u8, port: u16) -> Option<Promise> {
        let found = self.promises.iter().find(|(rule, _)| (rule.protocol, rule.port) == (protocol, port));
        found.map(|&(_, promise)| promise)
    }
}

/// One signature, beside its pattern.
#[derive(Clone, PartialEq, Debug)]
pub struct Signature {
    /// The ports that it is looked for at; empty = all.
    pub ports: Vec<PortRule>,
    /// How much one hit counts, in 256ths.
    pub parts: u16,
}

impl Signature {
    fn applies(&self, protocol: u8, port: u16) -> bool {
        self.ports.is_empty() || self.ports.iter().any(|rule| (rule.protocol, rule.port) == (protocol, port))
    }
}

/// The signatures that end in each state of an automaton.
#[derive(Clone, PartialEq, Debug)]
pub struct Ends {
    /// By state, and one more: where its signatures begin in `numbers`.
    pub from: Vec<u32>,
    /// Their numbers.
    pub numbers: Vec<u16>,
}

impl Ends {
    #[inline]
    fn of(&self, state: u32) -> &[u16] {
        let range = self.from.get(state as usize..).and_then(|from| from.first_chunk::<2>());
        range.and_then(|[from, to]| self.numbers.get(*from as usize..*to as usize)).unwrap_or_default()
    }
}

/// All patterns as one deterministic automaton: a row of next states for every state, a column for every class of bytes
/// that no pattern tells apart.
#[derive(Clone, PartialEq, Debug)]
pub struct Signatures {
    /// By number.
    pub signatures: Vec<Signature>,
    /// By byte: its class, below `stride`.
    pub classes: [u8; 256],
    /// Columns of a row.
    pub stride: u16,
    /// By state and class: the state that comes next. State 0 is where a payload begins.
    pub next: Vec<u32>,
    /// What has ended before the byte that led to a state.
    pub ended: Ends,
    /// What ends in a state, if the payload does.
    pub ends: Ends,
}

impl Default for Signatures {
    fn default() -> Self {
        let none = Ends { from: vec![0, 0], numbers: Vec::new() };
        let (ended, ends) = (none.clone(), none);
        Self { signatures: Vec::new(), classes: [0; 256], stride: 1, next: vec![0], ended, ends }
    }
}

impl Signatures {
    /// The first signature that ends in `payload` and is looked for at this port.
    pub fn find(&self, payload: &[u8], protocol: u8, port: u16) -> Option<u16> {
        if self.signatures.is_empty() {
            return None;
        }
        let applies = |number: &&u16| {
            let signature = self.signatures.get(usize::from(**number));
            signature.is_some_and(|signature| signature.applies(protocol, port))
        };
        let mut state = 0;
        for &byte in payload {
            let class = u32::from(self.classes[usize::from(byte)]);
            state = *self.next.get((state * u32::from(self.stride) + class) as usize)?;
            if let Some(found) = self.ended.of(state).iter().find(applies) {
                return Some(*found);
            }
        }
        self.ends.of(state).iter().find(applies).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds `ab` anywhere.
    fn automaton(ports: Vec<PortRule>) -> Signatures {
        let mut classes = [0; 256];
        (classes[usize::from(b'a')], classes[usize::from(b'b')]) = (1, 2);
        Signatures {
            signatures: vec![Signature { ports, parts: 256 }],
            classes,
            stride: 3,
            // Nothing, an `a`, both of them, and what has come behind these.
            next: vec![0, 1, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3],
            ended: Ends { from: vec![0, 0, 0, 0, 1], numbers: vec![0] },
            ends: Ends { from: vec![0, 0, 0, 1, 1], numbers: vec![0] },
        }
    }

    #[test]
    fn a_pattern_is_found_wherever_it_lies() {
        let signatures = automaton(Vec::new());
        for (payload, found) in [("ab", Some(0)), ("xxaab..", Some(0)), ("a b", None), ("", None)] {
            assert_eq!(signatures.find(payload.as_bytes(), 6, 80), found, "{payload}");
        }
        assert_eq!(Signatures::default().find(b"ab", 6, 80), None);
    }

    #[test]
    fn a_signature_is_looked_for_at_its_ports() {
        let signatures = automaton(vec![PortRule { protocol: 6, port: 80 }]);
        assert_eq!(signatures.find(b"ab", 6, 80), Some(0));
        assert_eq!(signatures.find(b"ab", 17, 80), None);
        assert_eq!(signatures.find(b"ab", 6, 81), None);
    }
}
