//! A configured port: start, queues, counters, link, stop.
//!
//! Called by the boot code and the control plane; the workers only hold its queues. What always holds: queues exist
//! only while the port is started, each has one holder, and the port does not stop under one. The device is closed
//! and removed when the port and all of its queues are gone, in whatever order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dpdk_sys::{
    dpdk_link, rte_eth_dev_get_mtu, rte_eth_dev_rss_reta_update, rte_eth_dev_set_link_down,
    rte_eth_dev_set_link_up, rte_eth_dev_start, rte_eth_dev_stop, rte_eth_macaddr_get,
    rte_eth_promiscuous_get, rte_eth_rss_reta_entry64, rte_eth_stats, rte_eth_stats_get, rte_ether_addr,
};

use repute_model::toeplitz::Reta;

use crate::{
    Device, DeviceInfo, Direction, Errno, MbufPool, PortConfig, PortError, PortStats, RssHash, RxQueue, Step,
    TxQueue, log, port_setup,
};

/// The state of a port's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether there is a link.
    pub up: bool,
    /// Megabits per second; none: unknown.
    pub speed_mbps: Option<u32>,
    /// Whether both sides may send at once.
    pub full_duplex: bool,
}

/// A port, configured.
#[derive(Debug)]
pub struct Port {
    shared: Arc<Shared>,
    started: bool,
    rss: Option<RssHash>,
}

/// What the port and its queues own together.
#[derive(Debug)]
pub(crate) struct Shared {
    device: Device,
    rx_taken: Box<[AtomicBool]>,
    tx_taken: Box<[AtomicBool]>,
    /// Keeps the meaning of "the port's packets come from here" visible; pools live as long as the process.
    pools: Box<[MbufPool]>,
}

impl Port {
    /// Configures a device: queues, MTU, offloads, promiscuous mode. Receive queue `q` takes its packets from
    /// `pools[q % pools.len()]`.
    ///
    /// # Errors
    /// Names the port and the step that the device refused; the device is then removed.
    pub fn configure(device: Device, config: &PortConfig, pools: &[&MbufPool]) -> Result<Self, PortError> {
        port_setup::set_up(&device, config, pools)?;
        let rss = PortConfig::effective_hash(config.rss_fields(device.info()));
        let shared = Shared {
            rx_taken: (0..config.rx_queues).map(|_| AtomicBool::new(false)).collect(),
            tx_taken: (0..config.tx_queues).map(|_| AtomicBool::new(false)).collect(),
            pools: pools.iter().map(|&pool| pool.clone()).collect(),
            device,
        };
        Ok(Self { shared: Arc::new(shared), started: false, rss })
    }

    /// Starts receiving and sending.
    ///
    /// # Errors
    /// The device refuses, for instance because a file cannot be opened.
    pub fn start(&mut self) -> Result<(), PortError> {
        // SAFETY: the port is configured.
        self.call(Step::Start, |id| unsafe { rte_eth_dev_start(id) })?;
        self.started = true;
        Ok(())
    }

    /// Stops the port; it can be started again.
    ///
    /// # Errors
    /// Queues are still taken, or the device refuses.
    pub fn stop(&mut self) -> Result<(), PortError> {
        self.check_idle()?;
        self.started = false;
        // SAFETY: nobody holds a queue, and none can be taken now.
        self.call(Step::Stop, |id| unsafe { rte_eth_dev_stop(id) })
    }

    /// Stops the port and removes its device, so that its name is free again.
    ///
    /// # Errors
    /// Queues are still taken (the device is then removed when the last one is dropped), or the device refuses.
    pub fn close(mut self) -> Result<(), PortError> {
        if self.started { self.stop() } else { self.check_idle() }
    }

    /// Takes a receive queue of the started port.
    ///
    /// # Errors
    /// The port is not started, has no such queue, or somebody holds it.
    pub fn take_rx(&self, queue: u16) -> Result<RxQueue, PortError> {
        self.take(Direction::Rx, queue)?;
        Ok(RxQueue::new(Arc::clone(&self.shared), queue))
    }

    /// Takes a transmit queue of the started port.
    ///
    /// # Errors
    /// The port is not started, has no such queue, or somebody holds it.
    pub fn take_tx(&self, queue: u16) -> Result<TxQueue, PortError> {
        self.take(Direction::Tx, queue)?;
        Ok(TxQueue::new(Arc::clone(&self.shared), queue))
    }

    fn take(&self, direction: Direction, queue: u16) -> Result<(), PortError> {
        let port = || self.name().to_owned();
        if !self.started {
            return Err(PortError::NotStarted { port: port() });
        }
        let flags = self.shared.taken(direction);
        let Some(flag) = flags.get(usize::from(queue)) else {
            return Err(PortError::NoSuchQueue { port: port(), direction, queue, count: flags.len() });
        };
        if flag.swap(true, Ordering::Acquire) {
            return Err(PortError::QueueTaken { port: port(), direction, queue });
        }
        Ok(())
    }

    fn check_idle(&self) -> Result<(), PortError> {
        match self.shared.taken_count() {
            0 => Ok(()),
            count => Err(PortError::QueuesInUse { port: self.name().to_owned(), count }),
        }
    }

    //--- what the port is and has seen

