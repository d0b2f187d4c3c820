//! Who asked for honeypots lately, and for which.
//!
//! Made by the actor of what workers tell. **When it is full** ([`Fading`]) the source goes that was lured longest ago; of one source
//! the name.

use std::time::{Duration, SystemTime};

use repute_model::{DomainName, Lured, Source};

use crate::fading::Fading;

/// For how long it is remembered.
const KEPT: Duration = Duration::from_secs(86_400);
/// Names that are remembered of one source.
const NAMES: usize = 4;

/// A honeypot that a source has asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lure {
    pub name: DomainName,
    /// When last.
    pub at: SystemTime,
    /// How often, as far as that was told.
    pub times: u32,
    /// Whether it counts against the source.
    pub counted: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct LuredRoom(Fading<Vec<Lure>>);

impl LuredRoom {
    /// Takes note of what a worker tells.
    pub fn take(&mut self, lured: &Lured, now: SystemTime) {
        let Some(name) = lured.name.name() else { return };
        let mut lures = self.of(lured.source, now);
        let before = lures.iter().position(|lure| lure.name == name).map(|at| lures.remove(at));
        let times = before.map_or(0, |lure| lure.times).saturating_add(1);
        lures.insert(0, Lure { name, at: now, times, counted: lured.counted });
        lures.truncate(NAMES);
        self.0.put(lured.source, now + KEPT, lures, now);
    }

    /// What a source has asked for, the latest first.
    pub fn of(&self, source: Source, now: SystemTime) -> Vec<Lure> {
        self.0.of(source, now).map(|(_, lures)| lures.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use repute_model::{Address, FlatName};

    use super::*;

    #[test]
    fn the_last_few_names_of_a_source_are_remembered_for_a_day() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let source = Source::from_parts(Address::v4(7), 128);
        let mut room = LuredRoom::default();
        let mut asks = |name: &str, now| {
            let name: DomainName = name.parse().unwrap();
            let name = FlatName::new(name.as_bytes());
            room.take(&Lured { source, name, counted: true, untold: 0 }, at(now));
        };
        for (now, name) in
            (1..).zip(["a.example", "b.example", "c.example", "d.example", "b.example", "e.example"])
        {
            asks(name, now);
        }
        let found: Vec<_> =
            room.of(source, at(9)).into_iter().map(|lure| (lure.name.to_string(), lure.times)).collect();
        let expected = [("e.example", 1), ("b.example", 2), ("d.example", 1), ("c.example", 1)];
        assert_eq!(found, expected.map(|(name, times)| (name.to_owned(), times)));
        assert!(room.of(source, at(6 + 86_400)).is_empty());
        assert!(room.of(Source::from_parts(Address::v4(8), 128), at(9)).is_empty());
    }
}
