//! Owners of a policy zone as triggers.
//!
//! Called for every record. Addresses stand there backwards, behind the length of the prefix: `24.0.2.0.192.rpz-ip` is
//! 192.0.2.0/24, `48.zz.aa.db8.2001.rpz-ip` is 2001:db8:aa::/48.

use repute_model::{Address, DomainName, Prefix, RpzTrigger};

/// What a rule looks at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Trigger {
    Client(Prefix),
    Name(DomainName),
    Address(Prefix),
    Server(DomainName),
    ServerAddress(Prefix),
}

impl Trigger {
    /// Reads an owner, the zone's own name taken off.
    pub fn read(owner: DomainName) -> Result<Self, String> {
        let labels: Vec<&[u8]> = owner.labels().collect();
        let Some((last, rest)) = labels.split_last() else { return Ok(Self::Name(owner)) };
        match *last {
            b"rpz-client-ip" => prefix(rest).map(Self::Client),
            b"rpz-ip" => prefix(rest).map(Self::Address),
            b"rpz-nsip" => prefix(rest).map(Self::ServerAddress),
            b"rpz-nsdname" => match owner.as_bytes().strip_suffix(b"\x0brpz-nsdname\0") {
                Some(name) => {
                    let name = DomainName::from_wire(&[name, &[0]].concat());
                    name.map(Self::Server).ok_or_else(|| "is no name".to_owned())
                }
                None => Ok(Self::Name(owner)),
            },
            _ => Ok(Self::Name(owner)),
        }
    }

    pub fn kind(&self) -> RpzTrigger {
        match self {
            Self::Client(_) => RpzTrigger::ClientIp,
            Self::Name(_) => RpzTrigger::Qname,
            Self::Address(_) => RpzTrigger::Ip,
            Self::Server(_) => RpzTrigger::Nsdname,
            Self::ServerAddress(_) => RpzTrigger::Nsip,
        }
    }
}

/// The prefix that labels name: its length, then its address backwards.
fn prefix(labels: &[&[u8]]) -> Result<Prefix, String> {
    let texts: Option<Vec<&str>> = labels.iter().map(|label| std::str::from_utf8(label).ok()).collect();
    let texts = texts.ok_or("has other bytes than digits")?;
    let Some((len, groups)) = texts.split_first() else { return Err("has no address".to_owned()) };
    let v4 = groups.len() == 4 && !groups.contains(&"zz");
    let bits: u8 = if v4 { 32 } else { 128 };
    let len =
        number(len, 10, 3).and_then(|len| u8::try_from(len).ok()).filter(|len| (1..=bits).contains(len));
    let len = len.ok_or_else(|| format!("has a bad prefix length (1 to {bits})"))?;
    let address = if v4 { v4_address(groups) } else { v6_address(groups) };
    let address = address.ok_or("has no address that exists")?;
    let prefix = Prefix::containing(address, len + (128 - bits));
    if prefix.first() != address {
        return Err(format!("has bits set behind its length; did you mean `{prefix}`?"));
    }
    Ok(prefix)
}

fn v4_address(octets: &[&str]) -> Option<Address> {
    let octets: Option<Vec<u8>> =
        octets.iter().map(|octet| u8::try_from(number(octet, 10, 3)?).ok()).collect();
    Some(Address::v4(u32::from_le_bytes(octets?.try_into().ok()?)))
}

/// Groups backwards; `zz` stands for as many groups of zeros as are missing.
fn v6_address(groups: &[&str]) -> Option<Address> {
    let missing = 8usize.checked_sub(groups.iter().filter(|group| **group != "zz").count())?;
    let many = groups.iter().filter(|group| **group == "zz").count();
    if many > 1 || (many == 0) != (missing == 0) {
        return None;
    }
    let (mut bits, mut at) = (0u128, 0);
    for group in groups {
        if *group == "zz" {
            at += missing;
        } else {
            bits |= u128::from(number(group, 16, 4)?) << (16 * at);
            at += 1;
        }
    }
    Some(Address(bits))
}

