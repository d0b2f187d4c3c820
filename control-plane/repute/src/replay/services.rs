//! What became of each service's traffic, under one policy and beside it under another: the table of a replay, and the
//! rows of `--services`.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::Path;

use repute_model::{Effect, Source};
use serde::Serialize;

use super::rehearsal::Judged;

/// What the row of packets is called that are about no service.
const NONE: &str = "(no service)";

/// What one policy did to one service.
#[derive(Default, Debug)]
struct Fate {
    packets: [u64; Effect::COUNT],
    bytes: [u64; Effect::COUNT],
    sources: [HashSet<Source>; Effect::COUNT],
}

impl Fate {
    fn note(&mut self, one: &Judged, source: Source) {
        let effect = Effect::of(&one.judgement).index();
        self.packets[effect] += 1;
        self.bytes[effect] += u64::from(one.wire_len);
        self.sources[effect].insert(source);
    }

    fn of(&self, effect: Effect) -> Share {
        let effect = effect.index();
        Share {
            packets: self.packets[effect],
            bytes: self.bytes[effect],
            sources: self.sources[effect].len() as u64,
        }
    }
}

/// Packets with one fate.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
pub struct Share {
    packets: u64,
    bytes: u64,
    /// Different sources that sent them.
    sources: u64,
}

/// One service in one replay.
#[derive(Serialize, Debug)]
pub struct Row {
    /// The capture, where several were replayed one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Its name; absent for packets that are about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// What the policy did, by effect.
    policy: BTreeMap<&'static str, Share>,
    /// What the other policy did to the same packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<BTreeMap<&'static str, Share>>,
}

/// Judged packets by the service that they are about.
#[derive(Default, Debug)]
pub struct Services {
    /// By name, empty = none: what this policy did, and what the other one would have done.
    rows: BTreeMap<String, [Fate; 2]>,
    against: bool,
}

impl Services {
    /// Nothing seen; `against`: there is another policy.
    pub fn new(against: bool) -> Self {
        Self { against, ..Self::default() }
    }

    /// Counts one packet, and what the other policy would have done with it. It belongs to the service that the other
    /// policy names: that is the one to be rehearsed; else to that of this one.
    pub fn note(&mut self, here: &Judged, there: Option<&Judged>) {
        let Some(source) = here.source.or_else(|| there?.source) else { return };
        let service = there.and_then(|there| there.service.as_deref()).or(here.service.as_deref());
        let fates = match self.rows.get_mut(service.unwrap_or_default()) {
            Some(fates) => fates,
            None => self.rows.entry(service.unwrap_or_default().to_owned()).or_default(),
        };
        fates[0].note(here, source);
        if let Some(there) = there {
            fates[1].note(there, source);
        }
    }

    /// The table; empty where there is neither another policy nor a service.
    pub fn table(&self) -> String {
        let named = self.rows.keys().any(|name| !name.is_empty());
        if !named && !self.against {
            return String::new();
        }
        let mut out = String::from("by service\n");
        let head = |title: &str| format!(" {title:>33}");
        if self.against {
            let _ = writeln!(out, "  {:<25}{}{}", "", head("this policy"), head("the other policy"));
        }
        let columns = format!(" {:>12} {:>12} {:>7}", "packets", "bytes", "sources");
        let _ = writeln!(out, "  {:<25}{}", "", columns.repeat(1 + usize::from(self.against)));
        for (name, fates) in &self.rows {
            let name = if name.is_empty() { NONE } else { name };
            self.lines(&mut out, name, fates);
        }
        out
    }

    /// A line for each effect that either policy has. Writing to a `String` cannot fail.
    fn lines(&self, out: &mut String, name: &str, fates: &[Fate; 2]) {
        let sides = &fates[..1 + usize::from(self.against)];
        let mut name = name;
        for &effect in Effect::ALL {
            let shares = sides.iter().map(|fate| fate.of(effect));
            if shares.clone().all(|share| share.packets == 0) {
                continue;
            }
            let _ = write!(out, "  {name:<14} {effect:<10}");
            for Share { packets, bytes, sources } in shares {
                let _ = write!(out, " {packets:>12} {bytes:>12} {sources:>7}");
            }
            let _ = writeln!(out);
            name = "";
        }
    }

    /// The rows for other tools: every effect, zeros too.
    pub fn into_rows(self, file: Option<&Path>) -> Vec<Row> {
        let file = file.map(|path| path.display().to_string());
        let all = |fate: &Fate| Effect::ALL.iter().map(|&effect| (effect.name(), fate.of(effect))).collect();
        let row = |(name, fates): (String, [Fate; 2])| Row {
            file: file.clone(),
            service: (!name.is_empty()).then_some(name),
            policy: all(&fates[0]),
            other: self.against.then(|| all(&fates[1])),
        };
        self.rows.into_iter().map(row).collect()
    }
}
