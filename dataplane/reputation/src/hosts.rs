//! Which asked hosts are known to answer others: what makes somebody's silence evidence.
//!
//! One word a host in a direct-mapped table: who was answered last, or that several were. Old
//! knowledge expires by era. When two hosts share a word the newer one counts: the worst case is a
//! silence that goes unnoticed or is noticed wrongly once, bounded by the table's size.

use repute_memory::Table;
use repute_model::Tick;

const SEVERAL: u32 = 0xffff;
/// 2^19 ms, just under nine minutes.
const ERA_SHIFT: u32 = 19;

/// Bounded memory of answering hosts.
#[derive(Debug)]
pub struct Hosts {
    words: Table<u32>,
}

impl Hosts {
    /// Room for `2^bits` hosts, bits ≤ [`Hosts::MAX_BITS`].
    pub fn new(bits: u32) -> Self {
        Self { words: Table::new(1 << bits.min(Self::MAX_BITS), 0) }
    }

    /// Host numbers have at most this many bits.
    pub const MAX_BITS: u32 = 20;

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.words.bytes()
    }

    /// Notes that `host` answered `asker`.
    pub fn answered(&mut self, host: u32, asker: u64, now: Tick) {
        let mask = self.words.len() as u32 - 1;
        let word = &mut self.words[(host & mask) as usize];
        let tag = tag(asker);
        let known = fresh(*word, now).map_or(tag, |old| if old == tag { tag } else { SEVERAL });
        *word = era(now) << 16 | known;
    }

    /// Whether `host` answered somebody else than `asker` within the last two eras.
    pub fn answers_others(&self, host: u32, asker: u64, now: Tick) -> bool {
        let mask = self.words.len() as u32 - 1;
        fresh(self.words[(host & mask) as usize], now).is_some_and(|known| known != tag(asker))
    }
}

/// 1..=0xfffe
fn tag(asker: u64) -> u32 {
    (asker as u32 & 0xffff).clamp(1, SEVERAL - 1)
}

/// Never 0, so that an empty word is never fresh by accident.
fn era(now: Tick) -> u32 {
    ((now.0 >> ERA_SHIFT) as u32 & 0x7fff) | 0x8000
}

fn fresh(word: u32, now: Tick) -> Option<u32> {
    let before = Tick(now.0.saturating_sub(1 << ERA_SHIFT));
    let at = word >> 16;
    (at == era(now) || at == era(before)).then_some(word & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_needs_an_answer_to_somebody_else() {
        let mut hosts = Hosts::new(8);
        let now = Tick(5);
        assert!(!hosts.answers_others(3, 100, now));
        hosts.answered(3, 100, now);
        assert!(!hosts.answers_others(3, 100, now));
        assert!(hosts.answers_others(3, 200, now));
        hosts.answered(3, 200, now);
        assert!(hosts.answers_others(3, 100, now));
        assert!(!hosts.answers_others(4, 100, now));
    }

    #[test]
    fn knowledge_expires() {
        let mut hosts = Hosts::new(8);
        hosts.answered(3, 100, Tick(0));
        assert!(hosts.answers_others(3, 200, Tick(1 << 19)));
        assert!(!hosts.answers_others(3, 200, Tick(3 << 19)));
    }
}
