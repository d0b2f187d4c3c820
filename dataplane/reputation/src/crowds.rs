//! What happens to destinations: the crowds that single sources do not show.
//!
//! Real floods send one packet a source, so it takes the destination to see them: its SYNs against completed
//! handshakes, answers nobody asked for, the share of strangers. Each worker keeps a part of every crowd, a
//! [`Crowds`], adds every packet to the row of its destination ([`Crowds::note`]), and once a tick hands out
//! what changed ([`Crowds::publish`]). One leader adds those up ([`Totals`]), watches for floods ([`Watches`]), and tells
//! everybody which crowds are in one ([`Alarms`]).
//!
//! Rows are exact while there are no more destinations than rows. Beyond, what has no row is counted together,
//! exactly, under [`CrowdRow::REST`], and a count-min sketch estimates each of them; at the end of a tick the
//! heaviest take over the rows of those that do little.
//!
//! Always holds: what was noted and what was published differ by what waits to be published, whatever the sink
//! refuses, but for counters that stop at their maximum; the same calls in the same order give the same rows.

mod alarms;
mod counts;
mod due;
mod gauge;
mod happening;
mod heaviest;
mod roster;
mod row;
mod sender;
mod senders;
mod sketch;
mod totals;
mod watch;
mod watches;

use repute_model::{Address, Tick};

pub use alarms::{Alarm, Alarms, Openings};
pub use counts::{Counts, Sums};
pub use happening::{Fact, Happening};
pub use row::CrowdRow;
pub use sender::Sender;
pub use totals::{Seen, Totals};
pub use watches::{Standing, Watches};

use due::Due;
use heaviest::{Heaviest, Heavy};
use repute_memory::Table;
use roster::{Roster, home};
use row::Row;
use sender::Drawn;
use sketch::Sketch;

use crate::Secret;

/// Where a destination is counted, until the tick ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(u32);

impl Place {
    /// With the rest, or nowhere yet.
    pub const NONE: Self = Self(u32::MAX);
}

/// Counts a packet whose destination has a row at home that is not clean, and says where.
#[inline(always)]
fn note_at_home(rows: &mut [Row], hash: u64, address: Address, what: Happening, bytes: u32) -> Option<Place> {
    let at = home(hash, rows.len() as u32);
    // A row that nobody has yet is clean.
    let row = rows.get_mut(at as usize).filter(|row| row.address == address && !row.is_clean())?;
    row.counts.note(what, bytes);
    Some(Place(at))
}

/// The same of packets of which nothing else is known, until the first one of another destination. A function of its own, so
/// that the rows that it writes cannot be what it goes by.
#[inline(always)]
fn note_all_at_home(
    rows: &mut [Row],
    secret: Secret,
    packets: &mut impl Iterator<Item = (usize, Address, u32)>,
    places: &mut [Place],
) -> Option<(usize, Address, u32)> {
    for (i, address, bytes) in packets {
        match note_at_home(rows, secret.address(address), address, Happening::NOTHING, bytes) {
            Some(place) => places[i] = place,
            None => return Some((i, address, bytes)),
        }
    }
    None
}

/// Cells of a line of the sketch for each row.
const CELLS_PER_ROW: u32 = 2;

/// One worker's part of all crowds.
#[derive(Debug)]
pub struct Crowds {
    rows: Roster<Row>,
    /// A sender for each row, where openings or strays were counted in it.
    drawn: Table<Drawn>,
    due: Due,
    /// What destinations without a row did, since it was last published.
    rest: Sums,
    sketch: Sketch,
    heaviest: Heaviest,
    beyond: u64,
    displaced: u64,
}

impl Crowds {
    /// Rows that one call of [`publish`](Self::publish) hands out at most, besides [`CrowdRow::REST`]: 4096 rows
    /// that are all in use take 16 ticks.
    pub const ROWS_PER_TICK: usize = 256;

    /// Exact rows for `rows` destinations, a power of two up to 2^24.
    ///
    /// # Panics
    /// `rows` is not that.
    pub fn new(rows: u32) -> Self {
        Self {
            rows: Roster::new(rows),
            drawn: Table::new(rows as usize, Drawn::NONE),
            due: Due::new(rows),
            rest: Sums::default(),
            sketch: Sketch::new(rows * CELLS_PER_ROW),
            heaviest: Heaviest::new(),
            beyond: 0,
            displaced: 0,
        }
    }

    /// Counts a packet of `bytes` bytes on the wire to `address`, and says where.
    ///
    /// `hash` is a keyed hash of `address` with all of its bits well mixed ([`crate::Secret::address`]), of the same
    /// key each time.
    #[inline(always)]
    pub fn note(&mut self, hash: u64, address: Address, what: Happening, bytes: u32) -> Place {
        note_at_home(self.rows.rows_mut(), hash, address, what, bytes)
            .unwrap_or_else(|| self.add(hash, address, Counts::of(what, bytes)))
    }

    /// Counts the packets of a batch, of which nothing else is known yet: each its place in the batch, the address that it
    /// is for, and its bytes on the wire. Where they are counted is told to `places`.
    #[inline(always)]
    pub fn note_all(
        &mut self,
        secret: &Secret,
        mut packets: impl Iterator<Item = (usize, Address, u32)>,
        places: &mut [Place],
    ) {
        while let Some((i, address, bytes)) =
            note_all_at_home(self.rows.rows_mut(), *secret, &mut packets, places)
        {
            places[i] = self.add(secret.address(address), address, Counts::of(Happening::NOTHING, bytes));
        }
    }

