//! One worker: its shard, its policy, its counters, and the breath that joins them.

mod control;
mod cookies;
pub(crate) mod crowd;
mod dns;
mod endpoint;
mod excess;
mod guard;
mod inspect;
mod judge;
pub(crate) mod lanes;
mod notes;
mod opening;
mod publish;
mod refuse;
mod release;
mod reset;
mod runs;
mod sample;
mod send;
mod setup;
mod shadow;
mod short;
mod soften;
mod stranger;
mod team;
mod told;
mod treat;
mod turns;
mod verdicts;
mod view;

use std::sync::Arc;

use arrayvec::ArrayVec;
use crowd::Crowd;
pub(crate) use dns::Asked;
use guard::Guard;
use repute_model::{
    BATCH, Band, BandChange, Command, Factor, Io, Judgement, Limits, Link, Mitigation, Outbox, Packet,
    Policy, Reason, Report, SNAPSHOT_MAX, Sampling, Side, Source, Tick, Treatment, Width,
};
use repute_reputation::{Change, Excesses, Rules, Shard, Slot};
use repute_wire::{Parsed, Softened, parse_ethernet, parse_ip};
pub use setup::{Role, Setup, Team, Wire};
pub(crate) use stranger::Stranger;
use told::Told;
use treat::Waiting;
use verdicts::Verdicts;
use view::{Facing, View};

use crate::answers::{Job, Listed};
use crate::dns::Interceptor;
use crate::endpoint::Endpoint;
use crate::opened::Opened;
use crate::resets::Resets;
use crate::shaper::{ConnectionQueue, Held, Shaper};
use crate::softener::Softener;
use crate::{
    Account, Batch, JUMP_MS, MEASURED_ONE_IN, Mailbox, Mirror, PORTS, Published, ServiceBoard, Stage, Tap,
};

/// Commands taken per tick.
const COMMANDS_PER_TICK: usize = 16;

/// A worker. Owns everything it touches; lives on one thread.
#[derive(Debug)]
pub struct Worker<P> {
    pub(crate) policy: Box<Policy>,
    pub(crate) shard: Shard,
    pub(crate) limits: Limits,
    pub(crate) account: Account,
    services: Box<ServiceBoard>,
    pub(crate) mailbox: Mailbox,
    pub(crate) job: Option<Job>,
    pub(crate) now: Tick,
    /// Entries of an older policy that packets may have looked up again in this tick, and how many the batch under way
    /// had.
    revisions_left: u32,
    revised: u32,
    wires: [Wire; PORTS],
    published: Arc<Published>,
    view: View,
    team: Option<Team<P>>,
    shaper: Shaper<Held<P>>,
    connections: ConnectionQueue<Held<P>>,
    /// Places there that shadow mode keeps for packets that went on.
    empty_places: u32,
    pub(crate) crowd: Crowd,
    guard: Guard,
    /// What is kept for DNS, where there is room for queries.
    dns: Option<Interceptor>,
    /// Where the box has an address of its own.
    endpoint: Option<Box<Endpoint>>,
    /// The tickets of the batch under way, in its order.
    tickets: ArrayVec<Waiting, BATCH>,
    mirror: Mirror<P>,
    tap: Tap,
    /// Which packets of the batch under way the mirror picked, a bit each.
    copied: u64,
    /// Which packets of the batch under way were written over by their answers when they were judged, a bit each.
    answered: u64,
    softener: Softener,
    /// Which packets of the batch under way are softened, and how.
    rewrites: ArrayVec<(u8, Softened), BATCH>,
    /// Which answers of the batch under way policy zones replace, and why.
    replaced: ArrayVec<(u8, Reason), BATCH>,
    resets: Resets<P>,
    pub(crate) excesses: Excesses,
    opened: Opened,
    /// What is told of hits.
    hits: Told,
    /// What is told of queries for honeypots.
    lures: Told,
    judgements: [Judgement; BATCH],
    /// How many of them are of the last batch, and what these have in common.
    judged: usize,
    verdicts: Verdicts,
    /// The packet of the batch whose turn it is, where that matters.
    turn: usize,
    /// So many strangers come that the lists are fetched before anybody is looked up.
    lists_early: bool,
    /// What the lists say of the batch under way is known for all of it.
    listed_all: bool,
    /// Conversations begun in the batch under way.
    begun: u32,
    /// The prefilter was asked in the last batch: it is fetched for the next one.
    prefilter_early: bool,
    /// Entries given before the batch under way was looked at.
    absent_from: u64,
    outboxes: [Outbox<P>; PORTS],
    dropped: Outbox<P>,
    control: control::Cap,
    log_left: u32,
    /// A test closes the short way.
    general_only: bool,
    /// One port carries both sides: answers to what was dropped may come all the same.
    sees_all: bool,
}

