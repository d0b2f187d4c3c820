//! What one worker does for all: it asks for the Ethernet addresses of upstreams and gateways, and checks who is up.
//!
//! Called once a tick, and with what comes back. Always holds: an upstream is a member of the pool only while it is up and it is
//! known where frames for it go; changes are settled once a tick.

use arrayvec::ArrayVec;
use repute_model::{Address, Endpoint as Rules, Tick, Upstream, UpstreamChange};
use repute_wire::arp::Resolution;
use repute_wire::{Neighbour, Readdressed, make_datagram};

use super::account::EndpointAccount;
use super::flows::Outside;
use super::health::{Health, Turn};
use super::neighbours::Neighbours;
use super::pool::{Member, Pool};
use super::random::Random;
use super::span::Span;

/// A frame with the longest question: Ethernet, IPv6, UDP, DNS header, a name, type and class.
const FRAME_MAX: usize = 14 + 40 + 8 + MESSAGE_MAX;
const MESSAGE_MAX: usize = 12 + 255 + 4;
/// The header of a question behind its id: recursion is desired, one question.
const HEADER: [u8; 10] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// By what checks go.
pub struct Way<'a> {
    /// The Ethernet address of the port towards upstreams.
    pub mac: [u8; 6],
    /// The ports that they are asked from.
    pub span: Span,
    /// Which of them.
    pub random: &'a mut Random,
}

/// An upstream that is watched.
#[derive(Clone, Copy, Debug)]
struct Watched {
    upstream: Upstream,
    /// Who gets frames for it.
    hop: Option<Address>,
    health: Health,
    /// Whether it was told that it is up.
    was_up: bool,
}

/// What the leader knows.
#[derive(Debug, Default)]
pub struct Leader {
    neighbours: Neighbours,
    /// In the order of the policy.
    watched: ArrayVec<Watched, { Rules::UPSTREAMS_MAX }>,
}

impl Leader {
    /// Whom to watch from now on; what is known of those that stay is kept.
    pub fn adopt(&mut self, rules: &Rules) {
        let before = std::mem::take(&mut self.watched);
        for &upstream in rules.upstreams.iter().take(Rules::UPSTREAMS_MAX) {
            let address = upstream.address;
            let hop = rules.origin(address.is_v4()).and_then(|origin| origin.next_hop(address));
            let known = before.iter().find(|watched| watched.upstream == upstream);
            let new = Watched { upstream, hop, health: Health::NEW, was_up: false };
            self.watched.push(known.map_or(new, |known| Watched { hop, ..*known }));
        }
        self.neighbours.adopt(self.watched.iter().filter_map(|watched| watched.hop));
    }

    /// Somebody says that `mac` has `address`.
    pub fn told(&mut self, address: Address, mac: [u8; 6], now: Tick) {
        if self.neighbours.told(address, mac, now) {
            let behind = self.watched.iter_mut().filter(|watched| watched.hop == Some(address));
            behind.for_each(|watched| watched.health.hurry());
        }
    }

    /// Whether this answers a check under way, well or not.
    pub fn answered(
        &mut self,
        outside: &Outside,
        well: bool,
        rules: &Rules,
        counted: &mut EndpointAccount,
    ) -> bool {
        let asked = |(_, watched): &(usize, &mut Watched)| watched.health.is_answered(outside);
        let Some((place, watched)) = self.watched.iter_mut().enumerate().find(asked) else { return false };
        counted.upstreams[place].failed_checks += u64::from(!well);
        watched.health.answers(well, &rules.check);
        true
    }

    /// Asks for neighbours and checks upstreams whose turn it is, by frames that `send` sends if it can.
    pub fn tick(
        &mut self,
        rules: &Rules,
        mut way: Way<'_>,
        counted: &mut EndpointAccount,
        now: Tick,
        mut send: impl FnMut(&[u8]) -> bool,
    ) {
        let Self { neighbours, watched } = self;
        for address in neighbours.due(now) {
            if let Some(origin) = rules.origin(address.is_v4()) {
                let from = (origin.address, way.mac);
                // What cannot be sent is asked for again.
                let _ = match address.is_v4() {
                    true => send(&Resolution::request(address, from)),
                    false => send(&Neighbour::solicit(address, from)),
                };
            }
        }
        for (watched, counted) in watched.iter_mut().zip(&mut counted.upstreams) {
            let (failed, turn) = watched.health.tick(&rules.check, now);
            counted.failed_checks += u64::from(failed);
            if turn == Turn::Quiet {
                continue;
            }
            let mac = watched.hop.and_then(|hop| neighbours.mac(hop));
            match mac.and_then(|to| ask(rules, watched.upstream, to, &mut way, &mut send)) {
                Some(outside) => {
                    counted.checks += 1;
                    watched.health.asks(outside, now);
                }
                None => {
                    counted.failed_checks += 1;
                    watched.health.cannot_ask(&rules.check);
                }
            }
        }
    }

    /// Brings the pool up to date, and tells what has changed; whether anything has.
    pub fn settle(
        &mut self,
        pool: &mut Pool,
        counted: &mut EndpointAccount,
        now: Tick,
        mut tell: impl FnMut(UpstreamChange),
    ) -> bool {
        let up = self.watched.iter().filter(|watched| watched.health.is_up()).count() as u8;
        for (watched, counted) in self.watched.iter_mut().zip(&mut counted.upstreams) {
            let is_up = watched.health.is_up();
            counted.up = is_up.into();
            if is_up != watched.was_up {
                watched.was_up = is_up;
                counted.downs += u64::from(!is_up);
                tell(UpstreamChange { upstream: watched.upstream, is_up, up, at: now });
            }
        }
        let changed = !pool.is(self.members());
        if changed {
            pool.replace(self.members());
        }
        changed
    }

    fn members(&self) -> impl Iterator<Item = Member> {
        let up = self.watched.iter().enumerate().filter(|(_, watched)| watched.health.is_up());
        up.filter_map(|(place, watched)| {
            let mac = self.neighbours.mac(watched.hop?)?;
            Some(Member { place: place as u8, upstream: watched.upstream, mac })
        })
    }
}

/// Asks an upstream the question of checks; under which ends and id, if that could be sent.
fn ask(
    rules: &Rules,
    upstream: Upstream,
    to: [u8; 6],
    way: &mut Way<'_>,
    send: &mut impl FnMut(&[u8]) -> bool,
) -> Option<Outside> {
    let drawn = way.random.draw();
    let own = (rules.origin(upstream.address.is_v4())?.address, way.span.port(drawn >> 16));
    let outside = Outside { upstream, own, id: drawn as u16 };
    let ends = Readdressed {
        to,
        from: way.mac,
        src: own,
        dst: (upstream.address, upstream.port),
        id: Some(outside.id),
    };
    let (question, mut message) = (&rules.check.question, [0; MESSAGE_MAX]);
    let (header, rest) = message[2..].split_at_mut(HEADER.len());
    header.copy_from_slice(&HEADER);
    rest.get_mut(..question.len())?.copy_from_slice(question);
    let mut frame = [0; FRAME_MAX];
    let len = make_datagram(&mut frame, &ends, &message[..2 + HEADER.len() + question.len()])?;
    send(&frame[..len]).then_some(outside)
}
