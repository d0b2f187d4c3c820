//! How a port is named: a PCI address or a virtual device with its arguments, in DPDK's own notation.
//!
//! Called by the config reader (so that mistakes show before anything starts) and by [`crate::Device::attach`].
//! A parsed spec is well formed; whether the device exists is for `attach` to find out.

use std::fmt;

use thiserror::Error;

/// What is wrong with a port's text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpecError {
    /// Nothing there.
    #[error("the port is empty; way out: {}", examples())]
    Empty,
    /// Neither a PCI address nor a virtual device.
    #[error("{name:?} is neither a PCI address nor a virtual device; way out: {}", examples())]
    Name {
        /// What stands before the first comma.
        name: String,
    },
    /// An argument is not `key=value`.
    #[error(
        "port {name}: the argument {argument:?} is not key=value; way out: separate arguments by single commas"
    )]
    Argument {
        /// The port.
        name: String,
        /// The argument.
        argument: String,
    },
}

fn examples() -> &'static str {
    "write it like \"0000:01:00.0\", \"net_af_packet0,iface=eth0\", \"net_af_xdp0,iface=eth0\", \"net_tap0\", \
     \"net_memif0,role=client\", \"net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap\" or \"net_null0\""
}

/// The kind of device that a spec asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// A network card on the PCI bus.
    Pci,
    /// `net_af_packet`: a Linux interface through an AF_PACKET socket.
    AfPacket,
    /// `net_af_xdp`: a Linux interface through an AF_XDP socket.
    AfXdp,
    /// `net_tap`: a new Linux interface.
    Tap,
    /// `net_memif`: shared memory with another process.
    Memif,
    /// `net_pcap`: capture files.
    Pcap,
    /// `net_ring`: a loop through memory.
    Ring,
    /// `net_null`: receives empty packets without end, swallows what is sent.
    Null,
    /// Another virtual driver of DPDK (`net_…`), passed on as it is.
    Other,
}

impl Driver {
    /// What to check when DPDK cannot create such a device.
    pub(crate) fn way_out(self) -> &'static str {
        match self {
            Self::Pci => {
                "bind the card to vfio-pci (dpdk-devbind.py --status shows it) and start with pci = true"
            }
            Self::AfPacket | Self::AfXdp => {
                "check that the interface exists and is up, and run with CAP_NET_RAW and CAP_NET_ADMIN"
            }
            Self::Pcap => {
                "check that the folders exist, captures can be read and outputs written; arguments: rx_pcap, tx_pcap, rx_iface, tx_iface, iface, infinite_rx"
            }
            Self::Tap => "run with CAP_NET_ADMIN and /dev/net/tun, and name no interface that exists",
            Self::Memif | Self::Ring | Self::Null => "check the arguments against DPDK's guide of the driver",
            Self::Other => "check the driver's name and that its package (librte-net-…) is installed",
        }
    }
}

const VIRTUAL: &[(&str, Driver)] = &[
    ("net_af_packet", Driver::AfPacket),
    ("net_af_xdp", Driver::AfXdp),
    ("net_tap", Driver::Tap),
    ("net_memif", Driver::Memif),
    ("net_pcap", Driver::Pcap),
    ("net_ring", Driver::Ring),
    ("net_null", Driver::Null),
];

/// One port: name, driver and arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSpec {
    text: String,
    name: String,
    driver: Driver,
}

impl PortSpec {
    /// Reads DPDK's notation: a name, then `,key=value` any number of times.
    ///
    /// # Errors
    /// The name is of no known shape, or an argument has no value.
    ///
    /// ```
    /// use dpdk::{Driver, PortSpec};
    /// let spec = PortSpec::parse("net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap")?;
    /// assert_eq!(spec.name(), "net_pcap0");
    /// assert_eq!(spec.driver(), Driver::Pcap);
    /// assert_eq!(spec.args("rx_pcap").collect::<Vec<_>>(), ["in.pcap"]);
    /// # Ok::<(), dpdk::SpecError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        let (name, rest) = text.split_once(',').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let (name, driver) = read_name(name)?;
        for argument in rest.into_iter().flat_map(|rest| rest.split(',')) {
            check_argument(&name, argument)?;
        }
        let text = rest.map_or(name.clone(), |rest| format!("{name},{rest}"));
        Ok(Self { text, name, driver })
    }

    /// The device's name, unique in the process: "net_pcap0", "0000:01:00.0".
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of device.
    #[must_use]
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// The whole text, as DPDK takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The values of one argument, which may stand there several times (`net_pcap`: one `rx_pcap` per queue).
    pub fn args<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let arguments = self.text.split(',').skip(1);
        arguments
            .filter_map(|argument| argument.split_once('='))
            .filter_map(move |(k, v)| (k == key).then_some(v))
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read_name(name: &str) -> Result<(String, Driver), SpecError> {
    if name.is_empty() {
        return Err(SpecError::Empty);
    }
    if let Some(address) = pci_address(name) {
        return Ok((address, Driver::Pci));
    }
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || !name.starts_with("net_") || name.len() == "net_".len() {
        return Err(SpecError::Name { name: name.to_owned() });
    }
    let known = VIRTUAL.iter().find(|(prefix, _)| name.starts_with(prefix));
    Ok((name.to_owned(), known.map_or(Driver::Other, |(_, driver)| *driver)))
}

