//! The steps that turn a device into a configured port, each with its own error.
//!
//! Called by `Port::configure`. Every return value is looked at; what a driver merely lacks is left out.

use dpdk_sys::{
    rte_eth_allmulticast_enable, rte_eth_dev_adjust_nb_rx_tx_desc, rte_eth_dev_configure,
    rte_eth_dev_set_mtu, rte_eth_promiscuous_enable, rte_eth_rx_queue_setup, rte_eth_tx_queue_setup,
};

use crate::{Device, DeviceInfo, Direction, Errno, MbufPool, PortConfig, PortError, Step, log};

/// Configures a device that is not started: queue counts, MTU, queues, receive modes.
pub(crate) fn set_up(device: &Device, config: &PortConfig, pools: &[&MbufPool]) -> Result<(), PortError> {
    check(device, config, pools)?;
    let setup = Setup { id: device.id(), name: device.name(), mark: log::mark() };
    setup.configure(config, device.info())?;
    setup.mtu(config)?;
    setup.queues(config, device.info(), pools)?;
    setup.modes(config)
}

fn check(device: &Device, config: &PortConfig, pools: &[&MbufPool]) -> Result<(), PortError> {
    let port = device.name().to_owned();
    let info = device.info();
    let too_many = |direction, asked, offered| {
        let port = device.name().to_owned();
        if asked > offered {
            Err(PortError::TooManyQueues { port, direction, asked, offered })
        } else {
            Ok(())
        }
    };
    too_many(Direction::Rx, config.rx_queues, info.max_rx_queues)?;
    too_many(Direction::Tx, config.tx_queues, info.max_tx_queues)?;
    if pools.is_empty() {
        let what = "no pool to receive into; way out: at least one".to_owned();
        return Err(PortError::Config { port, what });
    }
    config.fault(info).map_or(Ok(()), |what| Err(PortError::Config { port, what }))
}

/// The steps of a configuration, each with its own error.
struct Setup<'a> {
    id: u16,
    name: &'a str,
    mark: log::Mark,
}

impl Setup<'_> {
    fn check(&self, step: Step, returned: i32) -> Result<(), PortError> {
        Errno::check(returned).map_err(|errno| PortError::refused(self.name, step, errno, self.mark))
    }

    /// As `check`, but a driver that has no such operation is content: a virtual device filters nothing.
    fn check_optional(&self, step: Step, returned: i32) -> Result<(), PortError> {
        match Errno::check(returned) {
            Err(Errno::NOT_SUPPORTED) => Ok(()),
            _ => self.check(step, returned),
        }
    }

    fn configure(&self, config: &PortConfig, info: &DeviceInfo) -> Result<(), PortError> {
        let mut key = config.rss.as_ref().and_then(|rss| rss.key.clone()).unwrap_or_default();
        let raw = config.to_raw(info, &mut key);
        // SAFETY: the port is not started; `raw` and the key that it points to are only read during the call.
        let returned = unsafe { rte_eth_dev_configure(self.id, config.rx_queues, config.tx_queues, &raw) };
        self.check(Step::Configure, returned)
    }

    /// Drivers without an MTU of their own keep the one from `configure`.
    fn mtu(&self, config: &PortConfig) -> Result<(), PortError> {
        let Some(mtu) = config.mtu else { return Ok(()) };
        // SAFETY: the port is configured and not started.
        self.check_optional(Step::Mtu(mtu), unsafe { rte_eth_dev_set_mtu(self.id, mtu) })
    }

    fn queues(&self, config: &PortConfig, info: &DeviceInfo, pools: &[&MbufPool]) -> Result<(), PortError> {
        let (mut rx, mut tx) = (config.rx_descriptors, config.tx_descriptors);
        // SAFETY: the pointers are to locals.
        let returned = unsafe { rte_eth_dev_adjust_nb_rx_tx_desc(self.id, &mut rx, &mut tx) };
        self.check(Step::Configure, returned)?;
        let socket = info.socket.unwrap_or(u32::MAX); // SOCKET_ID_ANY
        for (queue, pool) in (0..config.rx_queues).zip(pools.iter().cycle()) {
            // SAFETY: the port is configured and not started; pools are never freed.
            let returned = unsafe {
                rte_eth_rx_queue_setup(self.id, queue, rx, socket, std::ptr::null(), pool.as_ptr())
            };
            self.check(Step::Queue(Direction::Rx, queue), returned)?;
        }
        for queue in 0..config.tx_queues {
            // SAFETY: the port is configured and not started.
            let returned = unsafe { rte_eth_tx_queue_setup(self.id, queue, tx, socket, std::ptr::null()) };
            self.check(Step::Queue(Direction::Tx, queue), returned)?;
        }
        Ok(())
    }

    fn modes(&self, config: &PortConfig) -> Result<(), PortError> {
        if config.promiscuous {
            // SAFETY: the port is configured.
            self.check_optional(Step::Promiscuous, unsafe { rte_eth_promiscuous_enable(self.id) })?;
        }
        if config.all_multicast {
            // SAFETY: the port is configured.
            self.check_optional(Step::AllMulticast, unsafe { rte_eth_allmulticast_enable(self.id) })?;
        }
        Ok(())
    }
}
