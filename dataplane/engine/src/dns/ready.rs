//! Answers as they are written, for queries that are met again and again within a second.
//!
//! Part of [`Repeats`](super::repeats::Repeats), by the same places: composed when a query is judged that was met before,
//! written over such queries when they are judged, until another second is to be taken off its TTLs. Always holds: what is here for a query is what the cache would
//! write for it, but for the id; long answers are never here.

use repute_memory::prefetch;
use repute_model::{Packet, Tick};
use repute_wire::Datagram;
use repute_wire::checksum::Sum;
use repute_wire::dns::{Extras, Rcode, Shape};

use super::cache::{Hit, UDP_MAX};

/// Bytes of an id.
pub const ID: usize = 2;
/// Bytes of the longest answer that is kept, without its id.
const BYTES_MAX: usize = 235;
/// Bytes of an OPT record without options.
const BARE_OPT: usize = 11;

/// One answer, or none.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Ready {
    /// The tick from which on it is another one.
    until: u64,
    /// The cache's [`version`](super::Cache::version) of it.
    version: u32,
    /// The sum of its bytes.
    sum: u16,
    says: Says,
    /// How many bytes there are; 0 = none, or it is too long.
    len: u8,
    bytes: [u8; BYTES_MAX],
}

/// What an answer comes to.
#[derive(Clone, Copy, Debug)]
pub struct Says {
    /// The response code.
    pub rcode: Rcode,
    /// Its bytes, as [`Hit::bytes`] has them.
    pub bytes: u16,
}

impl Ready {
    /// No answer.
    pub const NONE: Self = Self {
        until: 0,
        version: 0,
        sum: 0,
        says: Says { rcode: Rcode::NOERROR, bytes: 0 },
        len: 0,
        bytes: [0; BYTES_MAX],
    };

    /// Asks the CPU for it: for most of an answer of common length.
    #[inline]
    pub fn fetch(&self) {
        prefetch(self);
        prefetch(&self.bytes[64]);
    }

    /// Forgets it: another query has taken its place.
    pub const fn forget(&mut self) {
        (self.until, self.len) = (0, 0);
    }

    /// What it says, while it is right.
    #[inline]
    pub fn says(&self, version: u32, now: Tick) -> Option<Says> {
        (now.0 < self.until && self.version == version).then_some(self.says)
    }

    /// Makes the answer to the query in `message`, which has this shape, stand ready, if it is short enough. What it says.
    #[inline(never)]
    pub fn prepare(&mut self, hit: &Hit<'_>, version: u32, message: &[u8], shape: &Shape) -> Says {
        self.forget();
        let size_max = shape.udp_size().min(UDP_MAX);
        let bytes = hit.bytes(size_max);
        let says = Says { rcode: hit.rcode(), bytes: bytes as u16 };
        if bytes + BARE_OPT > ID + BYTES_MAX {
            return says;
        }
        let mut answer = [0; ID + BYTES_MAX];
        let Some(question) = answer.get_mut(..message.len()) else { return says };
        question.copy_from_slice(message);
        let Ok(len) = hit.write_over(&mut answer, &shape.asked(), &Extras::default(), size_max) else {
            return says;
        };
        self.bytes.copy_from_slice(&answer[ID..]);
        self.says = says;
        (self.len, self.sum) = ((len - ID) as u8, !Sum::default().with(&answer[ID..len]).checksum());
        (self.until, self.version) = (hit.until(), version);
        says
    }

    /// Turns a query whose headers are like this into it. `false` where nothing stands ready, or the packet cannot be
    /// written: it is as it was then.
    #[inline]
    pub fn write<P: Packet>(&self, packet: &mut P, datagram: Datagram) -> bool {
        let Some(answer) = self.bytes.get(..self.len.into()).filter(|bytes| !bytes.is_empty()) else {
            return false;
        };
        let at = datagram.payload_at();
        packet.replace_end((at + ID) as u32, answer)
            && packet.bytes_mut().is_some_and(|bytes| {
                let id = bytes.get(at..at + ID).unwrap_or_default();
                let sum = Sum::of(self.sum.into()).with(id);
                datagram.answer_summed(bytes, ID + answer.len(), sum).is_some()
            })
    }
}

const _: () = assert!(size_of::<Ready>() == 256 && BYTES_MAX <= u8::MAX as usize);
