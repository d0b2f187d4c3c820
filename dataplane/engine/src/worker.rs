//! One worker: its shard, its policy, its counters, and the breath that joins them.

mod control;
mod judge;
pub(crate) mod lanes;
mod send;
mod short;
mod stranger;
mod view;

use std::sync::Arc;

use arrayvec::ArrayVec;
use repute_model::{
    BATCH, Band, Command, Factor, Io, Judgement, Limits, Link, Mitigation, Outbox, Packet, Policy, Report,
    Side, Source, Tick, Treatment, Width,
};
use repute_reputation::{Change, Rules, Shard, Slot};
use repute_wire::{Parsed, parse_ethernet, parse_ip};
pub(crate) use stranger::Stranger;
use view::{Facing, View};

use crate::answers::ListJob;
use crate::{Account, Batch, JUMP_MS, Mailbox, PORTS, Published};

/// On which side of a port its senders are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The protected side.
    Inside,
    /// Everybody else.
    Outside,
    /// Both; the policy's `inside` prefixes tell.
    Both,
}

/// One port of a worker: the side of its senders, and where its packets go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wire {
    /// Which side.
    pub role: Role,
    /// The port its packets are forwarded to; `None` drops them as `no-peer`.
    pub peer: Option<u8>,
}

/// Commands taken per tick.
const COMMANDS_PER_TICK: usize = 16;

/// A worker. Owns everything it touches; lives on one thread.
#[derive(Debug)]
pub struct Worker<P> {
    pub(crate) policy: Box<Policy>,
    pub(crate) shard: Shard,
    pub(crate) limits: Limits,
    pub(crate) account: Account,
    pub(crate) mailbox: Mailbox,
    pub(crate) job: Option<ListJob>,
    pub(crate) now: Tick,
    wires: [Wire; PORTS],
    published: Arc<Published>,
    view: View,
    judgements: ArrayVec<Judgement, BATCH>,
    outboxes: [Outbox<P>; PORTS],
    dropped: Outbox<P>,
    control: control::Cap,
    log_left: u32,
    /// One port carries both sides: answers to what was dropped may come all the same.
    sees_all: bool,
}

impl<P: Packet> Worker<P> {
    /// A worker with everything it will ever need. `seed` keys its hash tables; `wires` are its ports,
    /// at most [`PORTS`].
    pub fn new(
        policy: Box<Policy>,
        limits: Limits,
        seed: u64,
        wires: &[Wire],
        mailbox: Mailbox,
        published: Arc<Published>,
    ) -> Self {
        let none = Wire { role: Role::Both, peer: None };
        let mut account = Account::zero();
        account.policy_version = policy.version;
        let mut shard = Shard::new(&limits, seed);
        if let Some(rules) = rules(&policy) {
            shard.adopt(rules.profile);
        }
        let wires = std::array::from_fn(|i| wires.get(i).copied().unwrap_or(none));
        Self {
            shard,
            view: View::of(&policy, &wires, &limits),
            limits,
            account,
            mailbox,
            job: None,
            now: Tick(0),
            wires,
            published,
            judgements: ArrayVec::new(),
            outboxes: std::array::from_fn(|_| Outbox::new()),
            dropped: Outbox::new(),
            control: control::Cap::default(),
            log_left: 0,
            sees_all: wires.iter().any(|wire| wire.role == Role::Both && wire.peer.is_some()),
            policy,
        }
    }

    /// One breath: time moves on to `now`, every packet is judged and sent on or dropped. The batch is
    /// empty afterwards. Returns one judgement per packet, in order.
    ///
    /// All packets of a batch belong to `now`: see [`crate::batch_len`]. `now` never runs backwards; an
    /// earlier one counts as the latest.
    pub fn breathe<I: Io<Packet = P>>(
        &mut self,
        now: Tick,
        batch: &mut Batch<P>,
        io: &mut I,
    ) -> &[Judgement] {
        self.advance(now);
        self.judgements.clear();
        if batch.is_empty() {
            return &self.judgements;
        }
        self.account.batches += 1;
        batch.prefetch();
        self.look(batch);
        let len = batch.len().min(BATCH);
        for i in 0..len {
            let judgement = match self.judge_shortly(&batch.lanes.lane[i], &batch.lanes.sought[i]) {
                Some(judgement) => judgement,
                None => self.judge(&batch.packets[i], batch.ports[i]),
            };
            self.judgements.push(judgement);
        }
        self.send(batch, io);
        &self.judgements
    }

