//! Files of domain names: one a line, `#` and `;` begin comments.
//!
//! Called once for every config text that judges queries, after its own checks. **Always holds:** what one file holds is
//! sorted and without duplicates, so that its hash is the same for every order and every comment.

use repute_model::DomainName;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::files::{self, BAD_LINES_MAX, FILES_MAX};
use crate::netset::uncommented;
use crate::read::Reader;
use crate::value::{Domain, Text};

/// How many names all name files of a config may hold together.
pub const NAMES_MAX: usize = 1_048_576;
/// No name is written in more bytes: 255, each of them as a backslash and three digits.
const LINE_MAX: usize = 4 * 255;
/// Where the files are named.
const KEY: &str = "profiles.dns.honeypot_files";

/// One file of names: what it says, and what people see of it.
#[derive(Debug)]
pub(crate) struct NameFile {
    pub names: Vec<DomainName>,
    pub summary: Summary,
}

/// A file of names in a diff and in the digest.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Summary {
    path: Text,
    /// How many there are, each counted once.
    names: usize,
    sha256: String,
}

/// Reads every file of names that `config` names.
pub(crate) fn load(config: &Config, reader: &mut Reader) -> Vec<NameFile> {
    let Some(dns) = &config.profiles.dns else { return Vec::new() };
    let paths = &dns.queries.honeypot_files;
    if !reader.sound(KEY) {
        return Vec::new();
    }
    let mut loader = Loader { reader, left: NAMES_MAX };
    if paths.len() > FILES_MAX {
        let message = format!("{} files of names, at most {FILES_MAX} are read", paths.len());
        loader.reader.report_at(KEY, message, "join some of them");
        return Vec::new();
    }
    let one = |(i, path)| loader.one(&format!("{KEY}[{i}]"), path);
    paths.iter().enumerate().filter_map(one).collect()
}

struct Loader<'a> {
    reader: &'a mut Reader,
    /// How many more names there is room for.
    left: usize,
}

impl Loader<'_> {
    fn one(&mut self, place: &str, path: &Text) -> Option<NameFile> {
        let whole = files::whole(place, path, self.reader)?;
        let text = files::read(whole).map_err(|error| {
            self.reader.report_at(
                place,
                format!("cannot read the names in `{}`", whole.display()),
                &error.to_string(),
            );
        });
        let names = self.names(place, path, &text.ok()?)?;
        let summary = Summary {
            path: path.clone(),
            names: names.len(),
            sha256: sha256(names.iter().map(DomainName::as_bytes)),
        };
        Some(NameFile { names, summary })
    }

    /// The names of a file, sorted and each once, or reports of what is wrong with it.
    fn names(&mut self, place: &str, path: &Text, text: &[u8]) -> Option<Vec<DomainName>> {
        let (mut names, mut bad) = (Vec::new(), 0usize);
        let lines = text.split(|&byte| byte == b'\n').map(uncommented).zip(1..);
        for (entry, line) in lines.filter(|(entry, _)| !entry.is_empty()) {
            match name(entry) {
                Ok(_) if names.len() == self.left => {
                    self.reader.report_at(
                        place,
                        format!("more than {NAMES_MAX} names in files"),
                        "the rest begins here",
                    );
                    return None;
                }
                Ok(name) => names.push(name),
                Err(problem) => {
                    bad += 1;
                    if bad <= BAD_LINES_MAX {
                        self.reader.report_at(place, format!("{path}:{line}: {problem}"), "in this file");
                    }
                }
            }
        }
        if bad > BAD_LINES_MAX {
            let message = format!("{path}: and {} more bad lines", bad - BAD_LINES_MAX);
            self.reader.report_at(place, message, "in this file");
        }
        self.left -= names.len();
        names.sort_unstable();
        names.dedup();
        (bad == 0).then_some(names)
    }
}

/// A name, or what is wrong with it, which quotes a bounded part of it.
fn name(entry: &[u8]) -> Result<DomainName, String> {
    let text = std::str::from_utf8(entry).ok().filter(|text| text.len() <= LINE_MAX);
    let Some(text) = text else {
        let begin = String::from_utf8_lossy(&entry[..entry.len().min(64)]).escape_debug().to_string();
        return Err(format!("`{begin}…` is no domain name"));
    };
    match text.parse() {
        Ok(name) if Domain::is_everything(&name) => Err(format!("`{text}` is every name there is")),
        Ok(name) => Ok(name),
        Err(error) => Err(error.to_string().escape_debug().to_string()),
    }
}

/// SHA-256 (FIPS 180-4) over parts, one behind the other, in hexadecimal.
pub(crate) fn sha256<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| hash.update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
