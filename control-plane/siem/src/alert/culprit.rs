//! Which endpoint an alert is held against.

use std::net::IpAddr;

use repute_model::{Address, PrefixTable, Side};

use super::{Alert, Blame};

/// Who is behind an alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Culprit {
    /// Its address.
    pub address: Address,
    /// The other end.
    pub victim: Address,
    /// On which side of the box it is.
    pub side: Side,
}

impl Alert {
    /// Who is behind it: whom the record blames; else the end that is outside, if only one is; else the sender.
    /// An alert that does not say who began is not held against an inside host while there is an outside one.
    /// `None` where that address names nobody: multicast, broadcast, unspecified, link-local.
    pub fn culprit(&self, inside: &PrefixTable<()>) -> Option<Culprit> {
        let (source, destination) = (plain(self.source), plain(self.destination));
        let is_inside = |address| inside.get(address).is_some();
        let (address, victim) = match self.blame {
            Blame::Destination => (destination, source),
            Blame::Unsaid if is_inside(source) && !is_inside(destination) => (destination, source),
            Blame::Source | Blame::Unsaid => (source, destination),
        };
        let side = if is_inside(address) { Side::Inside } else { Side::Outside };
        (!address.is_nobody()).then_some(Culprit { address, victim, side })
    }
}

/// IPv4 that is written as mapped IPv6 is the same address.
fn plain(ip: IpAddr) -> Address {
    ip.to_canonical().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(source: &str, destination: &str, blame: Blame) -> Alert {
        Alert {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            blame,
            signature: None,
            signature_text: String::new(),
            name: String::new(),
            category: String::new(),
            severity: 1,
            at: None,
            reference: String::new(),
            identity: String::new(),
        }
    }

    #[test]
    fn the_record_decides_then_the_side_then_the_sender() {
        let inside = PrefixTable::new([("10.0.0.0/8".parse().unwrap(), ())]);
        let (host, stranger, other) = ("10.0.0.1", "198.51.100.7", "203.0.113.9");
        for (source, destination, blame, culprit, side) in [
            (stranger, host, Blame::Unsaid, stranger, Side::Outside),
            (host, stranger, Blame::Unsaid, stranger, Side::Outside),
            (host, stranger, Blame::Source, host, Side::Inside),
            (host, stranger, Blame::Destination, stranger, Side::Outside),
            (stranger, other, Blame::Unsaid, stranger, Side::Outside),
            ("10.0.0.2", host, Blame::Unsaid, "10.0.0.2", Side::Inside),
            ("::ffff:10.0.0.2", host, Blame::Source, "10.0.0.2", Side::Inside),
        ] {
            let found = alert(source, destination, blame).culprit(&inside).unwrap();
            assert_eq!((found.address.to_string(), found.side), (culprit.to_owned(), side));
        }
        assert_eq!(alert("224.0.0.1", host, Blame::Source).culprit(&inside), None);
    }
}
