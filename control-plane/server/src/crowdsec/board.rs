//! All decisions, with what changed since when.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use repute_model::Prefix;

use super::decision::{Decision, go};

/// For how long a decision holds unless it is renewed, as it is while it stands.
pub const LIFE: Duration = Duration::from_secs(600);
/// Decisions at once at most; others are left out.
const DECISIONS_MAX: usize = 200_000;
/// Past decisions kept at most, for bouncers that have not heard of their end; the oldest go first.
const ENDED_MAX: usize = 20_000;

/// Why a decision stands: one prefix may have one for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ground {
    /// The source is dropped.
    Dropped,
    /// It is on the config's deny list.
    Denied,
}

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    /// The change that begot or renewed it.
    since: u64,
    scenario: String,
    value: String,
    until: SystemTime,
}

#[derive(Clone, Debug)]
struct Ended {
    /// The change that ended it.
    at: u64,
    prefix: Prefix,
    entry: Entry,
}

/// The decisions. Changes are counted; who knows up to which one it has seen gets what came later.
#[derive(Debug, Default)]
pub struct Board {
    sequence: u64,
    ids: u64,
    standing: BTreeMap<(Ground, Prefix), Entry>,
    ended: VecDeque<Ended>,
}

impl Board {
    /// The latest change.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// A decision stands.
    pub fn begin(
        &mut self,
        ground: Ground,
        prefix: Prefix,
        value: String,
        scenario: String,
        now: SystemTime,
    ) {
        if self.standing.len() >= DECISIONS_MAX || self.standing.contains_key(&(ground, prefix)) {
            return;
        }
        self.sequence += 1;
        self.ids += 1;
        let entry = Entry { id: self.ids, since: self.sequence, scenario, value, until: now + LIFE };
        self.standing.insert((ground, prefix), entry);
    }

    /// It stands no more.
    pub fn end(&mut self, ground: Ground, prefix: Prefix, now: SystemTime) {
        let Some(mut entry) = self.standing.remove(&(ground, prefix)) else { return };
        self.sequence += 1;
        entry.until = now;
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { at: self.sequence, prefix, entry });
    }

    /// Ends every decision of a ground but these.
    pub fn keep(&mut self, ground: Ground, still: impl Fn(Prefix) -> bool, now: SystemTime) {
        let of_ground = self.standing.keys().filter(|(other, _)| *other == ground);
        let gone: Vec<Prefix> =
            of_ground.map(|(_, prefix)| *prefix).filter(|prefix| !still(*prefix)).collect();
        gone.into_iter().for_each(|prefix| self.end(ground, prefix, now));
    }

    /// Renews what would end within half its life: bouncers hear of it again.
    pub fn renew(&mut self, now: SystemTime) {
        for entry in self.standing.values_mut().filter(|entry| entry.until < now + LIFE / 2) {
            self.sequence += 1;
            (entry.since, entry.until) = (self.sequence, now + LIFE);
        }
    }

    /// What stands and began, or was renewed, after a change.
    pub fn begun(&self, after: u64, now: SystemTime) -> impl Iterator<Item = Decision> {
        let news = self.standing.iter().filter(move |(_, entry)| entry.since > after);
        news.map(move |((_, prefix), entry)| entry.decision(*prefix, now))
    }

    /// What ended after a change at which it stood already.
    pub fn ended(&self, after: u64, now: SystemTime) -> impl Iterator<Item = Decision> {
        let news = self.ended.iter().filter(move |ended| ended.at > after && ended.entry.since <= after);
        news.map(move |ended| ended.entry.decision(ended.prefix, now))
    }
}

impl Entry {
    fn decision(&self, prefix: Prefix, now: SystemTime) -> Decision {
        let duration = match self.until.duration_since(now) {
            Ok(left) if !left.is_zero() => go(left),
            Ok(_) => "-1ns".to_owned(),
            Err(past) => format!("-{}", go(past.duration())),
        };
        Decision {
            duration,
            id: self.id,
            origin: "repute",
            scenario: self.scenario.clone(),
            scope: if prefix.len128() == 128 { "Ip" } else { "Range" },
            kind: "ban",
            value: self.value.clone(),
            prefix,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn begin(board: &mut Board, value: &str, now: SystemTime) {
        board.begin(Ground::Dropped, value.parse().unwrap(), value.to_owned(), "repute/rate".to_owned(), now);
    }

    fn values(decisions: impl Iterator<Item = Decision>) -> Vec<String> {
        decisions.map(|one| one.value).collect()
    }

    #[test]
    fn a_bouncer_hears_of_what_began_and_ended_since() {
        let mut board = Board::default();
        begin(&mut board, "192.0.2.1", START);
        begin(&mut board, "198.51.100.0/24", START);
        let seen = board.sequence();
        assert_eq!(values(board.begun(0, START)).len(), 2);
        board.end(Ground::Dropped, "192.0.2.1".parse().unwrap(), START);
        begin(&mut board, "192.0.2.9", START);
        board.end(Ground::Dropped, "192.0.2.9".parse().unwrap(), START);
        let later = START + Duration::from_millis(1500);
        assert_eq!(values(board.begun(seen, later)), [""; 0]);
        let ended: Vec<_> = board.ended(seen, later).collect();
        // Of the one that came and went meanwhile it never knew.
        assert_eq!((ended.len(), ended[0].value.as_str(), ended[0].scope), (1, "192.0.2.1", "Ip"));
        assert_eq!(ended[0].duration, "-1.5s");
    }

    #[test]
    fn what_stands_is_renewed_and_what_ends_is_forgotten_in_the_end() {
        let mut board = Board::default();
        begin(&mut board, "192.0.2.1", START);
        let seen = board.sequence();
        board.renew(START + LIFE / 4);
        assert_eq!(values(board.begun(seen, START)), [""; 0]);
        board.renew(START + LIFE * 3 / 4);
        let renewed: Vec<_> = board.begun(seen, START + LIFE * 3 / 4).collect();
        assert_eq!((renewed[0].id, renewed[0].duration.as_str()), (1, "10m0s"));
        for n in 0..ENDED_MAX as u32 + 10 {
            let value = Prefix::containing(repute_model::Address::v4(n), 128);
            board.begin(Ground::Denied, value, n.to_string(), String::new(), START);
        }
        board.keep(Ground::Denied, |_| false, START);
        assert_eq!((board.ended.len(), board.standing.len()), (ENDED_MAX, 1));
    }
}
