//! A machine made of files, for the tests of the checks.

use std::fs;
use std::os::unix::fs::symlink;

use super::machine::Machine;
use super::needs::{Needs, PortNeed};

/// A folder that stands in for `/`; removed when it is dropped.
pub struct Fake {
    root: tempfile::TempDir,
}

impl Fake {
    /// An empty machine.
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// Writes a file and the folders above it.
    pub fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
        self
    }

    /// Makes a symbolic link that ends in `target`.
    pub fn link(&self, path: &str, target: &str) -> &Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    /// The machine, without any program.
    pub fn machine(&self) -> Machine {
        self.with(|_, _| None)
    }

    /// The machine with programs.
    pub fn with(&self, program: fn(&str, &[&str]) -> Option<String>) -> Machine {
        Machine::new(self.root.path(), program)
    }

    /// Cores `0..cores`, all of them usable, each of its own, on one NUMA node.
    pub fn cores(&self, cores: u16) -> &Self {
        let all = format!("0-{}", cores - 1);
        self.file(
            "proc/self/status",
            &format!("Uid:\t0\t0\t0\t0\nCapEff:\tffffffffff\nCpus_allowed_list:\t{all}"),
        );
        self.file("sys/devices/system/cpu/online", &all).file("sys/devices/system/cpu/isolated", "");
        self.file("sys/devices/system/node/node0/cpulist", &all);
        for core in 0..cores {
            let siblings = format!("sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
            self.file(&siblings, &core.to_string());
        }
        self
    }
}

/// What a config would need with these ports.
pub fn needs(ports: &[(&str, &str)]) -> Needs {
    let port = |&(name, device): &(&str, &str)| PortNeed {
        name: name.to_owned(),
        spec: dpdk::PortSpec::parse(device).unwrap(),
        mtu: 1500,
        rx_queues: 1,
    };
    Needs { workers: 1, cores: None, packets_mb: 100, tables_mb: 20, ports: ports.iter().map(port).collect() }
}
