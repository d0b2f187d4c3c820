//! A virtual port on an interface of the kernel (`net_af_packet`, `net_af_xdp`, live `net_pcap`).
//!
//! Called with the name of each interface that a port uses. What its driver does to frames is the matter of
//! `offloads`.

use dpdk::Driver;

use super::finding::{About, Finding, Topic};
use super::machine::Machine;
use super::needs::PortNeed;
use super::netdev::Netdev;
use super::{offloads, xdp};

/// Everything about one interface of a port.
pub fn check(machine: &Machine, port: &PortNeed, name: &str) -> Vec<Finding> {
    let about = About::new(Topic::Port, format!("{} ({})", port.name, name));
    let Some(netdev) = Netdev::read(machine, name) else {
        let seen = format!("there is no interface {name} in this network namespace");
        return vec![about.problem(seen, "ip -brief link shows those that are there")];
    };
    let mut findings = vec![state(&about, &netdev), promiscuous(&about, &netdev), mtu(&about, &netdev, port)];
    findings.extend(in_use(&about, &netdev));
    findings.extend(speaks(&about, &netdev));
    findings.extend(bridged(&about, &netdev));
    findings.extend(offloads::check(machine, &about, name, port.spec.driver()));
    findings.extend(xdp::check(machine, &about, &netdev, port));
    findings
}

fn state(about: &About, netdev: &Netdev) -> Finding {
    let name = &netdev.name;
    if !netdev.is_ethernet {
        return about.problem("carries no Ethernet frames", "use an Ethernet interface");
    }
    if !netdev.is_up {
        return about.problem("is down", format!("ip link set {name} up"));
    }
    if netdev.has_carrier == Some(false) {
        return about
            .warning("is up, but nothing is connected", "check the cable, or bring up the other end");
    }
    about.ok("is up")
}

fn promiscuous(about: &About, netdev: &Netdev) -> Finding {
    about.ok(match netdev.is_promiscuous {
        true => "takes frames for anybody",
        false => "will take frames for anybody: reputed switches that on when it starts",
    })
}

fn mtu(about: &About, netdev: &Netdev, port: &PortNeed) -> Finding {
    let (name, wanted) = (&netdev.name, port.mtu);
    match netdev.mtu {
        Some(mtu) if mtu > wanted => about.warning(
            format!("MTU {mtu}, the port is to carry {wanted}: longer packets are dropped"),
            format!("ip link set {name} mtu {wanted}, or mtu = {mtu} for both ports of the pair"),
        ),
        Some(mtu) if mtu < wanted => about.warning(
            format!("MTU {mtu}, the port is to carry {wanted}: longer packets cannot leave here"),
            format!("ip link set {name} mtu {wanted}, or mtu = {mtu} for both ports of the pair"),
        ),
        Some(mtu) if port.spec.driver() == Driver::AfXdp && mtu > 1500 => about.warning(
            format!("MTU {mtu}: a frame has to fit a page beside XDP's own room, and some drivers take less"),
            format!(
                "--attach asks for the limit; or ip link set {name} mtu 1500, or net_af_packet in its place"
            ),
        ),
        Some(mtu) => about.ok(format!("MTU {mtu}")),
        None => about.note("the kernel tells no MTU"),
    }
}

/// Whoever administers the machine over this interface would lose it.
pub fn in_use(about: &About, netdev: &Netdev) -> Option<Finding> {
    let (name, uses) = (&netdev.name, netdev.uses);
    let used = match () {
        () if uses.default_route => "has the default route",
        () if uses.routes || uses.ipv6 => "has addresses",
        () => return None,
    };
    Some(about.warning(
        format!("{name} {used}: if you are connected through it, you cut yourself off"),
        format!("take another interface, or be at the console; then: ip address flush dev {name}"),
    ))
}

/// The kernel's own neighbour discovery would be seen on the wire as a third party.
fn speaks(about: &About, netdev: &Netdev) -> Option<Finding> {
    let name = &netdev.name;
    netdev.uses.link_local.then(|| {
        about
            .note("has a link-local IPv6 address: the kernel speaks on the wire too")
            .way_out(format!("sysctl net.ipv6.conf.{name}.disable_ipv6=1"))
    })
}

fn bridged(about: &About, netdev: &Netdev) -> Option<Finding> {
    let (name, master) = (&netdev.name, netdev.master.as_ref()?);
    Some(about.warning(
        format!("is part of {master}: the kernel forwards the same frames, past every verdict"),
        format!("ip link set {name} nomaster"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    fn fake(flags: &str) -> Fake {
        let fake = Fake::new();
        fake.file("sys/class/net/wa/flags", flags).file("sys/class/net/wa/mtu", "1500");
        fake.file("sys/class/net/wa/type", "1").file("sys/class/net/wa/carrier", "1");
        fake
    }

    fn found(fake: &Fake) -> Vec<Finding> {
        let quiet = fake.with(|program, _| (program == "ethtool").then(|| "Features for wa:\n".to_owned()));
        check(&quiet, &needs(&[("outside", "net_af_packet0,iface=wa")]).ports[0], "wa")
    }

    fn worst(fake: &Fake) -> Finding {
        found(fake).into_iter().max_by_key(|found| found.level).unwrap()
    }

    #[test]
    fn an_idle_interface_is_fine() {
        let found = found(&fake("0x1003"));
        assert!(found.iter().all(|found| found.level == Level::Ok), "{found:?}");
    }

    #[test]
    fn what_is_missing_down_or_unplugged_is_said() {
        assert_eq!(worst(&Fake::new()).level, Level::Problem);
        assert_eq!(worst(&fake("0x1002")).remedy.as_deref(), Some("ip link set wa up"));
        let unplugged = fake("0x1003");
        unplugged.file("sys/class/net/wa/carrier", "0");
        assert_eq!(worst(&unplugged).level, Level::Warning);
        let tunnel = fake("0x1003");
        tunnel.file("sys/class/net/wa/type", "772");
        assert_eq!(worst(&tunnel).level, Level::Problem);
    }

    #[test]
    fn another_mtu_is_a_warning_either_way() {
        for (mtu, part) in [("1400", "cannot leave"), ("9000", "are dropped")] {
            let fake = fake("0x1003");
            fake.file("sys/class/net/wa/mtu", mtu);
            let found = worst(&fake);
            assert!(found.level == Level::Warning && found.finding.contains(part), "{found:?}");
        }
    }

    #[test]
    fn what_the_kernel_does_there_is_said() {
        let fake = fake("0x1003");
        fake.file("proc/net/if_inet6", "fe80000000000000 04 40 20 80 wa");
        assert_eq!(worst(&fake).level, Level::Note);
        fake.file("proc/net/route", "wa\t000200C0\t0");
        assert!(worst(&fake).finding.contains("wa has addresses"));
        fake.file("proc/net/route", "").link("sys/class/net/wa/master", "../br0");
        assert_eq!(worst(&fake).remedy.as_deref(), Some("ip link set wa nomaster"));
    }
}
