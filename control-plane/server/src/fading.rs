//! What is remembered of single sources, and not for ever.
//!
//! **When it is full** what ends first goes.

use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use repute_model::Source;

/// Sources of which something is remembered at most.
pub const SOURCES_MAX: usize = 65_536;

/// Something by source, until its time is over.
#[derive(Debug)]
pub struct Fading<T> {
    by_source: HashMap<Source, (SystemTime, T)>,
    /// The same by when they end.
    ends: BTreeSet<(SystemTime, Source)>,
}

impl<T> Default for Fading<T> {
    fn default() -> Self {
        Self { by_source: HashMap::new(), ends: BTreeSet::new() }
    }
}

impl<T> Fading<T> {
    /// What counts at `now`, and until when.
    pub fn of(&self, source: Source, now: SystemTime) -> Option<(SystemTime, &T)> {
        self.by_source.get(&source).filter(|(until, _)| *until > now).map(|(until, what)| (*until, what))
    }

    /// How many sources something is remembered of.
    pub fn len(&self) -> usize {
        self.by_source.len()
    }

    /// Remembers something of a source until then; it takes the place of what was remembered.
    pub fn put(&mut self, source: Source, until: SystemTime, what: T, now: SystemTime) {
        if let Some((before, _)) = self.by_source.remove(&source) {
            self.ends.remove(&(before, source));
        }
        while let Some(&(ends, ended)) = self.ends.first()
            && (ends <= now || self.ends.len() >= SOURCES_MAX)
        {
            self.ends.pop_first();
            self.by_source.remove(&ended);
        }
        self.ends.insert((until, source));
        self.by_source.insert(source, (until, what));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use repute_model::Address;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn source(n: u32) -> Source {
        Source::from_parts(Address::v4(n), 128)
    }

    #[test]
    fn each_is_remembered_until_its_time_is_over() {
        let mut fading = Fading::default();
        fading.put(source(1), at(100), 'a', at(0));
        fading.put(source(1), at(50), 'b', at(0));
        assert_eq!(fading.of(source(1), at(49)), Some((at(50), &'b')));
        assert_eq!(fading.of(source(1), at(50)), None);
        assert_eq!(fading.of(source(2), at(0)), None);
        fading.put(source(2), at(200), 'c', at(50));
        assert_eq!((fading.len(), fading.ends.len()), (1, 1), "what is over is forgotten");
    }

    #[test]
    fn what_ends_first_makes_room() {
        let mut fading = Fading::default();
        for n in 0..=SOURCES_MAX as u32 {
            fading.put(source(n), at(1000 + u64::from(n)), n, at(0));
        }
        assert_eq!((fading.len(), fading.ends.len()), (SOURCES_MAX, SOURCES_MAX));
        assert!(fading.of(source(0), at(0)).is_none() && fading.of(source(1), at(0)).is_some());
    }
}
