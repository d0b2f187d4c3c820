//! TCP segments (RFC 9293) with the options clients really send (RFC 7323 timestamps and scale, RFC 2018 SACK).

/// Flag bits.
pub mod flag {
    /// No more data.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement field counts.
    pub const ACK: u8 = 0x10;
}

/// The fields of a segment; sequence numbers wrap modulo 2³².
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment<'a> {
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// First octet's sequence number.
    pub seq: u32,
    /// Next sequence number expected from the other side.
    pub ack: u32,
    /// Bits of [`flag`].
    pub flags: u8,
    /// Receive window, unscaled.
    pub window: u16,
    /// Options, padded to a multiple of four octets by the caller, at most 40.
    pub options: &'a [u8],
    /// Data.
    pub payload: &'a [u8],
}

impl Segment<'_> {
    /// The octets on the wire with a zero checksum.
    pub fn encode(&self) -> Vec<u8> {
        let header = 20 + self.options.len();
        let mut bytes = Vec::with_capacity(header + self.payload.len());
        bytes.extend_from_slice(&self.sport.to_be_bytes());
        bytes.extend_from_slice(&self.dport.to_be_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.ack.to_be_bytes());
        bytes.extend_from_slice(&[((header / 4) as u8) << 4, self.flags]);
        bytes.extend_from_slice(&self.window.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(self.options);
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

/// The options of a SYN in the order Linux sends them: MSS, SACK permitted, timestamps, NOP, window scale.
pub fn syn_options(mss: u16, timestamp: [u32; 2], scale: u8) -> Vec<u8> {
    let mut options = vec![2, 4];
    options.extend_from_slice(&mss.to_be_bytes());
    options.extend_from_slice(&[4, 2, 8, 10]);
    options.extend(timestamp.iter().flat_map(|value| value.to_be_bytes()));
    options.extend_from_slice(&[1, 3, 3, scale]);
    options
}

/// The timestamps option aligned by two NOPs, as every later segment carries it: own value, echo reply.
pub fn timestamp_option(timestamp: [u32; 2]) -> Vec<u8> {
    let mut options = vec![1, 1, 8, 10];
    options.extend(timestamp.iter().flat_map(|value| value.to_be_bytes()));
    options
}

/// One SACK block (left edge, right edge) aligned by two NOPs.
pub fn sack_option(block: [u32; 2]) -> Vec<u8> {
    let mut options = vec![1, 1, 5, 10];
    options.extend(block.iter().flat_map(|edge| edge.to_be_bytes()));
    options
}

/// The single option of scanners and flooding tools: MSS.
pub fn mss_option(mss: u16) -> [u8; 4] {
    let [high, low] = mss.to_be_bytes();
    [2, 4, high, low]
}
