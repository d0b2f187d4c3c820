//! What the offending packets of limited sources have in common, learnt from them: so that the rest may go on.
//!
//! Asked by the engine for sources whose treatment is for the excess only. A source comes here when a factor that points to
//! packets ([`Offence::of`]) moves it into its band. Of the first of them that offend, a majority vote (Boyer, Moore 1991)
//! on protocol, port, destination and size says what they have in common; what has no majority is left open. Always holds:
//! whoever is not remembered (nothing points to packets, or others needed the place) is treated as a whole; what is
//! held to a limit has arrival times of its own, so that it takes nothing from the rest.

use repute_memory::Table;
use repute_model::{Address, Excess, Offence, SizeClass, Tick};

use crate::{Act, Exchange};

const WAYS: usize = 4;
/// Packets that vote.
const VOTERS: u8 = 16;
/// The lead of a majority: three quarters of them.
const LEAD: u8 = VOTERS / 2;
/// So many packets of the rest without an answer, within about a second, and the kind is learnt anew: it has moved.
const STRAYS: u8 = 64;

/// What a packet has in common with others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// IP protocol number.
    pub protocol: u8,
    /// The port that says what it is about, where it is known.
    pub port: Option<u16>,
    /// Whom it is for.
    pub destination: Address,
    /// How long it is.
    pub size: SizeClass,
}

impl Kind {
    /// The kind of a packet of `wire_len` bytes, as it offends.
    pub fn of(x: &Exchange, wire_len: u32, offence: Offence) -> Self {
        let port = if offence == Offence::Answers { x.sport } else { x.dport };
        let port = (x.act != Act::Opaque).then_some(port);
        Self { protocol: x.protocol, port, destination: x.dst, size: SizeClass::of(wire_len) }
    }

    /// Whether it is covered; a later fragment is by everything but its port.
    fn is_of(&self, excess: &Excess) -> bool {
        let port = |port| self.port.is_none_or(|own| own == port);
        excess.protocol.is_none_or(|protocol| protocol == self.protocol)
            && excess.port.is_none_or(port)
            && excess.destination.is_none_or(|destination| destination == self.destination)
            && excess.size.is_none_or(|size| size == self.size)
    }
}

/// To which part of its source's traffic a packet belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// There are no parts.
    Whole,
    /// It is of the kind that offends; where the arrival times of that are kept.
    Excess(ExcessPlace),
    /// It is not.
    Rest,
}

/// Where a source is remembered. Valid until the next source comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExcessPlace(u32);

/// A majority vote: who has the lead, and by how much.
#[derive(Clone, Copy, Debug)]
struct Vote<T> {
    value: T,
    lead: u8,
}

impl<T: Copy + PartialEq> Vote<T> {
    const fn open(value: T) -> Self {
        Self { value, lead: 0 }
    }

    fn cast(&mut self, value: T) {
        if self.lead == 0 {
            *self = Self { value, lead: 1 };
        } else if self.value == value {
            self.lead += 1;
        } else {
            self.lead -= 1;
        }
    }

    fn won(&self) -> Option<T> {
        (self.lead >= LEAD).then_some(self.value)
    }
}

/// What is known of one source.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Whose; 0 = free.
    fingerprint: u64,
    tat_packets: u64,
    tat_bytes: u64,
    destination: Vote<Address>,
    port: Vote<u16>,
    protocol: Vote<u8>,
    size: Vote<SizeClass>,
    offence: Offence,
    /// Packets that have voted.
    voters: u8,
    /// Packets of the rest without an answer since `second`.
    strays: u8,
    second: u32,
    /// Low bits of the tick of its last packet.
    at: u32,
}

impl Entry {
    const FREE: Self = Self {
        fingerprint: 0,
        tat_packets: 0,
        tat_bytes: 0,
        destination: Vote::open(Address(0)),
        port: Vote::open(0),
        protocol: Vote::open(0),
        size: Vote::open(SizeClass::Small),
        offence: Offence::Traffic,
        voters: 0,
        strays: 0,
        second: 0,
        at: 0,
    };

    const fn is_learnt(&self) -> bool {
        self.voters >= VOTERS
    }

    /// The kind, as far as it is known.
    fn excess(&self) -> Excess {
        let all = Excess::all(self.offence);
        if !self.is_learnt() {
            return all;
        }
        Excess {
            protocol: self.protocol.won(),
            port: self.port.won(),
            destination: self.destination.won(),
            size: self.size.won(),
            ..all
        }
    }

