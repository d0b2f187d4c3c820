//! What every row needs: DPDK, a pool, captures, roads, and slices on this thread.
//!
//! Made once on the measuring thread. What always holds: that thread is pinned, known to DPDK and, where the kernel
//! allows it, in a session of its own with the best autogroup priority.

use std::path::{Path, PathBuf};

use anyhow::Context;
use core_affinity::CoreId;
use dpdk::{
    Cycles, Device, Eal, EalArgs, HugePages, LogLevel, MbufPool, PoolArgs, Port, PortConfig, PortSpec,
    WorkerThread,
};

use crate::args::Effort;
use crate::capture::Traffic;
use crate::road::Road;
use crate::slices::{Plan, Slices};

/// Packets in the pool: the captures of two roads of two ports, and what is in flight.
const MBUFS: u32 = (1 << 15) - 1;
/// Packets in the pool of copies.
const COPIES: u32 = 4095;
/// MiB beside the pool: rings, queues and drivers.
const OVERHEAD_MB: u64 = 64;

/// The measuring thread's equipment.
#[derive(Debug)]
pub struct Bench {
    /// The time stamp counter.
    pub cycles: Cycles,
    /// Runs slices.
    pub slices: Slices,
    /// How much time and memory to spend.
    pub effort: Effort,
    /// Where captures are.
    pub folder: PathBuf,
    /// Proof that DPDK runs.
    pub eal: Eal,
    /// The cores that may be used, the measuring thread's own first.
    pub cores: Vec<CoreId>,
    pool: MbufPool,
    ports: u32,
    _registered: WorkerThread,
}

impl Bench {
    /// Starts DPDK and registers the calling thread, which is to measure and is pinned already.
    ///
    /// # Errors
    /// DPDK does not start, or the folder cannot be made.
    pub fn new(folder: &Path, effort: Effort, cores: Vec<CoreId>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot create", folder.display()))?;
        let pool_args = PoolArgs::new("packets", MBUFS);
        let eal = Eal::init(EalArgs {
            huge_pages: if effort == Effort::Smoke { HugePages::None } else { HugePages::Auto },
            memory_mb: u32::try_from(
                pool_args.memory_mb() + PoolArgs::new("copies", COPIES).memory_mb() + OVERHEAD_MB,
            )?,
            log_level: LogLevel::Warning,
            ..EalArgs::default()
        })?;
        let registered = WorkerThread::register(&eal)?;
        let cycles = Cycles::new(&eal);
        Ok(Self {
            slices: Slices::new(cycles, plan(effort))?,
            pool: MbufPool::new(&eal, &pool_args)?,
            folder: folder.to_owned(),
            ports: 0,
            _registered: registered,
            cores,
            cycles,
            effort,
            eal,
        })
    }

    /// A road whose ports repeat these captures without end and drop what they send. One at a time has room in the
    /// pool, or two of two ports.
    ///
    /// # Errors
    /// A capture cannot be written, or DPDK refuses.
    pub fn road(&mut self, traffic: &[Traffic]) -> anyhow::Result<Road> {
        let ports = traffic.iter().map(|&traffic| self.port(traffic)).collect::<anyhow::Result<_>>()?;
        Road::new(ports, self.cycles)
    }

    /// Where the capture of a road is, once the road was made.
    pub fn capture(&self, traffic: Traffic) -> PathBuf {
        traffic.path(&self.folder)
    }

    /// A road with a port more, to which copies may be sent: number 1.
    ///
    /// # Errors
    /// As for [`Bench::road`].
    pub fn road_with_listener(&mut self, traffic: Traffic) -> anyhow::Result<Road> {
        let port = self.port(traffic)?;
        let listener = self.attach("net_null", "no-rx=1")?;
        let copies = MbufPool::new(&self.eal, &PoolArgs::new("copies", COPIES))?;
        Road::with_listener(vec![port], listener, copies, self.cycles)
    }

    fn port(&mut self, traffic: Traffic) -> anyhow::Result<Port> {
        let capture = traffic.write(&self.folder)?;
        self.attach("net_pcap", &format!("rx_pcap={},infinite_rx=1", capture.display()))
    }

    /// A started port of a virtual driver.
    fn attach(&mut self, driver: &str, arguments: &str) -> anyhow::Result<Port> {
        let spec = PortSpec::parse(&format!("{driver}{},{arguments}", self.ports))?;
        self.ports += 1;
        let device = Device::attach(&self.eal, spec)?;
        let mut port = Port::configure(device, &PortConfig::default(), &[&self.pool])?;
        port.start()?;
        Ok(port)
    }

    /// So many ms, or a few where the run is only to show that it works.
    pub fn ms(&self, wanted: u64) -> u64 {
        if self.effort == Effort::Smoke { wanted.min(20) } else { wanted }
    }

    /// So many clients, or few where the run is only to show that it works.
    pub fn clients(&self, wanted: u32) -> u32 {
        if self.effort == Effort::Smoke { wanted.min(1 << 10) } else { wanted }
    }
}

fn plan(effort: Effort) -> Plan {
    match effort {
        Effort::Smoke => Plan { rounds: 4, slice_us: 500, any: true },
        Effort::Quick => Plan { rounds: 60, slice_us: 4_000, any: false },
        Effort::Full => Plan { rounds: 250, slice_us: 4_000, any: false },
    }
}
