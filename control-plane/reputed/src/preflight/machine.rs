//! Where the checks look: the kernel's files below a root, and the programs that know more.
//!
//! Called by every check of the preflight. What always holds: nothing is changed, and what cannot be read is
//! `None` or empty. Tests give a folder of their own as the root and canned words as the programs.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;

/// A machine to look at.
#[derive(Clone, Debug)]
pub struct Machine {
    root: PathBuf,
    program: fn(&str, &[&str]) -> Option<String>,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn this() -> Self {
        Self::new("/", output)
    }

    /// Another root, and what stands in for programs: name and arguments to standard output.
    pub fn new(root: impl Into<PathBuf>, program: fn(&str, &[&str]) -> Option<String>) -> Self {
        Self { root: root.into(), program }
    }

    /// The real path of `path`, which has no leading slash.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The contents of a file without surrounding space; none where it is missing, unreadable or empty.
    pub fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.path(path)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A file that holds one number.
    pub fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// A file that holds one hexadecimal number, with or without `0x`.
    pub fn hex(&self, path: &str) -> Option<u64> {
        let text = self.text(path)?;
        u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    }

    /// Whether there is such a file or folder.
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// What a folder holds, sorted.
    pub fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(path)) else { return Vec::new() };
        let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
        let mut names: Vec<String> = entries.flatten().filter_map(name).collect();
        names.sort();
        names
    }

    /// The last part of what a symbolic link points to.
    pub fn link(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.path(path)).ok()?;
        target.file_name()?.to_str().map(str::to_owned)
    }

    /// What a program prints; none where it is not installed or fails.
    pub fn ask(&self, program: &str, args: &[&str]) -> Option<String> {
        (self.program)(program, args)
    }
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
