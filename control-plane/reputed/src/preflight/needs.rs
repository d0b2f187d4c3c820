//! What a config asks of the machine: ports, workers, memory.
//!
//! Called first; every check compares the machine with it. Without a config the defaults count, and ports are
//! those of the command line.

use std::fs;
use std::path::Path;

use anyhow::anyhow;
use dpdk::{Driver, PortSpec};
use repute_model::Limits;
use repute_policy::{Checked, Config, Topology, TopologyMirror};

use super::finding::{About, Finding, Topic};
use crate::args::PortDevice;
use crate::devices::Wish;
use crate::memory;

/// Bytes of every source: hot line, warm part, its share of the index and of the prefilter.
const SOURCE_BYTES: u64 = 128;
/// Bytes of every remembered request at most: the table is rounded up to a power of two; and of its host.
const CONTACT_BYTES: u64 = 36;
/// Bytes of every source besides where it asks a DNS server (what it asks, and where it is at home), and of every query under
/// way at most: its table is rounded up to a power of two.
const REQUESTER_BYTES: u64 = 64 + 8;
const QUERY_BYTES: u64 = 80;
/// Bytes of every answer in the DNS cache at most, beside the answer itself, and its share of what stands ready.
const ANSWER_BYTES: u64 = 56 + 113;
/// Bytes of every query and of every connection that goes on from an address of the box's own, at most.
const FLOW_BYTES: u64 = 128;
const CONNECTION_BYTES: u64 = 160;
/// The smallest config: every limit at its default.
const DEFAULTS: &str = "[profiles.ingress]";

/// What the box will need.
#[derive(Clone, PartialEq, Debug)]
pub struct Needs {
    /// How many workers.
    pub workers: u16,
    /// Their cores, where the config says so.
    pub cores: Option<Vec<u16>>,
    /// MiB for packets, queues and drivers.
    pub packets_mb: u64,
    /// About how many MiB for the tables of all workers.
    pub tables_mb: u64,
    /// Ports whose device is known.
    pub ports: Vec<PortNeed>,
}

/// One port whose device is known.
#[derive(Clone, PartialEq, Debug)]
pub struct PortNeed {
    /// Its name in the config.
    pub name: String,
    /// Its device.
    pub spec: PortSpec,
    /// Largest IP packet in bytes.
    pub mtu: u16,
    /// Receive queues.
    pub rx_queues: u16,
}

impl PortNeed {
    /// What findings about it are called.
    pub fn about(&self, topic: Topic) -> About {
        About::new(topic, format!("{} ({})", self.name, self.spec.name()))
    }
}

impl Needs {
    /// Reads the config and joins it with the devices of the command line. What is wrong with either is among the
    /// findings, and the rest goes on without it: by the defaults where the config cannot be used.
    ///
    /// # Errors
    /// Never but for defaults that are not valid themselves, which is a defect.
    pub fn read(config: Option<&Path>, given: &[PortDevice]) -> anyhow::Result<(Self, Vec<Finding>)> {
        let mut findings = Vec::new();
        let checked = config.and_then(|path| load(path).map_err(|found| findings.push(found)).ok());
        let any_name = checked.is_none();
        let checked = match checked {
            Some(checked) => checked,
            None => Config::parse("defaults", DEFAULTS).map_err(|mistakes| anyhow!("{mistakes}"))?,
        };
        let topology = checked.topology();
        let mut needs = Self::of(&topology, &checked.limits());
        for wanted in wanted(&topology, given, any_name, &mut findings) {
            match wanted.port() {
                Ok(port) => needs.ports.push(port),
                Err(found) => findings.push(found),
            }
        }
        if needs.ports.is_empty() {
            findings.push(
                About::new(Topic::Config, "ports")
                    .note("no port was looked at")
                    .way_out("name them: --port outside=0000:01:00.0 --port inside=0000:01:00.1"),
            );
        }
        Ok((needs, findings))
    }

    /// Without ports.
    fn of(topology: &Topology, limits: &Limits) -> Self {
        let workers = u64::from(topology.workers.count);
        let sources = u64::from(limits.sources) * SOURCE_BYTES + u64::from(limits.contacts) * CONTACT_BYTES;
        let requesters = if limits.queries > 0 { u64::from(limits.sources) * REQUESTER_BYTES } else { 0 };
        let queries = requesters + u64::from(limits.queries) * QUERY_BYTES;
        let own = u64::from(limits.flows) * FLOW_BYTES + u64::from(limits.connections) * CONNECTION_BYTES;
        let tables =
            sources + queries + own + limits.cache_bytes + u64::from(limits.cache_answers) * ANSWER_BYTES;
        Self {
            workers: topology.workers.count,
            cores: topology.workers.cores.clone(),
            packets_mb: memory::needed_mb(topology),
            tables_mb: (workers * tables).div_ceil(1 << 20),
            ports: Vec::new(),
        }
    }

    /// Whether a card on the PCI bus is among the ports.
    pub fn has_pci(&self) -> bool {
        self.ports.iter().any(|port| port.spec.driver() == Driver::Pci)
    }
}

/// A port of the config or of the command line.
struct Wanted<'a> {
    wish: Wish<'a>,
    mtu: u16,
    /// Receive queues that are read: none of the mirror's port.
    rx_queues: u16,
}