impl<P: Packet> Worker<P> {
    /// A worker with everything it will ever need.
    pub fn new(setup: Setup<'_, P>) -> Self {
        let Setup { policy, limits, seed, wires, mailbox, published, team, mirror, tap, crowds, endpoint } =
            setup;
        let mut endpoint = endpoint.and_then(|setup| Endpoint::new(setup, &limits, wires, seed));
        endpoint.iter_mut().for_each(|endpoint| endpoint.adopt(policy.dns.as_ref()));
        let none = Wire { role: Role::Both, peer: None };
        let wires = std::array::from_fn(|i| wires.get(i).copied().unwrap_or(none));
        let mut account = Account::zero();
        account.policy_version = policy.version;
        let mut shard = Shard::new(&limits, seed);
        let mut crowd = Crowd::new(limits.crowds, seed, crowds);
        if let Some(rules) = rules(&policy) {
            shard.adopt(rules.profile);
        }
        crowd.adopt(policy.crowd_rules());
        Self {
            shard,
            view: View::of(&policy, &wires, &limits, true),
            account,
            services: ServiceBoard::under(&policy),
            mailbox,
            job: None,
            now: Tick(0),
            revisions_left: 0,
            revised: 0,
            wires,
            published,
            team,
            shaper: Shaper::new(&limits),
            connections: ConnectionQueue::new(&limits),
            empty_places: 0,
            crowd,
            guard: Guard::new(limits.withheld, seed),
            dns: Interceptor::new(&limits, seed),
            endpoint,
            tickets: ArrayVec::new(),
            mirror: Mirror::new(mirror),
            tap: Tap::new(tap, seed),
            copied: 0,
            answered: 0,
            softener: Softener::new(limits.softened),
            rewrites: ArrayVec::new(),
            replaced: ArrayVec::new(),
            resets: Resets::new(),
            excesses: Excesses::new(limits.excesses),
            opened: Opened::new(),
            hits: Told::default(),
            lures: Told::default(),
            judgements: [Judgement::FORWARD; BATCH],
            judged: 0,
            verdicts: Verdicts::NONE,
            turn: 0,
            lists_early: false,
            listed_all: false,
            begun: 0,
            prefilter_early: false,
            absent_from: 0,
            outboxes: std::array::from_fn(|_| Outbox::new()),
            dropped: Outbox::new(),
            control: control::Cap::default(),
            log_left: 0,
            general_only: false,
            sees_all: wires.iter().any(|wire| wire.role == Role::Both && wire.peer.is_some()),
            limits,
            policy,
        }
    }

    /// One breath: time moves on to `now`, every packet is judged and sent on, held back, handed over or
    /// dropped. The batch is empty afterwards. Returns one judgement per packet that this worker owns, in
    /// order.
    ///
    /// All packets of a batch belong to `now`: see [`crate::batch_len`]. `now` never runs backwards; an
    /// earlier one counts as the latest.
    pub fn breathe<I: Io<Packet = P>>(
        &mut self,
        now: Tick,
        batch: &mut Batch<P>,
        io: &mut I,
    ) -> &[Judgement] {
        if now > self.now {
            let start = io.cycles();
            self.advance(now, io);
            self.account.stage(Stage::Tick, io.cycles().wrapping_sub(start));
            self.account.measured_ticks += 1;
        }
        if batch.is_empty() {
            return &[];
        }
        if self.endpoint.is_some() {
            self.receive(batch, io);
        }
        self.account.batches += 1;
        if self.account.batches.is_multiple_of(MEASURED_ONE_IN) {
            self.measured(batch, io);
        } else {
            self.look(batch);
            self.judge_all(batch);
            self.send(batch, io);
        }
        &self.judgements[..self.judged]
    }

