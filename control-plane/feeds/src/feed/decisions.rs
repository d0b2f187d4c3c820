//! The decisions of a CrowdSec local API that are in force: what its stream said, delta by delta.
//!
//! **Always holds:** deletions of an answer are applied before what it adds; a decision is known by its id; what has
//! ended by its own time is gone whether or not the API says so. **When there are too many** the answer is refused and
//! the stream begins anew.

use std::collections::HashMap;
use std::io::Read;
use std::time::SystemTime;

use super::config::Weights;
use crate::collect::{Claim, Collector, Mark};
use crate::format::{Decision, answer};
use crate::import::{Import, Terms};
use crate::read::Unpacked;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Skipped;

/// One decision that counts.
#[derive(Clone, PartialEq, Debug)]
struct Kept {
    value: String,
    note: String,
    confidence: u8,
    until: Option<SystemTime>,
}

/// All decisions in force.
#[derive(Debug, Default)]
pub struct Decisions {
    kept: HashMap<String, Kept>,
    skipped: Skipped,
    weights: Weights,
}

impl Decisions {
    /// None yet.
    pub fn new(weights: Weights) -> Self {
        Self { weights, ..Self::default() }
    }

    /// Takes one answer of the stream; at `startup` it replaces everything. `true` where something has changed. After
    /// an error nothing has.
    ///
    /// # Errors
    /// What is no answer, or more decisions than the terms allow.
    pub fn take(&mut self, source: impl Read, startup: bool, terms: &Terms<'_>) -> Result<bool, Refusal> {
        let mut reader = Collector::new(terms);
        let source = Unpacked::new(source, terms.limits);
        let source = source.map_err(|error| reader.refuse(Place::Whole, error.into()))?;
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        answer(source, &mut reader, |reader, deleted, decision, at| {
            if deleted {
                gone.push(decision.key());
                return Ok(());
            }
            match self.kept(&decision, terms.now) {
                Err(reason) => reader.skip(reason, at),
                Ok(kept) => {
                    new.push((decision.key(), kept));
                    Ok(())
                }
            }
        })?;
        let before = if startup { 0 } else { self.kept.len() };
        if before + new.len() > terms.limits.entries {
            return Err(reader.refuse(Place::Whole, Why::Entries(terms.limits.entries)));
        }
        let was = startup.then(|| std::mem::take(&mut self.kept));
        self.skipped = reader.import.skipped;
        let mut changed = self.prune(terms.now);
        for key in gone {
            changed |= self.kept.remove(&key).is_some();
        }
        for (key, kept) in new {
            let same = self.kept.insert(key, kept.clone()).is_some_and(|old| alike(&old, &kept));
            changed |= !same;
        }
        match was {
            Some(was) => Ok(!same(&was, &self.kept)),
            None => Ok(changed),
        }
    }

    /// Drops what has ended. `true` where there was something.
    pub fn prune(&mut self, now: SystemTime) -> bool {
        let before = self.kept.len();
        self.kept.retain(|_, kept| kept.until.is_none_or(|until| until > now));
        self.kept.len() != before
    }

    /// How many are in force.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What they say together: of several about one value the most confident. Having none is no error: the API has
    /// said so.
    ///
    /// # Errors
    /// Never for decisions that [`take`](Self::take) took.
    pub fn import(&self, terms: &Terms<'_>) -> Result<Import, Refusal> {
        let mut into = Collector::new(terms);
        let mut all: Vec<_> = self.kept.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        for (number, (_, kept)) in all.into_iter().enumerate() {
            let at = Mark { line: 1, item: Some(("/new", number as u64)) };
            into.record(at)?;
            let note = into.note(&kept.note);
            let claim = Claim { confidence: Some(kept.confidence), until: kept.until, note };
            into.text(kept.value.as_bytes(), claim, at)?;
        }
        let mut import = into.close();
        if import.skipped.total() == 0 {
            import.skipped = self.skipped.clone();
        }
        Ok(import)
    }

    fn kept(&self, decision: &Decision, now: SystemTime) -> Result<Kept, crate::Reason> {
        let value = decision.value()?.to_owned();
        let confidence = match decision.kind().as_str() {
            "ban" => self.weights.ban,
            "captcha" => self.weights.captcha,
            _ => self.weights.other,
        };
        let until = decision.end(now);
        if until.is_some_and(|until| until <= now) {
            return Err(crate::Reason::Expired);
        }
        Ok(Kept { value, note: decision.note().to_owned(), confidence, until })
    }
}

