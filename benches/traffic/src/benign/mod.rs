//! Wanted traffic: what a protected network sees on a good day.

mod clients;
mod dns;
mod ntp;
mod outbound;
mod ping;
mod quic;
mod retry;
mod sessions;

pub use clients::Clients;
pub use dns::Dns;
pub use ntp::Ntp;
pub use outbound::Outbound;
pub use ping::Ping;
pub use quic::Quic;
pub use retry::Retry;
pub use sessions::Sessions;

use crate::{
    conversation::{Conversation, Party},
    event::Sink,
    payload::{self, Turn},
    rng::Rng,
};

/// One connection of a page load: handshake, a TLS flight when encrypted, some requests, and mostly an end.
/// Returns when its last packet passed.
fn browse(mut talk: Conversation, encrypted: bool, rng: &mut Rng, out: &mut Sink) -> u64 {
    talk.connect(out);
    if encrypted {
        talk.transfer(Party::Client, &payload::tls_hello(Turn::Request, 517, rng), rng, out);
        let certificates = rng.between(1200, 4200) as usize;
        talk.transfer(Party::Server, &payload::tls_hello(Turn::Response, certificates, rng), rng, out);
        talk.transfer(Party::Client, &payload::tls(0x14, 80, rng), rng, out);
    }
    for _ in 0..rng.between(1, 5) {
        request(&mut talk, encrypted, rng, out);
        talk.idle(rng.between(5_000, 300_000));
    }
    match rng.between(0, 9) {
        0..=6 => talk.close(Party::Client, out),
        7 => talk.close(Party::Server, out),
        8 => talk.reset(Party::Client, out),
        // Left open: the tab stays, nothing more is said.
        _ => {}
    }
    talk.now_us
}

/// A request, the server's thinking time, and its response.
fn request(talk: &mut Conversation, encrypted: bool, rng: &mut Rng, out: &mut Sink) {
    let (ask, tell) = (rng.between(280, 900) as usize, rng.heavy_tail(600, 120_000) as usize);
    let body = |turn, size, rng: &mut Rng| match encrypted {
        true => payload::tls(0x17, size, rng),
        false => payload::http(turn, size, rng),
    };
    let question = body(Turn::Request, ask, rng);
    talk.transfer(Party::Client, &question, rng, out);
    talk.idle(rng.between(500, 40_000));
    let answer = body(Turn::Response, tell, rng);
    talk.transfer(Party::Server, &answer, rng, out);
}
