//! The closing account: what came in, what went out, why, and whether the ports agree.

use std::fs;
use std::path::Path;

use anyhow::Context;
use dpdk::{Port, PortStats};
use repute_engine::{Account, PortAccount};
use repute_model::{Band, Reason};
use repute_server::PortInfo;
use serde::Serialize;

/// Everything that was counted, as JSON and for people.
#[derive(Serialize, Debug)]
pub struct Closing {
    /// Whether both conservation identities hold and the drivers counted the same.
    conserved: bool,
    policy_version: u64,
    /// Sources with an entry at the end.
    tracked: u64,
    strangers: u64,
    unjudged: u64,
    protected: u64,
    /// Always-forward packets.
    control: u64,
    bands: Vec<Count>,
    ports: Vec<PortClosing>,
}

#[derive(Serialize, Debug)]
struct Count {
    name: &'static str,
    packets: u64,
}

#[derive(Serialize, Debug)]
struct PortClosing {
    name: String,
    device: String,
    received: u64,
    received_bytes: u64,
    forwarded: u64,
    dropped: Vec<Count>,
    offered: u64,
    sent: u64,
    sent_bytes: u64,
    refused: u64,
    driver: DriverCount,
    conserved: bool,
}

/// The port's own counters.
#[derive(Serialize, Debug)]
struct DriverCount {
    received: u64,
    sent: u64,
    missed: u64,
    errors: u64,
    no_buffer: u64,
}

impl Closing {
    /// Joins the worker's account with the drivers' counters.
    ///
    /// # Errors
    /// A port that gives no counters.
    pub fn new(account: &Account, ports: &[Port], info: &[PortInfo]) -> anyhow::Result<Self> {
        let mut closings = Vec::with_capacity(ports.len());
        for ((port, info), account) in ports.iter().zip(info).zip(&account.ports) {
            closings.push(PortClosing::new(account, &port.stats()?, info));
        }
        let named = |band: &Band| Count { name: band.name(), packets: account.bands[band.index()] };
        Ok(Self {
            conserved: account.is_conserved() && closings.iter().all(|port| port.conserved),
            policy_version: account.policy_version,
            tracked: account.tracked,
            strangers: account.strangers,
            unjudged: account.unjudged,
            protected: account.protected,
            control: account.control.iter().sum(),
            bands: Band::ALL.iter().map(named).collect(),
            ports: closings,
        })
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("{}: cannot write", path.display()))
    }

    /// Prints it for people.
    pub fn print(&self) {
        println!("closing account (policy version {})", self.policy_version);
        for port in &self.ports {
            port.print();
        }
        let bands = self.bands.iter().filter(|band| band.packets > 0);
        let bands: Vec<_> = bands.map(|band| format!("{} {}", band.name, band.packets)).collect();
        println!(
            "  packets by band: {}",
            if bands.is_empty() { "none".to_owned() } else { bands.join(", ") }
        );
        println!(
            "  from sources without a standing yet {}, unjudged {}, protected {}, control {}",
            self.strangers, self.unjudged, self.protected, self.control
        );
        println!("  sources tracked at the end {}", self.tracked);
        println!("  packets conserved: {}", if self.conserved { "yes, exactly" } else { "NO" });
    }
}

impl PortClosing {
    fn new(account: &PortAccount, driver: &PortStats, info: &PortInfo) -> Self {
        let dropped = Reason::ALL
            .iter()
            .map(|reason| Count { name: reason.name(), packets: account.dropped[reason.index()] });
        Self {
            name: info.name.clone(),
            device: info.device.clone(),
            received: account.received,
            received_bytes: account.received_bytes,
            forwarded: account.forwarded,
            dropped: dropped.filter(|count| count.packets > 0).collect(),
            offered: account.offered,
            sent: account.sent,
            sent_bytes: account.sent_bytes,
            refused: account.refused,
            conserved: account.is_conserved()
                && account.received == driver.ipackets
                && account.sent == driver.opackets,
            driver: DriverCount {
                received: driver.ipackets,
                sent: driver.opackets,
                missed: driver.imissed,
                errors: driver.ierrors + driver.oerrors,
                no_buffer: driver.rx_nombuf,
            },
        }
    }

    fn print(&self) {
        println!("  port {} ({})", self.name, self.device);
        println!("    in  {} = forwarded {} + dropped {}", self.received, self.forwarded, self.dropped());
        for count in &self.dropped {
            println!("          {:<20} {}", count.name, count.packets);
        }
        println!("    out {} = meant for it {} - refused {}", self.sent, self.offered, self.refused);
        if (self.received, self.sent) != (self.driver.received, self.driver.sent) {
            println!("    the driver counted {} in, {} out", self.driver.received, self.driver.sent);
        }
        if self.driver.missed + self.driver.no_buffer > 0 {
            println!(
                "    lost before the box saw them: {} missed, {} without a buffer",
                self.driver.missed, self.driver.no_buffer
            );
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped.iter().map(|count| count.packets).sum()
    }
}
