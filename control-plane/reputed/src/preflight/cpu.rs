//! What the processor is: instruction set, time stamp counter, virtual or not.

use std::collections::BTreeSet;

use super::finding::{About, Finding, Topic};
use super::machine::Machine;

/// Clock sources of the kernel that rest on a time stamp counter it trusts.
const TRUSTED: [&str; 3] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page"];

/// Everything about the processor. `features` is what the boot check of the instruction set says.
pub fn check(machine: &Machine, features: anyhow::Result<()>) -> Vec<Finding> {
    let flags = flags(machine);
    vec![instructions(features), counter(machine, &flags), virtual_machine(&flags)]
}

fn flags(machine: &Machine) -> BTreeSet<String> {
    let text = machine.text("proc/cpuinfo").unwrap_or_default();
    let line =
        text.lines().find_map(|line| line.strip_prefix("flags")?.split_once(':')).map(|(_, flags)| flags);
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn instructions(features: anyhow::Result<()>) -> Finding {
    let about = About::new(Topic::Cpu, "instruction set");
    match features {
        Ok(()) => about.ok("x86-64-v3, all of it"),
        Err(error) => about.problem(error.to_string(), "use a processor of 2013 or later"),
    }
}

/// Ticks are counted in TSC cycles: a counter that changes its pace makes every rate and half-life wrong.
fn counter(machine: &Machine, flags: &BTreeSet<String>) -> Finding {
    let about = About::new(Topic::Cpu, "time stamp counter");
    let lacking: Vec<&str> =
        ["constant_tsc", "nonstop_tsc"].into_iter().filter(|flag| !flags.contains(*flag)).collect();
    if !lacking.is_empty() {
        return about.warning(
            format!("not invariant ({} missing): rates and half-lives follow its pace", lacking.join(", ")),
            "in a virtual machine hand it through (QEMU: -cpu host,+invtsc); otherwise switch off deep sleep \
             states (kernel command line: processor.max_cstate=1) and fix the frequency",
        );
    }
    match machine.text("sys/devices/system/clocksource/clocksource0/current_clocksource") {
        Some(source) if !TRUSTED.contains(&source.as_str()) => about.warning(
            format!(
                "invariant by its flags, but the kernel keeps time by {source}: it may have found it unstable"
            ),
            "see why: dmesg | grep -i tsc",
        ),
        _ => about.ok("invariant"),
    }
}

fn virtual_machine(flags: &BTreeSet<String>) -> Finding {
    let about = About::new(Topic::Cpu, "virtual machine");
    if flags.contains("hypervisor") {
        return about
            .note("this is one: others may take time from the workers' cores, which shows as lost packets")
            .way_out("give it dedicated, pinned CPUs and hand the network cards through");
    }
    about.ok("this is none")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::Fake;
    use crate::preflight::finding::Level;

    fn levels(flags: &str, source: &str) -> Vec<Level> {
        let fake = Fake::new();
        fake.file("proc/cpuinfo", &format!("processor\t: 0\nflags\t\t: fpu {flags}\n"));
        fake.file("sys/devices/system/clocksource/clocksource0/current_clocksource", source);
        check(&fake.machine(), Ok(())).iter().map(|found| found.level).collect()
    }

    #[test]
    fn hardware_with_an_invariant_counter_is_fine() {
        assert_eq!(levels("constant_tsc nonstop_tsc", "tsc"), [Level::Ok; 3]);
    }

    #[test]
    fn a_counter_that_stops_or_is_not_trusted_is_a_warning() {
        assert_eq!(levels("constant_tsc", "tsc")[1], Level::Warning);
        assert_eq!(levels("constant_tsc nonstop_tsc", "hpet")[1], Level::Warning);
    }

    #[test]
    fn a_virtual_machine_is_a_note_and_an_old_processor_a_problem() {
        assert_eq!(levels("constant_tsc nonstop_tsc hypervisor", "kvm-clock")[1..], [Level::Ok, Level::Note]);
        let found = instructions(Err(anyhow::anyhow!("this CPU lacks avx2")));
        assert_eq!(found.level, Level::Problem);
    }
}
