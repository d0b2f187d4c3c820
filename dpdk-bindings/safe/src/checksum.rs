//! What a port found about a checksum while receiving.
//!
//! Called by `Mbuf` for its accessors; the parser trusts this rather than the bytes.

/// The port's verdict on one checksum (DPDK's `RTE_MBUF_F_RX_*_CKSUM_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The port did not look.
    Unknown,
    /// The checksum in the packet is wrong.
    Bad,
    /// The checksum in the packet is right.
    Good,
    /// The field is not filled in, but the data is known to be intact: a packet from a guest or another offload.
    Unfilled,
}

impl Checksum {
    /// Reads one pair of flags: `bad` and `good` are the two bits, both set means [`Checksum::Unfilled`].
    #[inline]
    pub(crate) fn from_flags(flags: u64, bad: u64, good: u64) -> Self {
        match (flags & bad != 0, flags & good != 0) {
            (false, false) => Self::Unknown,
            (true, false) => Self::Bad,
            (false, true) => Self::Good,
            (true, true) => Self::Unfilled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dpdk_sys::{DPDK_MBUF_IP_CKSUM_BAD, DPDK_MBUF_IP_CKSUM_GOOD, DPDK_MBUF_IP_CKSUM_MASK};

    #[test]
    fn four_states_of_two_bits() {
        let of = |flags| Checksum::from_flags(flags, DPDK_MBUF_IP_CKSUM_BAD, DPDK_MBUF_IP_CKSUM_GOOD);
        assert_eq!(of(0), Checksum::Unknown);
        assert_eq!(of(DPDK_MBUF_IP_CKSUM_BAD), Checksum::Bad);
        assert_eq!(of(DPDK_MBUF_IP_CKSUM_GOOD), Checksum::Good);
        assert_eq!(of(DPDK_MBUF_IP_CKSUM_MASK), Checksum::Unfilled);
    }
}
