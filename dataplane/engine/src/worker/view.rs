//! What the hot path asks of ports and policy, worked out once an installation.

use repute_model::{
    Factor, Judgement, Limits, Listing, Masks, Measures, Packet, Policy, Reason, Sampling, Side, Treatment,
};
use repute_reputation::{Flags, Hot, Pace, Rules, Shortcut};

use super::{Role, Stranger, Wire, rules, width};
use crate::{Mirror, PORTS};

/// Which of a packet's two addresses has exact state here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facing {
    /// The sender's.
    Senders,
    /// The receiver's.
    Receivers,
    /// Either or both, or packets have nowhere to go: the short way is closed.
    Both,
}

/// What a treatment is for the short way: one byte, its details stand beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Way {
    /// Nothing is done.
    Pass,
    /// Nothing is done but for copies and, on the general way, to handshakes.
    Copy,
    /// What is above a rate waits.
    Queue,
    /// Everything is dropped.
    Drop,
    /// Everything is dropped, and packets are logged.
    DropAndLog,
    /// Anything else.
    General,
}

impl Way {
    /// Whether everything is dropped.
    pub const fn drops(self) -> bool {
        matches!(self, Self::Drop | Self::DropAndLog)
    }
}

/// What a source without an entry gets that takes the short way.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    pub way: Way,
    /// What becomes of its packets, where the way leads to the end.
    pub judgement: Judgement,
}

impl Refusal {
    /// Nobody is refused without being looked at.
    const GENERAL: Self = Self { way: Way::General, judgement: Judgement::FORWARD };

    /// Of whom a list denies (`Listed`), or nobody speaks (`Standing`).
    fn of(treatment: Treatment, reason: Reason) -> Self {
        let way = way(treatment);
        let judgement = if way.drops() { Judgement::drop(reason) } else { Judgement::FORWARD };
        Self { way, judgement: Judgement { measures: treatment.measures(), ..judgement } }
    }
}

/// One policy as one worker sees it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// By port number.
    facing: [Facing; PORTS],
    /// How wide a source is.
    pub masks: Masks,
    /// Whether the other side is protected, and its destinations are counted.
    pub counts_crowds: bool,
    /// The ports at which a DNS server is asked whose queries are judged, in any order and some perhaps twice; `None` =
    /// there is none.
    pub service: Option<[u16; 4]>,
    /// Whether `[protect]` names anybody.
    pub protects: bool,
    /// What each band gets, and at the end whom a list allows.
    ways: [Way; 6],
    /// The names of what each band gets.
    pub measures: [Measures; 5],
    /// Which packets of each band are copied.
    pub samplings: [Sampling; 5],
    /// What a source without an entry gets that no list names.
    pub stranger: Refusal,
    /// What sources without an entry get that a list denies, by percent of confidence.
    denied: [Refusal; 101],
    /// What entries keep whose packets pass, are copied besides, wait above a rate, or are dropped.
    pub passes: Shortcut,
    pub copies: Shortcut,
    pub queues: Shortcut,
    pub drops: Shortcut,
    /// What entries keep whose packets pass by what lists said before this policy, until they are looked up again.
    pub lingers: Shortcut,
    /// Who passed under one of so many editions right before this one lingers too.
    pub span: u16,
    /// At which rate each band's packets pass, where they wait above it.
    pub paces: [Option<Pace>; 5],
    /// Whether packets of any band are dropped, and whether that may have to be logged.
    pub drops_any: bool,
    pub logs_drops: bool,
    /// Whether packets of any band are copied that the short way judges.
    pub copies_any: bool,
    /// Whether packets of any band wait that the short way judges.
    pub queues_any: bool,
    /// Whether connections of any band are softened.
    pub softens: bool,
    /// Whether packets of any band are looked into.
    pub inspects: bool,
    /// Whether every packet goes on, whatever its verdict.
    pub shadow: bool,
    /// Whether queries that were answered from the cache before need not be read again.
    pub repeats: bool,
    /// Whether those of sources that stand well and whose packets pass need not even be judged the general way.
    pub repeats_shortly: bool,
    /// Whether it is known in which autonomous systems requesters are.
    pub systems: bool,
    /// Whether what begins a conversation can be judged without being read, where it passes.
    pub begins: bool,
}