    /// Notes another fact about a packet that was counted here in this tick; `false` where that was
    /// [`Place::NONE`].
    #[inline(always)]
    pub fn mark(&mut self, place: Place, fact: Fact) -> bool {
        let Place(at) = place;
        let known = place != Place::NONE;
        if known {
            self.rows.row_mut(at).counts.mark_one(fact);
        }
        known
    }

    /// Counts several packets, or facts about packets that were counted before, and says where.
    #[inline(never)]
    pub fn add(&mut self, hash: u64, address: Address, more: Counts) -> Place {
        match self.rows.find(hash, address) {
            Some(at) => {
                let row = self.row(at);
                row.counts = row.counts.plus(more);
                Place(at)
            }
            None => self.meet(hash, address, more),
        }
    }

    /// The same for what may be part of a flood: its sender takes part in the draw with `rank`, a keyed hash.
    #[inline]
    pub fn add_from(&mut self, hash: u64, address: Address, more: Counts, sender: Sender, rank: u32) {
        let at = match self.rows.find(hash, address) {
            Some(at) => {
                let row = self.row(at);
                row.counts = row.counts.plus(more);
                at
            }
            None => match self.meet(hash, address, more) {
                Place::NONE => return,
                Place(at) => at,
            },
        };
        self.drawn[at as usize].draw(sender, rank);
    }

    /// Notes that a destination that has a row sent something itself.
    #[inline]
    pub fn hear(&mut self, hash: u64, address: Address) {
        if let Some(at) = self.rows.find(hash, address) {
            let row = self.row(at);
            row.counts.mark_one(Fact::Heard);
        }
    }

    /// A row that is about to change, and is due then.
    #[inline(always)]
    fn row(&mut self, at: u32) -> &mut Row {
        let row = self.rows.row_mut(at);
        if row.is_clean() {
            self.due.push(at);
        }
        row
    }

    /// A destination that has no row: it gets one, or is counted with the rest.
    #[inline(never)]
    fn meet(&mut self, hash: u64, address: Address, more: Counts) -> Place {
        if let Some(at) = self.rows.seat(Row::new(hash, address, 0, Tick(0))) {
            self.row(at).counts = more;
            return Place(at);
        }
        self.beyond += u64::from(more.packets);
        self.rest = self.rest.plus(more);
        let packets = self.sketch.count(hash, more).packets;
        self.heaviest.meet(Heavy { hash, address, packets });
        Place::NONE
    }

    /// Ends a tick: hands what happened since to `sink`, a bounded number of rows and those first that have waited
    /// longest. A row that `sink` refuses (`false`) ends it for this tick and stays as it is. Then the heaviest
    /// destinations without a row take over rows of little use.
    pub fn publish(&mut self, now: Tick, mut sink: impl FnMut(CrowdRow) -> bool) {
        if self.publish_rest(&mut sink) {
            self.publish_rows(now, &mut sink);
        }
        self.seat_heaviest(now);
        self.sketch.advance(now);
    }

    /// `false` when it was refused.
    fn publish_rest(&mut self, sink: &mut impl FnMut(CrowdRow) -> bool) -> bool {
        let before = self.rest;
        let rest = CrowdRow { address: CrowdRow::REST, counts: self.rest.take(), sender: Sender::NONE };
        let taken = rest.counts == Counts::default() || sink(rest);
        if !taken {
            self.rest = before;
        }
        taken
    }

    fn publish_rows(&mut self, now: Tick, sink: &mut impl FnMut(CrowdRow) -> bool) {
        for _ in 0..Self::ROWS_PER_TICK {
            let Some(at) = self.due.first() else { break };
            let row = self.rows.row_mut(at);
            let says = !row.counts.is_plain();
            let sender = if says { self.drawn[at as usize].sender } else { Sender::NONE };
            if !sink(row.published(sender)) {
                break;
            }
            row.clear(now);
            if says {
                self.drawn[at as usize] = Drawn::NONE;
            }
            self.due.leave();
        }
    }

    /// Gives the heaviest destinations the rows of those that did less, of the next few at which each of them
    /// looks. A row with something to publish keeps its owner.
    fn seat_heaviest(&mut self, now: Tick) {
        for heavy in self.heaviest.take() {
            let worth = |row: &Row| row.is_clean().then(|| u64::from(row.used(now)));
            let Some((used, at)) = self.rows.least(heavy.hash, worth) else { continue };
            let fits = used < u64::from(heavy.packets) && self.rows.find(heavy.hash, heavy.address).is_none();
            if fits && self.rows.replace(at, Row::new(heavy.hash, heavy.address, heavy.packets, now)) {
                self.displaced += 1;
            }
        }
    }

    /// What a destination did at most while it had no row, in the 64 ms under way; see [`publish`](Self::publish)
    /// for what it did while it had one.
    pub fn estimate(&self, hash: u64) -> Counts {
        self.sketch.estimate(hash)
    }

    /// Destinations that have a row.
    pub fn tracked(&self) -> u32 {
        self.rows.taken()
    }

    /// Packets, since the beginning, to destinations without a row.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Rows, since the beginning, that a heavier destination took over.
    pub fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Rows that have something to publish.
    pub fn waiting(&self) -> u32 {
        self.due.len()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.rows.bytes() + self.drawn.bytes() + self.due.bytes() + self.sketch.bytes()
    }
}
