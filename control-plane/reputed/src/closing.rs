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
    workers: Vec<WorkerClosing>,
    /// Sources with an entry at the end.
    tracked: u64,
    strangers: u64,
    unjudged: u64,
    protected: u64,
    /// Packets that reached a worker which did not own their source.
    misowned: u64,
    /// Copies that the mirror withheld.
    mirror_withheld: u64,
    /// TCP segments whose window or largest segment was made smaller.
    softened: u64,
    /// Resets that were due and not made.
    resets_withheld: u64,
    /// Always-forward packets.
    control: u64,
    bands: Vec<Count>,
    /// What shadow mode forwarded, by what would have become of it.
    shadow: Vec<Count>,
    ports: Vec<PortClosing>,
}

/// One worker's part.
#[derive(Serialize, Debug)]
struct WorkerClosing {
    received: u64,
    /// Handed over to other workers.
    handed: u64,
    /// Taken from other workers.
    taken: u64,
    /// Packets still held back: none at the end.
    held: u64,
    conserved: bool,
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
    queued: u64,
    handed: u64,
    taken: u64,
    offered: u64,
    released: u64,
    mirrored: u64,
    answered: u64,
    resets: u64,
    own: u64,
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
    /// Joins the accounts of all workers, which have ended, with the drivers' counters.
    ///
    /// # Errors
    /// A port that gives no counters.
    pub fn new(accounts: &[Account], ports: &[Port], info: &[PortInfo]) -> anyhow::Result<Self> {
        let total = accounts.iter().fold(Account::zero(), |sum, account| sum.plus(account));
        let mut closings = Vec::with_capacity(ports.len());
        for ((port, info), account) in ports.iter().zip(info).zip(&total.ports) {
            closings.push(PortClosing::new(account, &port.stats()?, info, port.rx_queues() > 0));
        }
        let workers: Vec<_> = accounts.iter().map(WorkerClosing::new).collect();
        let each =
            workers.iter().all(|worker| worker.conserved) && closings.iter().all(|port| port.conserved);
        let named = |band: &Band| Count { name: band.name(), packets: total.bands[band.index()] };
        Ok(Self {
            conserved: each && nothing_is_under_way(&total),
            policy_version: total.policy_version,
            workers,
            tracked: total.tracked,
            strangers: total.strangers,
            unjudged: total.unjudged,
            protected: total.protected,
            misowned: total.misowned,
            mirror_withheld: total.mirror_withheld,
            softened: total.softened,
            resets_withheld: total.resets_withheld,
            control: total.control.iter().sum(),
            bands: Band::ALL.iter().map(named).collect(),
            shadow: by_reason(&total.shadow),
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

    /// Several workers and what went between them.
    fn print_workers(&self) {
        for (number, worker) in self.workers.iter().enumerate().filter(|_| self.workers.len() > 1) {
            println!(
                "  worker {number} received {}, handed over {}, was handed {}",
                worker.received, worker.handed, worker.taken
            );
        }
        if self.misowned > 0 {
            println!("  handed to a worker that did not own the source: {}; report this", self.misowned);
        }
        if self.mirror_withheld > 0 {
            println!("  copies that the mirror's rate or buffers withheld {}", self.mirror_withheld);
        }
        if self.softened > 0 {
            println!("  segments that were softened {}", self.softened);
        }
        if self.resets_withheld > 0 {
            println!("  resets that were due and not made {}", self.resets_withheld);
        }
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
        for Count { name, packets } in &self.shadow {
            println!("  forwarded in shadow mode in place of {name} {packets}");
        }
        self.print_workers();
        println!("  sources tracked at the end {}", self.tracked);
        println!("  packets conserved: {}", if self.conserved { "yes, exactly" } else { "NO" });
    }
}

/// The reasons that occurred.
fn by_reason(counts: &[u64; Reason::COUNT]) -> Vec<Count> {
    let counts =
        Reason::ALL.iter().map(|reason| Count { name: reason.name(), packets: counts[reason.index()] });
    counts.filter(|count| count.packets > 0).collect()
}

/// Whether everything that was held back has left, and everything that was handed over has arrived.
fn nothing_is_under_way(total: &Account) -> bool {
    let sum = |count: fn(&PortAccount) -> u64| total.ports.iter().map(count).sum::<u64>();
    sum(|port| port.queued) == sum(|port| port.released) && sum(|port| port.handed) == sum(|port| port.taken)
}

impl WorkerClosing {
    fn new(account: &Account) -> Self {
        let sum = |count: fn(&PortAccount) -> u64| account.ports.iter().map(count).sum();
        Self {
            received: sum(|port| port.received),
            handed: sum(|port| port.handed),
            taken: sum(|port| port.taken),
            held: account.held,
            conserved: account.is_conserved() && account.held == 0,
        }
    }
}

impl PortClosing {
    /// `reads`: whether the box takes packets from the port, as from every one but the mirror's.
    fn new(account: &PortAccount, driver: &PortStats, info: &PortInfo, reads: bool) -> Self {
        Self {
            name: info.name.clone(),
            device: info.device.clone(),
            received: account.received,
            received_bytes: account.received_bytes,
            forwarded: account.forwarded,
            dropped: by_reason(&account.dropped),
            queued: account.queued,
            handed: account.handed,
            taken: account.taken,
            offered: account.offered,
            released: account.released,
            mirrored: account.mirrored,
            answered: account.answered,
            resets: account.resets,
            own: account.own,
            sent: account.sent,
            sent_bytes: account.sent_bytes,
            refused: account.refused,
            conserved: account.is_conserved()
                && (account.received == driver.ipackets || !reads)
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
        let (received, queued) = (self.received, self.queued);
        let held = if queued > 0 { format!(" + held back for a while {queued}") } else { String::new() };
        println!("    in  {received} = forwarded {} + dropped {}{held}", self.forwarded, self.dropped());
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

    /// For any reason.
    fn dropped(&self) -> u64 {
        self.dropped.iter().map(|count| count.packets).sum()
    }
}