    /// The port's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.device.name()
    }

    /// DPDK's number, as packets carry it.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.shared.device.id()
    }

    /// What the device is and can do.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        self.shared.device.info()
    }

    /// The RSS hash in effect, which may be weaker than the one asked for; none: the device spreads by itself or
    /// not at all.
    #[must_use]
    pub fn rss(&self) -> Option<RssHash> {
        self.rss
    }

    /// The pools that the receive queues draw from.
    #[must_use]
    pub fn pools(&self) -> &[MbufPool] {
        &self.shared.pools
    }

    /// Receive queues that it was configured with.
    #[must_use]
    pub fn rx_queues(&self) -> u16 {
        self.shared.rx_taken.len() as u16
    }

    /// Whether the port receives frames for any address.
    #[must_use]
    pub fn is_promiscuous(&self) -> bool {
        // SAFETY: the port exists.
        unsafe { rte_eth_promiscuous_get(self.id()) == 1 }
    }

    /// The port's own counters.
    ///
    /// # Errors
    /// The device has gone.
    pub fn stats(&self) -> Result<PortStats, PortError> {
        let mut raw = rte_eth_stats::default();
        // SAFETY: the pointer is to a local.
        self.call(Step::Read, |id| unsafe { rte_eth_stats_get(id, &mut raw) })?;
        Ok(raw.into())
    }

    /// The MTU in bytes, without Ethernet header.
    ///
    /// # Errors
    /// The device has gone.
    pub fn mtu(&self) -> Result<u16, PortError> {
        let mut mtu = 0;
        // SAFETY: the pointer is to a local.
        self.call(Step::Read, |id| unsafe { rte_eth_dev_get_mtu(id, &mut mtu) })?;
        Ok(mtu)
    }

    /// The port's Ethernet address.
    ///
    /// # Errors
    /// The device has gone.
    pub fn mac(&self) -> Result<[u8; 6], PortError> {
        let mut mac = rte_ether_addr::default();
        // SAFETY: the pointer is to a local.
        self.call(Step::Read, |id| unsafe { rte_eth_macaddr_get(id, &mut mac) })?;
        Ok(mac.addr_bytes)
    }

    /// The link as it is now; does not wait for one that is coming up.
    ///
    /// # Errors
    /// The device has gone.
    pub fn link(&self) -> Result<Link, PortError> {
        let (mut speed, mut up, mut full) = (0, 0, 0);
        // SAFETY: the pointers are to locals.
        self.call(Step::Read, |id| unsafe { dpdk_link(id, &mut speed, &mut up, &mut full) })?;
        let speed_mbps = (speed != 0 && speed != u32::MAX).then_some(speed);
        Ok(Link { up: up != 0, speed_mbps, full_duplex: full != 0 })
    }

    /// Gives the started port a redirection table, repeated where the device's is larger.
    ///
    /// # Errors
    /// The device has no table that can be set, or no such queues.
    pub fn set_reta(&self, reta: &Reta) -> Result<(), PortError> {
        let size = self.info().reta_size;
        let queues: Vec<u16> = (0..u32::from(size)).map(|entry| reta.queue(entry)).collect();
        let mut groups: Vec<_> = queues.chunks(64).map(reta_group).collect();
        // SAFETY: there is a group for every 64 of `size` entries, each with a mask of those that count.
        self.call(Step::Reta, |id| unsafe { rte_eth_dev_rss_reta_update(id, groups.as_mut_ptr(), size) })
    }

    /// Takes the link up or down, as a cable would be plugged or pulled at the other end.
    ///
    /// # Errors
    /// The driver cannot, as most virtual ones, or the device has gone.
    pub fn set_link(&self, up: bool) -> Result<(), PortError> {
        // SAFETY: the port exists.
        self.call(Step::Link, |id| unsafe {
            if up { rte_eth_dev_set_link_up(id) } else { rte_eth_dev_set_link_down(id) }
        })
    }

    fn call(&self, step: Step, call: impl FnOnce(u16) -> i32) -> Result<(), PortError> {
        let mark = log::mark();
        Errno::check(call(self.id())).map_err(|errno| PortError::refused(self.name(), step, errno, mark))
    }
}

/// At most 64 entries of a redirection table, as DPDK takes them.
fn reta_group(queues: &[u16]) -> rte_eth_rss_reta_entry64 {
    let mut raw = rte_eth_rss_reta_entry64 { mask: u64::MAX >> (64 - queues.len()), ..Default::default() };
    raw.reta[..queues.len()].copy_from_slice(queues);
    raw
}

/// Refuses a pair of ports whose MTUs differ: what comes in by one could not leave by the other.
///
/// # Errors
/// The MTUs differ, or one cannot be read.
pub fn check_equal_mtu(a: &Port, b: &Port) -> Result<(), PortError> {
    let (mtu_a, mtu_b) = (a.mtu()?, b.mtu()?);
    if mtu_a == mtu_b {
        return Ok(());
    }
    Err(PortError::UnequalMtu { a: a.name().to_owned(), mtu_a, b: b.name().to_owned(), mtu_b })
}

impl Shared {
    pub(crate) fn id(&self) -> u16 {
        self.device.id()
    }

    fn taken(&self, direction: Direction) -> &[AtomicBool] {
        if direction == Direction::Rx { &self.rx_taken } else { &self.tx_taken }
    }

    fn taken_count(&self) -> usize {
        let all = self.rx_taken.iter().chain(&self.tx_taken);
        all.filter(|flag| flag.load(Ordering::Acquire)).count()
    }

    /// Called by a queue that is dropped.
    pub(crate) fn give_back(&self, direction: Direction, queue: u16) {
        if let Some(flag) = self.taken(direction).get(usize::from(queue)) {
            flag.store(false, Ordering::Release);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the port and all queues are gone. Stopping a stopped port does nothing; the device removes itself
        // next, whatever this call answers.
        unsafe { rte_eth_dev_stop(self.device.id()) };
    }
}
