//! Packets of logged bands as lines of the log, at a bounded rate.

use std::time::Duration;

use repute_model::{CrowdChange, LogLine};
use tokio::time::Instant;

/// Lines per second at most, over all workers.
const LINES_PER_S: u32 = 20;

/// Writes lines with target `repute::packet`, and says how many it left out.
#[derive(Debug)]
pub(crate) struct PacketLog {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Default for PacketLog {
    fn default() -> Self {
        Self { since: Instant::now(), lines: 0, left_out: 0 }
    }
}

impl PacketLog {
    pub fn line(&mut self, worker: u16, line: &LogLine) {
        if !self.has_room() {
            return;
        }
        let judgement = &line.judgement;
        let (band, score) = match judgement.standing {
            Some((band, score)) => (band.name(), score.get()),
            None => ("stranger", 0),
        };
        tracing::info!(
            target: "repute::packet",
            worker,
            tick = line.at.0,
            src = %line.src,
            dst = %line.dst,
            protocol = line.protocol,
            dport = line.dport,
            verdict = judgement.verdict.name(),
            reason = judgement.reason.map(|reason| reason.name()),
            shadow = line.shadow,
            band,
            score,
        );
    }

    /// A crowd that changed its state.
    pub fn crowd(&mut self, change: &CrowdChange) {
        if !self.has_room() {
            return;
        }
        let numbers = &change.numbers;
        tracing::info!(
            target: "repute::crowd",
            tick = change.at.0,
            crowd = %change.crowd,
            flood = change.flood.name(),
            from = change.from.name(),
            to = change.to.name(),
            excess = numbers.excess,
            limit = numbers.limit,
            per_s = numbers.per_s,
            completed_per_s = numbers.completed_per_s,
            usual_per_s = numbers.usual_per_s,
            heard = numbers.heard,
        );
    }

    /// Counts one line; false beyond the rate.
    fn has_room(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_secs(1) {
            if self.left_out > 0 {
                tracing::info!(target: "repute::packet", left_out = self.left_out, "lines beyond the rate");
            }
            *self = Self::default();
        }
        self.lines += 1;
        let room = self.lines <= LINES_PER_S;
        self.left_out += u64::from(!room);
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_bounded_and_comes_back() {
        let mut log = PacketLog::default();
        assert_eq!((0..1000).filter(|_| log.has_room()).count(), LINES_PER_S as usize);
        assert_eq!(log.left_out, 1000 - u64::from(LINES_PER_S));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(log.has_room());
        assert_eq!(log.left_out, 0);
    }
}
