//! Service `Status`.

mod dns;

use repute_engine::{Account, PortAccount, Stage};
use repute_model::{Band, Reason};
use repute_proto::v1;
use repute_proto::v1::status_server::Status as Service;
use repute_wire::Class;
use tonic::{Request, Response, Status};

use super::convert::{hex, ms, unix_ms};
use super::{Api, Streamed, interval, pause, send, services};
use crate::{PortInfo, StatusView, WorkerView};

#[tonic::async_trait]
impl Service for Api {
    async fn get(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::StatusReport>, Status> {
        Ok(Response::new(report(&self.hub.status().await?)))
    }

    type WatchStream = Streamed<v1::StatusReport>;

    async fn watch(
        &self,
        request: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let interval = interval(request.into_inner().interval_ms);
        let hub = self.hub.clone();
        Ok(Response::new(self.stream(async move |sink| {
            loop {
                send(&sink, report(&hub.status().await?)).await?;
                pause(&sink, interval).await?;
            }
        })))
    }
}

fn report(view: &StatusView) -> v1::StatusReport {
    let total = view.total();
    let [active, past, forgotten] = view.mitigations;
    v1::StatusReport {
        version: view.info.version.clone(),
        uptime_ms: ms(view.uptime),
        memory: view.info.memory.clone(),
        policy: Some(policy(view)),
        conserved: view.workers.iter().all(|worker| worker.account.is_conserved()),
        ports: view.info.ports.iter().zip(&total.ports).map(|(info, port)| self::port(info, port)).collect(),
        workers: (0..).zip(&view.workers).map(|(number, view)| worker(number, view)).collect(),
        bands: Band::ALL.iter().zip(&total.bands).map(|(band, &n)| count(band.name(), "", n)).collect(),
        dropped: dropped(&total.ports),
        control: control(&total),
        strangers: total.strangers,
        protected: total.protected,
        unjudged: total.unjudged,
        table: Some(table(&total)),
        mitigations_active: active,
        mitigations_past: past,
        mitigations_forgotten: forgotten,
        work: Some(work(&total)),
        shadow: shadow(&total),
        dns: Some(v1::DnsStatus {
            upstreams: dns::upstreams(&view.upstreams, &total.endpoint),
            ..dns::status(&total.dns)
        }),
        shadow_services: view
            .services
            .iter()
            .map(services::shadow)
            .filter(|one| !one.effects.is_empty())
            .collect(),
    }
}

fn policy(view: &StatusView) -> v1::PolicyInForce {
    v1::PolicyInForce {
        version: view.policy.version,
        digest: hex(&view.policy.digest),
        name: view.policy.name.clone(),
        applied_unix_ms: unix_ms(view.policy.applied),
        everywhere: view.everywhere,
        shadow: view.shadow,
        confirm_until_unix_ms: view.confirm_until.map(unix_ms),
    }
}

fn port(info: &PortInfo, port: &PortAccount) -> v1::PortStatus {
    v1::PortStatus {
        name: info.name.clone(),
        device: info.device.clone(),
        role: info.role.clone(),
        peer: info.peer.clone(),
        received: port.received,
        received_bytes: port.received_bytes,
        forwarded: port.forwarded,
        dropped: dropped(std::slice::from_ref(port)),
        offered: port.offered,
        sent: port.sent,
        sent_bytes: port.sent_bytes,
        refused: port.refused,
        conserved: port.is_conserved(),
        queued: port.queued,
        handed: port.handed,
        taken: port.taken,
        released: port.released,
        mirrored: port.mirrored,
        answered: port.answered,
        resets: port.resets,
        own: port.own,
        rss: info.rss.hint.to_owned(),
        rss_finding: info.rss.finding.clone(),
    }
}

fn worker(number: u32, view: &WorkerView) -> v1::WorkerStatus {
    let account = &view.account;
    v1::WorkerStatus {
        worker: number,
        policy_version: account.policy_version,
        tick_ms: account.tick,
        silent_ms: ms(view.silent),
        batches: account.batches,
        conserved: account.is_conserved(),
        table: Some(table(account)),
        changes: account.changes,
        reports_lost: account.reports_lost,
        log_lines_suppressed: account.log_lines_suppressed,
        jumps: account.jumps,
        misowned: account.misowned,
        held: account.held,
        hand_over_depth: account.hand_over_depth,
        mirror_withheld: account.mirror_withheld,
        softened: account.softened,
        softened_forgotten: account.softened_forgotten,
        resets_withheld: account.resets_withheld,
        longest_breath_ns: account.longest_breath_ns,
        work: Some(work(account)),
        dns: Some(dns::status(&account.dns)),
    }
}

fn work(account: &Account) -> v1::WorkStatus {
    let cycles = |stage: Stage| account.stage_cycles[stage as usize];
    v1::WorkStatus {
        tick_cycles: cycles(Stage::Tick),
        find_cycles: cycles(Stage::Find),
        judge_cycles: cycles(Stage::Judge),
        send_cycles: cycles(Stage::Send),
        measured_packets: account.measured_packets,
        measured_breaths: account.measured_breaths,
        measured_ticks: account.measured_ticks,
        packets: account.ports.iter().map(|port| port.received + port.taken).sum(),
        prefilter_insertions: account.prefilter_insertions,
        prefilter_window: account.prefilter_window,
        sweep_ms: account.sweep_ms,
        memory_bytes: account.memory_bytes,
        crowd_beyond: account.crowd_beyond,
        crowd_waiting: account.crowd_waiting,
        crowd_refused: account.crowd_refused,
        crowd_left_out: account.crowd_left_out,
    }
}

fn table(account: &Account) -> v1::TableStatus {
    v1::TableStatus {
        tracked: account.tracked,
        capacity: account.capacity,
        admitted: account.admitted,
        evicted: account.evicted,
        refused: account.refused,
        expired: account.expired,
        forgotten: account.forgotten,
    }
}

/// What was dropped on some ports, by the reasons that occurred.
fn dropped(ports: &[PortAccount]) -> Vec<v1::Count> {
    let sum = |reason: Reason| ports.iter().map(|port| port.dropped[reason.index()]).sum();
    let counts = Reason::ALL.iter().map(|&reason| count(reason.name(), reason.help(), sum(reason)));
    counts.filter(|count| count.count > 0).collect()
}

/// What would have been done in shadow mode, by the reasons that occurred.
fn shadow(total: &Account) -> Vec<v1::Count> {
    let counts =
        Reason::ALL.iter().map(|&reason| count(reason.name(), reason.help(), total.shadow[reason.index()]));
    counts.filter(|count| count.count > 0).collect()
}

fn control(total: &Account) -> Vec<v1::Count> {
    let counts = Class::ALL.iter().map(|class| count(class.name(), "", total.control[class.index()]));
    counts.filter(|count| count.count > 0).collect()
}

fn count(name: &str, help: &str, count: u64) -> v1::Count {
    v1::Count { name: name.to_owned(), help: help.to_owned(), count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_its_own_cycles() {
        let mut account = Account::zero();
        for (stage, cycles) in [(Stage::Tick, 1), (Stage::Find, 2), (Stage::Judge, 3), (Stage::Send, 4)] {
            account.stage_cycles[stage as usize] = cycles;
        }
        account.ports[0].received = 5;
        account.ports[1].taken = 6;
        let work = work(&account);
        assert_eq!([work.tick_cycles, work.find_cycles, work.judge_cycles, work.send_cycles], [1, 2, 3, 4]);
        assert_eq!(work.packets, 11);
    }
}
