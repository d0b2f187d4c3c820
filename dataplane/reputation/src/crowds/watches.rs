//! All crowds under watch: destinations of which something is said, and the prefixes around them.
//!
//! Called by the leader with every row that workers publish, and once a tick. A destination is watched from its first
//! fact on; a prefix sees what a carpet bombing hides, in which every address stays below any limit. Always holds: who
//! is not calm keeps his place; when all places are taken, the newcomer takes that of the least active calm one of the
//! next few, and is not watched, counted, where there is none.

use repute_model::{Address, CrowdChange, CrowdRules, CrowdState, Flood, Floods, Prefix, Tick};

use super::alarms::{Alarm, Alarms, Openings};
use super::gauge::STEP_MS;
use super::roster::Roster;
use super::watch::{View, Watch};
use super::{CrowdRow, Fact};
use crate::Secret;

/// Places for destinations, and as many for prefixes.
const PLACES: u32 = 1024;
/// The box has seen both directions once protected addresses were heard so often.
const ARMED: u64 = 16;
/// What strangers who repeat themselves may have together in a flood, per second: a little, and twice what was useful
/// before.
const ALLOWANCE: f32 = 10.0;
const USEFUL: f32 = 2.0;

/// The prefix of destinations around an address: /24, or /64 in IPv6.
pub(super) const fn prefix_of(address: Address) -> Prefix {
    Prefix::containing(address, if address.is_v4() { 96 + 24 } else { 64 })
}

/// How one crowd stands for one kind of flood: before and after are the same.
pub type Standing = CrowdChange;

/// Less than this per second is not told of a calm crowd.
const WORTH_TELLING: f64 = 0.05;

/// Which destinations a crowd is, by its address in its table.
const fn crowd_of(address: Address, is_prefix: bool) -> Prefix {
    if is_prefix { prefix_of(address) } else { Prefix::containing(address, 128) }
}

/// Crowds under watch.
#[derive(Debug)]
pub struct Watches {
    secret: Secret,
    rules: CrowdRules,
    destinations: Roster<Watch>,
    prefixes: Roster<Watch>,
    alarms: Alarms,
    /// Alarms changed since they were last collected.
    stale: bool,
    heard: u64,
    refused: u64,
    left_out: u64,
}

impl Watches {
    /// Places for crowds, of prefixes and of destinations.
    pub const PLACES: u32 = 2 * PLACES;

    /// Nobody is watched yet; `seed` keys the tables.
    pub fn new(seed: u64) -> Self {
        Self {
            secret: Secret::from_seed(seed),
            rules: CrowdRules::OFF,
            destinations: Roster::new(PLACES),
            prefixes: Roster::new(PLACES),
            alarms: Alarms::default(),
            stale: false,
            heard: 0,
            refused: 0,
            left_out: 0,
        }
    }

    /// What is watched for from now on.
    pub fn adopt(&mut self, rules: CrowdRules) {
        self.stale |= rules != self.rules;
        self.rules = rules;
    }

    /// Takes note of what a worker published.
    pub fn note(&mut self, row: &CrowdRow, now: Tick, mut told: impl FnMut(CrowdChange)) {
        if !self.rules.watches || row.counts.is_plain() || row.address == CrowdRow::REST {
            return;
        }
        self.heard += u64::from(row.counts.get(Fact::Heard));
        let view = self.view(now);
        let mut known = Floods::NONE;
        let destination = place(&mut self.destinations, self.secret.address(row.address), row.address, now);
        if let Some(at) = destination {
            let watch = self.destinations.row_mut(at);
            watch.note(row, &view, false, known);
            let begun = settle(watch, &view, false, &mut self.stale, &mut told);
            known = watch.floods();
            spare(&mut self.prefixes, watch, begun, &view);
        }
        let address = prefix_of(row.address).first();
        let prefix = place(&mut self.prefixes, self.secret.address(address), address, now);
        if let Some(at) = prefix {
            let watch = self.prefixes.row_mut(at);
            watch.note(row, &view, true, known);
            settle(watch, &view, true, &mut self.stale, &mut told);
        }
        self.refused += u64::from(destination.is_none()) + u64::from(prefix.is_none());
    }

    /// Ends a tick: lets time pass for a part of all crowds, each of them once a step.
    pub fn tick(&mut self, now: Tick, mut told: impl FnMut(CrowdChange)) {
        let view = self.view(now);
        let (part, parts) = (now.0 % STEP_MS, STEP_MS);
        let places = u64::from(PLACES);
        for at in places * part / parts..places * (part + 1) / parts {
            let watch = self.destinations.row_mut(at as u32);
            if watch.address != CrowdRow::REST {
                watch.pass(&view, false);
                let begun = settle(watch, &view, false, &mut self.stale, &mut told);
                spare(&mut self.prefixes, watch, begun, &view);
            }
            let watch = self.prefixes.row_mut(at as u32);
            if watch.address != CrowdRow::REST {
                watch.pass(&view, true);
                settle(watch, &view, true, &mut self.stale, &mut told);
            }
        }
    }

