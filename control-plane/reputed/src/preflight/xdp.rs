//! XDP on an interface: programs that are left over, and queues that AF_XDP sockets do not read.
//!
//! Called for ports on interfaces.

use dpdk::Driver;

use super::finding::{About, Finding};
use super::machine::Machine;
use super::needs::PortNeed;
use super::netdev::{self, Netdev};

/// Everything about XDP on an interface.
pub fn check(machine: &Machine, about: &About, netdev: &Netdev, port: &PortNeed) -> Vec<Finding> {
    let is_xdp = port.spec.driver() == Driver::AfXdp;
    let queues = is_xdp.then(|| queues(about, netdev, port)).flatten();
    program(machine, about, &netdev.name, is_xdp).into_iter().chain(queues).collect()
}

/// A process that was killed leaves its program behind, which then takes every frame.
fn program(machine: &Machine, about: &About, name: &str, is_xdp: bool) -> Option<Finding> {
    let link = netdev::details(machine, name)?;
    let id = link["xdp"]["prog"]["id"].as_u64()?;
    if is_xdp {
        let note =
            about.note(format!("XDP program {id} is attached: `reputed run` takes it off at its start"));
        return Some(note.way_out(format!("before --attach: ip link set {name} xdp off")));
    }
    Some(about.warning(
        format!("XDP program {id} is attached: it may take frames before this port sees them"),
        format!("ip link set {name} xdp off"),
    ))
}

/// One socket reads one queue; what the card puts into others goes to the kernel.
fn queues(about: &About, netdev: &Netdev, port: &PortNeed) -> Option<Finding> {
    let number =
        |key| port.spec.args(key).next().and_then(|value| value.parse::<u16>().ok().map(usize::from));
    let (start, count) = (number("start_queue").unwrap_or(0), number("queue_count").unwrap_or(1));
    let (name, there) = (&netdev.name, netdev.rx_queues);
    if there == 0 {
        return None;
    }
    if start + count > there {
        return Some(about.problem(
            format!("{there} receive queues, the port asks for {start} to {}", start + count - 1),
            format!("ethtool -L {name} combined {}", start + count),
        ));
    }
    if there > count {
        return Some(about.warning(
            format!("{there} receive queues, and the port reads {count}: what arrives at others is not seen"),
            format!("ethtool -L {name} combined {count}, or queue_count={there}"),
        ));
    }
    Some(about.ok(format!("reads all of {there} receive queues")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::{Level, Topic};

    fn found(device: &str, program: fn(&str, &[&str]) -> Option<String>) -> Vec<Finding> {
        let fake = Fake::new();
        fake.file("sys/class/net/wa/queues/rx-0/x", "").file("sys/class/net/wa/queues/rx-1/x", "");
        let netdev = Netdev::read(&fake.machine(), "wa").unwrap();
        check(&fake.with(program), &About::new(Topic::Port, "wa"), &netdev, &needs(&[("a", device)]).ports[0])
    }

    fn attached(_: &str, _: &[&str]) -> Option<String> {
        Some(r#"[{"ifname":"wa","xdp":{"mode":1,"prog":{"id":42}}}]"#.to_owned())
    }

    #[test]
    fn a_left_over_program_matters_to_others_than_af_xdp() {
        let found_packet = found("net_af_packet0,iface=wa", attached);
        assert_eq!(found_packet[0].remedy.as_deref(), Some("ip link set wa xdp off"));
        assert_eq!(found("net_af_xdp0,iface=wa,queue_count=2", attached)[0].level, Level::Note);
        assert!(found("net_af_packet0,iface=wa", |_, _| None).is_empty());
    }

    #[test]
    fn every_queue_has_to_be_read() {
        let level = |args: &str| found(&format!("net_af_xdp0,iface=wa{args}"), |_, _| None)[0].level;
        assert_eq!(level(""), Level::Warning);
        assert_eq!(level(",queue_count=2"), Level::Ok);
        assert_eq!(level(",start_queue=1,queue_count=2"), Level::Problem);
    }
}
