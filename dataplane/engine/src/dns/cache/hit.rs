//! An answer that was found, and how it is written.
//!
//! Made by a look-up, used by the DNS stage at once. Always holds: what is written is a whole message that answers the
//! query, no longer than the client takes.

use repute_model::Tick;
use repute_wire::dns::{Asked, ClientSubnet, Extras, NAME_MAX, Query, Rcode, Reply, ReplyError, patch};

use super::RECORDS_MAX;
use super::blocks::Blocks;
use super::shelf::{Entry, Found};

/// The TTL of answers that are given after their time (RFC 8767, 4).
const STALE_TTL_S: u32 = 30;
/// Bytes of a message's header, and of the longest question.
const HEADER: usize = 12;
const QUESTION_MAX: usize = NAME_MAX + 4;

/// An answer that was found.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'c> {
    pub(super) blocks: &'c Blocks,
    /// Where it was found.
    pub found: Found,
    pub(super) entry: Entry,
    /// Seconds to take off its TTLs; `None` = its time is over.
    pub(super) elapsed_s: Option<u32>,
}

impl Hit<'_> {
    /// Whether it is given after its time.
    pub fn is_stale(&self) -> bool {
        self.elapsed_s.is_none()
    }

    /// The tick from which on it is written in another way, or not given any more.
    #[inline]
    pub fn until(&self) -> u64 {
        self.elapsed_s.map_or(0, |elapsed| self.entry.at.0 + 1000 * (u64::from(elapsed) + 1))
    }

    /// The response code.
    pub fn rcode(&self) -> Rcode {
        self.entry.rcode()
    }

    /// Seconds since it came, and seconds that it may be given from now on.
    pub fn times_s(&self, now: Tick) -> (u32, u32) {
        let age_s = self.entry.age_s(now);
        (age_s, self.entry.life_s.saturating_sub(age_s))
    }

    /// Bytes that it takes for a client that takes answers of `size_max` bytes, without OPT: no records where that is less.
    pub fn bytes(&self, size_max: usize) -> usize {
        let (whole, key) = (usize::from(self.entry.message_len), usize::from(self.entry.key_len));
        if whole <= size_max { whole } else { HEADER + key }
    }

    /// Writes it as the answer to `query`, which it was found for, into a buffer of its own; otherwise as
    /// [`write_over`](Self::write_over).
    ///
    /// # Errors
    /// A buffer that is too small even for an answer without records.
    pub fn write(
        &self,
        query: &Query<'_>,
        into: &mut [u8],
        extras: &Extras<'_>,
        size_max: usize,
    ) -> Result<usize, ReplyError> {
        let head = query.head();
        into.get_mut(..head.len()).ok_or(ReplyError::NoRoom)?.copy_from_slice(head);
        let subnet = query.edns.and_then(|edns| edns.subnet);
        self.write_over(into, &query.asked(), &Extras { subnet, ..*extras }, size_max)
    }

    /// Writes it over the query that it was found for, which `message` begins with and `asked` tells of; gives the bytes that
    /// it takes.
    ///
    /// It takes at most `size_max` bytes, by UDP the lesser of [`Query::udp_size`] and [`UDP_MAX`](super::UDP_MAX). What is longer
    /// is left to TCP (TC=1, no records). The subnet of `extras` is the query's own.
    ///
    /// # Errors
    /// A buffer that is too small even for an answer without records.
    pub fn write_over(
        &self,
        message: &mut [u8],
        asked: &Asked,
        extras: &Extras<'_>,
        size_max: usize,
    ) -> Result<usize, ReplyError> {
        let subnet = extras.subnet.map(|subnet| ClientSubnet { scope: self.entry.scope, ..subnet });
        let extras = Extras { subnet, ..*extras };
        let room = size_max.min(message.len());
        match self.write_whole(&mut message[..room], asked, &extras) {
            Some(len) => Ok(len),
            None => self.write_truncated(message, asked, &extras),
        }
    }

    /// `None` where there is no room; header and question then are what a shorter answer begins with all the same.
    #[inline]
    fn write_whole(&self, message: &mut [u8], asked: &Asked, extras: &Extras<'_>) -> Option<usize> {
        let (first, from, head) = (self.entry.first, self.entry.message_at(), asked.head_len());
        let len = usize::from(self.entry.message_len);
        self.blocks.read(first, from + head, message.get_mut(head..len)?);
        self.change_ttls(message);
        let reply = match self.blocks.at_once(first, from, head) {
            Some(stored) => Reply::resume(message, asked, len, stored),
            None => self.resume_scattered(message, asked),
        };
        reply?.finish(extras).ok()
    }

    #[cold]
    fn resume_scattered<'b>(&self, message: &'b mut [u8], asked: &Asked) -> Option<Reply<'b>> {
        let mut stored = [0; HEADER + QUESTION_MAX];
        let stored = stored.get_mut(..asked.head_len())?;
        self.blocks.read(self.entry.first, self.entry.message_at(), stored);
        Reply::resume(message, asked, self.entry.message_len.into(), stored)
    }

    fn write_truncated(
        &self,
        message: &mut [u8],
        asked: &Asked,
        extras: &Extras<'_>,
    ) -> Result<usize, ReplyError> {
        let mut reply = Reply::over(message, asked, self.rcode())?;
        reply.truncate();
        if self.offers_recursion() {
            reply.offer_recursion();
        }
        reply.finish(extras)
    }

    fn offers_recursion(&self) -> bool {
        let mut header = [0; HEADER];
        self.blocks.read(self.entry.first, self.entry.message_at(), &mut header);
        header[3] & 0x80 != 0
    }

    #[inline]
    fn change_ttls(&self, message: &mut [u8]) {
        let (key, len) = (usize::from(self.entry.key_len), usize::from(self.entry.positions_len));
        match self.blocks.at_once(self.entry.first, key, len) {
            Some(positions) => self.change_ttls_at(message, positions),
            None => self.change_scattered_ttls(message),
        }
    }

    #[cold]
    fn change_scattered_ttls(&self, message: &mut [u8]) {
        let mut positions = [0; 2 * RECORDS_MAX];
        let positions = &mut positions[..usize::from(self.entry.positions_len).min(2 * RECORDS_MAX)];
        self.blocks.read(self.entry.first, self.entry.key_len.into(), positions);
        self.change_ttls_at(message, positions);
    }

    #[inline]
    fn change_ttls_at(&self, message: &mut [u8], positions: &[u8]) {
        let (positions, _) = positions.as_chunks::<2>();
        let positions = positions.iter().copied().map(u16::from_be_bytes);
        match self.elapsed_s {
            Some(elapsed) => patch::count_down(message, positions, elapsed),
            None => patch::set_ttls(message, positions, STALE_TTL_S),
        }
    }
}
