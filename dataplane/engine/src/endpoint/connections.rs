//! TCP connections between clients and upstreams: who is at which end, and from which port of the box's own.
//!
//! Always holds: a connection stands at the place of its port, in the set that its client's ends lead to by a keyed hash: both ends
//! find it at once, and nobody outside can tell the port beforehand. Segments of other upstreams find nothing.
//!
//! Bounded: a full set gives up the connection that ends soonest: what is over, then what is ending, what was never answered, and
//! last the one that was still for the longest time, whose segments then find nothing. Nothing is swept.

use repute_memory::Table;
use repute_model::{Address, Tick, Upstream};
use repute_reputation::Secret;
use repute_wire::tcp;

use super::span::Span;

const WAYS: usize = 4;
/// How long a connection may be still before it is over, ms: while it opens, while it is open (clients and servers of DNS close
/// much earlier: RFC 7766, 6.2.3), after its end.
const OPENING_MS: u32 = 10_000;
const OPEN_MS: u32 = 120_000;
const ENDING_MS: u32 = 10_000;

/// How far a connection is; what is given up first comes last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    /// Both have spoken after the handshake.
    Open,
    /// The upstream has answered, the client not yet.
    Answered,
    /// The client has asked for it.
    Opening,
    /// One of them has ended it.
    Ending,
    /// There is none.
    Free,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The client.
    pub client: (Address, u16),
    /// The address of the box that it talks to.
    pub service: (Address, u16),
    /// Whom it talks to there.
    pub upstream: Upstream,
    /// The Ethernet address of the client.
    pub client_mac: [u8; 6],
    /// The Ethernet address of the upstream.
    pub upstream_mac: [u8; 6],
    stage: Stage,
    /// Low bits of the tick of its last segment.
    at: u32,
}

impl Connection {
    const FREE: Self = Self {
        client: (Address(0), 0),
        service: (Address(0), 0),
        upstream: Upstream { address: Address(0), port: 0 },
        client_mac: [0; 6],
        upstream_mac: [0; 6],
        stage: Stage::Free,
        at: 0,
    };

    /// A connection that a client asks for.
    pub const fn begun(
        client: (Address, u16, [u8; 6]),
        service: (Address, u16),
        upstream: (Upstream, [u8; 6]),
    ) -> Self {
        let (client, client_mac) = ((client.0, client.1), client.2);
        let (upstream, upstream_mac) = upstream;
        Self { client, service, upstream, client_mac, upstream_mac, stage: Stage::Opening, at: 0 }
    }

    const fn age_ms(&self, now: Tick) -> u32 {
        now.low().wrapping_sub(self.at)
    }

    const fn is_live(&self, now: Tick) -> bool {
        let still_ms = match self.stage {
            Stage::Open => OPEN_MS,
            Stage::Answered | Stage::Opening => OPENING_MS,
            Stage::Ending => ENDING_MS,
            Stage::Free => return false,
        };
        self.age_ms(now) < still_ms
    }

    /// Takes note of a segment of either end.
    fn note(&mut self, flags: u16, of_client: bool, now: Tick) {
        self.at = now.low();
        self.stage = match self.stage {
            _ if flags & (tcp::FIN | tcp::RST) != 0 => Stage::Ending,
            Stage::Opening if !of_client => Stage::Answered,
            Stage::Answered if of_client && flags & tcp::SYN == 0 => Stage::Open,
            stage => stage,
        };
    }
}

/// The connections of one worker.
#[derive(Debug)]
pub struct Connections {
    secret: Secret,
    rows: Table<Connection>,
    span: Span,
    displaced: u64,
}

impl Connections {
    /// Room for `connections`, rounded up to a power of two, and no more than there are ports in `span`.
    pub fn new(connections: u32, span: Span, seed: u64) -> Self {
        let most = 1 << (span.len() / WAYS as u16).checked_ilog2().unwrap_or(0);
        let sets = (connections as usize).div_ceil(WAYS).next_power_of_two().min(most);
        let secret = Secret::from_seed(seed.rotate_left(17));
        Self { secret, rows: Table::new(sets * WAYS, Connection::FREE), span, displaced: 0 }
    }

    /// What a segment of a client belongs to: the port and the connection. One that begins nothing and belongs to none leads
    /// nowhere.
    pub fn of_client(
        &mut self,
        client: (Address, u16),
        service: (Address, u16),
        flags: u16,
        now: Tick,
    ) -> Option<(u16, &Connection)> {
        let places = self.set(client, service);
        let first = places.start;
        let is_it = |row: &Connection| (row.client, row.service) == (client, service) && row.is_live(now);
        let begins = flags & (tcp::SYN | tcp::ACK) == tcp::SYN;
        let found = self.rows[places].iter().position(is_it)?;
        let row = &mut self.rows[first + found];
        // Whoever asks for one anew after the end of the one before gets a new one.
        if begins && row.stage == Stage::Ending {
            *row = Connection::FREE;
            return None;
        }
        row.note(flags, true, now);
        Some((self.span.port((first + found) as u64), &self.rows[first + found]))
    }

    /// Keeps a connection that a client asks for; the port that it has.
    pub fn begin(&mut self, connection: Connection, now: Tick) -> u16 {
        let places = self.set(connection.client, connection.service);
        let first = places.start;
        // Of what is over the one that is over for the longest time: its port is least likely to be remembered.
        let given_up = |row: &Connection| {
            let stage = if row.is_live(now) { row.stage } else { Stage::Free };
            (stage, row.age_ms(now))
        };
        let rows = self.rows[places].iter().enumerate();
        let place = rows.max_by_key(|(_, row)| given_up(row)).map_or(first, |(way, _)| first + way);
        self.displaced += u64::from(self.rows[place].is_live(now));
        self.rows[place] = Connection { at: now.low(), ..connection };
        self.span.port(place as u64)
    }

