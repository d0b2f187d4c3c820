//! One crowd under watch: a gauge for every kind of flood, and whether the crowd itself is heard.
//!
//! Called by [`super::watches`] with what happened to a destination, or to all destinations of a prefix. What makes a
//! flood is said here, in one table: each kind has an absolute rule, which holds from the first packet on because a
//! flood may be the first thing that a destination ever shows, and a usual, which is learnt. Always holds: kinds that
//! need both directions are judged strictly only where both are seen.

use repute_model::{Address, CrowdNumbers, CrowdRules, CrowdState, Flood, Floods, Symmetry, Tick};

use super::gauge::{Gauge, Need, STEP_MS};
use super::roster::Keyed;
use super::sender::Network;
use super::senders::Senders;
use super::{CrowdRow, Fact};
use crate::Secret;

/// A crowd is seen in both directions while it was heard within this time.
const HEARD_MS: u64 = 10_000;

/// About a second.
const SECOND_STEPS: u64 = 1000 / STEP_MS;
/// A flood is that of one network where no less comes from there.
const MOST: f32 = 0.5;

/// What makes a flood of one kind, where the crowd is heard and where it is not.
#[derive(Clone, Copy)]
struct Limits {
    heard: Need,
    unheard: Need,
    /// Whether it says anything where only one direction can be seen.
    one_way: bool,
}

const fn need(drift: f32, limit: f32) -> Need {
    Need { drift, limit }
}

/// By [`Flood::index`]. The drifts of heard crowds are a little more than the noise of the Internet at a popular
/// address; the limits are the least at which a burst of slow or confused clients is no flood.
const LIMITS: [Limits; Flood::COUNT] = [
    Limits { heard: need(3.0, 12.0), unheard: need(16.0, 40.0), one_way: true },
    Limits { heard: need(4.0, 16.0), unheard: need(60.0, 80.0), one_way: false },
    Limits { heard: need(5.0, 16.0), unheard: need(200.0, 200.0), one_way: false },
    Limits { heard: need(4.0, 12.0), unheard: need(40.0, 40.0), one_way: false },
    Limits { heard: need(8.0, 16.0), unheard: need(30.0, 30.0), one_way: true },
];
/// A prefix is as noisy as several of its addresses.
const PREFIX: f32 = 1.5;

/// How crowds are watched, for now.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub rules: CrowdRules,
    /// Whether the box has seen both directions of anything.
    pub armed: bool,
    pub now: Tick,
    /// Keys what is estimated.
    pub secret: Secret,
}

/// A crowd.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    pub address: Address,
    pub hash: u64,
    /// The step under way when it was last looked at.
    step: u64,
    /// When it was last heard.
    heard: Option<Tick>,
    gauges: [Gauge; Flood::COUNT],
    /// Who sends what each of them counts.
    senders: [Senders; Flood::COUNT],
    /// The network that each kind of flood comes from, while all the rest is none.
    confined: [Option<Network>; Flood::COUNT],
    /// When each kind of flood last began.
    began: [Tick; Flood::COUNT],
}

/// One kind of flood that began, ended or changed.
pub(super) struct Turn {
    pub flood: Flood,
    pub from: CrowdState,
    pub to: CrowdState,
    pub numbers: CrowdNumbers,
}

impl Watch {
    pub fn new(hash: u64, address: Address, now: Tick) -> Self {
        Self {
            address,
            hash,
            step: now.0 / STEP_MS,
            heard: None,
            gauges: [Gauge::NEW; Flood::COUNT],
            senders: [Senders::NONE; Flood::COUNT],
            confined: [None; Flood::COUNT],
            began: [Tick(0); Flood::COUNT],
        }
    }

    /// Takes note of what happened. What only one destination of a prefix is flooded with, `known`, says nothing about the
    /// others, unless the prefix is in such a flood itself.
    pub fn note(&mut self, row: &CrowdRow, view: &View, prefix: bool, known: Floods) {
        self.pass(view, prefix);
        let (counts, own) = (&row.counts, self.floods());
        let says = |flood| own.has(flood) || !known.has(flood);
        if let Some(flood) = row.sender.flood().filter(|&flood| says(flood)) {
            self.senders[flood.index()].note(&row.sender, &view.secret);
        }
        if counts.get(Fact::Heard) > 0 {
            self.heard = Some(view.now);
        }
        let get = |fact: Fact| u32::from(counts.get(fact));
        for (flood, opened, completed) in [
            (Flood::Syn, Fact::Syn, Fact::Shaken),
            (Flood::Request, Fact::Request, Fact::Replied),
            (Flood::Segment, Fact::Segment, Fact::Continued),
        ] {
            if says(flood) {
                self.gauges[flood.index()].open(self.step, get(opened), get(completed));
            }
        }
        for (flood, failed) in [(Flood::Answer, Fact::Unasked), (Flood::Fragment, Fact::Fragment)] {
            if says(flood) {
                self.gauges[flood.index()].fail(get(failed));
            }
        }
    }

