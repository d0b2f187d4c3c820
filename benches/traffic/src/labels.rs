//! Reads a label table back.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{capture::LABELS_HEADER, event::Label};

/// One labelled packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Source address.
    pub src: IpAddr,
    /// The truth about it.
    pub label: Label,
    /// Attack name, `-` for benign.
    pub attack: Arc<str>,
    /// Digest of its frame.
    pub digest: u64,
}

/// Why a label table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The table.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The first line is not that of a label table.
    #[error("{} is no label table: its first line must be the header {LABELS_HEADER:?}, as `generate --labels` writes it", path.display())]
    Header {
        /// The file.
        path: PathBuf,
    },
    /// A line is not understood.
    #[error("{} line {line}: {reason}", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

/// All packets of a label table in its order.
///
/// # Errors
/// When the file cannot be read or a line is not understood; the place is named.
pub fn read(path: &Path) -> Result<Vec<Labelled>, LabelsError> {
    let failed = |source| LabelsError::File { path: path.into(), source };
    let mut lines = BufReader::new(File::open(path).map_err(failed)?).lines();
    let header = lines.next().transpose().map_err(failed)?;
    if header.as_deref() != Some(LABELS_HEADER) {
        return Err(LabelsError::Header { path: path.into() });
    }
    let mut labelled: Vec<Labelled> = Vec::new();
    for (index, line) in lines.enumerate() {
        let last = labelled.last().map(|last| &last.attack);
        let parsed = parse(&line.map_err(failed)?, last);
        labelled.push(parsed.map_err(|reason| LabelsError::Line {
            path: path.into(),
            line: index + 2,
            reason,
        })?);
    }
    Ok(labelled)
}

/// One line; `last` is the attack name of the line before, shared when it is the same.
fn parse(line: &str, last: Option<&Arc<str>>) -> Result<Labelled, &'static str> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [_, _, _, src, _, label, attack, digest] = fields[..] else {
        return Err("expected 8 fields separated by tabs");
    };
    Ok(Labelled {
        src: src.parse().map_err(|_| "src is no IP address")?,
        label: label.parse().map_err(|()| "label must be benign, attack or response")?,
        attack: last.filter(|last| &***last == attack).cloned().unwrap_or_else(|| attack.into()),
        digest: u64::from_str_radix(digest, 16).map_err(|_| "digest must be 16 hexadecimal digits")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_checked_field_by_field() {
        let line = "1\t1.0\toutside\t5.1.2.3\t203.0.113.10\tattack\tscan\t00000000000000ff";
        let parsed = parse(line, None).unwrap();
        assert_eq!((parsed.label, &*parsed.attack, parsed.digest), (Label::Attack, "scan", 255));
        assert!(parse("1\t2", None).is_err());
        assert!(parse(&line.replace("5.1.2.3", "me"), None).unwrap_err().contains("src"));
        assert!(parse(&line.replace("attack", "evil"), None).unwrap_err().contains("label"));
        assert!(parse(&line.replace("ff", "zz"), None).unwrap_err().contains("digest"));
    }
}
