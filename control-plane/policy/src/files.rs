//! The files of `[lists]`: found, read whole, checked line by line.
//!
//! Called once for every config text, after its own checks. **Always holds:** what one file holds is sorted
//! and without duplicates, so that its hash is the same for every order and every comment.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use repute_model::Prefix;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::check::narrower;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::netset::entries;
use crate::read::Reader;
use crate::value::{Int, Text};

/// How many prefixes all list files of a config may hold together.
pub const PREFIXES_MAX: usize = 4_194_304;
/// How many list files a config may name.
pub const FILES_MAX: usize = 256;
/// The longest list file in bytes.
pub const FILE_MAX: u64 = 256 << 20;
/// So many bad lines of one file are reported; the rest is counted.
pub(crate) const BAD_LINES_MAX: usize = 20;

/// One list file: what it says, and what people see of it.
#[derive(Debug)]
pub(crate) struct ListFile {
    pub prefixes: Vec<Prefix>,
    pub summary: Summary,
}

/// A list file in a diff and in the digest.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Summary {
    path: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<Int<1, 100>>,
    /// How many there are, each counted once.
    pub prefixes: usize,
    sha256: String,
}

/// Reads every list file that `config` names: those to allow, and those to deny with their confidence.
pub(crate) fn load(config: &Config, reader: &mut Reader) -> [Vec<ListFile>; 2] {
    let lists = &config.lists;
    let count = lists.allow_files.len() + lists.deny_files.len();
    let mut loader = Loader { config, reader, left: PREFIXES_MAX, full: false };
    if count > FILES_MAX {
        let message = format!("{count} list files, at most {FILES_MAX} are read");
        loader.report(loader.at("lists", message).label("join some of them"));
        return [Vec::new(), Vec::new()];
    }
    let allow = lists.allow_files.iter().map(|path| (path, None));
    let deny = lists.deny_files.iter().map(|file| (&file.path, Some(file.confidence)));
    [loader.all("lists.allow_files", allow), loader.all("lists.deny_files", deny)]
}

struct Loader<'a> {
    config: &'a Config,
    reader: &'a mut Reader,
    /// How many more prefixes there is room for.
    left: usize,
    /// Whether that has been too little, which is reported once.
    full: bool,
}

impl Loader<'_> {
    fn at(&self, place: &str, message: String) -> Diagnostic {
        Diagnostic::new(self.reader.places.of(place), message)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.reader.findings.push(diagnostic);
    }

    fn all<'f>(
        &mut self,
        key: &str,
        files: impl Iterator<Item = (&'f Text, Option<Int<1, 100>>)>,
    ) -> Vec<ListFile> {
        if !self.reader.sound(key) {
            return Vec::new();
        }
        let one = |(i, (path, confidence))| self.one(&format!("{key}[{i}]"), path, confidence);
        files.enumerate().filter_map(one).collect()
    }

    fn one(&mut self, place: &str, path: &Text, confidence: Option<Int<1, 100>>) -> Option<ListFile> {
        let whole = whole(place, path, self.reader)?;
        let text = read(whole);
        let text = text.map_err(|error| {
            let found = self.at(place, format!("cannot read the list `{}`", whole.display()));
            self.report(found.label(error.to_string()));
        });
        let prefixes = self.prefixes(place, path, &text.ok()?)?;
        let sha256 = hash(&prefixes);
        Some(ListFile {
            summary: Summary { path: path.clone(), confidence, prefixes: prefixes.len(), sha256 },
            prefixes,
        })
    }

    /// The entries of a list, sorted and each once, or reports of what is wrong with it.
    fn prefixes(&mut self, place: &str, path: &Text, text: &[u8]) -> Option<Vec<Prefix>> {
        let (mut prefixes, mut bad) = (Vec::new(), 0usize);
        for (line, entry) in entries(text) {
            match entry.map_err(|error| error.to_string()).and_then(|prefix| self.fitting(prefix)) {
                Ok(_) if prefixes.len() == self.left => return self.full(place),
                Ok(prefix) => prefixes.push(prefix),
                Err(problem) => {
                    bad += 1;
                    if bad <= BAD_LINES_MAX {
                        let message = format!("{path}:{line}: {}", problem.escape_debug());
                        self.report(self.at(place, message).label("in this list"));
                    }
                }
            }
        }
        if bad > BAD_LINES_MAX {
            let message = format!("{path}: and {} more bad lines", bad - BAD_LINES_MAX);
            self.report(self.at(place, message).label("in this list").help("nothing of it is taken over"));
        }
        self.left -= prefixes.len();
        prefixes.sort_unstable();
        prefixes.dedup();
        (bad == 0).then_some(prefixes)
    }

    /// A prefix that is not narrower than a source.
    fn fitting(&self, prefix: Prefix) -> Result<Prefix, String> {
        match narrower(&self.config.sources, self.config.profiles.judges_inside(), prefix) {
            Some(wide) if self.reader.sound("sources") => {
                Err(format!("`{prefix}` is part of one source; did you mean `{}`?", wide.meant))
            }
            _ => Ok(prefix),
        }
    }

    /// Says once that there are too many prefixes.
    fn full(&mut self, place: &str) -> Option<Vec<Prefix>> {
        if !std::mem::replace(&mut self.full, true) {
            let message = format!("more than {PREFIXES_MAX} prefixes in list files");
            self.report(self.at(place, message).label("the rest begins in this list"));
        }
        None
    }
}

/// The path of a file that is named at `place`; `None`, and that is reported, where it starts in no folder: it has to mean
/// the same wherever the text came from.
pub(crate) fn whole<'p>(place: &str, path: &'p Text, reader: &mut Reader) -> Option<&'p Path> {
    let named = Path::new(path.as_str());
    if !named.is_absolute() {
        let found = Diagnostic::new(reader.places.of(place), format!("`{path}` starts in no folder"))
            .label("expected a whole path")
            .help("name the whole path, such as \"/etc/repute/lists/drop.netset\"");
        reader.findings.push(found);
        return None;
    }
    Some(named)
}

/// All of a file; `Err` where it is none, cannot be read or is too long.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before it is opened: opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(FILE_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MAX {
        return Err(io::Error::other(format!("longer than {FILE_MAX} bytes")));
    }
    Ok(text)
}

/// SHA-256 (FIPS 180-4) over first address and length (128-bit scale) of every prefix, in hexadecimal.
fn hash(prefixes: &[Prefix]) -> String {
    let mut hash = Sha256::new();
    for prefix in prefixes {
        hash.update(prefix.first().0.to_be_bytes());
        hash.update([prefix.len128()]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is reported when files of `counts` prefixes meet room for `left`.
    fn reports(left: usize, counts: &[usize]) -> Vec<String> {
        let (config, mut reader) = (Config::default(), Reader::default());
        let mut loader = Loader { config: &config, reader: &mut reader, left, full: false };
        for &count in counts {
            let list = "192.0.2.1\n".repeat(count);
            let read = loader.prefixes("lists", &Text::UNREAD, list.as_bytes());
            assert!(read.is_some() || loader.full);
        }
        reader.findings.items.iter().map(|item| item.message().to_owned()).collect()
    }

    #[test]
    fn room_is_for_all_files_together() {
        let full = ["more than 4194304 prefixes in list files".to_owned()];
        assert_eq!(reports(4, &[2, 0, 2, 0]), [""; 0]);
        assert_eq!(reports(4, &[5]), full);
        assert_eq!(reports(4, &[2, 2, 1, 3]), full);
        assert_eq!(reports(4, &[3, 2, 1]), full);
    }
}
