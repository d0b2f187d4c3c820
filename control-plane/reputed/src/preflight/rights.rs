//! What this process may do: capabilities, locked memory, files. Judged for whoever runs the check.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use dpdk::Driver;

use super::finding::{About, Finding, Topic};
use super::machine::Machine;
use super::needs::Needs;
use super::ports;

/// A capability: its bit and its name (capabilities(7)).
type Capability = (u32, &'static str);

const DAC_OVERRIDE: u32 = 1;
const IPC_LOCK: u32 = 14;
const NET_ADMIN: Capability = (12, "CAP_NET_ADMIN");
const NET_RAW: Capability = (13, "CAP_NET_RAW");
const SYS_ADMIN: u32 = 21;
const BPF: u32 = 39;

/// Who this process is to the kernel.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    user: u32,
    groups: BTreeSet<u32>,
    capabilities: u64,
}

impl Identity {
    /// That of this process; nobody where the kernel does not say.
    pub fn read(machine: &Machine) -> Self {
        let status = machine.text("proc/self/status").unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let numbers =
            |text: &str| text.split_whitespace().map_while(|id| id.parse().ok()).collect::<Vec<u32>>();
        let (users, groups) = (numbers(field("Uid:")), numbers(field("Gid:")));
        Self {
            // The second one is the effective one.
            user: users.get(1).copied().unwrap_or(u32::MAX),
            groups: groups.get(1).copied().into_iter().chain(numbers(field("Groups:"))).collect(),
            capabilities: u64::from_str_radix(field("CapEff:").trim(), 16).unwrap_or(0),
        }
    }

    fn has(&self, bit: u32) -> bool {
        self.capabilities >> bit & 1 == 1
    }

    /// Whether it may read and write such a file.
    pub fn may_write(&self, file: &Metadata) -> bool {
        let class = match () {
            () if self.has(DAC_OVERRIDE) => return true,
            () if file.uid() == self.user => 6,
            () if self.groups.contains(&file.gid()) => 3,
            () => 0,
        };
        file.mode() >> class & 0o6 == 0o6
    }
}

/// Everything about rights.
pub fn check(machine: &Machine, needs: &Needs) -> Vec<Finding> {
    let identity = Identity::read(machine);
    let mut findings = vec![capabilities(&identity, needs)];
    findings.extend(locked_memory(machine, &identity, needs));
    findings
}

fn capabilities(identity: &Identity, needs: &Needs) -> Finding {
    let about = About::new(Topic::Rights, "capabilities");
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    for port in &needs.ports {
        let wanted: &[Capability] = match port.spec.driver() {
            Driver::AfPacket | Driver::AfXdp => &[NET_RAW, NET_ADMIN],
            Driver::Tap => &[NET_ADMIN],
            Driver::Pcap if ports::names(port).next().is_some() => &[NET_RAW],
            _ => &[],
        };
        missing.extend(wanted.iter().filter(|(bit, _)| !identity.has(*bit)).map(|(_, name)| *name));
        if port.spec.driver() == Driver::AfXdp && !identity.has(BPF) && !identity.has(SYS_ADMIN) {
            missing.insert("CAP_BPF");
        }
    }
    if missing.is_empty() {
        return about.ok("those that the ports need");
    }
    let missing: Vec<&str> = missing.into_iter().collect();
    about.problem(
        format!("{} missing for the ports", missing.join(", ")),
        format!("run as root, or in a systemd unit: AmbientCapabilities={}", missing.join(" ")),
    )
}

/// Memory that cards or AF_XDP sockets reach counts as locked.
fn locked_memory(machine: &Machine, identity: &Identity, needs: &Needs) -> Option<Finding> {
    let about = About::new(Topic::Rights, "locked memory");
    let locks = |driver| matches!(driver, Driver::Pci | Driver::AfXdp);
    if !needs.ports.iter().any(|port| locks(port.spec.driver())) {
        return None;
    }
    if identity.has(IPC_LOCK) {
        return Some(about.ok("without limit (CAP_IPC_LOCK)"));
    }
    let limits = machine.text("proc/self/limits").unwrap_or_default();
    let soft =
        limits.lines().find_map(|line| line.strip_prefix("Max locked memory"))?.split_whitespace().next()?;
    let needed = needs.packets_mb << 20;
    if soft == "unlimited" || soft.parse::<u64>().is_ok_and(|bytes| bytes >= needed) {
        return Some(about.ok(format!("limit {soft} bytes")));
    }
    Some(about.problem(
        format!("at most {soft} bytes, {needed} needed"),
        "ulimit -l unlimited\nor in a systemd unit: LimitMEMLOCK=infinity",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    fn levels(capabilities: &str, limit: &str, device: &str) -> Vec<Level> {
        let fake = Fake::new();
        fake.file(
            "proc/self/status",
            &format!("Uid:\t7\t1000\t7\t7\nGid:\t1\t5\nGroups:\t8 9\nCapEff:\t{capabilities}"),
        );
        fake.file("proc/self/limits", &format!("Max locked memory         {limit}    {limit}    bytes"));
        check(&fake.machine(), &needs(&[("a", device)])).iter().map(|found| found.level).collect()
    }

    #[test]
    fn ports_need_their_capabilities() {
        assert_eq!(levels("3000", "1", "net_af_packet0,iface=e"), [Level::Ok]);
        assert_eq!(levels("2000", "1", "net_af_packet0,iface=e"), [Level::Problem]);
        assert_eq!(levels("3000", "unlimited", "net_af_xdp0,iface=e"), [Level::Problem, Level::Ok]);
        assert_eq!(levels("8000003000", "unlimited", "net_af_xdp0,iface=e"), [Level::Ok, Level::Ok]);
        assert_eq!(levels("0", "1", "net_pcap0,rx_pcap=a"), [Level::Ok]);
        assert_eq!(levels("0", "1", "net_pcap0,iface=a"), [Level::Problem]);
    }

    #[test]
    fn cards_need_locked_memory() {
        assert_eq!(levels("0", "8388608", "01:00.0"), [Level::Ok, Level::Problem]);
        assert_eq!(levels("0", "unlimited", "01:00.0"), [Level::Ok, Level::Ok]);
        assert_eq!(levels("4000", "8388608", "01:00.0"), [Level::Ok, Level::Ok]);
    }

    #[test]
    fn files_are_for_their_owner_group_or_everybody() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let of = file.as_file().metadata().unwrap();
        let owner = Identity { user: of.uid(), ..Identity::default() };
        assert!(owner.may_write(&of));
        let stranger = Identity { user: of.uid() + 1, ..Identity::default() };
        assert!(!stranger.may_write(&of));
        assert!(!Identity { groups: [of.gid()].into(), ..stranger.clone() }.may_write(&of));
        assert!(Identity { capabilities: 2, ..stranger }.may_write(&of));
    }
}