impl View {
    /// Looks at a policy from these ports; `short` opens the short way.
    pub fn of(policy: &Policy, wires: &[Wire; PORTS], limits: &Limits, short: bool) -> Self {
        let facing = |wire: Wire| match (wire.role, policy.owner_side()) {
            _ if wire.peer.is_none() => Facing::Both,
            (Role::Both, _) => Facing::Both,
            (Role::Outside, Side::Outside) | (Role::Inside, Side::Inside) => Facing::Senders,
            (Role::Outside, Side::Inside) | (Role::Inside, Side::Outside) => Facing::Receivers,
        };
        let treatments = rules(policy).map(|rules| rules.profile.treatments);
        let stranger = |listing, reason| {
            let treatment = rules(policy).map(|rules| Stranger::listed(listing, rules).treatment);
            treatment.map_or(Refusal::GENERAL, |treatment| Refusal::of(treatment, reason))
        };
        // Who talks to which service makes a difference.
        let by_service = |rules: Rules<'_>| {
            !policy.services.is_empty() && rules.profile.factors[Factor::Criticality.index()].weight > 0.0
        };
        let varies = rules(policy).is_some_and(by_service);
        let bands = treatments.unwrap_or([Treatment::PASS; 5]);
        let ways = std::array::from_fn(|band| match treatments {
            None => Way::General,
            Some(all) => all.get(band).map_or(Way::Pass, |treatment| known(policy, *treatment)),
        });
        let inspects = bands.iter().any(|treatment| treatment.inspect);
        let repeats = policy.dns.is_some() && !inspects && !policy.shadow;
        let service = service(policy, limits);
        let zones = policy.dns.as_ref().is_some_and(|rules| !rules.zones.is_empty());
        Self {
            facing: wires.map(|wire| if short { facing(wire) } else { Facing::Both }),
            masks: width(policy, limits).masks(),
            counts_crowds: policy.owner_side() == Side::Outside,
            service,
            protects: !policy.protect.is_empty(),
            ways,
            measures: bands.map(Treatment::measures),
            samplings: bands.map(|treatment| treatment.mirror.unwrap_or(Sampling::NONE)),
            stranger: if varies { Refusal::GENERAL } else { stranger(None, Reason::Standing) },
            denied: std::array::from_fn(|percent| {
                stranger(Some(Listing::Deny(percent as u8)), Reason::Listed)
            }),
            passes: Shortcut::passes(policy.edition),
            copies: Shortcut::copies(policy.edition),
            queues: Shortcut::queues(policy.edition),
            drops: Shortcut::drops(policy.edition),
            lingers: Shortcut::lingers(policy.edition),
            span: 0,
            paces: bands.map(|treatment| treatment.queue.as_ref().map(Pace::of)),
            drops_any: ways.iter().any(|way| way.drops()),
            logs_drops: ways.contains(&Way::DropAndLog),
            copies_any: ways.contains(&Way::Copy),
            queues_any: ways.contains(&Way::Queue),
            inspects,
            softens: bands.iter().any(|treatment| treatment.soften.is_some()),
            shadow: policy.shadow,
            repeats,
            repeats_shortly: repeats && !zones && policy.services.is_empty(),
            systems: policy.dns.is_some() && !policy.homes.is_empty(),
            begins: service.is_none() && !inspects && policy.services.is_empty(),
        }
    }

    /// The same behind another one: where all who passed may go on to pass, entries keep what they have.
    pub fn after(self, before: &Self) -> Self {
        let mut rows = before.ways.iter().zip(&self.ways);
        if !rows.all(|(before, now)| *before != Way::Pass || *now == Way::Pass) {
            return self;
        }
        let span = before.span.saturating_add(self.passes.ahead_of(before.passes));
        let span = if span <= Shortcut::SPAN_MAX { span } else { 0 };
        Self { lingers: before.passes, span, ..self }
    }

    /// Whether packets go on to pass by what lists said before, while their source's turn to be looked up again has not
    /// come.
    #[inline(always)]
    pub fn may_linger(&self, shortcut: Shortcut) -> bool {
        shortcut == self.lingers || shortcut.is_since(self.passes, self.span)
    }

    /// Which way a port faces.
    #[inline(always)]
    pub fn facing(&self, port: u8) -> Facing {
        self.facing[usize::from(port) % PORTS]
    }

    /// What an entry gets.
    #[inline(always)]
    pub fn way(&self, hot: &Hot) -> Way {
        let row = if hot.flags.has(Flags::ALLOWED) { 5 } else { hot.band.index() };
        self.ways[row]
    }

    /// Whether the packet of a source that was counted last is one to be copied.
    #[inline(always)]
    pub fn picks<P: Packet>(&self, mirror: &mut Mirror<P>, hot: &Hot) -> bool {
        let sampling = &self.samplings[hot.band.index()];
        *sampling != Sampling::NONE && mirror.picks(hot.band, sampling, hot.packets)
    }

    /// What a source without an entry gets that a list denies with this confidence.
    #[inline(always)]
    pub fn denied(&self, percent: u8) -> &Refusal {
        &self.denied[usize::from(percent).min(100)]
    }
}

/// Which ports the short way leaves alone.
fn service(policy: &Policy, limits: &Limits) -> Option<[u16; 4]> {
    let dns = policy.dns.as_ref().filter(|_| limits.queries > 0)?;
    let first = *dns.ports.first()?;
    Some(std::array::from_fn(|i| dns.ports.get(i).copied().unwrap_or(first)))
}

/// What a known source gets. In shadow mode its packets are noted as what they are, packets that pass: what would have
/// been done with them the general way finds out.
fn known(policy: &Policy, treatment: Treatment) -> Way {
    match way(treatment) {
        Way::Drop | Way::DropAndLog | Way::Queue if policy.shadow => Way::General,
        way => way,
    }
}

fn way(treatment: Treatment) -> Way {
    match treatment {
        Treatment::PASS => Way::Pass,
        // A handshake never takes the short way, and what is to be softened behind it neither.
        _ if (Treatment { mirror: None, soften: None, ..treatment }) == Treatment::PASS => Way::Copy,
        Treatment { queue: Some(_), .. } if (Treatment { queue: None, ..treatment }) == Treatment::PASS => {
            Way::Queue
        }
        Treatment { drop: true, log, mirror: None, reset: false, excess_only: false, .. } => {
            if log {
                Way::DropAndLog
            } else {
                Way::Drop
            }
        }
        _ => Way::General,
    }
}