    fn vote(&mut self, kind: &Kind) {
        self.voters += 1;
        self.protocol.cast(kind.protocol);
        self.destination.cast(kind.destination);
        self.size.cast(kind.size);
        if let Some(port) = kind.port {
            self.port.cast(port);
        }
    }
}

/// The sources of which a part is treated.
#[derive(Debug)]
pub struct Excesses {
    sets: Table<[Entry; WAYS]>,
    forgotten: u64,
}

impl Excesses {
    /// Room for so many sources, a power of two.
    pub fn new(sources: u32) -> Self {
        let sets = (sources as usize / WAYS).next_power_of_two();
        Self { sets: Table::new(sets, [Entry::FREE; WAYS]), forgotten: 0 }
    }

    /// A factor has moved a source into a band whose treatment is for the excess only: what was learnt of the same offence
    /// still holds, and a factor that points to no packets makes it a whole again.
    pub fn begin(&mut self, fingerprint: u64, offence: Option<Offence>, now: Tick) {
        let known = self.find(fingerprint);
        let Some(offence) = offence else {
            if let Some(place) = known {
                *self.entry(place) = Entry::FREE;
            }
            return;
        };
        if known.is_some_and(|place| self.at(place).offence == offence) {
            return;
        }
        let place = known.unwrap_or_else(|| self.victim(fingerprint, now));
        let entry = self.entry(place);
        let forgets = entry.fingerprint != 0 && entry.fingerprint != fingerprint;
        *entry = Entry { fingerprint, offence, at: now.low(), ..Entry::FREE };
        self.forgotten += u64::from(forgets);
    }

    /// What a source offends by, if it is remembered, and where.
    pub fn offence(&self, fingerprint: u64) -> Option<(ExcessPlace, Offence)> {
        let place = self.find(fingerprint)?;
        Some((place, self.at(place).offence))
    }

    /// The part that a packet belongs to; `offends` tells whether it is one of those that its source's factor points to.
    pub fn part(&mut self, place: ExcessPlace, kind: &Kind, offends: bool, now: Tick) -> Part {
        let entry = self.entry(place);
        entry.at = now.low();
        if !offends {
            return Part::Rest;
        }
        if !entry.is_learnt() {
            entry.vote(kind);
            return Part::Excess(place);
        }
        if kind.is_of(&entry.excess()) { Part::Excess(place) } else { Part::Rest }
    }

    /// A packet of the rest that nobody has answered: many of them are a kind of their own.
    pub fn stray(&mut self, fingerprint: u64, now: Tick) {
        let Some(place) = self.find(fingerprint) else { return };
        let (entry, second) = (self.entry(place), now.low() >> 10);
        if entry.second != second {
            (entry.second, entry.strays) = (second, 0);
        }
        entry.strays += 1;
        if entry.strays >= STRAYS {
            let Entry { fingerprint, offence, tat_packets, tat_bytes, at, .. } = *entry;
            *entry = Entry { fingerprint, offence, tat_packets, tat_bytes, at, ..Entry::FREE };
        }
    }

    /// The arrival times of what is held to a limit, of packets and of bytes.
    pub fn times(&mut self, place: ExcessPlace) -> (&mut u64, &mut u64) {
        let entry = self.entry(place);
        (&mut entry.tat_packets, &mut entry.tat_bytes)
    }

    /// The kind that a source is limited to, as far as it is known; `None` = it is treated as a whole.
    pub fn of(&self, fingerprint: u64) -> Option<Excess> {
        self.find(fingerprint).map(|place| self.at(place).excess())
    }