/// A number of at most so many digits.
fn number(text: &str, radix: u32, digits_max: usize) -> Option<u32> {
    let fits =
        (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits { u32::from_str_radix(text, radix).ok() } else { None }
}

/// The owner of a rule about a prefix, without the name of its zone: what `Trigger::read` reads.
pub fn prefix_owner(prefix: Prefix, trigger: RpzTrigger) -> String {
    let v4 = prefix.len128() >= 96 && prefix.first().is_v4();
    let len = if v4 { prefix.len128() - 96 } else { prefix.len128() };
    let address = if v4 {
        let [a, b, c, d] = (prefix.first().0 as u32).to_be_bytes();
        format!("{d}.{c}.{b}.{a}")
    } else {
        // As RFC 5952 writes it: `::` stands for the longest run of zeros, and nothing else has two colons.
        let text = std::net::Ipv6Addr::from(prefix.first().0).to_string();
        let groups: Vec<&str> =
            text.split(':').map(|group| if group.is_empty() { "zz" } else { group }).collect();
        let mut groups: Vec<&str> = groups.into_iter().rev().collect();
        groups.dedup_by(|a, b| *a == "zz" && *b == "zz");
        groups.join(".")
    };
    format!("{len}.{address}.rpz-{trigger}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(text: &str) -> Result<Trigger, String> {
        Trigger::read(text.parse().unwrap())
    }

    #[test]
    fn owners() {
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        let prefix = |text: &str| text.parse::<Prefix>().unwrap();
        for (text, expected) in [
            ("24.0.2.0.192.rpz-client-ip", Trigger::Client(prefix("192.0.2.0/24"))),
            ("32.1.2.0.192.RPZ-IP", Trigger::Address(prefix("192.0.2.1/32"))),
            ("48.zz.aa.db8.2001.rpz-ip", Trigger::Address(prefix("2001:db8:aa::/48"))),
            ("128.57.zz.1.0.db8.2001.rpz-nsip", Trigger::ServerAddress(prefix("2001:db8:0:1::57"))),
            ("128.124.0.0.cc.bb.aa.db8.2001.rpz-ip", Trigger::Address(prefix("2001:db8:aa:bb:cc::124"))),
            ("128.1.zz.rpz-ip", Trigger::Address(prefix("::1"))),
            ("ns.example.rpz-nsdname", Trigger::Server(name("ns.example"))),
            ("*.ns.example.rpz-nsdname", Trigger::Server(name("*.ns.example"))),
            ("*.example", Trigger::Name(name("*.example"))),
            ("rpz-ip.example", Trigger::Name(name("rpz-ip.example"))),
        ] {
            assert_eq!(trigger(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn owners_of_prefixes_are_read_as_what_they_were() {
        for text in [
            "192.0.2.0/24",
            "198.51.100.7/32",
            "2001:db8:aa::/48",
            "2001:db8:0:1::57",
            "::1",
            "::/1",
            "2001:db8::/32",
        ] {
            let prefix: Prefix = text.parse().unwrap();
            let owner = prefix_owner(prefix, RpzTrigger::Ip);
            assert_eq!(trigger(&owner), Ok(Trigger::Address(prefix)), "{owner}");
        }
        let full = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(prefix_owner(full, RpzTrigger::ClientIp), "128.6.5.4.3.2.1.db8.2001.rpz-client-ip");
    }

    #[test]
    fn what_is_no_trigger() {
        for (text, why) in [
            ("rpz-ip", "no address"),
            ("24.rpz-ip", "no address that exists"),
            ("33.0.2.0.192.rpz-ip", "1 to 32"),
            ("0.0.2.0.192.rpz-ip", "1 to 32"),
            ("x.0.2.0.192.rpz-ip", "1 to 32"),
            ("+8.0.0.0.10.rpz-ip", "1 to 32"),
            ("24.0.2.0.256.rpz-ip", "exists"),
            ("24.0.2.0.192.1.rpz-ip", "exists"),
            ("24.1.2.0.192.rpz-ip", "did you mean `192.0.2.0/24`?"),
            ("129.zz.db8.2001.rpz-ip", "1 to 128"),
            ("32.zz.zz.db8.2001.rpz-ip", "exists"),
            ("32.zz.12345.2001.rpz-ip", "exists"),
            ("64.zz.1.2.3.4.5.6.7.8.rpz-ip", "exists"),
            ("16.zz.db8.2001.rpz-client-ip", "did you mean `2001::/16`?"),
        ] {
            let error = trigger(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