/// Two seconds: by so much the end of one decision may differ that was sent twice, because it is sent as a duration.
const END_SLACK_S: u64 = 2;

fn alike(a: &Kept, b: &Kept) -> bool {
    let end = match (a.until, b.until) {
        (Some(a), Some(b)) => a.max(b).duration_since(a.min(b)).is_ok_and(|gap| gap.as_secs() < END_SLACK_S),
        (a, b) => a == b,
    };
    end && (&a.value, &a.note, a.confidence) == (&b.value, &b.note, b.confidence)
}

fn same(a: &HashMap<String, Kept>, b: &HashMap<String, Kept>) -> bool {
    a.len() == b.len() && a.iter().all(|(key, kept)| b.get(key).is_some_and(|other| alike(kept, other)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn decision(id: u32, value: &str, kind: &str, duration: &str) -> String {
        format!(
            "{{\"id\":{id},\"scope\":\"Ip\",\"value\":\"{value}\",\"type\":\"{kind}\",\"duration\":\"{duration}\",\
              \"origin\":\"cscli\",\"scenario\":\"s\"}}"
        )
    }

    fn take(decisions: &mut Decisions, startup: bool, deleted: &[String], new: &[String], now: u64) -> bool {
        let list = |items: &[String]| {
            if items.is_empty() { "null".into() } else { format!("[{}]", items.join(",")) }
        };
        let text = format!("{{\"deleted\":{},\"new\":{}}}", list(deleted), list(new));
        decisions.take(text.as_bytes(), startup, &Terms::new("lapi", at(now))).unwrap()
    }

    fn values(decisions: &Decisions, now: u64) -> Vec<String> {
        let import = decisions.import(&Terms::new("lapi", at(now))).unwrap();
        import.entries().iter().map(|e| format!("{} {:?}", e.prefix, e.says)).collect()
    }

    #[test]
    fn deltas_deletions_and_ends() {
        let mut lapi = Decisions::new(Weights::default());
        let ban = decision(1, "192.0.2.1", "ban", "1h");
        let captcha = decision(2, "192.0.2.1", "captcha", "4h");
        assert!(take(&mut lapi, true, &[], &[ban.clone(), captcha], 0));
        assert_eq!(values(&lapi, 0), ["192.0.2.1/32 Deny(100)"]);
        // A deletion takes one decision by its id; the other one about the same address stays.
        assert!(take(&mut lapi, false, &[decision(1, "192.0.2.1", "ban", "-1s")], &[], 10));
        assert_eq!(values(&lapi, 10), ["192.0.2.1/32 Deny(50)"]);
        // Deleted before added: one answer may do both to one id.
        let again = decision(2, "192.0.2.2", "ban", "1h");
        assert!(take(&mut lapi, false, &[decision(2, "192.0.2.1", "captcha", "-1s")], &[again], 20));
        assert_eq!(values(&lapi, 20), ["192.0.2.2/32 Deny(100)"]);
        assert!(!take(&mut lapi, false, &[], &[], 30));
        assert!(lapi.prune(at(3620)) && lapi.is_empty());
    }

    #[test]
    fn a_start_that_says_the_same_changes_nothing() {
        let mut lapi = Decisions::new(Weights::default());
        assert!(take(&mut lapi, true, &[], &[decision(1, "192.0.2.1", "ban", "1h")], 0));
        assert!(!take(&mut lapi, true, &[], &[decision(1, "192.0.2.1", "ban", "59m50s")], 10));
        assert!(take(&mut lapi, true, &[], &[], 20));
        assert!(lapi.is_empty());
    }

    #[test]
    fn an_error_changes_nothing() {
        let mut lapi = Decisions::new(Weights::default());
        take(&mut lapi, true, &[], &[decision(1, "192.0.2.1", "ban", "1h")], 0);
        let terms = Terms::new("lapi", at(1));
        assert!(lapi.take(b"{\"new\":[{\"id\":2,".as_slice(), true, &terms).is_err());
        let few = Terms { limits: crate::Limits { entries: 1, ..terms.limits }, ..terms };
        let more = format!("{{\"new\":[{}]}}", decision(2, "192.0.2.2", "ban", "1h"));
        assert!(lapi.take(more.as_bytes(), false, &few).is_err());
        assert_eq!(values(&lapi, 1).len(), 1);
    }
}
