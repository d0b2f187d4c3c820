//! Safe types over DPDK: the environment, packet pools, packets, ports and their queues.
//!
//! Called by `reputed` (boot, workers) and by the benchmark harness. The only unsafe DPDK code of the product lives
//! here; what always holds:
//! * EAL starts once per process ([`Eal::init`]); every other type needs the [`Eal`] that it returns.
//! * An [`Mbuf`] has one owner. What a port does not take stays in its [`Burst`]; what is dropped goes back to the
//!   pool that it came from.
//! * A port cannot stop while one of its queues is held, and its device goes away with the last of its owners.
//! * Per packet there is no call into C: lengths, flags and bytes are read inline; the calls are per burst.
//! * Every error names the port, queue or pool, says what DPDK said, and a way out.
//!
//! ```no_run
//! use dpdk::{Burst, Device, Eal, EalArgs, MbufPool, PoolArgs, Port, PortConfig, PortSpec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let eal = Eal::init(EalArgs::default())?;
//! let pool = MbufPool::new(&eal, &PoolArgs::new("main", 8191))?;
//! let inside = Device::attach(&eal, PortSpec::parse("net_af_packet0,iface=wa")?)?;
//! let outside = Device::attach(&eal, PortSpec::parse("net_af_packet1,iface=wb")?)?;
//! let mut inside = Port::configure(inside, &PortConfig::default(), &[&pool])?;
//! let mut outside = Port::configure(outside, &PortConfig::default(), &[&pool])?;
//! dpdk::check_equal_mtu(&inside, &outside)?;
//! inside.start()?;
//! outside.start()?;
//!
//! let (mut rx, mut tx) = (inside.take_rx(0)?, outside.take_tx(0)?);
//! let mut burst = Burst::new();
//! rx.recv(&mut burst);
//! tx.send(&mut burst);
//! dpdk::free(&mut burst); // what the port did not take
//! # Ok(())
//! # }
//! ```

mod burst;
mod checksum;
mod cycles;
mod device;
mod eal;
mod eal_args;
mod errno;
mod log;
mod mbuf;
mod memory;
mod pool;
mod port;
mod port_config;
mod port_error;
mod port_setup;
mod queue;
mod segments;
mod spec;
mod stats;
mod thread;
mod timestamp;
mod ways;

pub use burst::{BURST_MAX, Burst, free};
pub use checksum::Checksum;
pub use cycles::Cycles;
pub use device::{Device, DeviceInfo};
pub use eal::{Eal, EalError};
pub use eal_args::{EalArgs, HugePages};
pub use errno::Errno;
pub use log::{LogLevel, LogSink};
pub use mbuf::Mbuf;
pub use memory::Memory;
pub use pool::{MbufPool, Order, PoolArgs, PoolError};
pub use port::{Link, Port, check_equal_mtu};
pub use port_config::{PortConfig, Rss, RssHash};
pub use port_error::{Direction, PortError, Step};
pub use queue::{RxQueue, TxQueue};
pub use segments::Segments;
pub use spec::{Driver, PortSpec, SpecError};
pub use stats::PortStats;
pub use thread::{ThreadError, WorkerThread};
pub use ways::Ways;
