//! What can go wrong with a port: always its name, the step, DPDK's reason and log, and a way out.
//!
//! Called by `Device`, `Port` and the queues.

use std::fmt;

use thiserror::Error;

use crate::{Errno, PortSpec, log};

/// Why a port did not do what was asked.
#[derive(Debug, Error)]
pub enum PortError {
    /// There is no such device or driver, or the device does not take these arguments.
    #[error("port {port}: cannot be attached as \"{spec}\": {said}; way out: {}", spec.driver().way_out())]
    Attach {
        /// The port's name.
        port: String,
        /// What it was to be.
        spec: PortSpec,
        /// What DPDK logged meanwhile, or the text of its error number when it logged nothing.
        said: String,
    },
    /// DPDK or the driver refused a step.
    #[error("port {port}: {step} was refused: {errno}; DPDK said: {said}; way out: {}", step.way_out())]
    Refused {
        /// The port's name.
        port: String,
        /// What was asked.
        step: Step,
        /// The reason.
        errno: Errno,
        /// What DPDK logged meanwhile, or "nothing".
        said: String,
    },
    /// The name is in use by another port of this process.
    #[error("port {port}: a port of this name is attached already; way out: give each port its own name")]
    AlreadyAttached {
        /// The port's name.
        port: String,
    },
    /// The device offers fewer queues.
    #[error(
        "port {port}: {asked} {direction} queues are asked for and the device has {offered}; way out: fewer workers, \
         or arguments that give the device more queues (net_af_packet: qpairs=, net_pcap: one capture per queue)"
    )]
    TooManyQueues {
        /// The port's name.
        port: String,
        /// Which queues.
        direction: Direction,
        /// How many were asked for.
        asked: u16,
        /// How many there are.
        offered: u16,
    },
    /// The configuration contradicts itself or the device.
    #[error("port {port}: {what}")]
    Config {
        /// The port's name.
        port: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A queue was asked for on a port that is not started.
    #[error("port {port} is not started, so its queues cannot be taken; way out: start it first")]
    NotStarted {
        /// The port's name.
        port: String,
    },
    /// No such queue.
    #[error(
        "port {port}: there is no {direction} queue {queue}, only {count}, counted from 0; way out: configure more"
    )]
    NoSuchQueue {
        /// The port's name.
        port: String,
        /// Which queues.
        direction: Direction,
        /// The number asked for.
        queue: u16,
        /// How many there are.
        count: usize,
    },
    /// Somebody else has the queue.
    #[error("port {port}: {direction} queue {queue} is taken; way out: one queue, one worker")]
    QueueTaken {
        /// The port's name.
        port: String,
        /// Which queues.
        direction: Direction,
        /// The queue.
        queue: u16,
    },
    /// The port cannot stop under its workers.
    #[error(
        "port {port}: {count} of its queues are still taken; way out: stop the workers that hold them first"
    )]
    QueuesInUse {
        /// The port's name.
        port: String,
        /// How many queues are taken.
        count: usize,
    },
    /// Two ports that forward to each other differ in MTU, so that packets of one would not fit the other.
    #[error("port {a} has MTU {mtu_a} and its peer {b} has {mtu_b}; way out: give both the same mtu")]
    UnequalMtu {
        /// One port.
        a: String,
        /// Its MTU in bytes.
        mtu_a: u16,
        /// The other port.
        b: String,
        /// Its MTU in bytes.
        mtu_b: u16,
    },
}

impl PortError {
    /// A device that DPDK did not create; `mark` stands in the log where the attempt began.
    pub(crate) fn attach(spec: &PortSpec, errno: Errno, mark: log::Mark) -> Self {
        let said = mark.lines().unwrap_or_else(|| errno.to_string());
        Self::Attach { port: spec.name().to_owned(), spec: spec.clone(), said }
    }

    /// An error of a step; `mark` stands in the log where the step began.
    pub(crate) fn refused(port: &str, step: Step, errno: Errno, mark: log::Mark) -> Self {
        Self::Refused { port: port.to_owned(), step, errno, said: mark.said() }
    }
}

/// Receiving or sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Receive queues.
    Rx,
    /// Transmit queues.
    Tx,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Rx { "receive" } else { "transmit" })
    }
}

/// A step in the life of a port that DPDK can refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading what the device can do.
    Info,
    /// Queue counts, offloads, RSS.
    Configure,
    /// This MTU, in bytes.
    Mtu(u16),
    /// Setting up this queue.
    Queue(Direction, u16),
    /// Receiving frames for any address.
    Promiscuous,
    /// Receiving all multicast frames.
    AllMulticast,
    /// Starting.
    Start,
    /// Stopping.
    Stop,
    /// The redirection table of RSS.
    Reta,
    /// Taking the link up or down.
    Link,
    /// Reading the counters, the MTU, the address or the link.
    Read,
}

impl Step {
    fn way_out(self) -> &'static str {
        match self {
            Self::Info | Self::Read => "the device may have gone; attach it again",
            Self::Configure => "ask for fewer queues or offloads",
            Self::Mtu(_) => "choose an MTU that the device and its link support",
            Self::Queue(..) => {
                "a pool whose packets hold a full frame and that has more packets than all queues have descriptors; \
                 fewer descriptors"
            }
            Self::Promiscuous | Self::AllMulticast => {
                "allow it on the host (virtual functions need trust on)"
            }
            Self::Start => "check that the files or interfaces of the port exist and are writable",
            Self::Stop => "the device may have gone; close the port",
            Self::Reta => "a table of the device's own size whose queues exist",
            Self::Link => "leave the link alone: the driver cannot switch it",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Info => f.write_str("reading its capabilities"),
            Self::Configure => f.write_str("its configuration"),
            Self::Mtu(mtu) => write!(f, "the MTU {mtu}"),
            Self::Queue(direction, queue) => write!(f, "{direction} queue {queue}"),
            Self::Promiscuous => f.write_str("promiscuous mode"),
            Self::AllMulticast => f.write_str("receiving all multicast"),
            Self::Start => f.write_str("its start"),
            Self::Stop => f.write_str("its stop"),
            Self::Reta => f.write_str("its redirection table"),
            Self::Link => f.write_str("switching its link"),
            Self::Read => f.write_str("reading its state"),
        }
    }
}
