//! What a name says about who asks for it.
//!
//! Called by the stage for every query that can be read. Always holds: one pass over the name, and the same name gives the
//! same numbers whatever its case.

use repute_model::{Address, DomainTable, FlatName};
use repute_reputation::names::{NameModel, own_index};
use repute_reputation::{Inquiry, Secret};
use repute_wire::dns::{NAME_MAX, Name, Question};

use super::networks::network;

/// How likely made up a name has to be to count as random: an honest name in a hundred is.
const RANDOM: f32 = 0.8;

/// Reads names.
#[derive(Debug)]
pub struct Names {
    /// Absent only in a build whose tests fail.
    model: Option<NameModel>,
    secret: Secret,
}

impl Names {
    /// Reads the model that is built in; `seed` keys the numbers of names.
    pub fn new(seed: u64) -> Self {
        Self { model: NameModel::built_in().ok(), secret: Secret::from_seed(seed.rotate_left(41)) }
    }

    /// What a question says, where nobody honest asks for what is in one of these lists.
    pub fn inquiry(&self, question: &Question<'_>, honeypots: [&DomainTable<()>; 2]) -> Inquiry {
        let model = self.model.as_ref();
        Inquiry {
            carries_data: carries_data(question.kind),
            is_random: model.is_some_and(|model| model.probability(question.name.labels()) >= RANDOM),
            is_honeypot: honeypots.iter().any(|names| !names.is_empty() && is_listed(&question.name, names)),
            ..self.place(&question.name)
        }
    }

    /// Which name it is and which domain it is in, and nothing else.
    pub fn place(&self, name: &Name<'_>) -> Inquiry {
        let mut buffer = [0; NAME_MAX];
        let (lowered, below) = (name.lowered(&mut buffer), bytes_below(name));
        // A length byte stands before every label.
        let domain = lowered.get(below.start..).unwrap_or(lowered);
        Inquiry {
            carries_data: false,
            is_random: false,
            is_honeypot: false,
            domain: self.secret.bytes(domain) as u32,
            name: self.secret.bytes(lowered),
            below: below.bytes,
        }
    }

    /// The domain that a name is in.
    pub fn domain(&self, name: &Name<'_>) -> FlatName {
        let mut buffer = [0; NAME_MAX];
        let lowered = name.lowered(&mut buffer);
        FlatName::new(lowered.get(bytes_below(name).start..).unwrap_or(lowered))
    }

    /// What names the network of an address.
    pub fn network(&self, address: Address) -> u64 {
        self.secret.address(network(address))
    }

    /// What names this name and type as the network of `from` asks for them.
    pub fn same(&self, from: Address, inquiry: &Inquiry, kind: u16) -> u64 {
        self.secret.both(self.network(from) ^ u64::from(kind), inquiry.name)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.model.as_ref().map_or(0, NameModel::bytes)
    }
}

fn is_listed(name: &Name<'_>, names: &DomainTable<()>) -> bool {
    let mut buffer = [0; NAME_MAX];
    names.get(name.lowered(&mut buffer)).is_some()
}

/// What stands in front of the domain that somebody registered.
struct Below {
    /// Where that domain begins in the name.
    start: usize,
    /// Bytes of the labels before it.
    bytes: u8,
}

/// Names of addresses (below `arpa`) say nothing, and neither do those of one label.
fn bytes_below(name: &Name<'_>) -> Below {
    let labels = name.labels();
    let is_address = labels.clone().last().is_some_and(|top| top.eq_ignore_ascii_case(b"arpa"));
    let own = own_index(labels.clone()).filter(|_| !is_address).unwrap_or(0);
    let start: usize = labels.take(own).map(|label| label.len() + 1).sum();
    Below { start, bytes: (start - own) as u8 }
}

/// Types that carry whatever one likes: NULL, TXT, KEY, ANY, and those that nobody assigned or that are for private use
/// (IANA, DNS parameters).
const fn carries_data(kind: u16) -> bool {
    matches!(kind, 10 | 16 | 25 | 255 | 110..=248 | 263..=32_767 | 32_770..=u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use repute_wire::dns::Message;

    fn inquiry(name: &str, kind: u16) -> Inquiry {
        let mut message = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend(label.as_bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        let question = Message::new(&message).unwrap().questions().next().unwrap().unwrap();
        let [own, live] = ["trap.example", "*.sinkhole.example"]
            .map(|name| DomainTable::new([(name.parse().unwrap(), ())]).unwrap());
        Names::new(7).inquiry(&question, [&own, &live])
    }

    #[test]
    fn a_name_is_taken_apart_at_what_was_registered() {
        let (www, mail) = (inquiry("WWW.Example.org", 1), inquiry("mail.example.org", 16));
        assert_eq!((www.domain, www.below, mail.below), (mail.domain, 3, 4));
        assert_ne!(www.name, mail.name);
        assert_eq!(www.name, inquiry("www.example.ORG", 1).name);
        assert_eq!(inquiry("a.b.example.co.uk", 1).below, 2);
        assert_eq!(inquiry("example.org", 1).below, 0);
        assert!(!www.carries_data && mail.carries_data && !www.is_random);
    }

    #[test]
    fn names_of_addresses_say_nothing() {
        let nibbles = ["7"; 32].join(".") + ".ip6.arpa";
        let found = inquiry(&nibbles, 12);
        assert_eq!((found.below, found.is_random), (0, false));
        assert!(inquiry("xkqzvwjhqpfgtr.com", 1).is_random);
        assert_eq!(inquiry("localhost", 1).below, 0);
    }

    #[test]
    fn honeypots_are_known_by_name_or_from_above() {
        let lured = ["TRAP.example", "www.trap.example", "sinkhole.example", "a.B.sinkhole.example"];
        assert_eq!(lured.map(|name| inquiry(name, 1).is_honeypot), [true, false, false, true]);
    }

    #[test]
    fn ordinary_types_carry_nothing() {
        for kind in [1, 2, 5, 6, 12, 15, 28, 33, 35, 43, 46, 48, 52, 64, 65, 257, 32_769] {
            assert!(!carries_data(kind), "{kind}");
        }
        assert!([10, 16, 255, 65_399].into_iter().all(carries_data));
    }
}