    /// Sources that made room for others, and are treated as a whole.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    fn find(&self, fingerprint: u64) -> Option<ExcessPlace> {
        let set = self.set(fingerprint);
        let way = self.sets[set].iter().position(|entry| entry.fingerprint == fingerprint)?;
        Some(ExcessPlace((set * WAYS + way) as u32))
    }

    /// A free place of a set, else that of the source that was silent for the longest time.
    fn victim(&self, fingerprint: u64, now: Tick) -> ExcessPlace {
        let set = self.set(fingerprint);
        let worth = |entry: &Entry| match entry.fingerprint {
            0 => (0, 0),
            _ => (1, u32::MAX - now.low().wrapping_sub(entry.at)),
        };
        let way = (0..WAYS).min_by_key(|&way| worth(&self.sets[set][way])).unwrap_or(0);
        ExcessPlace((set * WAYS + way) as u32)
    }

    fn set(&self, fingerprint: u64) -> usize {
        fingerprint as usize & (self.sets.len() - 1)
    }

    fn at(&self, place: ExcessPlace) -> &Entry {
        &self.sets[place.0 as usize / WAYS][place.0 as usize % WAYS]
    }

    fn entry(&mut self, place: ExcessPlace) -> &mut Entry {
        &mut self.sets[place.0 as usize / WAYS][place.0 as usize % WAYS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: u64 = 1 << 63 | 77;

    fn flood(destination: u32) -> Kind {
        Kind { protocol: 17, port: Some(4444), destination: Address::v4(destination), size: SizeClass::Large }
    }

    const SSH: Kind = Kind { protocol: 6, port: Some(22), destination: Address(22), size: SizeClass::Small };

    fn learnt(kinds: impl Iterator<Item = Kind>) -> (Excesses, ExcessPlace) {
        let mut excesses = Excesses::new(64);
        excesses.begin(WHO, Some(Offence::Traffic), Tick(1));
        let (place, _) = excesses.offence(WHO).unwrap();
        for kind in kinds.take(usize::from(VOTERS)) {
            assert_eq!(excesses.part(place, &kind, true, Tick(1)), Part::Excess(place));
        }
        (excesses, place)
    }

    #[test]
    fn what_most_packets_have_in_common_is_the_kind() {
        let mixed = (0..).map(|i| if i % 8 == 7 { SSH } else { flood(i) });
        let (mut excesses, place) = learnt(mixed);
        let kind = Excess {
            protocol: Some(17),
            port: Some(4444),
            size: Some(SizeClass::Large),
            ..Excess::all(Offence::Traffic)
        };
        assert_eq!(excesses.of(WHO), Some(kind), "its destinations are many");
        assert_eq!(excesses.part(place, &flood(99), true, Tick(2)), Part::Excess(place));
        let other = Kind { port: Some(53), ..flood(99) };
        for rest in [SSH, other, Kind { size: SizeClass::Small, ..flood(1) }] {
            assert_eq!(excesses.part(place, &rest, true, Tick(2)), Part::Rest);
        }
        let fragment = Kind { port: None, ..flood(5) };
        assert_eq!(excesses.part(place, &fragment, true, Tick(2)), Part::Excess(place));
    }

    #[test]
    fn what_nothing_points_to_is_the_rest_from_the_beginning() {
        let mut excesses = Excesses::new(64);
        excesses.begin(WHO, Some(Offence::Openings), Tick(1));
        let (place, offence) = excesses.offence(WHO).unwrap();
        assert_eq!((offence, excesses.part(place, &SSH, false, Tick(1))), (Offence::Openings, Part::Rest));
        assert_eq!(excesses.of(WHO), Some(Excess::all(Offence::Openings)));
    }

    #[test]
    fn nothing_in_common_is_everything() {
        let any = |i: u32| Kind {
            protocol: i as u8,
            port: Some(i as u16),
            destination: Address(i.into()),
            size: [SizeClass::Small, SizeClass::Medium, SizeClass::Large][i as usize % 3],
        };
        let (excesses, _) = learnt((0..).map(any));
        assert!(!excesses.of(WHO).unwrap().is_part());
    }

    #[test]
    fn a_flood_that_moves_is_learnt_anew() {
        let (mut excesses, place) = learnt(std::iter::repeat(flood(1)));
        let moved = Kind { port: Some(5555), ..flood(1) };
        for i in 0..STRAYS {
            assert_eq!(excesses.part(place, &moved, true, Tick(2_000)), Part::Rest, "{i}");
            excesses.stray(WHO, Tick(2_000));
        }
        assert_eq!(excesses.part(place, &moved, true, Tick(2_001)), Part::Excess(place));
        let (mut slow, place) = learnt(std::iter::repeat(flood(1)));
        (0..200).for_each(|i| slow.stray(WHO, Tick(i * 100)));
        assert_eq!(slow.part(place, &moved, true, Tick(20_000)), Part::Rest, "ten a second are no flood");
    }

    #[test]
    fn whoever_is_not_remembered_is_a_whole() {
        let mut excesses = Excesses::new(4);
        for i in 1..=5 {
            excesses.begin(i << 8, Some(Offence::Traffic), Tick(i));
        }
        assert_eq!((excesses.of(1 << 8), excesses.forgotten()), (None, 1));
        excesses.begin(2 << 8, None, Tick(9));
        assert!(excesses.of(2 << 8).is_none() && excesses.of(3 << 8).is_some());
    }
}
