//! `[mirror]`: where copies of packets go.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{BitRate, Int, Ip, Mac, Text};

/// Where the packets go that treatments with `mirror` copy.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["port"]))]
pub struct Mirror {
    /// The port that copies are sent out of; its role is `mirror`.
    pub port: Text,
    /// Bytes of a frame that are copied; the rest of it is left out.
    pub bytes: Int<64, 9000>,
    /// Bits per second that copies may take, for each worker; what is above is not copied.
    pub rate: BitRate,
    /// Buffers for copies, for each worker: a slow mirror never takes those of the packets themselves.
    pub mbufs: Int<512, 1_048_576>,
    /// Copies travel in a tunnel; absent = they are sent as they are.
    #[schemars(with = "Vxlan")]
    pub vxlan: Option<Vxlan>,
}

table!(fn overlay_keys of Mirror { port, bytes, rate, mbufs, vxlan } requires "port");

impl Scalar for Mirror {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut mirror = Self::default();
        reader.whole(|reader| mirror.overlay_keys(node, reader))?;
        Some(mirror)
    }
}

/// The tunnel that copies travel in: VXLAN (RFC 7348).
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(
    default,
    deny_unknown_fields,
    extend("required" = ["vni", "local", "remote", "local_mac", "remote_mac"])
)]
pub struct Vxlan {
    /// Number of the network (VNI).
    pub vni: Int<1, 16_777_215>,
    /// Address of this end.
    pub local: Ip,
    /// Address of the other end.
    pub remote: Ip,
    /// Ethernet address of the mirror port.
    pub local_mac: Mac,
    /// Ethernet address of the other end, or of the router on the way to it.
    pub remote_mac: Mac,
    /// UDP port of the other end.
    pub port: Int<1, 65_535>,
}

table!(
    fn overlay_keys of Vxlan { vni, local, remote, local_mac, remote_mac, port }
    requires "vni", "local", "remote", "local_mac", "remote_mac"
);

impl Scalar for Vxlan {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut vxlan = Self::default();
        reader.whole(|reader| vxlan.overlay_keys(node, reader))?;
        Some(vxlan)
    }
}
