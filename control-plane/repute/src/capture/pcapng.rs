//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, several interfaces.
//!
//! Called by `Capture`. Always holds: blocks of unknown type are passed over whatever their size; a block
//! that must be held in memory is at most [`BLOCK_LEN_MAX`] long; byte order, interfaces and their clocks
//! belong to one section.

mod interface;

use super::input::{Filled, Input};
use super::{Break, Found, PACKET_LEN_MAX};
use interface::Interface;

/// The longest block that is read into memory: a packet with generous options.
const BLOCK_LEN_MAX: usize = PACKET_LEN_MAX + 256 * 1024;
/// More interfaces than any machine has.
const INTERFACES_MAX: usize = 65_536;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type, length in front and length behind: what every block has.
const FRAME_LEN: usize = 12;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// A pcapng file being read.
pub(super) struct Pcapng {
    /// The type of the block under way is read already: the file's first.
    started: bool,
    big_endian: bool,
    interfaces: Vec<Interface>,
}

impl Pcapng {
    /// A pcapng file, if `magic` starts one.
    pub(super) fn recognise(magic: [u8; 4]) -> Option<Self> {
        (magic == SECTION_HEADER.to_be_bytes()).then_some(Self {
            started: true,
            big_endian: false,
            interfaces: Vec::new(),
        })
    }

    /// Reads blocks until one holds a packet; its bytes are then in `buffer`.
    pub(super) fn next(&mut self, input: &mut Input, buffer: &mut Vec<u8>) -> Result<Found, Break> {
        loop {
            let kind = self.block_type(input)?;
            if kind == SECTION_HEADER {
                self.section(input)?;
                continue;
            }
            let len = self.block_len(input, kind)?;
            if let INTERFACE_DESCRIPTION | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET = kind {
                self.body(input, buffer, len)?;
            } else {
                input.skip(len - FRAME_LEN as u64, "a block")?;
            }
            self.trailer(input, len)?;
            if kind == INTERFACE_DESCRIPTION {
                self.describe(buffer)?;
            } else if let Some(found) = self.packet(kind, buffer) {
                return found;
            }
        }
    }

    fn block_type(&mut self, input: &mut Input) -> Result<u32, Break> {
        if std::mem::take(&mut self.started) {
            return Ok(SECTION_HEADER);
        }
        let mut bytes = [0; 4];
        match input.fill(&mut bytes) {
            Filled::Full => Ok(self.word(bytes)),
            Filled::End => Err(Break::End),
            Filled::Cut(why) => Err(Break::Broken(format!("in a block header: {why}"))),
        }
    }

    /// The length of the whole block, at least [`FRAME_LEN`].
    fn block_len(&self, input: &mut Input, kind: u32) -> Result<u64, Break> {
        let len = self.read_word(input, "a block header")?;
        if len < FRAME_LEN as u32 {
            return Err(Break::Broken(format!("a block of type {kind} claims {len} bytes")));
        }
        Ok(u64::from(len))
    }

    /// Reads a section header: it sets the byte order and forgets the interfaces.
    fn section(&mut self, input: &mut Input) -> Result<(), Break> {
        let mut bytes = [0; 8];
        input.need(&mut bytes, "a section header")?;
        let [a, b, c, d, order @ ..] = bytes;
        self.big_endian = match u32::from_be_bytes(order) {
            BYTE_ORDER_MAGIC => true,
            order if order.swap_bytes() == BYTE_ORDER_MAGIC => false,
            _ => return Err(Break::Broken("a section header without byte order".into())),
        };
        self.interfaces.clear();
        let len = u64::from(self.word([a, b, c, d]));
        let rest = len.checked_sub(FRAME_LEN as u64 + 4);
        let rest = rest.ok_or_else(|| Break::Broken(format!("a section header claims {len} bytes")))?;
        input.skip(rest, "a section header")?;
        self.trailer(input, len)
    }

