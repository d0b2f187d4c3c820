//! The report: lines by topic for people, a list for programs.
//!
//! Called by `preflight::run` with everything that was found.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use super::finding::{Finding, Level, Topic};
use crate::args::Output;

/// Prints findings in the order of their topics. A reader that goes away early is no error.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(findings: &mut [Finding], output: Output) -> anyhow::Result<()> {
    findings.sort_by_key(|found| found.topic);
    let text = match output {
        Output::Human => human(findings),
        Output::Json => serde_json::to_string_pretty(findings)? + "\n",
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn human(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut topic = None;
    for found in findings {
        if topic.replace(found.topic) != Some(found.topic) {
            let _ = writeln!(text, "{}", heading(found.topic));
        }
        let _ = writeln!(text, "  {:<9} {}: {}", mark(found.level), found.subject, found.finding);
        for line in found.remedy.iter().flat_map(|remedy| remedy.lines()) {
            let _ = writeln!(text, "              {line}");
        }
    }
    let count = |level| findings.iter().filter(|found| found.level == level).count();
    let _ = writeln!(
        text,
        "problems {}, warnings {}, notes {}, as it should be {}",
        count(Level::Problem),
        count(Level::Warning),
        count(Level::Note),
        count(Level::Ok)
    );
    text
}

fn mark(level: Level) -> &'static str {
    match level {
        Level::Ok => "[ok]",
        Level::Note => "[note]",
        Level::Warning => "[warn]",
        Level::Problem => "[PROBLEM]",
    }
}

fn heading(topic: Topic) -> &'static str {
    match topic {
        Topic::Config => "config",
        Topic::Cpu => "processor",
        Topic::Cores => "cores of the workers",
        Topic::Memory => "memory",
        Topic::Rights => "what this process may do",
        Topic::Iommu => "how cards reach memory",
        Topic::Port => "ports",
        Topic::Device => "what the devices offer",
        Topic::Scope => "what this check cannot know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::finding::About;

    #[test]
    fn people_see_topics_marks_and_ways_out() {
        let cpu = About::new(Topic::Cpu, "features");
        let port = About::new(Topic::Port, "outside");
        let found = [cpu.ok("all there"), port.problem("is down", "ip link set eth1 up\nand wait")];
        assert_eq!(
            human(&found),
            "processor\n  [ok]      features: all there\nports\n  [PROBLEM] outside: is down\n              \
             ip link set eth1 up\n              and wait\nproblems 1, warnings 0, notes 0, as it should be 1\n"
        );
    }

    #[test]
    fn programs_see_five_keys() {
        let found = About::new(Topic::Iommu, "vfio-pci").warning("missing", "modprobe vfio-pci");
        let json = serde_json::to_value(found).unwrap();
        let expected = serde_json::json!({
            "topic": "iommu", "subject": "vfio-pci", "level": "warning", "finding": "missing",
            "remedy": "modprobe vfio-pci"
        });
        assert_eq!(json, expected);
    }
}
