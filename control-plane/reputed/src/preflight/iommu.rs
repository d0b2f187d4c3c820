//! How cards reach memory: the IOMMU and vfio. DPDK is started with virtual addresses always
//! (`--iova-mode=va`), which needs both; virtual ports and cards that keep their kernel driver need neither.

use super::finding::{About, Finding, Topic};
use super::machine::Machine;
use super::needs::Needs;
use super::pci;
use super::rights::Identity;

const NO_IOMMU: &str = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
const CONTAINER: &str = "dev/vfio/vfio";
const DRIVER: &str = "sys/bus/pci/drivers/vfio-pci";

/// Everything about the IOMMU and vfio.
pub fn check(machine: &Machine, needs: &Needs) -> Vec<Finding> {
    let wanted = needs.ports.iter().any(|port| pci::needs_vfio(machine, &port.spec));
    let mut findings = vec![units(machine, wanted)];
    if wanted {
        findings.push(driver(machine));
        findings.push(container(machine));
        findings.extend(no_iommu_mode(machine));
    }
    findings
}

fn units(machine: &Machine, wanted: bool) -> Finding {
    let about = About::new(Topic::Iommu, "IOMMU");
    let units = machine.names("sys/class/iommu");
    if !units.is_empty() {
        return about.ok(format!("on: {}", units.join(", ")));
    }
    if !wanted {
        return about.ok("off; only cards on the PCI bus need it");
    }
    let line = machine.text("proc/cmdline").unwrap_or_default();
    let off = line.split_whitespace().find(|word| {
        matches!(word.split_once('='), Some(("iommu" | "intel_iommu" | "amd_iommu", value)) if value.contains("off"))
    });
    let seen = match off {
        Some(word) => format!("off: the kernel command line says {word}"),
        None => "off".to_owned(),
    };
    about.problem(
        seen,
        "switch on VT-d or AMD-Vi in the firmware, put intel_iommu=on iommu=pt (AMD: iommu=pt) on the kernel \
         command line, restart; in a virtual machine give it a virtual IOMMU (QEMU: -device intel-iommu)",
    )
}

fn driver(machine: &Machine) -> Finding {
    let about = About::new(Topic::Iommu, "vfio-pci");
    if machine.has(DRIVER) {
        return about.ok("loaded");
    }
    about.problem(
        "not loaded",
        "modprobe vfio-pci\nfor good: echo vfio-pci > /etc/modules-load.d/vfio-pci.conf",
    )
}

fn container(machine: &Machine) -> Finding {
    let about = About::new(Topic::Iommu, "/dev/vfio/vfio");
    let Ok(file) = machine.path(CONTAINER).metadata() else {
        return about.problem("is not there", "modprobe vfio-pci; in a container hand /dev/vfio through");
    };
    if Identity::read(machine).may_write(&file) {
        return about.ok("may be opened");
    }
    about.problem("may not be opened by this user", format!("run as root, or: chmod a+rw /{CONTAINER}"))
}

/// In this mode DPDK wants physical addresses for every vfio card, whether there is an IOMMU or not.
fn no_iommu_mode(machine: &Machine) -> Option<Finding> {
    let about = About::new(Topic::Iommu, "vfio without IOMMU");
    (machine.text(NO_IOMMU)? == "Y").then(|| {
        about.problem(
            "is allowed: DPDK then asks for physical addresses, which reputed does not use",
            format!("with an IOMMU switched on: echo N > /{NO_IOMMU}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    fn levels(fake: &Fake, device: &str) -> Vec<Level> {
        check(&fake.machine(), &needs(&[("a", device)])).iter().map(|found| found.level).collect()
    }

    #[test]
    fn virtual_ports_do_not_care() {
        assert_eq!(levels(&Fake::new(), "net_tap0"), [Level::Ok]);
    }

    #[test]
    fn a_card_needs_iommu_driver_and_container() {
        let fake = Fake::new();
        fake.file("proc/cmdline", "quiet intel_iommu=off");
        assert_eq!(levels(&fake, "01:00.0"), [Level::Problem; 3]);
        let found = &check(&fake.machine(), &needs(&[("a", "01:00.0")]))[0];
        assert!(found.finding.contains("intel_iommu=off"), "{found:?}");
        fake.file("sys/class/iommu/dmar0/name", "").file(&format!("{DRIVER}/bind"), "").file(CONTAINER, "");
        fake.file("proc/self/status", "CapEff:\t2").file(NO_IOMMU, "N");
        assert_eq!(levels(&fake, "01:00.0"), [Level::Ok; 3]);
        fake.file(NO_IOMMU, "Y");
        assert_eq!(levels(&fake, "01:00.0")[3], Level::Problem);
    }

    #[test]
    fn a_card_that_keeps_its_kernel_driver_does_not_care() {
        let fake = Fake::new();
        fake.link("sys/bus/pci/devices/0000:01:00.0/driver", "../../../bus/pci/drivers/mlx5_core");
        assert_eq!(levels(&fake, "01:00.0"), [Level::Ok]);
    }
}
