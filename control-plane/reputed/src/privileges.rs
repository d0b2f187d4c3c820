//! After boot: which capabilities the ports still need, and giving up all others.
//!
//! Called by the control thread between boot and the first worker: threads are born with what it has then. A process
//! that is root stays root by name, and reads and writes what belongs to root, nobody else's files.

use std::fs;

use anyhow::Context;
use repute_access::privileges::{Cap, Device, drop_to, stragglers};
use repute_policy::Topology;

use crate::args::Run;

/// Gives up what the ports do not need any more.
///
/// # Errors
/// The system refuses.
pub fn give_up(topology: &Topology, run: &Run) -> anyhow::Result<()> {
    let needed = Device::all_need(devices(topology, run).into_iter().map(kind));
    let kept = drop_to(&needed).context("giving up privileges after boot")?;
    let names: Vec<_> = kept.iter().copied().map(Cap::name).collect();
    tracing::info!(
        "capabilities after boot: {}",
        if names.is_empty() { "none".into() } else { names.join(" ") }
    );
    // DPDK's own threads began before; the unit `configs/reputed.service` confines them too.
    for left in stragglers(&needed).unwrap_or_default() {
        tracing::debug!("thread {} {} keeps capabilities {:#x}", left.thread, left.name, left.permitted);
    }
    Ok(())
}

/// The device of every port, the mirror's included: as on the command line, else as in the config.
fn devices<'a>(topology: &'a Topology, run: &'a Run) -> Vec<&'a str> {
    let carriers = topology.ports.iter().map(|port| (&port.name, &port.device));
    let mirror = topology.mirror.iter().map(|mirror| (&mirror.port.name, &mirror.port.device));
    let device = |(name, configured): (&String, &'a Option<String>)| {
        let given = run.ports.iter().rev().find(|given| given.name == *name);
        given.map(|given| given.device.as_str()).or(configured.as_deref())
    };
    carriers.chain(mirror).filter_map(device).collect()
}

/// What kind a port is of; a card is asked whether its kernel driver stays beside DPDK.
fn kind(arguments: &str) -> Device {
    match Device::of(arguments) {
        Device::Vfio if is_beside_kernel(arguments) => Device::BesideKernel,
        device => device,
    }
}

fn is_beside_kernel(arguments: &str) -> bool {
    let address = arguments.split(',').next().unwrap_or_default();
    let driver = fs::read_link(format!("/sys/bus/pci/devices/{address}/driver"));
    let name = driver.ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    name.is_some_and(|name| !["vfio-pci", "igb_uio", "uio_pci_generic"].contains(&name.as_str()))
}
