//! SYN cookies (Bernstein 1996; RFC 4987, 3.6): the box answers for the server and keeps nothing.
//!
//! The sequence number of the SYN-ACK is a keyed hash of who asks whom and of the minute. Who acknowledges it has
//! received it, so that nobody has forged his address; the server knows nothing of the connection, so he is sent to
//! connect again by a reset, and passes then. Always holds: an answer is no longer than what it answers, so that the box
//! amplifies nothing.

use repute_model::{Address, Packet, Tick};
use repute_reputation::{Exchange, Secret};
use repute_wire::{Answer, Parsed, tcp};

use super::parse;

/// A cookie is made anew every so often, and the one before still counts.
const PERIOD_MS: u64 = 60_000;
/// What every path carries (RFC 9293, 3.7.1 for IPv4; the minimum of IPv6 is 1220): the connection is not used.
const MSS: u16 = 1220;

/// Makes and recognises cookies.
#[derive(Clone, Copy, Debug)]
pub struct Cookies(Secret);

impl Cookies {
    /// Cookies that nobody outside can make.
    pub const fn new(seed: u64) -> Self {
        Self(Secret::from_seed(seed.rotate_left(17)))
    }

    /// Answers a SYN; `false`, and nothing is changed, where it cannot be written.
    pub fn answer<P: Packet>(&self, packet: &mut P, now: Tick) -> bool {
        let parsed = parse(packet);
        let seq = self.cookie((parsed.src, parsed.sport), (parsed.dst, parsed.dport), now.0 / PERIOD_MS);
        let ack = sequence(packet, &parsed).wrapping_add(1);
        write(
            packet,
            &parsed,
            Answer { seq, ack, flags: tcp::SYN | tcp::ACK, window: u16::MAX, mss: Some(MSS) },
        )
    }

    /// Whether a segment acknowledges a cookie of this minute or the last.
    pub fn is_returned(&self, x: &Exchange, now: Tick) -> bool {
        let period = now.0 / PERIOD_MS;
        let cookie = |period| self.cookie((x.src, x.sport), (x.dst, x.dport), period);
        [period, period.wrapping_sub(1)].iter().any(|&period| cookie(period) == x.ack.wrapping_sub(1))
    }

    fn cookie(&self, from: (Address, u16), to: (Address, u16), period: u64) -> u32 {
        let ports = u64::from(from.1) << 48 | u64::from(to.1) << 32;
        self.0.pair(from.0, to.0, ports ^ period) as u32
    }
}

/// Sends somebody who returned a cookie to connect again (RFC 9293, 3.10.7.4: a reset at the sequence number that is
/// expected ends the connection at once); `false`, and nothing is changed, where it cannot be written.
pub fn reset<P: Packet>(packet: &mut P) -> bool {
    let parsed = parse(packet);
    let seq = word(packet, usize::from(parsed.l4_off) + 8);
    write(packet, &parsed, Answer { seq, ack: 0, flags: tcp::RST, window: 0, mss: None })
}

fn sequence<P: Packet>(packet: &P, parsed: &Parsed) -> u32 {
    word(packet, usize::from(parsed.l4_off) + 4)
}

fn word<P: Packet>(packet: &P, at: usize) -> u32 {
    packet.bytes().get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn write<P: Packet>(packet: &mut P, parsed: &Parsed, answer: Answer) -> bool {
    if packet.segments() > 1 {
        return false;
    }
    let Some(len) = packet.bytes_mut().and_then(|bytes| answer.write(bytes, parsed)) else { return false };
    packet.resize(len as u32)
}
