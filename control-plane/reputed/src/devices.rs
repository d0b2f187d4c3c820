//! The device of a port, with as many queues as there are workers.
//!
//! Called at boot and by preflight. DPDK is told how many queues to use when a port is configured; drivers that
//! stand on a Linux interface have to be told when they are created, by an argument of their own. It is added
//! where it is missing: nobody should have to write the same number twice.

use anyhow::{Context, bail};
use dpdk::{Driver, PortSpec};

/// What a port asks of its device.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Name of the port in the config.
    pub name: &'a str,
    /// DPDK's device arguments, where any are given.
    pub device: Option<&'a str>,
    /// Receive queues: 1, or one for each worker; a port that only sends: as workers.
    pub rx_queues: u16,
    /// Each worker sends by a queue of its own.
    pub workers: u16,
}

impl Wish<'_> {
    /// The device to attach.
    ///
    /// # Errors
    /// No device, one that DPDK cannot be asked for, or one whose own number of queues contradicts the workers: the
    /// port is named, and the way out.
    pub fn spec(&self) -> anyhow::Result<PortSpec> {
        let name = self.name;
        let device = self.device.with_context(|| {
            format!(
                "port {name} has no device; say --port {name}=DEVARGS or device = \"…\" in [ports.{name}]"
            )
        })?;
        let spec = PortSpec::parse(device).with_context(|| format!("port {name}"))?;
        self.with_queues(spec).with_context(|| format!("port {name}"))
    }

    fn with_queues(&self, spec: PortSpec) -> anyhow::Result<PortSpec> {
        let Some(key) = queue_argument(spec.driver()) else { return Ok(spec) };
        let given = spec.args(key).last().map(str::to_owned);
        let workers = self.workers;
        match given {
            Some(given) if given.parse() != Ok(workers) => bail!(
                "{key}={given} and {workers} workers: each worker needs one queue, and what comes by any other is \
                 lost; way out: leave {key} out, or set [workers] count = {given}"
            ),
            _ if self.rx_queues != workers => bail!(
                "rx_queues = {}: this driver receives by as many queues as it sends by, one for each of {workers} \
                 workers; way out: leave rx_queues out",
                self.rx_queues
            ),
            None if workers > 1 => Ok(PortSpec::parse(&format!("{spec},{key}={workers}"))?),
            _ => Ok(spec),
        }
    }
}

/// The argument by which a driver learns at its creation how many pairs of queues it has; one without it.
fn queue_argument(driver: Driver) -> Option<&'static str> {
    match driver {
        Driver::AfPacket => Some("qpairs"),
        Driver::AfXdp => Some("queue_count"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(device: &str, workers: u16, rx_queues: u16) -> Result<String, String> {
        let wish = Wish { name: "outside", device: Some(device), rx_queues, workers };
        wish.spec().map(|spec| spec.to_string()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn drivers_on_interfaces_get_a_queue_for_each_worker() {
        for (device, argument) in
            [("net_af_packet0,iface=wa", "qpairs"), ("net_af_xdp0,iface=wa,busy_budget=0", "queue_count")]
        {
            assert_eq!(spec(device, 1, 1).as_deref(), Ok(device));
            let full = format!("{device},{argument}=2");
            assert_eq!(spec(device, 2, 2), Ok(full.clone()));
            assert_eq!(spec(&full, 2, 2), Ok(full.clone()), "what is right is left as it is");
            let error = spec(&full, 3, 3).unwrap_err();
            assert!(
                error.contains("port outside") && error.contains("leave") && error.contains("count = 2"),
                "{error}"
            );
            let error = spec(device, 2, 1).unwrap_err();
            assert!(error.contains("rx_queues = 1") && error.contains("leave rx_queues out"), "{error}");
        }
        for device in ["net_tap0", "net_pcap0,rx_pcap=a.pcap", "0000:01:00.0"] {
            assert_eq!(spec(device, 4, 4).as_deref(), Ok(device));
            assert_eq!(spec(device, 4, 1).as_deref(), Ok(device));
        }
    }

    #[test]
    fn a_port_without_a_device_says_how_to_give_one() {
        let none = Wish { name: "inside", device: None, rx_queues: 1, workers: 1 };
        let error = none.spec().unwrap_err().to_string();
        assert!(error.contains("port inside has no device; say --port inside=DEVARGS"), "{error}");
    }
}