impl<'a> Wanted<'a> {
    /// A port with all of its queues for itself.
    fn of_workers(name: &'a str, device: Option<&'a str>, workers: u16) -> Self {
        Self { wish: Wish { name, device, rx_queues: workers, workers }, mtu: 1500, rx_queues: workers }
    }

    fn port(&self) -> Result<PortNeed, Finding> {
        let Wish { name, device, .. } = self.wish;
        let about = About::new(Topic::Config, format!("port {name}"));
        if device.is_none() {
            return Err(about.warning(
                "has no device, so it was not looked at",
                format!("say --port {name}=DEVARGS, or device = \"…\" in [ports.{name}]"),
            ));
        }
        let spec = self.wish.spec().map_err(|error| about.refused(&error.root_cause()))?;
        Ok(PortNeed { name: name.to_owned(), spec, mtu: self.mtu, rx_queues: self.rx_queues })
    }
}

/// The ports of the config with the devices of the command line; those of the command line where the config
/// knows none.
fn wanted<'a>(
    topology: &'a Topology,
    given: &'a [PortDevice],
    any_name: bool,
    findings: &mut Vec<Finding>,
) -> Vec<Wanted<'a>> {
    let mut all = configured(topology);
    for PortDevice { name, device } in given {
        match all.iter_mut().find(|port| port.wish.name == name) {
            Some(port) => port.wish.device = Some(device),
            None if any_name => all.push(Wanted::of_workers(name, Some(device), topology.workers.count)),
            None => {
                let names: Vec<&str> = all.iter().map(|port| port.wish.name).collect();
                findings.push(
                    About::new(Topic::Config, format!("--port {name}")).problem(
                        "the config has no such port",
                        format!("its ports are: {}", names.join(", ")),
                    ),
                );
            }
        }
    }
    all
}

/// The ports of the config, the mirror's last.
fn configured(topology: &Topology) -> Vec<Wanted<'_>> {
    let workers = topology.workers.count;
    let carriers = topology.ports.iter().map(|port| {
        let all = Wanted::of_workers(&port.name, port.device.as_deref(), workers);
        let wish = Wish { rx_queues: port.rx_queues, ..all.wish };
        Wanted { wish, mtu: port.mtu, rx_queues: port.rx_queues }
    });
    let mirror = topology.mirror.iter().map(|TopologyMirror { port, .. }| {
        let all = Wanted::of_workers(&port.name, port.device.as_deref(), workers);
        Wanted { mtu: port.mtu, rx_queues: 0, ..all }
    });
    carriers.chain(mirror).collect()
}

fn load(path: &Path) -> Result<Checked, Finding> {
    let about = About::new(Topic::Config, path.display().to_string());
    let text = fs::read_to_string(path)
        .map_err(|error| about.problem(format!("cannot be read: {error}"), "give the path of a config"))?;
    let mistakes = |mistakes| {
        let finding = format!("cannot be used; the rest of this report goes by the defaults\n{mistakes}");
        about.problem(finding, "correct what is marked, and look again")
    };
    Config::parse(&path.display().to_string(), &text).map_err(mistakes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::finding::Level;

    fn read(text: &str, given: &[&str]) -> (Needs, Vec<Finding>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let given: Vec<PortDevice> = given.iter().map(|text| text.parse().unwrap()).collect();
        Needs::read(Some(file.path()), &given).unwrap()
    }

    const PAIR: &str = "[ports.outside]\nrole = \"outside\"\ndevice = \"net_null0\"\n\
                        [ports.inside]\nrole = \"inside\"\n[profiles.ingress]\n";

    #[test]
    fn the_command_line_wins_and_what_has_no_device_is_said() {
        let (needs, findings) = read(PAIR, &["outside=net_tap0"]);
        assert_eq!(needs.ports.len(), 1);
        assert_eq!(needs.ports[0].spec.as_str(), "net_tap0");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].subject.as_str(), findings[0].level), ("port inside", Level::Warning));
    }

    #[test]
    fn memory_grows_with_packets_and_sources() {
        let (small, _) = read(PAIR, &[]);
        let limits = "[limits]\nsources = 1048576\nmbufs = 131072\n";
        let (large, _) = read(&format!("{limits}{PAIR}"), &[]);
        assert!(large.packets_mb > 290 && large.packets_mb > small.packets_mb, "{large:?}");
        assert!(large.tables_mb >= 128 && small.tables_mb < 16, "{small:?} {large:?}");
        let (cached, _) = read("[profiles.dns.cache]\nsize = \"1GiB\"\n", &[]);
        assert!((1024..1060).contains(&cached.tables_mb), "{cached:?}");
    }

    #[test]
    fn mistakes_are_findings_and_the_rest_goes_on() {
        let (needs, findings) = read("[profiles.ingress]\nprior = 2\n", &["a=net_null0", "b=nonsense"]);
        assert_eq!((needs.workers, needs.ports.len()), (1, 1));
        let problems: Vec<&str> = findings.iter().map(|found| found.finding.as_str()).collect();
        assert!(problems[0].contains(":2:9"), "{problems:?}");
        assert!(problems[1].contains("neither a PCI address nor a virtual device"), "{problems:?}");
        let (_, findings) = read(PAIR, &["inside=net_null1", "dmz=net_null2"]);
        assert_eq!(findings[0].remedy.as_deref(), Some("its ports are: inside, outside"));
    }
}
