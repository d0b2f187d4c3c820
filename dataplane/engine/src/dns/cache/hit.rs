//! An answer that was found, and how it is written.
//!
//! Made by a look-up, used by the DNS stage at once. Always holds: what is written is a whole message that answers the
//! query, no longer than the client takes.

use repute_model::Tick;
use repute_wire::dns::{Extras, Query, Rcode, Reply, ReplyError, patch};

use super::RECORDS_MAX;
use super::blocks::Blocks;
use super::shelf::{Entry, Found};

/// The TTL of answers that are given after their time (RFC 8767, 4).
const STALE_TTL_S: u32 = 30;
/// Bytes of a message's header.
const HEADER: usize = 12;

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

    /// The response code.
    pub fn rcode(&self) -> Rcode {
        let mut header = [0; HEADER];
        self.message(&mut header);
        Rcode::from_parts(header[3], 0)
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

    /// Writes it as the answer to `query`, which it was found for, at the begin of `into`; gives the bytes that it takes.
    ///
    /// It takes at most `size_max` bytes, by UDP the lesser of [`Query::udp_size`] and [`UDP_MAX`](super::UDP_MAX). What is longer
    /// is left to TCP (TC=1, no records). Of `extras` the subnet is the query's own.
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
        let asked_for = query.edns.and_then(|edns| edns.subnet);
        let subnet =
            asked_for.map(|subnet| repute_wire::dns::ClientSubnet { scope: self.entry.scope, ..subnet });
        let extras = Extras { subnet, ..*extras };
        match self.write_whole(query, into, &extras) {
            Some(len) if len <= size_max => Ok(len),
            _ => self.write_truncated(query, into, &extras),
        }
    }

    /// `None` where there is no room.
    fn write_whole(&self, query: &Query<'_>, into: &mut [u8], extras: &Extras<'_>) -> Option<usize> {
        let len = usize::from(self.entry.message_len);
        let message = into.get_mut(..len)?;
        self.message(message);
        self.change_ttls(message);
        Reply::stored(into, len, query)?.finish(extras).ok()
    }

    fn write_truncated(
        &self,
        query: &Query<'_>,
        into: &mut [u8],
        extras: &Extras<'_>,
    ) -> Result<usize, ReplyError> {
        let mut reply = Reply::beside(into, query, self.rcode())?;
        reply.truncate();
        if self.offers_recursion() {
            reply.offer_recursion();
        }
        reply.finish(extras)
    }

    fn offers_recursion(&self) -> bool {
        let mut header = [0; HEADER];
        self.message(&mut header);
        header[3] & 0x80 != 0
    }

    /// Copies as much of the message as `into` takes.
    fn message(&self, into: &mut [u8]) {
        self.blocks.read(self.entry.first, self.entry.key_len.into(), into);
    }

    fn change_ttls(&self, message: &mut [u8]) {
        let mut bytes = [0; 2 * RECORDS_MAX];
        let positions = &mut bytes[..usize::from(self.entry.positions_len).min(2 * RECORDS_MAX)];
        let from = usize::from(self.entry.key_len) + usize::from(self.entry.message_len);
        self.blocks.read(self.entry.first, from, positions);
        let (positions, _) = positions.as_chunks::<2>();
        let positions = positions.iter().copied().map(u16::from_be_bytes);
        match self.elapsed_s {
            Some(elapsed) => patch::count_down(message, positions, elapsed),
            None => patch::set_ttls(message, positions, STALE_TTL_S),
        }
    }
}
