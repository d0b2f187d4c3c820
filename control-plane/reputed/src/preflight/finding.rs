//! What a check found: about what, how bad, and what to do.
//!
//! Made by every check of the preflight, printed by `report`. What always holds: a warning and a problem come
//! with a way out.

use std::fmt::Display;

use serde::Serialize;

/// How bad a finding is; later ones are worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know; it runs well without a change.
    Note,
    /// It runs, but slower, less exact or with a risk.
    Warning,
    /// It will not start, or not carry traffic.
    Problem,
}

/// What a finding belongs to, in the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// The config and the ports named beside it.
    Config,
    /// What the processor is.
    Cpu,
    /// Which cores the workers get.
    Cores,
    /// Huge pages and ordinary memory.
    Memory,
    /// What this process may do.
    Rights,
    /// How cards reach memory.
    Iommu,
    /// One port of the box, looked at from outside.
    Port,
    /// One port of the box, asked itself.
    Device,
    /// What this check cannot know.
    Scope,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What it belongs to.
    pub topic: Topic,
    /// What exactly was looked at.
    pub subject: String,
    /// How bad it is.
    pub level: Level,
    /// What was seen.
    pub finding: String,
    /// What to do; commands to type stand on lines of their own.
    pub remedy: Option<String>,
}

impl Finding {
    /// Adds what can be done about it.
    pub fn way_out(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// What findings are about.
#[derive(Clone, Debug)]
pub struct About {
    topic: Topic,
    subject: String,
}

impl About {
    /// Something of a topic.
    pub fn new(topic: Topic, subject: impl Into<String>) -> Self {
        Self { topic, subject: subject.into() }
    }

    /// It is as it should be.
    pub fn ok(&self, finding: impl Into<String>) -> Finding {
        self.found(Level::Ok, finding)
    }

    /// It is good to know.
    pub fn note(&self, finding: impl Into<String>) -> Finding {
        self.found(Level::Note, finding)
    }

    /// It runs, but not well.
    pub fn warning(&self, finding: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(Level::Warning, finding).way_out(remedy)
    }

    /// It does not run.
    pub fn problem(&self, finding: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(Level::Problem, finding).way_out(remedy)
    }

    /// A warning, or a problem where it is `fatal`.
    pub fn fault(&self, fatal: bool, finding: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(if fatal { Level::Problem } else { Level::Warning }, finding).way_out(remedy)
    }

    /// A refusal whose text carries its own way out, as the errors of `dpdk` do.
    pub fn refused(&self, error: &impl Display) -> Finding {
        let text = error.to_string();
        match text.rsplit_once("; way out: ") {
            Some((finding, remedy)) => self.problem(finding, remedy),
            None => self.problem(text, "see what is said above"),
        }
    }

    fn found(&self, level: Level, finding: impl Into<String>) -> Finding {
        Finding {
            topic: self.topic,
            subject: self.subject.clone(),
            level,
            finding: finding.into(),
            remedy: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_out_of_an_error_becomes_the_remedy() {
        let about = About::new(Topic::Device, "outside");
        let found = about.refused(&"port a: taken; way out: another name");
        assert_eq!(
            (found.finding.as_str(), found.remedy.as_deref()),
            ("port a: taken", Some("another name"))
        );
        assert_eq!(found.level, Level::Problem);
    }

    #[test]
    fn levels_are_ordered() {
        assert!(Level::Ok < Level::Note && Level::Note < Level::Warning && Level::Warning < Level::Problem);
    }
}
