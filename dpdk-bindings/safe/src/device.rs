//! A device that DPDK drives, before it becomes a port: created from its spec, with what it can do.
//!
//! Called by the boot code, which reads the limits and then makes a [`crate::Port`] of it. Devices are attached one by
//! one after EAL's start, so a wrong name or a missing file is an error of that port and no other. Dropping a device
//! closes and removes it.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dpdk_sys::{
    rte_dev_probe, rte_dev_remove, rte_device, rte_eth_dev_close, rte_eth_dev_get_port_by_name,
    rte_eth_dev_info, rte_eth_dev_info_get, rte_eth_dev_socket_id,
};

use crate::{Eal, Errno, PortError, PortSpec, Step, log};

/// Attaching and removing change lists that all ports share and DPDK does not guard.
static HOTPLUG: Mutex<()> = Mutex::new(());

fn hotplug() -> MutexGuard<'static, ()> {
    HOTPLUG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a device is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The driver's name, such as "net_pcap" or "mlx5_pci".
    pub driver: String,
    /// The NUMA socket of the device, where it has one.
    pub socket: Option<u32>,
    /// Receive queues at most.
    pub max_rx_queues: u16,
    /// Transmit queues at most.
    pub max_tx_queues: u16,
    /// Smallest MTU, bytes.
    pub min_mtu: u16,
    /// Largest MTU, bytes.
    pub max_mtu: u16,
    /// Receive offloads, as DPDK's bits.
    pub rx_offloads: u64,
    /// Transmit offloads, as DPDK's bits.
    pub tx_offloads: u64,
    /// RSS hash fields, as DPDK's bits; 0: no RSS.
    pub rss_fields: u64,
    /// Length of the RSS key, bytes; 0: unknown.
    pub rss_key_len: u8,
    /// Entries of the RSS redirection table; 0: it has none, or none that can be set.
    pub reta_size: u16,
}

/// An attached device.
#[derive(Debug)]
pub struct Device {
    id: u16,
    spec: PortSpec,
    raw: NonNull<rte_device>,
    info: DeviceInfo,
}

// SAFETY: the pointer is only handed to rte_dev_remove, under HOTPLUG; everything else goes by the port's number.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    /// Creates the device that the spec names and reads what it can do.
    ///
    /// # Errors
    /// The name is taken, there is no such device or driver, or its arguments are wrong; with what DPDK said.
    pub fn attach(_: &Eal, spec: PortSpec) -> Result<Self, PortError> {
        let port = spec.name().to_owned();
        let _guard = hotplug();
        let mark = log::mark();
        if port_id(&spec).is_ok() {
            return Err(PortError::AlreadyAttached { port });
        }
        probe(&spec).map_err(|errno| PortError::attach(&spec, errno, mark))?;
        let id = port_id(&spec).map_err(|errno| PortError::attach(&spec, errno, mark))?;
        let raw = raw_info(id).map_err(|errno| PortError::refused(&port, Step::Info, errno, mark))?;
        let device = NonNull::new(raw.device)
            .ok_or_else(|| PortError::refused(&port, Step::Info, Errno::NOT_SUPPORTED, mark))?;
        Ok(Self { id, spec, raw: device, info: read_info(id, &raw) })
    }

    /// What the device is and can do.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Its name, unique in the process.
    #[must_use]
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// What it was attached as.
    #[must_use]
    pub fn spec(&self) -> &PortSpec {
        &self.spec
    }

    /// DPDK's number for it, as packets carry it ([`crate::Mbuf::port_id`]).
    #[must_use]
    pub fn id(&self) -> u16 {
        self.id
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _guard = hotplug();
        // SAFETY: the port is stopped and without queues (see Port); number and pointer are this device's until
        // here. A failure leaves the device behind, which its name then says when it is attached again.
        unsafe {
            rte_eth_dev_close(self.id);
            rte_dev_remove(self.raw.as_ptr());
        }
    }
}

fn probe(spec: &PortSpec) -> Result<(), Errno> {
    let text = c_text(spec.as_str());
    // SAFETY: EAL runs, HOTPLUG is held, the text is copied.
    Errno::check(unsafe { rte_dev_probe(text.as_ptr()) })
}

fn port_id(spec: &PortSpec) -> Result<u16, Errno> {
    let (name, mut id) = (c_text(spec.name()), 0);
    // SAFETY: the name is a C string, the number a local.
    Errno::check(unsafe { rte_eth_dev_get_port_by_name(name.as_ptr(), &mut id) })?;
    Ok(id)
}

/// A parsed spec holds no zero byte; one would cut the text there.
fn c_text(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().take_while(|&byte| byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

fn raw_info(id: u16) -> Result<rte_eth_dev_info, Errno> {
    let mut info = MaybeUninit::<rte_eth_dev_info>::zeroed();
    // SAFETY: the pointer is to a local, which is valid as zeros and filled on success.
    unsafe {
        Errno::check(rte_eth_dev_info_get(id, info.as_mut_ptr()))?;
        Ok(info.assume_init())
    }
}

fn read_info(id: u16, raw: &rte_eth_dev_info) -> DeviceInfo {
    // SAFETY: the port exists.
    let socket = unsafe { rte_eth_dev_socket_id(id) };
    DeviceInfo {
        driver: driver_name(raw),
        socket: u32::try_from(socket).ok(),
        max_rx_queues: raw.max_rx_queues,
        max_tx_queues: raw.max_tx_queues,
        min_mtu: raw.min_mtu,
        max_mtu: raw.max_mtu,
        rx_offloads: raw.rx_offload_capa,
        tx_offloads: raw.tx_offload_capa,
        rss_fields: raw.flow_type_rss_offloads,
        rss_key_len: raw.hash_key_size,
        reta_size: raw.reta_size,
    }
}

fn driver_name(raw: &rte_eth_dev_info) -> String {
    if raw.driver_name.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: the driver's name is a C string of static life.
    unsafe { CStr::from_ptr(raw.driver_name) }.to_string_lossy().into_owned()
}
