//! Answers as they are written, for queries that are met again and again within a second.
//!
//! Part of [`Repeats`](super::repeats::Repeats), by the same places: composed when a query is judged that was met before,
//! given until another second is to be taken off its TTLs. Always holds: what is here for a query is what the cache would
//! write for it, but for the id; long answers are never here.

use repute_memory::{Table, prefetch};
use repute_model::Tick;
use repute_wire::checksum::Sum;
use repute_wire::dns::{Extras, Rcode, Shape};

use super::cache::{Hit, UDP_MAX};

/// Bytes of an id.
pub const ID: usize = 2;
/// Bytes of the longest answer that is kept, without its id.
const BYTES_MAX: usize = 235;
/// Bytes of an OPT record without options.
const BARE_OPT: usize = 11;

/// One answer.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Row {
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
    /// Whether it stands ready: long ones do not.
    pub is_ready: bool,
}

const SAYS_NOTHING: Says = Says { rcode: Rcode::NOERROR, bytes: 0, is_ready: false };
const NOTHING: Row = Row { until: 0, version: 0, sum: 0, says: SAYS_NOTHING, len: 0, bytes: [0; BYTES_MAX] };

/// The answers, by places.
#[derive(Debug)]
pub struct Ready {
    rows: Table<Row>,
}

impl Ready {
    /// For so many places.
    pub fn new(places: usize) -> Self {
        Self { rows: Table::new(places, NOTHING) }
    }

    /// Asks the CPU for what is at a place: most of an answer of common length.
    #[inline]
    pub fn fetch(&self, place: usize) {
        let row = &self.rows[place];
        [&row.bytes[0], &row.bytes[64], &row.bytes[128]].into_iter().for_each(prefetch);
    }

    /// Asks the CPU for what is said of it.
    #[inline]
    pub fn fetch_head(&self, place: usize) {
        prefetch(&self.rows[place]);
    }

    /// Forgets what is at a place: another query has taken it.
    pub fn forget(&mut self, place: usize) {
        (self.rows[place].until, self.rows[place].len) = (0, 0);
    }

    /// What the answer at a place says, where it stands ready.
    #[inline]
    pub fn says(&self, place: usize, version: u32, now: Tick) -> Option<Says> {
        let row = &self.rows[place];
        (now.0 < row.until && row.version == version).then_some(row.says)
    }

    /// Makes the answer to the query in `message`, which has this shape, stand ready at its place, if it is short enough. What
    /// it says.
    #[inline(never)]
    pub fn prepare(
        &mut self,
        place: usize,
        hit: &Hit<'_>,
        version: u32,
        message: &[u8],
        shape: &Shape,
    ) -> Says {
        let row = &mut self.rows[place];
        (row.until, row.len) = (0, 0);
        let size_max = shape.udp_size().min(UDP_MAX);
        let bytes = hit.bytes(size_max);
        let says = Says { rcode: hit.rcode(), bytes: bytes as u16, is_ready: false };
        if bytes + BARE_OPT > ID + BYTES_MAX {
            return says;
        }
        let mut answer = [0; ID + BYTES_MAX];
        let Some(question) = answer.get_mut(..message.len()) else { return says };
        question.copy_from_slice(message);
        let Ok(len) = hit.write_over(&mut answer, &shape.asked(), &Extras::default(), size_max) else {
            return says;
        };
        row.bytes.copy_from_slice(&answer[ID..]);
        row.says = Says { is_ready: true, ..says };
        (row.len, row.sum) = ((len - ID) as u8, !Sum::default().with(&answer[ID..len]).checksum());
        (row.until, row.version) = (hit.until(), version);
        row.says
    }

    /// The answer at a place without its id, and the sum of its bytes.
    #[inline]
    pub fn get(&self, place: usize) -> Option<(&[u8], Sum)> {
        let row = &self.rows[place];
        let bytes = row.bytes.get(..row.len.into()).filter(|bytes| !bytes.is_empty())?;
        Some((bytes, Sum::of(row.sum.into())))
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }
}

const _: () = assert!(size_of::<Row>() == 256 && BYTES_MAX <= u8::MAX as usize);