    /// A breath with a look at the cycle counter between its stages.
    #[inline(never)]
    fn measured<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        self.account.measured_breaths += 1;
        self.account.measured_packets += batch.len() as u64;
        let mut last = io.cycles();
        let mut lap = |account: &mut Account, stage: Stage, now: u64| {
            account.stage(stage, now.wrapping_sub(last));
            last = now;
        };
        self.look(batch);
        lap(&mut self.account, Stage::Find, io.cycles());
        self.judge_all(batch);
        lap(&mut self.account, Stage::Judge, io.cycles());
        self.send(batch, io);
        lap(&mut self.account, Stage::Send, io.cycles());
    }

    /// Asks the mirror about the packet whose turn it is.
    #[inline]
    fn sample(&mut self, slot: Slot, sampling: &Sampling) {
        let hot = self.shard.hot(slot);
        let picked = self.mirror.picks(hot.band, sampling, hot.packets);
        self.copied |= u64::from(picked) << self.turn;
    }

    /// Sends every packet the general way, as a check on the short one.
    #[doc(hidden)]
    pub fn only_generally(&mut self, only: bool) {
        self.general_only = only;
        self.view = View::of(&self.policy, &self.wires, &self.limits, !only);
    }

    /// Notes how long a breath took, in ns: for whoever owns a clock.
    pub fn note_breath(&mut self, ns: u64) {
        self.account.longest_breath_ns = self.account.longest_breath_ns.max(ns);
    }

    /// What has been counted so far.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Walks the grid of ticks up to `now`, releases what is due, then answers commands and publishes once.
    fn advance<I: Io<Packet = P>>(&mut self, now: Tick, io: &mut I) {
        if now.since(self.now) > JUMP_MS {
            self.account.jumps += u64::from(self.now > Tick(0));
            self.now = now;
            self.each_source(|shard, rules, now, _, changed| shard.jump(rules, now, changed));
            self.tick_crowd();
            self.notice_silent_servers();
        } else {
            while self.now < now {
                self.now = Tick(self.now.0 + 1);
                self.each_source(|shard, rules, now, period, changed| {
                    shard.sweep(rules, now, period, changed);
                });
                self.tick_crowd();
                self.notice_silent_servers();
            }
        }
        self.log_left = LOG_LINES_PER_TICK;
        self.revisions_left = self.limits.revisions;
        self.hits.renew();
        self.lures.renew();
        self.resets.tick();
        self.release(io);
        if self.endpoint.is_some() {
            self.tend(io);
        }
        self.attend();
    }

    /// Ends a tick of the crowds, and says what the leader found.
    fn tick_crowd(&mut self) {
        let Self { crowd, mailbox, now, .. } = self;
        crowd.tick(*now, |change| mailbox.send(Report::Crowd(change)));
        self.guard.sample.tick();
    }

    /// Answers waiting commands, at most a bounded number, and publishes the account. Part of every
    /// breath that begins a tick; called alone only where time stands still (a paced replay).
    pub fn attend(&mut self) {
        for _ in 0..COMMANDS_PER_TICK {
            if self.job.is_some() {
                break;
            }
            let Some(command) = self.mailbox.command() else { break };
            let is_long = matches!(command, Command::Restore { .. });
            self.obey(command);
            if is_long {
                break;
            }
        }
        self.go_on_with_job();
        self.publish();
    }

    /// Runs a sweep over the owner side's sources and reports the band changes it makes.
    fn each_source(
        &mut self,
        sweep: impl FnOnce(&mut Shard, Rules<'_>, Tick, u32, &mut dyn FnMut(&Shard, Change)),
    ) {
        let Self { shard, policy, mailbox, account, limits, now, excesses, .. } = self;
        let Some(rules) = rules(policy) else { return };
        let width = width(policy, limits);
        sweep(shard, rules, *now, limits.sweep_ms, &mut |shard, change| {
            account.changes += 1;
            excess::note_cause(excesses, shard, rules, &change, *now);
            report(mailbox, shard, rules, width, change, *now);
        });
    }

    /// Replaces the policy and hands the old one back.
    fn install(&mut self, policy: Box<Policy>) {
        let old = std::mem::replace(&mut self.policy, policy);
        if self.services.adopt(&old, &self.policy, self.now) {
            self.shard.forget_services(self.limits.sweep_ms);
        }
        let view = View::of(&self.policy, &self.wires, &self.limits, !self.general_only);
        self.view = view.after(&self.view);
        if let Some(rules) = rules(&self.policy) {
            self.shard.adopt(rules.profile);
        }
        self.crowd.adopt(self.policy.crowd_rules());
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.adopt(self.policy.dns.as_ref());
        }
        let edition = self.policy.edition;
        self.mailbox.must_send(Report::Installed { edition, at: self.now, old });
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Install(policy) => self.install(policy),
            Command::BeginHour(usuals) => {
                let ended = self.shard.begin_hour(usuals);
                self.mailbox.must_send(Report::HourEnded(ended));
            }
            Command::Explain { token, source } => self.explain_to(token, source),
            Command::Nudge { token, source, delta, forgive } => self.nudge(token, source, delta, forgive),
            Command::Pass { token, source, points } => self.pass(token, source, points),
            Command::List { token, cursor, limit, filter } => {
                self.job = Some(Job { token, cursor, left: limit.clamp(1, 256), what: Listed::Rows(filter) });
            }
            Command::Crowds { token, cursor, limit, all } => {
                let left = limit.clamp(1, 256);
                self.job = Some(Job { token, cursor, left, what: Listed::Crowds(all) });
            }
            Command::Snapshot { token, cursor, limit } => {
                let left = limit.clamp(1, SNAPSHOT_MAX);
                self.job = Some(Job { token, cursor, left, what: Listed::States });
            }
            Command::Restore { token, states } => self.restore(token, states),
            Command::LookAtName { token, look } => self.look_at_name(token, look),
            Command::LookAtTop { token, look } => self.look_at_top(token, look),
        }
    }

    /// Scores a source again and reports if it changed its band.
    pub(crate) fn rescore(&mut self, slot: Slot) {
        let Some(rules) = rules(&self.policy) else { return };
        if let Some(change) = self.shard.rescore(slot, rules, self.now) {
            self.account.changes += 1;
            excess::note_cause(&mut self.excesses, &self.shard, rules, &change, self.now);
            let width = width(&self.policy, &self.limits);
            report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
        }
    }
}