    /// What has been counted so far.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Publishes the account now, off the tick grid: after the last breath.
    pub fn publish(&mut self) {
        let occupancy = self.shard.occupancy();
        let account = &mut self.account;
        account.tick = self.now.0;
        account.policy_version = self.policy.version;
        account.tracked = occupancy.tracked;
        account.capacity = occupancy.capacity;
        account.admitted = occupancy.admitted;
        account.evicted = occupancy.evicted;
        account.refused = occupancy.refused;
        account.expired = occupancy.expired;
        account.forgotten = occupancy.forgotten;
        account.reports_lost = self.mailbox.lost();
        self.published.publish(account);
    }

    /// Walks the grid of ticks up to `now`, then answers commands and publishes once.
    fn advance(&mut self, now: Tick) {
        if now <= self.now {
            return;
        }
        if now.since(self.now) > JUMP_MS {
            self.account.jumps += u64::from(self.now > Tick(0));
            self.now = now;
            self.each_source(|shard, rules, now, _, changed| shard.jump(rules, now, changed));
        } else {
            while self.now < now {
                self.now = Tick(self.now.0 + 1);
                self.each_source(|shard, rules, now, period, changed| {
                    shard.sweep(rules, now, period, changed);
                });
            }
        }
        self.log_left = LOG_LINES_PER_TICK;
        self.attend();
    }

    /// Answers waiting commands, at most a bounded number, and publishes the account. Part of every
    /// breath that begins a tick; called alone only where time stands still (a paced replay).
    pub fn attend(&mut self) {
        for _ in 0..COMMANDS_PER_TICK {
            if self.job.is_some() {
                break;
            }
            let Some(command) = self.mailbox.command() else { break };
            self.obey(command);
        }
        self.go_on_listing();
        self.publish();
    }

    /// Runs a sweep over the owner side's sources and reports the band changes it makes.
    fn each_source(
        &mut self,
        sweep: impl FnOnce(&mut Shard, Rules<'_>, Tick, u32, &mut dyn FnMut(&Shard, Change)),
    ) {
        let Self { shard, policy, mailbox, account, limits, now, .. } = self;
        let Some(rules) = rules(policy) else { return };
        let width = width(policy, limits);
        sweep(shard, rules, *now, limits.sweep_ms, &mut |shard, change| {
            account.changes += 1;
            report(mailbox, shard, rules, width, change, *now);
        });
    }

    /// Replaces the policy and hands the old one back.
    fn install(&mut self, policy: Box<Policy>) {
        let old = std::mem::replace(&mut self.policy, policy);
        self.view = View::of(&self.policy, &self.wires, &self.limits);
        if let Some(rules) = rules(&self.policy) {
            self.shard.adopt(rules.profile);
        }
        let version = self.policy.version;
        self.mailbox.must_send(Report::Installed { version, at: self.now, old });
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Install(policy) => self.install(policy),
            Command::Explain { token, source } => self.explain_to(token, source),
            Command::Nudge { token, source, delta, forgive } => self.nudge(token, source, delta, forgive),
            Command::List { token, cursor, limit, filter } => {
                self.job = Some(ListJob { token, cursor, left: limit.clamp(1, 256), filter });
            }
        }
    }

    /// Scores a source again and reports if it changed its band.
    pub(crate) fn rescore(&mut self, slot: Slot) {
        let Some(rules) = rules(&self.policy) else { return };
        if let Some(change) = self.shard.rescore(slot, rules, self.now) {
            self.account.changes += 1;
            let width = width(&self.policy, &self.limits);
            report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
        }
    }
}

/// Log lines reported per tick at most.
const LOG_LINES_PER_TICK: u32 = 4;

/// The policy with the profile of its owner side; `None` for a policy without a profile.
pub(crate) fn rules(policy: &Policy) -> Option<Rules<'_>> {
    let profile = policy.ingress.as_ref().or(policy.egress.as_ref())?;
    Some(Rules { policy, profile })
}

/// Which side's addresses have exact state.
pub(crate) fn owner_side(policy: &Policy) -> Side {
    if policy.ingress.is_some() { Side::Outside } else { Side::Inside }
}

/// How wide a source is on the owner side.
pub(crate) fn width(policy: &Policy, limits: &Limits) -> Width {
    match owner_side(policy) {
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

/// Tells the control plane of a change that begins, alters or ends a limit.
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
    if !before.limits() && !treatment.limits() {
        return;
    }
    let cause: Factor = change.cause;
    mailbox.send(Report::Mitigation(Mitigation {
        source: source_of(shard, change.slot, width),
        band: hot.band,
        treatment,
        score: hot.score,
        cause,
        at: now,
    }));
}

fn parse<P: Packet>(packet: &P) -> Parsed {
    match packet.link() {
        Link::Ethernet => parse_ethernet(packet.bytes(), packet.wire_len()),
        Link::Ip => parse_ip(packet.bytes(), packet.wire_len()),
    }
}
