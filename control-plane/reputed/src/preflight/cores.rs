//! Which cores the workers get, and what else runs there: affinity, SMT siblings, isolation, frequency.

use super::cpu_set::CpuSet;
use super::finding::{About, Finding, Topic};
use super::machine::Machine;
use super::needs::Needs;

const CPU: &str = "sys/devices/system/cpu";

/// The cores of the workers: the configured ones, else the last that this process may use.
pub fn of_workers(machine: &Machine, needs: &Needs) -> CpuSet {
    match &needs.cores {
        Some(cores) => cores.iter().copied().collect(),
        None => allowed(machine).iter().rev().take(usize::from(needs.workers)).copied().collect(),
    }
}

/// Everything about the cores.
pub fn check(machine: &Machine, needs: &Needs) -> Vec<Finding> {
    let (workers, allowed) = (of_workers(machine, needs), allowed(machine));
    let mut findings = vec![count(needs, &allowed), affinity(&workers, &allowed)];
    findings.extend(siblings(machine, &workers));
    findings.extend(isolation(machine, &workers));
    findings.push(governor(machine, &workers));
    findings.extend(turbo(machine));
    findings
}

/// The cores that this process may use.
fn allowed(machine: &Machine) -> CpuSet {
    let status = machine.text("proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.map(CpuSet::parse).unwrap_or_default()
}

fn set(machine: &Machine, file: &str) -> CpuSet {
    machine.text(&format!("{CPU}/{file}")).map(|text| CpuSet::parse(&text)).unwrap_or_default()
}

fn count(needs: &Needs, allowed: &CpuSet) -> Finding {
    let about = About::new(Topic::Cores, "count");
    let (workers, usable) = (usize::from(needs.workers), allowed.len());
    let seen = format!("{workers} workers, {usable} cores that this process may use ({allowed})");
    match usable {
        _ if usable < workers => about.problem(seen, "lower [workers] count, or allow more cores"),
        _ if usable == workers => about.warning(
            format!("{seen}: none is left for the API and the system"),
            "lower [workers] count by one, or allow one more core",
        ),
        _ => about.ok(seen),
    }
}

/// With `isolcpus` a process is kept off the isolated cores until it asks for them.
fn affinity(workers: &CpuSet, allowed: &CpuSet) -> Finding {
    let about = About::new(Topic::Cores, "affinity");
    let missing: CpuSet = workers.difference(allowed).copied().collect();
    if !missing.is_empty() {
        let all: CpuSet = workers.union(allowed).copied().collect();
        return about.problem(
            format!("[workers] cores names {missing}, which this process may not use"),
            format!(
                "start it with: taskset -c {all} reputed run …\nor in its systemd unit: CPUAffinity={all}"
            ),
        );
    }
    if workers.contains(&0) {
        return about
            .note(format!("workers run on {workers}; core 0 also serves most interrupts"))
            .way_out("name other cores in [workers] cores");
    }
    about.ok(format!("workers run on {workers}"))
}

/// Two hardware threads of one core share its execution units and its first-level cache.
fn siblings(machine: &Machine, workers: &CpuSet) -> Option<Finding> {
    let about = About::new(Topic::Cores, "SMT siblings");
    let of = |core: &u16| set(machine, &format!("cpu{core}/topology/thread_siblings_list"));
    let siblings: CpuSet = workers
        .iter()
        .flat_map(|core| of(core).iter().filter(|&other| other != core).copied().collect::<Vec<_>>())
        .collect();
    let shared: CpuSet = siblings.intersection(workers).copied().collect();
    if !shared.is_empty() {
        return Some(about.warning(
            format!("workers {shared} share a physical core: together they are hardly faster than one"),
            "give each worker a physical core: [workers] cores; lscpu -e shows which is which",
        ));
    }
    if siblings.is_empty() {
        return Some(about.ok("no worker shares its core"));
    }
    let offline = |core: &u16| format!("echo 0 > /{CPU}/cpu{core}/online");
    Some(about.note(format!("{siblings} share the workers' cores: what runs there slows them")).way_out(
        format!(
            "keep them free (isolate them too), or switch them off:\n{}",
            siblings.iter().map(offline).collect::<Vec<_>>().join("\n")
        ),
    ))
}

fn isolation(machine: &Machine, workers: &CpuSet) -> Vec<Finding> {
    let about = About::new(Topic::Cores, "isolation");
    let (isolated, tickless) = (set(machine, "isolated"), set(machine, "nohz_full"));
    let line = format!(
        "kernel command line: isolcpus=managed_irq,domain,{workers} nohz_full={workers} rcu_nocbs={workers}"
    );
    if isolated.is_empty() {
        let seen = format!("no core is isolated: other programs may interrupt the workers on {workers}");
        return vec![about.note(seen).way_out(line)];
    }
    let mut findings = Vec::new();
    let exposed: CpuSet = workers.difference(&isolated).copied().collect();
    if !exposed.is_empty() {
        findings.push(about.warning(
            format!("{isolated} are isolated, but workers run on {exposed}"),
            format!("set [workers] cores to isolated ones, or change the {line}"),
        ));
    }
    let idle: CpuSet = isolated.difference(workers).copied().collect();
    if !idle.is_empty() {
        let seen = format!("{idle} are isolated and no worker runs there: nothing else will use them");
        findings.push(about.note(seen).way_out(line.clone()));
    }
    if exposed.is_empty() && !workers.is_subset(&tickless) {
        let seen = "isolated cores still get the scheduler's timer tick";
        findings.push(about.note(seen).way_out(line));
    }
    if findings.is_empty() {
        findings.push(about.ok(format!("{workers} are isolated and tickless")));
    }
    findings
}

fn governor(machine: &Machine, workers: &CpuSet) -> Finding {
    let about = About::new(Topic::Cores, "frequency");
    let file = |core: u16| format!("{CPU}/cpu{core}/cpufreq/scaling_governor");
    let seen: Vec<(u16, String)> =
        workers.iter().filter_map(|&core| Some((core, machine.text(&file(core))?))).collect();
    let slow: Vec<&(u16, String)> = seen.iter().filter(|(_, name)| name != "performance").collect();
    let Some((_, name)) = slow.first() else {
        let seen = if seen.is_empty() { "not governed by this kernel" } else { "governor performance" };
        return about.ok(seen);
    };
    let commands: Vec<String> =
        slow.iter().map(|(core, _)| format!("echo performance > /{}", file(*core))).collect();
    about.warning(
        format!("governor {name}: a worker's core slows down while it waits, and speeds up too late"),
        commands.join("\n"),
    )
}

fn turbo(machine: &Machine) -> Option<Finding> {
    let about = About::new(Topic::Cores, "turbo");
    let intel = (machine.number(&format!("{CPU}/intel_pstate/no_turbo")) == Some(0))
        .then_some(("intel_pstate/no_turbo", 1));
    let boost = (machine.number(&format!("{CPU}/cpufreq/boost")) == Some(1)).then_some(("cpufreq/boost", 0));
    let (file, off) = intel.or(boost)?;
    let note = about.note("on: speed depends on temperature and on what other cores do");
    Some(note.way_out(format!("for measurements that can be repeated: echo {off} > /{CPU}/{file}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    fn of(fake: &Fake, cores: Option<&[u16]>, workers: u16, subject: &str) -> Vec<Finding> {
        let needs = Needs { workers, cores: cores.map(<[u16]>::to_vec), ..needs(&[]) };
        check(&fake.machine(), &needs).into_iter().filter(|found| found.subject == subject).collect()
    }

    fn level(fake: &Fake, cores: Option<&[u16]>, workers: u16, subject: &str) -> Level {
        of(fake, cores, workers, subject)[0].level
    }

    #[test]
    fn workers_get_the_last_cores_and_leave_one() {
        let fake = Fake::new();
        fake.cores(4);
        assert_eq!(of_workers(&fake.machine(), &Needs { workers: 2, ..needs(&[]) }).to_string(), "2-3");
        assert_eq!(level(&fake, None, 3, "count"), Level::Ok);
        assert_eq!(level(&fake, None, 4, "count"), Level::Warning);
        assert_eq!(level(&fake, None, 5, "count"), Level::Problem);
    }

    #[test]
    fn a_core_out_of_reach_comes_with_the_command() {
        let fake = Fake::new();
        fake.cores(4);
        let found = &of(&fake, Some(&[6]), 1, "affinity")[0];
        assert_eq!(found.level, Level::Problem);
        assert!(found.remedy.as_ref().unwrap().contains("taskset -c 0-3,6 reputed"), "{found:?}");
        assert_eq!(level(&fake, Some(&[0]), 1, "affinity"), Level::Note);
        assert_eq!(level(&fake, Some(&[1]), 1, "affinity"), Level::Ok);
    }

    #[test]
    fn siblings_are_noted_and_two_workers_on_one_core_warned_of() {
        let fake = Fake::new();
        fake.cores(4);
        for core in 0..4 {
            let file = format!("{CPU}/cpu{core}/topology/thread_siblings_list");
            fake.file(&file, if core % 2 == 0 { "0,2" } else { "1,3" });
        }
        assert_eq!(level(&fake, Some(&[3]), 1, "SMT siblings"), Level::Note);
        let found = &of(&fake, Some(&[1, 3]), 2, "SMT siblings")[0];
        assert_eq!((found.level, found.finding.contains("1,3")), (Level::Warning, true), "{found:?}");
    }

    #[test]
    fn isolation_has_to_fit_the_workers() {
        let fake = Fake::new();
        fake.cores(4);
        assert_eq!(level(&fake, Some(&[2, 3]), 2, "isolation"), Level::Note);
        fake.file(&format!("{CPU}/isolated"), "1,3").file(&format!("{CPU}/nohz_full"), "1,3");
        let found = of(&fake, Some(&[2, 3]), 2, "isolation");
        assert_eq!(found.iter().map(|found| found.level).collect::<Vec<_>>(), [Level::Warning, Level::Note]);
        assert!(found[0].finding.contains("workers run on 2"), "{found:?}");
        assert!(found[0].remedy.as_ref().unwrap().contains("isolcpus=managed_irq,domain,2-3"), "{found:?}");
        assert_eq!(level(&fake, Some(&[1, 3]), 2, "isolation"), Level::Ok);
        fake.file(&format!("{CPU}/nohz_full"), "(null)");
        assert_eq!(level(&fake, Some(&[1, 3]), 2, "isolation"), Level::Note);
    }

    #[test]
    fn frequency_is_to_be_fixed() {
        let fake = Fake::new();
        fake.cores(2);
        assert_eq!(level(&fake, None, 1, "frequency"), Level::Ok);
        fake.file(&format!("{CPU}/cpu1/cpufreq/scaling_governor"), "powersave");
        let found = &of(&fake, None, 1, "frequency")[0];
        assert_eq!(found.level, Level::Warning);
        assert!(found.remedy.as_ref().unwrap().contains("/cpu1/cpufreq/scaling_governor"), "{found:?}");
        assert!(of(&fake, None, 1, "turbo").is_empty());
        fake.file(&format!("{CPU}/intel_pstate/no_turbo"), "0");
        assert_eq!(level(&fake, None, 1, "turbo"), Level::Note);
    }
}