    /// Reads what lies between a block's two lengths into `buffer`.
    fn body(&self, input: &mut Input, buffer: &mut Vec<u8>, len: u64) -> Result<(), Break> {
        if len > BLOCK_LEN_MAX as u64 {
            return Err(Break::Broken(format!("a block claims {len} bytes")));
        }
        buffer.resize(len as usize - FRAME_LEN, 0);
        input.need(buffer, "a block")
    }

    /// The length behind a block must repeat the one in front.
    fn trailer(&self, input: &mut Input, len: u64) -> Result<(), Break> {
        let behind = u64::from(self.read_word(input, "the end of a block")?);
        if behind != len {
            return Err(Break::Broken(format!("a block of {len} bytes ends with the length {behind}")));
        }
        Ok(())
    }

    fn describe(&mut self, body: &[u8]) -> Result<(), Break> {
        if self.interfaces.len() == INTERFACES_MAX {
            return Err(Break::Broken(format!("more than {INTERFACES_MAX} interfaces")));
        }
        let interface = Interface::read(body, self.big_endian);
        self.interfaces.push(interface.ok_or_else(|| short("an interface description"))?);
        Ok(())
    }

    /// The packet of a block, if it is a packet block.
    fn packet(&self, kind: u32, body: &[u8]) -> Option<Result<Found, Break>> {
        match kind {
            ENHANCED_PACKET => Some(self.stamped(body, |first| first)),
            OBSOLETE_PACKET => Some(self.stamped(body, |first| self.first_half(first))),
            SIMPLE_PACKET => Some(self.simple(body)),
            _ => None,
        }
    }

    /// The first 16 bits of a word: obsolete packet blocks count drops in the other 16.
    fn first_half(&self, word: u32) -> u32 {
        if self.big_endian { word >> 16 } else { word & 0xffff }
    }

    /// An enhanced or obsolete packet block: interface, time (2 words), captured and wire length, bytes.
    fn stamped(&self, body: &[u8], number: impl FnOnce(u32) -> u32) -> Result<Found, Break> {
        let field = |i: usize| self.field(body, 4 * i).ok_or_else(|| short("a packet block"));
        let (first, wire_len) = (field(0)?, field(4)?);
        let interface = self.interface(number(first))?;
        let ticks = u64::from(field(1)?) << 32 | u64::from(field(2)?);
        let (len, data) = (field(3)? as usize, 20);
        if len > body.len() - data || len > PACKET_LEN_MAX {
            return Err(Break::Broken(format!("a packet claims {len} bytes")));
        }
        Ok(Found {
            ts_us: interface.micros(ticks),
            wire_len,
            framing: interface.framing()?,
            data: data..data + len,
        })
    }

    /// A simple packet block: wire length and bytes, from the first interface, without a time.
    fn simple(&self, body: &[u8]) -> Result<Found, Break> {
        let wire_len = self.field(body, 0).ok_or_else(|| short("a packet block"))?;
        let interface = self.interface(0)?;
        let len = interface.captured(wire_len).min(body.len() - 4);
        if len > PACKET_LEN_MAX {
            return Err(Break::Broken(format!("a packet claims {len} bytes")));
        }
        Ok(Found { ts_us: 0, wire_len, framing: interface.framing()?, data: 4..4 + len })
    }

    fn interface(&self, number: u32) -> Result<&Interface, Break> {
        let interface = self.interfaces.get(number as usize);
        interface.ok_or_else(|| Break::Broken(format!("a packet of interface {number}, not described")))
    }

    fn field(&self, body: &[u8], at: usize) -> Option<u32> {
        body.get(at..)?.first_chunk().map(|bytes| self.word(*bytes))
    }

    fn read_word(&self, input: &mut Input, what: &str) -> Result<u32, Break> {
        let mut bytes = [0; 4];
        input.need(&mut bytes, what)?;
        Ok(self.word(bytes))
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

fn short(what: &str) -> Break {
    Break::Broken(format!("{what} is too short"))
}