/// Log lines reported per tick at most.
const LOG_LINES_PER_TICK: u32 = 4;

/// The policy with the profile of its owner side; `None` for a policy without a profile.
pub(crate) fn rules(policy: &Policy) -> Option<Rules<'_>> {
    Some(Rules { policy, profile: policy.profile()? })
}

/// How wide a source is on the owner side.
pub(crate) fn width(policy: &Policy, limits: &Limits) -> Width {
    match policy.owner_side() {
        Side::Outside => limits.outside,
        Side::Inside => limits.inside,
    }
}

/// The source an entry is about.
pub(crate) fn source_of(shard: &Shard, slot: Slot, width: Width) -> Source {
    let address = shard.warm(slot).address;
    let len = if address.is_v4() { width.v4 + 96 } else { width.v6 };
    Source::from_parts(address, len)
}

/// Tells the control plane of a change: one that begins, alters or ends a limit, or, with less weight, any other.
pub(crate) fn report(
    mailbox: &mut Mailbox,
    shard: &Shard,
    rules: Rules<'_>,
    width: Width,
    change: Change,
    now: Tick,
) {
    let of = |band: Band| -> Treatment { rules.profile.treatments[band.index()] };
    let hot = shard.hot(change.slot);
    let (before, treatment) = (of(change.from), shard.treatment(change.slot, rules));
    let (source, cause): (_, Factor) = (source_of(shard, change.slot, width), change.cause);
    if !before.limits() && !treatment.limits() {
        let (from, to, score) = (change.from, hot.band, hot.score);
        return mailbox.mention(|untold| Report::Band(BandChange { source, from, to, score, cause, untold }));
    }
    mailbox.send(Report::Mitigation(Mitigation {
        source,
        band: hot.band,
        treatment,
        score: hot.score,
        cause,
        at: now,
    }));
}

/// The headers of a packet.
pub(crate) fn parse<P: Packet>(packet: &P) -> Parsed {
    match packet.link() {
        Link::Ethernet => parse_ethernet(packet.bytes(), packet.wire_len()),
        Link::Ip => parse_ip(packet.bytes(), packet.wire_len()),
    }
}