/// `[domain:]bus:device.function` in hexadecimal, with the domain added where it is missing, in lower case.
fn pci_address(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split([':', '.']).collect();
    let (domain, [bus, device, function]) = match parts.as_slice() {
        [bus, device, function] => ("0000", [*bus, *device, *function]),
        [domain, bus, device, function] => (*domain, [*bus, *device, *function]),
        _ => return None,
    };
    let field = |text: &str, digits: usize, max: u32| {
        let value = u32::from_str_radix(text, 16).ok()?;
        (text.len() == digits && value <= max).then_some(value)
    };
    let domain = field(domain, 4, 0xffff)?;
    let (bus, device) = (field(bus, 2, 0xff)?, field(device, 2, 0x1f)?);
    let address = format!("{domain:04x}:{bus:02x}:{device:02x}.{:x}", field(function, 1, 7)?);
    text.to_ascii_lowercase().ends_with(address.trim_start_matches("0000:")).then_some(address)
}

fn check_argument(name: &str, argument: &str) -> Result<(), SpecError> {
    match argument.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() && !argument.contains('\0') => Ok(()),
        _ => Err(SpecError::Argument { name: name.to_owned(), argument: argument.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_driver_is_recognised() {
        let driver = |text| PortSpec::parse(text).unwrap().driver();
        assert_eq!(driver("net_af_packet0,iface=wa"), Driver::AfPacket);
        assert_eq!(driver("net_af_xdp0,iface=wa,busy_budget=0"), Driver::AfXdp);
        assert_eq!(driver("net_tap0"), Driver::Tap);
        assert_eq!(driver("net_memif1,role=client"), Driver::Memif);
        assert_eq!(driver("net_ring0"), Driver::Ring);
        assert_eq!(driver("net_null_in"), Driver::Null);
        assert_eq!(driver("net_vhost0,iface=/tmp/v"), Driver::Other);
    }

    #[test]
    fn pci_addresses_get_their_domain() {
        let name = |text| PortSpec::parse(text).map(|spec| spec.name().to_owned());
        assert_eq!(name("01:00.0").unwrap(), "0000:01:00.0");
        assert_eq!(name("0000:AF:1f.7").unwrap(), "0000:af:1f.7");
        assert_eq!(PortSpec::parse("01:00.0,x=1").unwrap().as_str(), "0000:01:00.0,x=1");
        for wrong in ["01:20.0", "01:00.8", "1:00.0", "0000:01:00", "01.00:0", "zz:00.0", "+1:00.0"] {
            assert!(matches!(name(wrong), Err(SpecError::Name { .. })), "{wrong}");
        }
    }

    #[test]
    fn repeated_arguments_are_all_there() {
        let spec = PortSpec::parse("net_pcap0,rx_pcap=a.pcap,rx_pcap=b.pcap").unwrap();
        assert_eq!(spec.args("rx_pcap").collect::<Vec<_>>(), ["a.pcap", "b.pcap"]);
        assert_eq!(spec.args("tx_pcap").count(), 0);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(PortSpec::parse("  "), Err(SpecError::Empty));
        assert!(PortSpec::parse("eth0").unwrap_err().to_string().contains("\"eth0\" is neither"));
        for wrong in
            ["net_pcap0,", "net_pcap0,rx_pcap", "net_pcap0,rx_pcap=", "net_pcap0,=x", "net_pcap0,a=1,,b=2"]
        {
            let error = PortSpec::parse(wrong).unwrap_err();
            assert!(matches!(error, SpecError::Argument { .. }), "{wrong}");
            assert!(error.to_string().starts_with("port net_pcap0:"), "{error}");
        }
    }
}
