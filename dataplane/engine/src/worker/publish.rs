//! What others see of a worker: its account with the gauges of its rooms, and its services.
//!
//! Called at every tick. Always holds: gauges are read when they are published, and nowhere else.

use repute_model::Packet;

use super::Worker;
use crate::ServiceBoard;

impl<P: Packet> Worker<P> {
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
        account.pairs_forgotten = occupancy.pairs_forgotten;
        account.sweep_ms = occupancy.sweep_ms;
        self.crowd.tell(account);
        let side = self.guard.bytes()
            + self.softener.bytes()
            + self.resets.bytes()
            + self.excesses.bytes()
            + self.opened.bytes()
            + size_of::<ServiceBoard>();
        account.memory_bytes = (self.shard.memory().0 + self.crowd.bytes() + side) as u64;
        if let Some(dns) = &self.dns {
            account.memory_bytes += dns.bytes() as u64;
            dns.tell(&mut account.dns);
            (account.dns.tapped, account.dns.untapped) = (self.tap.copied, self.tap.lost);
        }
        if let Some(endpoint) = &self.endpoint {
            account.memory_bytes += endpoint.bytes() as u64;
            account.endpoint = endpoint.account();
        }
        (account.prefilter_insertions, account.prefilter_window) = self.shard.prefilter_memory();
        account.reports_lost = self.mailbox.lost();
        account.mirror_withheld = self.mirror.withheld();
        account.softened_forgotten = self.softener.forgotten();
        account.resets_withheld = self.resets.withheld();
        account.held = u64::from(self.shaper.held() + self.connections.held() - self.empty_places);
        if let Some(team) = &self.team {
            account.hand_over_depth = team.peers.depths().map(|(_, waiting)| waiting as u64).sum();
        }
        self.published.publish(account);
        if self.services.is_due(self.now) {
            self.services.take(&self.shard, self.policy.services.len());
            self.published.publish_services(&self.services);
        }
    }
}