    /// Takes out of a prefix what a destination in it has added, once that is found to be flooded by itself.
    pub fn spare(&mut self, destination: &Self, floods: Floods, view: &View) {
        self.pass(view, true);
        let own = self.floods();
        for &flood in Flood::ALL.iter().filter(|&&flood| floods.has(flood) && !own.has(flood)) {
            self.gauges[flood.index()].spare(&destination.gauges[flood.index()]);
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, view: &View, prefix: bool) {
        let step = view.now.0 / STEP_MS;
        if step == self.step {
            return;
        }
        let heard = self.is_heard(view);
        for &flood in Flood::ALL {
            if let Some(need) = needs(flood, view, heard, prefix) {
                self.gauges[flood.index()].pass(self.step, step, &need);
            }
        }
        // What senders are told from is that of the last second or two.
        for _ in 0..(step / SECOND_STEPS - self.step / SECOND_STEPS).min(16) {
            self.senders.iter_mut().for_each(Senders::halve);
        }
        self.step = step;
    }

    /// Moves every kind to the state that follows, and tells of those that changed. Whether a flood comes from another
    /// network than before.
    pub fn settle(&mut self, view: &View, prefix: bool, mut told: impl FnMut(Turn)) -> bool {
        let (heard, mut shifted) = (self.is_heard(view), false);
        for &flood in Flood::ALL {
            let need = needs(flood, view, heard, prefix);
            let gauge = &mut self.gauges[flood.index()];
            let (from, to) = (gauge.settle(need.as_ref()), gauge.state());
            let confined = need.as_ref().and_then(|need| self.confines(flood, need));
            shifted |= std::mem::replace(&mut self.confined[flood.index()], confined) != confined;
            if let Some(from) = from {
                if to == CrowdState::Flood {
                    self.began[flood.index()] = view.now;
                }
                told(Turn { flood, from, to, numbers: self.numbers(flood, need.as_ref(), heard) });
            }
        }
        shifted
    }

    /// The network that a flood can be confined to: most of it comes from there, and the rest, but for what is completed,
    /// is less than half of what is usual; once confined, less than all of it.
    fn confines(&self, flood: Flood, need: &Need) -> Option<Network> {
        let gauge = &self.gauges[flood.index()];
        if gauge.state() != CrowdState::Flood {
            return None;
        }
        let (network, share) = self.senders[flood.index()].network()?;
        let allowed = if self.confined[flood.index()] == Some(network) { 1.0 } else { 0.5 };
        (share >= MOST && gauge.rest_per_s(share) <= allowed * need.drift).then_some(network)
    }

    /// The numbers behind its state for one kind; `need` is what makes a flood, if anything does.
    fn numbers(&self, flood: Flood, need: Option<&Need>, heard: bool) -> CrowdNumbers {
        let Some(need) = need else { return CrowdNumbers::default() };
        CrowdNumbers {
            senders: self.senders[flood.index()].spread(),
            narrow: self.confined[flood.index()].is_some(),
            ..self.gauges[flood.index()].numbers(need, heard)
        }
    }

    fn is_heard(&self, view: &View) -> bool {
        match view.rules.symmetry {
            Symmetry::Symmetric => true,
            Symmetry::Asymmetric => false,
            Symmetry::Auto => self.heard.is_some_and(|heard| view.now.since(heard) <= HEARD_MS),
        }
    }

    /// The kinds that it is flooded with.
    pub fn floods(&self) -> Floods {
        let flooded = |&&flood: &&Flood| self.gauges[flood.index()].state() == CrowdState::Flood;
        Flood::ALL.iter().filter(flooded).fold(Floods::NONE, |all, &flood| all.with(flood))
    }

    /// Its state for one kind, and the numbers behind it.
    pub fn stands(&self, flood: Flood, view: &View, prefix: bool) -> (CrowdState, CrowdNumbers) {
        let heard = self.is_heard(view);
        let need = needs(flood, view, heard, prefix);
        (self.gauges[flood.index()].state(), self.numbers(flood, need.as_ref(), heard))
    }

    /// The network that some kinds of flood come from while all the rest is none, and which kinds those are; where they
    /// come from several, that of the first.
    pub fn confined(&self) -> (Option<Network>, Floods) {
        let network = self.confined.iter().flatten().next().copied();
        let same =
            Flood::ALL.iter().filter(|flood| network.is_some() && self.confined[flood.index()] == network);
        (network, same.fold(Floods::NONE, |all, &flood| all.with(flood)))
    }

    /// When one kind of flood last began.
    pub const fn began(&self, flood: Flood) -> Tick {
        self.began[flood.index()]
    }

    /// Completions per second of one kind while it was calm.
    pub fn useful(&self, flood: Flood) -> f32 {
        self.gauges[flood.index()].useful()
    }

    /// How much it is worth to watch it; `None` while it is not calm.
    pub fn worth(&self) -> Option<u64> {
        let calm = self.gauges.iter().all(|gauge| gauge.state() == CrowdState::Calm);
        calm.then(|| self.gauges.iter().map(|gauge| (gauge.activity() * 16.0) as u64).sum())
    }
}

/// What makes a flood; `None` = nothing does.
fn needs(flood: Flood, view: &View, heard: bool, prefix: bool) -> Option<Need> {
    let limits = &LIMITS[flood.index()];
    let both = match view.rules.symmetry {
        Symmetry::Auto => view.armed,
        Symmetry::Symmetric => true,
        Symmetry::Asymmetric => false,
    };
    if !view.rules.watches || !(both || limits.one_way) {
        return None;
    }
    let Need { drift, limit } = if heard && both { limits.heard } else { limits.unheard };
    let scale = if prefix { PREFIX } else { 1.0 } / view.rules.sensitivity as f32;
    Some(need(drift * scale, limit * scale))
}

impl Keyed for Watch {
    fn vacant(hash: u64) -> Self {
        Self::new(hash, CrowdRow::REST, Tick(0))
    }

    fn hash(&self) -> u64 {
        self.hash
    }

    fn address(&self) -> Address {
        self.address
    }
}
