//! Seeded traffic of many kinds from a few hosts: enough to move scores, fill tables and cross bands.

use super::frame::{ACK, FIN, Frame, Ip, PSH, RST, SYN, Talk, echo, udp, unreachable};
use super::{INSIDE, OUTSIDE};

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Copy, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// 0..below
    pub fn below(&mut self, below: u32) -> u32 {
        ((u128::from(self.word()) * u128::from(below)) >> 64) as u32
    }
}

/// One frame and the port it comes in by.
pub fn frame(rng: &mut Rng, clients: u32) -> (u8, Frame) {
    let n = rng.below(clients);
    let client: Ip = [192, (n >> 16) as u8, (n >> 8) as u8, n as u8 | 1];
    let server: Ip = [10, 0, 0, rng.below(40) as u8];
    let dport = [22, 53, 80, 443, 8_080, 1_000 + rng.below(2_000) as u16][rng.below(6) as usize];
    let talk = Talk::new(client, 1_024 + rng.below(8) as u16, server, dport);
    let size = rng.below(1_200) as usize;
    match rng.below(14) {
        0..3 => (OUTSIDE, talk.asks(SYN, 0)),
        3 => (INSIDE, talk.answers(SYN | ACK, 0)),
        4 => (OUTSIDE, talk.asks(ACK, 0)),
        5 => (OUTSIDE, talk.asks(ACK | PSH, size)),
        6 => (INSIDE, talk.answers(ACK | PSH, size)),
        7 => (INSIDE, talk.answers(RST | ACK, 0)),
        8 => (OUTSIDE, talk.asks(FIN | ACK, 0)),
        9 => (OUTSIDE, talk.datagram(size)),
        10 => (INSIDE, talk.reply(size)),
        11 => (OUTSIDE, echo(client, server, false)),
        12 => (INSIDE, unreachable(server, client, &talk.datagram(8))),
        _ => (OUTSIDE, udp((client, 53), (server, talk.client.1), size)),
    }
}
