//! The architecture as a test: which crate may import which, and where unsafe code may live.
//!
//! Reads `cargo metadata` and the crate roots. Imports go down only; development dependencies are exempt.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, TargetKind};

/// Every crate by floor, the lowest first. Crates of one floor never import each other.
const FLOORS: [&[&str]; 6] = [
    &["repute-memory"],
    &["repute-model", "dpdk-sys"],
    &["repute-proto", "repute-reputation", "repute-wire", "repute-rpz", "dpdk", "repute-traffic"],
    &[
        "repute-access",
        "repute-policy",
        "repute-feeds",
        "repute-store",
        "repute-exchange",
        "repute-ledger",
        "repute-zones",
        "repute-learning",
        "repute-siem",
        "repute-dnstap",
        "repute-metrics",
        "repute-engine",
        "repute-names",
    ],
    &["repute-server", "repute-garden"],
    &["reputed", "repute", "repute-bench"],
];

/// Who may need libdpdk; everything else builds and tests on a machine without it.
const MAY_USE_DPDK: [&str; 3] = ["dpdk", "reputed", "repute-bench"];

/// Where unsafe code is allowed.
const MAY_BE_UNSAFE: [&str; 2] = ["dpdk-sys", "dpdk"];

/// Files of other crates where it is allowed, each for the reason in its head.
const UNSAFE_FILES: [&str; 3] =
    ["dataplane/memory/src/line.rs", "dataplane/memory/src/table.rs", "benches/bench/src/rte_hash.rs"];

fn workspace() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let offline = ["--offline".to_owned()];
    MetadataCommand::new().manifest_path(manifest).no_deps().other_options(offline).exec().unwrap()
}

/// 0..=5; none for a crate that the table does not name.
fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|crates| crates.contains(&name))
}

/// Names of the workspace's crates that this one needs to build.
fn imports(package: &Package) -> Vec<&str> {
    let counts = |kind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
    let ours = package.dependencies.iter().filter(|found| found.path.is_some() && counts(found.kind));
    ours.map(|found| found.name.as_str()).collect()
}

/// Calls `find` with every crate and fails with all that it found.
fn none_of(find: impl Fn(&Package) -> Vec<String>) {
    let workspace = workspace();
    assert!(workspace.packages.len() > 2, "cargo metadata lists the workspace");
    let found: Vec<_> = workspace.packages.iter().flat_map(find).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_crate_has_a_floor() {
    none_of(|package| match floor(&package.name) {
        Some(_) => vec![],
        None => vec![format!("{} has no floor: add it to FLOORS in {}", package.name, file!())],
    });
}

#[test]
fn imports_go_down_only() {
    none_of(|package| {
        let wrong = |name: &&str| floor(name) >= floor(&package.name);
        let line = |name| format!("{} imports {name}, which is not on a lower floor", package.name);
        imports(package).into_iter().filter(wrong).map(line).collect()
    });
}

#[test]
fn only_the_daemon_and_the_benches_need_dpdk() {
    none_of(|package| {
        let wrong = |name: &&str| name.starts_with("dpdk") && !MAY_USE_DPDK.contains(&package.name.as_str());
        let line = |name| format!("{} imports {name}: it has to build without libdpdk", package.name);
        imports(package).into_iter().filter(wrong).map(line).collect()
    });
}

#[test]
fn unsafe_code_is_forbidden_outside_dpdk() {
    none_of(|package| {
        if MAY_BE_UNSAFE.contains(&package.name.as_str()) {
            return vec![];
        }
        let roots = package.targets.iter().filter(|target| {
            target.kind.iter().any(|kind| matches!(kind, TargetKind::Lib | TargetKind::Bin))
        });
        let has_file = UNSAFE_FILES.iter().any(|file| {
            let folder = package.manifest_path.parent().unwrap();
            workspace().workspace_root.join(file).starts_with(folder)
        });
        let word = if has_file { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        let forbids = |root: &Path| {
            let text = std::fs::read_to_string(root).unwrap();
            text.lines().any(|line| line.trim().starts_with(word))
        };
        let wrong = roots.filter(|target| !forbids(target.src_path.as_std_path()));
        wrong.map(|target| format!("{} lacks #![forbid(unsafe_code)]", target.src_path)).collect()
    });
}

#[test]
fn only_the_named_files_lift_the_ban() {
    let root = workspace().workspace_root;
    none_of(|package| {
        if MAY_BE_UNSAFE.contains(&package.name.as_str()) {
            return vec![];
        }
        let folder = package.manifest_path.parent().unwrap().join("src");
        let files = rust_files(folder.as_std_path());
        let lifts = |file: &PathBuf| std::fs::read_to_string(file).unwrap().contains("allow(unsafe_code)");
        let named = |file: &PathBuf| UNSAFE_FILES.iter().any(|name| *file == root.join(name).as_std_path());
        let wrong = files.into_iter().filter(|file| lifts(file) && !named(file));
        wrong.map(|file| format!("{} lifts the ban on unsafe code", file.display())).collect()
    });
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => rust_files(&path),
        Some(extension) if extension == "rs" => vec![path],
        _ => vec![],
    };
    entries.flat_map(of).collect()
}

#[test]
fn the_documents_name_every_crate() {
    let root = workspace().workspace_root;
    let read = |name| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let text = read("README.md") + &read("ARCHITECTURE.md");
    none_of(|package| {
        let quoted = format!("`{}`", package.name);
        let line = format!("neither README.md nor ARCHITECTURE.md names {quoted}");
        if text.contains(&quoted) { vec![] } else { vec![line] }
    });
}
