//! The names to learn from and to be judged by.
//!
//! Read once by the program and the tests. Always holds: each name once, in lower case, without dots at its ends;
//! a name that an algorithm made and a list calls benign is an algorithm's.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Names of algorithms, by family.
const MADE: &str = "dga/baderj_dga.csv";
/// Lists of names that are no sign of anything bad.
const BENIGN: [&str; 3] = ["tranco10k", "moz-top500", "dynamic-dns"];

/// One name of the corpus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// In lower case.
    pub name: String,
    /// The family of algorithms that made it, or the list that it is on.
    pub group: String,
    /// Whether an algorithm made it.
    pub made: bool,
    /// The first two bytes of its SHA-256: they decide what it is used for.
    pub hash: [u8; 2],
}

/// All names.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Sorted by group, then as they come in the files.
    pub names: Vec<Name>,
}

#[derive(Deserialize)]
struct List {
    list: Vec<String>,
}

impl Name {
    /// A name with what its hash decides.
    pub fn new(name: &str, group: &str, made: bool) -> Self {
        let name = name.trim_matches('.').to_ascii_lowercase();
        let digest = Sha256::digest(&name);
        Self { hash: [digest[0], digest[1]], name, group: group.to_owned(), made }
    }

    /// Whether it is kept for judging.
    pub fn is_test(&self) -> bool {
        self.hash[0].is_multiple_of(5)
    }

    /// Whether it is kept for calibrating, which no weight was fitted to; a part of those that are not for judging.
    pub fn calibrates(&self) -> bool {
        !self.is_test() && self.hash[1].is_multiple_of(5)
    }

    /// Its labels.
    pub fn labels(&self) -> Vec<&[u8]> {
        self.name.split('.').map(str::as_bytes).collect()
    }
}

impl Corpus {
    /// Reads the corpus in this folder.
    ///
    /// # Errors
    /// A file that is missing or not as it should be.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut seen = BTreeSet::new();
        let mut names = made(folder)?;
        for list in BENIGN {
            names.extend(benign(folder, list)?);
        }
        names.retain(|name| seen.insert(name.name.clone()));
        names.sort_by(|a, b| (a.made, &a.group).cmp(&(b.made, &b.group)));
        Ok(Self { names })
    }

    /// The families of algorithms with at least so many names, and how many those are.
    pub fn families(&self, least: usize) -> Vec<(&str, usize)> {
        let mut families: Vec<(&str, usize)> = Vec::new();
        for name in self.names.iter().filter(|name| name.made) {
            match families.last_mut() {
                Some((family, count)) if *family == name.group => *count += 1,
                _ => families.push((&name.group, 1)),
            }
        }
        families.retain(|(_, count)| *count >= least);
        families
    }
}

/// Lines of `name,label,family` under a header.
fn made(folder: &Path) -> anyhow::Result<Vec<Name>> {
    let text = read(folder, MADE)?;
    let name = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split(',').collect();
        ensure!(fields.len() == 3, "{MADE}:{}: expected name,label,family", number + 1);
        Ok(Name::new(fields[0], fields[2], true))
    };
    text.lines().enumerate().skip(1).map(name).collect()
}

fn benign(folder: &Path, list: &str) -> anyhow::Result<Vec<Name>> {
    let file = format!("feeds/misp_warninglists/{list}.json");
    let parsed: List = serde_json::from_str(&read(folder, &file)?)
        .with_context(|| format!("{file}: no MISP warning list"))?;
    Ok(parsed.list.iter().map(|name| Name::new(name, list, false)).collect())
}

fn read(folder: &Path, file: &str) -> anyhow::Result<String> {
    let path = folder.join(file);
    std::fs::read_to_string(&path)
        .with_context(|| format!("{}: cannot read; name the corpus with REPUTE_CORPUS", path.display()))
}
