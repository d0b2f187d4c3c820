//! The columns of `repute inspect`: one packet as one line of tab-separated values.
//!
//! Written by the command line. Always holds: as many fields as [`Columns::HEADER`] names; a field that does
//! not apply is empty.

use std::fmt::{self, Display, Formatter};
use std::net::Ipv6Addr;

use repute_model::Address;

use crate::{L2, L3, L4, Parsed};

/// Shows a [`Parsed`] as its columns, without the packet number in front and without a line end.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a>(pub &'a Parsed);

impl Columns<'_> {
    /// The names of the columns, tab-separated.
    pub const HEADER: &'static str = "l2\tvlan\tl3\tsrc\tdst\tl4\tsport\tdport\ttcp_flags\tip_len\tttl\t\
                                      frag_off\tfrag_more\ticmp_type\terror";
}

impl Display for Columns<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let p = self.0;
        write!(f, "{}\t{}\t{}\t", l2(p.l2), p.vlan_depth, l3(p.l3))?;
        field(f, p.has_addresses(), In(p.l3, p.src))?;
        field(f, p.has_addresses(), In(p.l3, p.dst))?;
        field(f, p.is_ip(), l4(p.l4))?;
        field(f, p.has_ports(), p.sport)?;
        field(f, p.has_ports(), p.dport)?;
        field(f, p.has_tcp_flags(), format_args!("{:#06x}", p.tcp_flags))?;
        field(f, p.has_ip_len(), p.ip_len)?;
        field(f, p.has_addresses(), p.ttl)?;
        field(f, p.has_fragment(), p.frag_off)?;
        field(f, p.has_fragment(), u8::from(p.frag_more()))?;
        field(f, p.has_icmp(), p.icmp_type)?;
        p.error.map_or(Ok(()), |reason| reason.fmt(f))
    }
}

fn field(f: &mut Formatter<'_>, applies: bool, value: impl Display) -> fmt::Result {
    if applies { write!(f, "{value}\t") } else { f.write_str("\t") }
}

/// An address in the family of its header: an IPv4-mapped one in IPv6 must not pass for IPv4.
struct In(L3, Address);

impl Display for In {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            L3::Ipv6 => Ipv6Addr::from_bits(self.1.0).fmt(f),
            _ => self.1.fmt(f),
        }
    }
}

const fn l2(l2: L2) -> &'static str {
    match l2 {
        L2::Ethernet => "eth",
        L2::Raw => "raw",
    }
}

const fn l3(l3: L3) -> &'static str {
    match l3 {
        L3::Ipv4 => "ipv4",
        L3::Ipv6 => "ipv6",
        L3::Arp => "arp",
        L3::Other => "other",
    }
}

const fn l4(l4: L4) -> &'static str {
    match l4 {
        L4::Tcp => "tcp",
        L4::Udp => "udp",
        L4::Icmp => "icmp",
        L4::Icmpv6 => "icmpv6",
        L4::Fragment => "fragment",
        L4::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse_ethernet, parse_ip};

    #[test]
    fn a_row_has_the_columns_of_the_header() {
        let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 17, 0, 0];
        bytes.extend([192, 0, 2, 1, 198, 51, 100, 2, 0, 53, 0, 99, 0, 7, 0, 0]);
        let row = Columns(&parse_ip(&bytes, 28)).to_string();
        let expected = "raw\t0\tipv4\t192.0.2.1\t198.51.100.2\tudp\t53\t99\t\t28\t64\t0\t0\t\tudp-length";
        assert_eq!(row, expected);
        assert_eq!(row.split('\t').count(), Columns::HEADER.split('\t').count());
    }

    #[test]
    fn what_does_not_apply_is_empty() {
        let mut frame = [0; 60];
        frame[12..14].copy_from_slice(&[0x88, 0xcc]);
        let row = Columns(&parse_ethernet(&frame, 60)).to_string();
        assert_eq!(row, "eth\t0\tother\t\t\t\t\t\t\t\t\t\t\t\t");
    }
}
