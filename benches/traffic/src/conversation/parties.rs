//! Who talks in a connection, from where and in what manner.

use crate::{address::protected_host, event::Tag, net::Host, rng::Rng};

/// An end of a connection; the index of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Who opened it.
    Client = 0,
    /// Who was called.
    Server = 1,
}

impl Party {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What an end is and how far from the wire.
#[derive(Clone, Debug)]
pub struct End {
    /// Its IP identity.
    pub host: Host,
    /// Its TCP port.
    pub port: u16,
    /// Round trip from the wire to it and back, microseconds.
    pub delay_us: u64,
}

/// How the connection behaves.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Probability that a data segment is lost once.
    pub loss: f64,
    /// Microseconds between two segments of a burst.
    pub gap_us: u64,
    /// The label of what the client sends; the server's is its answer.
    pub tag: Tag,
}

impl End {
    /// A protected service with this number and port.
    pub fn protected(number: u8, port: u16, v6: bool, rng: &mut Rng) -> Self {
        let host = protected_host(number, v6, rng.half());
        Self { host, port, delay_us: rng.between(150, 900) }
    }
}
