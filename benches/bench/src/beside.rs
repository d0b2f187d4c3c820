//! The last comparison with dnsdist, as `benches/dnsdist/beside.sh` has left it.
//!
//! Read by `main` for `--write-results`, from the folder of the report. Always holds: it says of which commit it is.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// Both of them, asked for the same in the same place.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Beside {
    commit: String,
    /// Its version.
    dnsdist: String,
    repute: Side,
    theirs: Side,
    /// How many times as many answers ours gives.
    ratio: f64,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Side {
    /// Answers per second of its process's CPU time: the median of all rounds, and each of them.
    per_cpu_s: u64,
    rounds: Vec<u64>,
    /// Of all rounds.
    answers: u64,
    lost: u64,
}

impl Beside {
    /// The comparison in a folder, if there was one.
    ///
    /// # Errors
    /// A file that is no such comparison.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join("dnsdist.json");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("{}: cannot read", path.display()))?,
        };
        let name = || format!("{}: not what scripts/bench dnsdist writes; run it again", path.display());
        serde_json::from_slice(&text).map(Some).with_context(name)
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, dnsdist, repute, theirs, ratio } = self;
        writeln!(f, "## Beside dnsdist\n")?;
        writeln!(
            f,
            "Answers that were there already, asked for by dnsperf through the same interfaces (`scripts/bench dnsdist`, at \
             {commit}): repute gives {ratio} times as many per second of CPU. Most of that is the kernel's for either of \
             them: it carries every packet to another namespace while it is sent. What the interceptor costs on a card \
             of its own is row B19.\n"
        )?;
        writeln!(f, "| | answers per CPU second | by round | answered | lost |\n|---|---:|---|---:|---:|")?;
        for (name, side) in [("repute".to_owned(), repute), (format!("dnsdist {dnsdist}"), theirs)] {
            let rounds: Vec<_> = side.rounds.iter().map(u64::to_string).collect();
            writeln!(
                f,
                "| {name} | {} | {} | {} | {} |",
                side.per_cpu_s,
                rounds.join(", "),
                side.answers,
                side.lost
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_read_and_told() {
        let folder = std::env::temp_dir().join(format!("repute-beside-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(Beside::read(&folder).unwrap(), None);
        let text = r#"{ "commit": "abc", "dnsdist": "1.7.3", "ratio": 2.5,
            "repute": { "per_cpu_s": 250, "rounds": [240, 250, 260], "answers": 750, "lost": 0 },
            "theirs": { "per_cpu_s": 100, "rounds": [100, 100, 110], "answers": 310, "lost": 2 } }"#;
        std::fs::write(folder.join("dnsdist.json"), text).unwrap();
        let told = Beside::read(&folder).unwrap().unwrap().to_string();
        assert!(
            told.contains("at abc): repute gives 2.5 times") && told.contains("| dnsdist 1.7.3 | 100 |"),
            "{told}"
        );
        std::fs::write(folder.join("dnsdist.json"), "{}").unwrap();
        assert!(Beside::read(&folder).unwrap_err().to_string().contains("run it again"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
