//! `reputed preflight`: is this machine, are these ports fit for the box, and if not, what to do.
//!
//! Called by `main`. What always holds: without `--attach` nothing is changed and no port is touched; every
//! check is a function of files below a root and of what programs print, so that tests can make machines up;
//! whatever the machine looks like, the check ends with a report.

mod attach;
mod cores;
mod cpu;
mod cpu_set;
#[cfg(test)]
mod fake;
mod finding;
mod huge_pages;
mod interface;
mod iommu;
mod machine;
mod memory;
mod needs;
mod netdev;
mod offloads;
mod pcap;
mod pci;
mod ports;
mod report;
mod rights;
mod slot;
mod xdp;

use std::process::ExitCode;

use crate::args::{Output, Preflight};
use finding::{About, Finding, Level, Topic};
use machine::Machine;
use needs::Needs;

/// Checks and prints. Success means no problem; warnings and notes do not count.
///
/// # Errors
/// The report cannot be written.
pub fn run(args: &Preflight) -> anyhow::Result<ExitCode> {
    let (needs, mut findings) = Needs::read(args.config.as_deref(), &args.ports)?;
    findings.extend(inspect(&Machine::this(), &needs));
    if args.attach {
        findings.extend(attach::check(&needs));
    } else {
        findings.push(attach::skipped());
    }
    findings.push(untried(&needs));
    let has_problem = findings.iter().any(|found| found.level == Level::Problem);
    report::print(&mut findings, if args.json { Output::Json } else { args.output })?;
    Ok(if has_problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Everything that can be seen without touching a port.
fn inspect(machine: &Machine, needs: &Needs) -> Vec<Finding> {
    let mut findings = cpu::check(machine, crate::machine::check());
    findings.extend(cores::check(machine, needs));
    findings.extend(memory::check(machine, needs));
    findings.extend(rights::check(machine, needs));
    findings.extend(iommu::check(machine, needs));
    findings.extend(ports::check(machine, needs));
    findings
}

/// What no check can make up for.
fn untried(needs: &Needs) -> Finding {
    let about = About::new(Topic::Scope, "physical network cards");
    let seen = "no version of repute has been tried on one yet: every test runs on virtual devices";
    if !needs.has_pci() {
        return about.note(seen);
    }
    about.warning(
        seen,
        "try it beside the wire first, with a bypass at hand; testpmd shows what the card can do",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use fake::{Fake, needs};

    /// A machine on which everything is as it should be, with a card for each of two ports.
    fn fit() -> Fake {
        let fake = Fake::new();
        fake.cores(4)
            .file("sys/devices/system/cpu/isolated", "3")
            .file("sys/devices/system/cpu/nohz_full", "3");
        fake.file("proc/cpuinfo", "flags : constant_tsc nonstop_tsc")
            .file("proc/meminfo", "MemAvailable: 9000000 kB");
        let pages = "sys/devices/system/node/node0/hugepages/hugepages-2048kB";
        fake.file(&format!("{pages}/nr_hugepages"), "512").file(&format!("{pages}/free_hugepages"), "512");
        fake.file("sys/class/iommu/dmar0/name", "").file("sys/bus/pci/drivers/vfio-pci/bind", "");
        fake.file("dev/vfio/vfio", "");
        for card in ["0000:01:00.0", "0000:01:00.1"] {
            let folder = format!("sys/bus/pci/devices/{card}");
            fake.file(&format!("{folder}/class"), "0x020000").file(&format!("{folder}/numa_node"), "0");
            fake.link(&format!("{folder}/driver"), "../../../bus/pci/drivers/vfio-pci");
        }
        fake
    }

    fn cards() -> Needs {
        needs(&[("outside", "01:00.0"), ("inside", "01:00.1")])
    }

    fn worst(fake: &Fake, needs: &Needs) -> Finding {
        inspect(&fake.machine(), needs).into_iter().max_by_key(|found| found.level).unwrap()
    }

    #[test]
    fn a_fit_machine_has_nothing_to_complain_about() {
        let found = inspect(&fit().machine(), &cards());
        let odd: Vec<&Finding> = found.iter().filter(|found| found.level != Level::Ok).collect();
        assert!(odd.is_empty(), "{odd:#?}");
        assert_eq!(untried(&cards()).level, Level::Warning);
    }

    #[test]
    fn one_thing_wrong_is_one_finding() {
        let no_pages = fit();
        no_pages.file("sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "0");
        assert_eq!(worst(&no_pages, &cards()).subject, "huge pages for packets");
        let no_iommu = fit();
        std::fs::remove_dir_all(no_iommu.machine().path("sys/class/iommu")).unwrap();
        assert_eq!(worst(&no_iommu, &cards()).subject, "IOMMU");
        let far = fit();
        far.file("sys/bus/pci/devices/0000:01:00.1/numa_node", "1");
        assert_eq!(worst(&far, &cards()).subject, "inside (0000:01:00.1)");
        let moved = Needs { cores: Some(vec![1]), ..cards() };
        assert_eq!(worst(&fit(), &moved).subject, "isolation");
    }

    #[test]
    fn a_machine_that_says_nothing_still_gets_a_report() {
        let found = inspect(&Fake::new().machine(), &cards());
        assert!(found.iter().any(|found| found.level == Level::Problem));
        let helpless = found.iter().find(|found| found.level > Level::Note && found.remedy.is_none());
        assert_eq!(helpless, None);
    }
}