    /// What a segment of an upstream to this port belongs to.
    pub fn of_upstream(
        &mut self,
        port: u16,
        upstream: Upstream,
        flags: u16,
        now: Tick,
    ) -> Option<&Connection> {
        let place = self.span.place(port)?;
        let row = self.rows.get_mut(place).filter(|row| row.upstream == upstream && row.is_live(now))?;
        row.note(flags, false, now);
        Some(row)
    }

    /// Connections that made room for newer ones before they were over.
    pub const fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    fn set(&self, client: (Address, u16), service: (Address, u16)) -> std::ops::Range<usize> {
        let ports = u64::from(client.1) << 16 | u64::from(service.1);
        let hash = self.secret.pair(client.0, service.0, ports);
        let first = (hash >> 40) as usize % (self.rows.len() / WAYS) * WAYS;
        first..first + WAYS
    }
}

#[cfg(test)]
mod tests {
    use repute_wire::tcp::{ACK, FIN, RST, SYN};

    use super::*;

    const SERVICE: (Address, u16) = (Address::v4(9), 53);
    const UPSTREAM: Upstream = Upstream { address: Address::v4(53), port: 53 };

    fn client(port: u16) -> (Address, u16) {
        (Address::v4(7), port)
    }

    fn begun(port: u16) -> Connection {
        Connection::begun((client(port).0, port, [1; 6]), SERVICE, (UPSTREAM, [2; 6]))
    }

    fn few() -> Connections {
        Connections::new(4, Span::new(0, 1), 1)
    }

    #[test]
    fn both_ends_find_it_by_its_port() {
        let mut connections = Connections::new(1024, Span::new(1, 2), 1);
        let port = connections.begin(begun(4000), Tick(1));
        assert!(Span::new(1, 2).place(port).is_some());
        let (same, found) = connections.of_client(client(4000), SERVICE, SYN, Tick(2)).unwrap();
        assert_eq!((same, found.upstream_mac), (port, [2; 6]), "a SYN that is repeated");
        assert!(connections.of_client(client(4001), SERVICE, ACK, Tick(2)).is_none());
        let other = Upstream { port: 54, ..UPSTREAM };
        assert!(connections.of_upstream(port, other, SYN | ACK, Tick(2)).is_none());
        assert!(connections.of_upstream(port ^ 4, UPSTREAM, SYN | ACK, Tick(2)).is_none());
        let found = connections.of_upstream(port, UPSTREAM, SYN | ACK, Tick(3)).unwrap();
        assert_eq!((found.client, found.service, found.client_mac), (client(4000), SERVICE, [1; 6]));
    }

    #[test]
    fn what_is_still_for_too_long_is_over() {
        let mut connections = few();
        let is_there = |connections: &mut Connections, now| {
            connections.of_client(client(1), SERVICE, ACK, Tick(now)).is_some()
        };
        connections.begin(begun(1), Tick(1));
        assert!(!is_there(&mut connections, 1 + u64::from(OPENING_MS)), "nobody has answered");
        let begins = 100_000;
        let port = connections.begin(begun(1), Tick(begins));
        connections.of_upstream(port, UPSTREAM, SYN | ACK, Tick(begins)).unwrap();
        assert!(is_there(&mut connections, begins + 1));
        let open = begins + u64::from(OPEN_MS);
        assert!(is_there(&mut connections, open), "an open one may be still for long");
        connections.of_upstream(port, UPSTREAM, FIN | ACK, Tick(open)).unwrap();
        assert!(is_there(&mut connections, open + 5), "the client has to say goodbye too");
        assert!(!is_there(&mut connections, open + 5 + u64::from(ENDING_MS)));
        assert_eq!(connections.displaced(), 0);
    }

    #[test]
    fn who_begins_anew_after_the_end_gets_another_one() {
        let mut connections = few();
        connections.begin(begun(1), Tick(1));
        connections.of_client(client(1), SERVICE, RST, Tick(2)).unwrap();
        assert!(connections.of_client(client(1), SERVICE, SYN, Tick(3)).is_none());
        assert!(connections.of_client(client(1), SERVICE, ACK, Tick(3)).is_none());
    }

    #[test]
    fn a_full_set_keeps_what_is_open_over_what_nobody_answered() {
        let mut connections = few();
        let opened = connections.begin(begun(0), Tick(0));
        connections.of_upstream(opened, UPSTREAM, SYN | ACK, Tick(1)).unwrap();
        connections.of_client(client(0), SERVICE, ACK, Tick(2)).unwrap();
        for flood in 1..100 {
            connections.begin(begun(flood), Tick(3 + u64::from(flood)));
        }
        assert_eq!(connections.displaced(), 96);
        assert!(connections.of_client(client(0), SERVICE, ACK, Tick(200)).is_some());
        assert!(connections.of_client(client(99), SERVICE, ACK, Tick(200)).is_some(), "and the newest");
        assert!(connections.of_client(client(1), SERVICE, ACK, Tick(200)).is_none());
    }

    #[test]
    fn there_are_no_more_than_ports() {
        for workers in [1, 3, 64] {
            let span = Span::new(0, workers);
            let connections = Connections::new(1 << 20, span, 1);
            assert!(
                connections.rows.len() <= span.len().into() && connections.rows.len() * 2 > span.len().into()
            );
        }
    }
}
