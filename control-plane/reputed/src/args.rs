//! The command line of the daemon.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The reputation gateway's daemon
#[derive(Parser)]
#[command(name = "reputed", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Run(Run),
    Preflight(Preflight),
}

/// Boot the ports of a config and run until SIGINT or SIGTERM
///
/// SIGHUP reads the config again and applies it as the API would; ports, workers and limits need a restart.
#[derive(Args, Debug)]
pub struct Run {
    /// The config
    pub config: PathBuf,
    /// The DPDK device of a port: a PCI address, net_af_packet0,iface=eth1, net_af_xdp0,iface=eth1,
    /// net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap, net_tap0, net_memif0; overrides the config
    #[arg(long = "port", value_name = "NAME=DEVARGS")]
    pub ports: Vec<PortDevice>,
    /// The API's unix socket [default: the config's, else /run/repute/repute.sock as root,
    /// $XDG_RUNTIME_DIR/repute/repute.sock otherwise]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// The folder of what survives a restart, or `none` [default: the config's, else /var/lib/repute as root, none
    /// otherwise and with --clock capture]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<StatePlace>,
    /// Where time comes from: real, or capture[=SPEED] for net_pcap ports: stamps of the captures, played
    /// at SPEED times their pace (without: as fast as it goes), ending with them
    #[arg(long, value_name = "CLOCK", default_value = "real")]
    pub clock: Clock,
    /// With --clock capture: write one line a packet, as `repute replay --packets` does
    #[arg(long, value_name = "FILE.tsv")]
    pub packets: Option<PathBuf>,
    /// Write the closing account as JSON
    #[arg(long, value_name = "FILE.json")]
    pub account: Option<PathBuf>,
    /// With --clock capture: go on answering the API after the captures have ended, until a signal
    #[arg(long)]
    pub linger: bool,
    /// The key of the hash tables: fixes it for repeatable runs [default: drawn at boot; with --clock
    /// capture that of `repute replay`]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Which memory packets live in
    #[arg(long, value_enum, default_value_t = HugePages::Auto)]
    pub huge_pages: HugePages,
}

/// Check this machine and the named ports, and say what to do
///
/// Looks at the processor, cores, memory, rights, IOMMU and every named port, and changes nothing. Ends with 0
/// without problems and with 1 otherwise; warnings and notes do not count.
#[derive(Args, Debug)]
pub struct Preflight {
    /// The config [default: the default of every limit, and the ports named by --port]
    pub config: Option<PathBuf>,
    /// The DPDK device of a port, as for `run`
    #[arg(long = "port", value_name = "NAME=DEVARGS")]
    pub ports: Vec<PortDevice>,
    /// Also start DPDK, attach every port and ask what it offers: needs root and takes the ports for a moment
    #[arg(long)]
    pub attach: bool,
    /// How to print the findings
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// The same as -o json
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

/// Which memory packets live in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum HugePages {
    /// Huge pages where enough are free, ordinary ones otherwise
    Auto,
    /// Huge pages, or do not start
    Require,
    /// Ordinary pages
    None,
}

/// `NAME=DEVARGS`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortDevice {
    /// The port's name in the config.
    pub name: String,
    /// What DPDK calls the device.
    pub device: String,
}

impl FromStr for PortDevice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, device)) if !name.is_empty() && !device.is_empty() => {
                Ok(Self { name: name.to_owned(), device: device.to_owned() })
            }
            _ => Err("expected NAME=DEVARGS, such as outside=net_af_packet0,iface=eth1".to_owned()),
        }
    }
}

/// Where state is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StatePlace {
    /// Nowhere.
    None,
    /// In this folder.
    Folder(PathBuf),
}

impl FromStr for StatePlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected a folder or `none`".to_owned()),
            "none" => Ok(Self::None),
            folder => Ok(Self::Folder(PathBuf::from(folder))),
        }
    }
}

/// Where time comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// The captures' stamps, at this speed; `None` = as fast as it goes.
    Capture(Option<f64>),
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "real" => Ok(Self::Real),
            None if text == "capture" => Ok(Self::Capture(None)),
            Some(("capture", speed)) => match speed.parse::<f64>() {
                Ok(speed) if speed.is_finite() && (0.001..=1e6).contains(&speed) => {
                    Ok(Self::Capture(Some(speed)))
                }
                _ => Err(format!("`{speed}` is not a speed between 0.001 and 1000000")),
            },
            _ => Err("expected real, capture or capture=SPEED".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        assert_eq!("real".parse(), Ok(Clock::Real));
        assert_eq!("capture".parse(), Ok(Clock::Capture(None)));
        assert_eq!("capture=4".parse(), Ok(Clock::Capture(Some(4.0))));
        for bad in ["", "capture=", "capture=0", "capture=NaN", "capture=-1", "wall"] {
            assert!(bad.parse::<Clock>().is_err(), "{bad}");
        }
    }

    #[test]
    fn port_devices_keep_their_arguments() {
        let port: PortDevice = "outside=net_pcap0,rx_pcap=a=b.pcap".parse().unwrap();
        assert_eq!((port.name.as_str(), port.device.as_str()), ("outside", "net_pcap0,rx_pcap=a=b.pcap"));
        assert!("outside".parse::<PortDevice>().is_err());
        assert!("=net_tap0".parse::<PortDevice>().is_err());
    }
}
