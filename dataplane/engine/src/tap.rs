//! The tap: sampled copies of DNS queries and of what requesters got, for a dnstap sink.
//!
//! Filled by the stage for DNS and by sending; drained by the control plane over an SPSC ring of its own. Always holds: a tap
//! that is off costs one look at an option where a query was read, and one a batch; a ring that nobody drains costs copies,
//! counted, and never packets; a query and its answer are both picked, or neither.

use repute_model::{Address, Dns, Leg, Packet, Source, Tapped, Tick};
use repute_reputation::Secret;
use repute_wire::dns::segment;
use repute_wire::{L4, Parsed};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::dns::payload;

/// What tells the samples from other uses of the seed.
const SALT: u64 = 0x6474_6170;

/// A worker's end of a tap.
#[derive(Debug)]
pub struct TapSetup {
    ring: Producer<Tapped>,
    one_in: u32,
}

/// A tap of so many slots that copies the messages of one in `one_in` transactions, and the end that they come out of.
pub fn tap(slots: usize, one_in: u32) -> (TapSetup, Consumer<Tapped>) {
    let (ring, out) = RingBuffer::new(slots);
    (TapSetup { ring, one_in: one_in.max(1) }, out)
}

/// The tap of a worker; one that is off does nothing and counts nothing.
#[derive(Debug)]
pub struct Tap {
    on: Option<TapSetup>,
    secret: Secret,
    /// Messages that were copied.
    pub copied: u64,
    /// Messages that were picked and not copied: no room in the ring, or longer than [`repute_model::TAPPED_MAX`].
    pub lost: u64,
}

impl Tap {
    /// A tap; `None` = off.
    pub fn new(setup: Option<TapSetup>, seed: u64) -> Self {
        Self { on: setup, secret: Secret::from_seed(seed ^ SALT), copied: 0, lost: 0 }
    }

    /// Whether anything is ever copied.
    pub const fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Copies a message, if its transaction is one of those that are picked.
    pub fn copy(&mut self, message: &[u8], leg: Leg, now: Tick) {
        let Self { on: Some(TapSetup { ring, one_in }), secret, copied, lost } = self else { return };
        if !picks(secret, *one_in, leg.requester, message) {
            return;
        }
        match Tapped::new(message, leg, now).is_some_and(|tapped| ring.push(tapped).is_ok()) {
            true => *copied += 1,
            false => *lost += 1,
        }
    }

    /// Copies what a packet brings to a requester, where it comes from a server's port.
    pub fn copy_answer<P: Packet>(&mut self, packet: &P, parsed: &Parsed, rules: &Dns, now: Tick) {
        if !parsed.has_ports() || !rules.serves(parsed.src, parsed.sport) {
            return;
        }
        let Some(said) = payload(packet.bytes(), parsed) else { return };
        let by_tcp = parsed.l4 == L4::Tcp;
        let message = if by_tcp { segment(said).next().and_then(Result::ok) } else { Some(said) };
        let (requester, server) = ((parsed.dst, parsed.dport), (parsed.src, parsed.sport));
        if let Some(message) = message.filter(|message| is_answer(message)) {
            self.copy(message, Leg { requester, server, answers: true, by_tcp }, now);
        }
    }
}

/// Whether it has a header that says so (RFC 1035, 4.1.1): a server may ask from its port, and a segment may go on with what an
/// earlier one began.
fn is_answer(message: &[u8]) -> bool {
    message.len() >= 12 && message[2] & 0x80 != 0
}

/// Whether the messages of a transaction are copied: by a keyed hash of who asks, from where, and the id.
fn picks(secret: &Secret, one_in: u32, (address, port): (Address, u16), message: &[u8]) -> bool {
    let id = message.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    let hash = secret.source(Source::from_parts(address, 128), id ^ port.rotate_left(8));
    ((hash >> 32) as u32).is_multiple_of(one_in)
}

#[cfg(test)]
mod tests {
    use repute_model::TAPPED_MAX;

    use super::*;

    fn leg(n: u32, answers: bool) -> Leg {
        let (requester, server) = ((Address::v4(0x0a00_0000 + n), 40_000), (Address::v4(0x0a01_0000), 53));
        Leg { requester, server, answers, by_tcp: false }
    }

    #[test]
    fn both_messages_of_a_transaction_are_picked_or_neither() {
        let (setup, mut out) = tap(4096, 8);
        let mut tap = Tap::new(Some(setup), 7);
        for n in 0..8_000_u32 {
            let message = [(n >> 8) as u8, n as u8, 1, 2];
            tap.copy(&message, leg(n / 3, false), Tick(1));
            tap.copy(&message, leg(n / 3, true), Tick(2));
        }
        let picked: Vec<_> = std::iter::from_fn(|| out.pop().ok()).collect();
        assert!((1_500..2_500).contains(&picked.len()), "{} of 16 000", picked.len());
        for pair in picked.chunks(2) {
            let [query, answer] = pair else { panic!("a query without its answer") };
            assert!(!query.leg.answers && answer.leg.answers && query.message() == answer.message());
        }
        assert_eq!((tap.copied, tap.lost), (picked.len() as u64, 0));
    }

    #[test]
    fn what_has_no_room_is_lost_and_counted() {
        let (setup, out) = tap(2, 1);
        let mut tap = Tap::new(Some(setup), 7);
        for n in 0..5 {
            tap.copy(&[0; 12], leg(n, false), Tick(1));
        }
        tap.copy(&[0; TAPPED_MAX + 1], leg(9, false), Tick(1));
        assert_eq!((tap.copied, tap.lost, out.slots()), (2, 4, 2));
        let mut off = Tap::new(None, 7);
        off.copy(&[0; 12], leg(1, false), Tick(1));
        assert_eq!((off.copied, off.lost), (0, 0));
    }
}
