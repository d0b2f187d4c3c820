//! The numbers of treatments: `meter` and `queue`, `mirror`, `soften`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::read::{Node, Reader, Scalar, table};
use crate::value::{BitRate, Int, PacketRate, Size};

/// A limit for each source, in packets, in bytes or in both.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Meter {
    /// Packets per second; absent = unlimited.
    #[schemars(with = "PacketRate")]
    pub packets: Option<PacketRate>,
    /// Packets that may come at once.
    pub packet_burst: Int<1, 1_000_000>,
    /// Bits per second on the wire; absent = unlimited.
    #[schemars(with = "BitRate")]
    pub bytes: Option<BitRate>,
    /// Bytes that may come at once; never less than a full Ethernet frame, or that would never pass.
    pub byte_burst: Size<1518, 1_073_741_824>,
}

table!(fn overlay_keys of Meter { packets, packet_burst, bytes, byte_burst });

impl Scalar for Meter {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut meter = Self::default();
        meter.overlay_keys(node, reader);
        let table = node.get_ref().as_table()?;
        if !table.contains_key("packets") && !table.contains_key("bytes") {
            let message = format!("`{}` limits nothing", reader.path());
            let help = "give it `packets = \"100pps\"`, `bytes = \"10Mbps\"` or both";
            reader.report(Diagnostic::new(node.span(), message).label("no rate here").help(help));
        }
        Some(meter)
    }
}

/// Which packets of a source are copied to the mirror port.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Sampling {
    /// One packet in so many; 1 = every one.
    pub one_in: Int<1, 1_000_000>,
    /// Beside that, the first so many packets of a source in every window.
    pub first: Int<0, 65_535>,
}

table!(fn overlay_keys of Sampling { one_in, first });

impl Scalar for Sampling {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut sampling = Self::default();
        sampling.overlay_keys(node, reader);
        Some(sampling)
    }
}

/// How TCP connections begin.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Soften {
    /// Segments that may be under way during the first round trips.
    pub segments: Int<1, 100>,
    /// Bytes of a segment behind its fixed header at most.
    pub mss: Int<536, 9_000>,
    /// How many round trips those are.
    pub round_trips: Int<1, 255>,
}

table!(fn overlay_keys of Soften { segments, mss, round_trips });

impl Scalar for Soften {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut soften = Self::default();
        soften.overlay_keys(node, reader);
        Some(soften)
    }
}