    /// The crowds in flood, where that has changed since it was last asked; each of `workers` workers lets its share of
    /// strangers pass.
    pub fn alarms(&mut self, workers: u16) -> Option<&Alarms> {
        if !std::mem::take(&mut self.stale) {
            return None;
        }
        // Prefixes first: each of them covers many.
        let prefixes = self.prefixes.iter().map(|watch| (watch, prefix_of(watch.address)));
        let hosts = self.destinations.iter().map(|watch| (watch, Prefix::containing(watch.address, 128)));
        let answers = self.rules.answers;
        let flooded = prefixes.chain(hosts).filter(|(watch, _)| answers && !watch.floods().is_empty());
        let openings = |watch: &Watch, flood| Openings {
            per_s: (ALLOWANCE + USEFUL * watch.useful(flood)) / f32::from(workers),
            since: watch.began(flood).low(),
        };
        (self.alarms, self.left_out) = Alarms::collect(flooded.map(|(watch, crowd)| {
            let (network, confined) = watch.confined();
            Alarm {
                crowd,
                floods: watch.floods(),
                confined,
                network,
                requests: openings(watch, Flood::Request),
                segments: openings(watch, Flood::Segment),
            }
        }));
        Some(&self.alarms)
    }

    /// How the crowd at place number `at` stands for every kind of flood for which it is not calm, or, with `all`, to
    /// which anything happens. Places are numbered from 0 to [`PLACES`](Self::PLACES); most are empty.
    pub fn standing(&self, at: u32, now: Tick, all: bool) -> impl Iterator<Item = Standing> {
        let view = self.view(now);
        let is_prefix = at < PLACES;
        let roster = if is_prefix { &self.prefixes } else { &self.destinations };
        let watch = roster.row(at % PLACES);
        let crowd = crowd_of(watch.address, is_prefix);
        let kinds = if watch.address == CrowdRow::REST { &[] } else { Flood::ALL };
        kinds.iter().filter_map(move |&flood| {
            let (state, numbers) = watch.stands(flood, &view, is_prefix);
            let told = state != CrowdState::Calm || all && numbers.per_s >= WORTH_TELLING;
            told.then_some(CrowdChange { crowd, flood, from: state, to: state, numbers, at: now })
        })
    }

    /// Whether the box has seen both directions.
    pub fn is_armed(&self) -> bool {
        self.heard >= ARMED
    }

    /// Rows, since the beginning, whose crowd was not watched because all places were taken.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Crowds in flood that found the list of alarms full.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.destinations.bytes() + self.prefixes.bytes()
    }

    fn view(&self, now: Tick) -> View {
        View { rules: self.rules, armed: self.is_armed(), now, secret: self.secret }
    }
}

/// Where a crowd is watched, from now on if it was not.
fn place(roster: &mut Roster<Watch>, hash: u64, address: Address, now: Tick) -> Option<u32> {
    if let Some(at) = roster.find(hash, address) {
        return Some(at);
    }
    let newcomer = Watch::new(hash, address, now);
    if let Some(at) = roster.seat(newcomer) {
        return Some(at);
    }
    let (_, at) = roster.least(hash, Watch::worth)?;
    roster.replace(at, newcomer).then_some(at)
}

/// Moves a crowd on and tells of it; the kinds of flood that have begun.
fn settle(
    watch: &mut Watch,
    view: &View,
    is_prefix: bool,
    stale: &mut bool,
    told: &mut impl FnMut(CrowdChange),
) -> Floods {
    let crowd = crowd_of(watch.address, is_prefix);
    let (mut turned, mut begun) = (false, Floods::NONE);
    let shifted = watch.settle(view, is_prefix, |turn| {
        turned |= [turn.from, turn.to].contains(&CrowdState::Flood);
        if turn.to == CrowdState::Flood {
            begun = begun.with(turn.flood);
        }
        told(CrowdChange {
            crowd,
            flood: turn.flood,
            from: turn.from,
            to: turn.to,
            numbers: turn.numbers,
            at: view.now,
        });
    });
    *stale |= turned || shifted;
    begun
}

/// Where a flood of a destination has begun, its neighbours are not judged by it.
fn spare(prefixes: &mut Roster<Watch>, destination: &Watch, floods: Floods, view: &View) {
    if floods.is_empty() {
        return;
    }
    let prefix = prefix_of(destination.address).first();
    if let Some(at) = prefixes.find(view.secret.address(prefix), prefix) {
        prefixes.row_mut(at).spare(destination, floods, view);
    }
}
