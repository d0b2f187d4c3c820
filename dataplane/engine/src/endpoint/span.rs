//! The ports from which upstreams are asked, dealt to workers: an answer's port says who has asked.
//!
//! Always holds: fixed at boot and the same at every worker; no two of them ask from one port.

/// The first port that is used: those below belong to services (RFC 6335, 6).
const FIRST: u16 = 1024;
/// How many there are from there on.
const PORTS: u32 = 65_536 - FIRST as u32;

/// The ports of one worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    worker: u16,
    workers: u16,
}

impl Span {
    /// Those of `worker` among `workers`, which are 1 or more.
    pub const fn new(worker: u16, workers: u16) -> Self {
        Self { worker, workers: if workers == 0 { 1 } else { workers } }
    }

    /// How many they are.
    pub const fn len(self) -> u16 {
        (PORTS / self.workers as u32) as u16
    }

    /// Number `i` of them; beyond the last one it begins again.
    pub const fn port(self, i: u64) -> u16 {
        FIRST + self.worker * self.len() + (i % self.len() as u64) as u16
    }

    /// Which of them a port is.
    pub const fn place(self, port: u16) -> Option<usize> {
        let first = self.port(0);
        if port >= first && port - first < self.len() { Some((port - first) as usize) } else { None }
    }

    /// The worker that asks from a port.
    pub const fn owner(self, port: u16) -> Option<u16> {
        if port < FIRST {
            return None;
        }
        let owner = (port - FIRST) / self.len();
        if owner < self.workers { Some(owner) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_has_one_owner_who_finds_it_again() {
        for workers in [1, 2, 3, 64] {
            let spans: Vec<_> = (0..workers).map(|worker| Span::new(worker, workers)).collect();
            let mut owned = 0;
            for port in 0..=u16::MAX {
                let owners: Vec<_> = spans.iter().filter(|span| span.place(port).is_some()).collect();
                assert_eq!(
                    owners.first().map(|span| span.worker),
                    spans[0].owner(port),
                    "{port} of {workers}"
                );
                assert!(owners.len() < 2);
                for span in owners {
                    assert_eq!(span.port(span.place(port).unwrap() as u64), port);
                    owned += 1;
                }
            }
            assert_eq!(owned, usize::from(spans[0].len()) * usize::from(workers));
            assert_eq!(spans[0].owner(FIRST - 1), None);
        }
    }
}
