//! The crowds in flood, as every worker knows them: a short sorted list, and what strangers may have there together.
//!
//! Made by the leader ([`super::Watches`]), published as plain words, read by workers for packets that go the general
//! way. Always holds: sorted by first address, the longer prefix later; at most [`Alarms::MAX`], and who finds the list
//! full is left out, counted and still watched.

use arrayvec::ArrayVec;
use repute_model::{Address, Flood, Floods, Prefix, Tick};

use super::sender::Network;

/// Words of one alarm.
const WORDS: usize = 6;

/// One crowd in flood.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Alarm {
    /// Which destinations.
    pub crowd: Prefix,
    /// The kinds that they are flooded with.
    pub floods: Floods,
    /// Of those: the kinds in which only senders from `network` are held up.
    pub confined: Floods,
    /// Where these come from.
    pub(super) network: Option<Network>,
    /// Questions that strangers ask there.
    pub requests: Openings,
    /// Segments of connections that nobody knows.
    pub segments: Openings,
}

/// What strangers open at a crowd in flood, of one kind.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Openings {
    /// How many per second of those who repeat themselves may pass together.
    pub per_s: f32,
    /// Low bits of the tick in which this kind of flood began.
    pub since: u32,
}

impl Openings {
    fn to_word(self) -> u64 {
        u64::from(self.per_s.to_bits()) << 32 | u64::from(self.since)
    }

    fn read(word: u64) -> Self {
        Self { per_s: f32::from_bits((word >> 32) as u32), since: word as u32 }
    }

    /// For how long it has gone on, ms.
    pub fn lasts(&self, now: Tick) -> u32 {
        now.low().wrapping_sub(self.since)
    }
}

impl Alarm {
    /// Whether who sends from this address has part in a kind of flood.
    pub fn concerns(&self, from: Address, flood: Flood) -> bool {
        let is_of = |network: Network| network.prefix().contains(from);
        self.floods.has(flood) && (!self.confined.has(flood) || self.network.is_some_and(is_of))
    }

    /// What strangers open there: segments, or else questions.
    pub const fn openings(&self, flood: Flood) -> &Openings {
        match flood {
            Flood::Segment => &self.segments,
            _ => &self.requests,
        }
    }
}

/// All of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Alarms {
    list: ArrayVec<Alarm, { Self::MAX }>,
}

impl Alarms {
    /// Crowds in flood at the same time at most; a /24 in flood is one.
    pub const MAX: usize = 256;
    /// Words that they are published as: how many there are, then six for each.
    pub const WORDS: usize = 1 + WORDS * Self::MAX;

    /// The list of these alarms, and how many did not fit.
    pub fn collect(alarms: impl Iterator<Item = Alarm>) -> (Self, u64) {
        let (mut all, mut left_out) = (Self::default(), 0);
        for alarm in alarms {
            left_out += u64::from(all.list.try_push(alarm).is_err());
        }
        all.list.sort_unstable_by_key(|alarm| alarm.crowd);
        (all, left_out)
    }

    /// Whether nobody is in flood.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.list.iter()
    }

    /// The alarm that concerns somebody who sends to a destination: that of the destination itself for this kind of
    /// flood, else that of its prefix, by number.
    pub fn find(&self, from: Address, to: Address, flood: Flood) -> Option<(usize, &Alarm)> {
        let crowds = [Prefix::containing(to, 128), super::watches::prefix_of(to)];
        crowds.into_iter().find_map(|crowd| {
            let at = self.list.binary_search_by_key(&crowd, |alarm| alarm.crowd).ok()?;
            let alarm = &self.list[at];
            alarm.concerns(from, flood).then_some((at, alarm))
        })
    }

    /// As words for a ring or a lock.
    pub fn to_words(&self, words: &mut [u64; Self::WORDS]) {
        words[0] = self.list.len() as u64;
        for (alarm, words) in self.list.iter().zip(words[1..].chunks_exact_mut(WORDS)) {
            let first = alarm.crowd.first().0;
            words[0] = (first >> 64) as u64;
            words[1] = first as u64;
            let is_wide = u64::from(alarm.network.is_some_and(|network| network.is_wide));
            let [floods, confined] = [alarm.floods, alarm.confined].map(|floods| u64::from(floods.bits()));
            words[2] = is_wide << 24 | u64::from(alarm.crowd.len128()) << 16 | confined << 8 | floods;
            words[3] = alarm.requests.to_word();
            words[4] = alarm.segments.to_word();
            words[5] = alarm.network.map_or(0, |network| network.number);
        }
    }

    /// From what [`to_words`](Self::to_words) wrote.
    pub fn read(&mut self, words: &[u64; Self::WORDS]) {
        self.list.clear();
        let count = (words[0] as usize).min(Self::MAX);
        for words in words[1..].chunks_exact(WORDS).take(count) {
            let first = u128::from(words[0]) << 64 | u128::from(words[1]);
            self.list.push(Alarm {
                crowd: Prefix::containing(Address(first), (words[2] >> 16) as u8),
                floods: Floods::of_bits(words[2] as u8),
                confined: Floods::of_bits((words[2] >> 8) as u8),
                network: (words[5] != 0)
                    .then_some(Network { number: words[5], is_wide: words[2] >> 24 & 1 != 0 }),
                requests: Openings::read(words[3]),
                segments: Openings::read(words[4]),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(first: u32, len: u8, flood: Flood) -> Alarm {
        Alarm {
            crowd: Prefix::containing(Address::v4(first), len),
            floods: Floods::NONE.with(flood),
            confined: Floods::NONE,
            network: None,
            requests: Openings { per_s: first as f32 / 2.0, since: first },
            segments: Openings { per_s: 0.5, since: u32::MAX },
        }
    }

    #[test]
    fn the_destination_itself_goes_before_its_prefix() {
        let (alarms, left_out) = Alarms::collect(
            [
                alarm(0x0a00_0105, 128, Flood::Syn),
                alarm(0x0a00_0100, 120, Flood::Syn),
                alarm(0x0a00_0100, 120, Flood::Syn),
                alarm(7, 128, Flood::Answer),
            ]
            .into_iter(),
        );
        assert_eq!(left_out, 0);
        let from = Address::v4(9);
        let found =
            |to, flood| alarms.find(from, Address::v4(to), flood).map(|(_, alarm)| alarm.crowd.len128());
        assert_eq!(found(0x0a00_0105, Flood::Syn), Some(128));
        assert_eq!(found(0x0a00_0106, Flood::Syn), Some(120));
        assert_eq!(found(0x0a00_0206, Flood::Syn), None);
        assert_eq!((found(7, Flood::Answer), found(7, Flood::Syn)), (Some(128), None));
    }

    #[test]
    fn a_flood_of_one_network_concerns_nobody_else() {
        let number = u64::from(0xc633_6400_u32);
        let confined = Alarm {
            floods: Floods::NONE.with(Flood::Syn).with(Flood::Answer),
            confined: Floods::NONE.with(Flood::Syn),
            network: Some(Network { number, is_wide: false }),
            ..alarm(0x0a00_0105, 128, Flood::Syn)
        };
        let (mut alarms, _) =
            Alarms::collect([confined, alarm(0x0a00_0100, 120, Flood::Request)].into_iter());
        let concerns = |alarms: &Alarms, from, flood| {
            alarms.find(Address::v4(from), Address::v4(0x0a00_0105), flood).map(|(at, _)| at)
        };
        assert_eq!(concerns(&alarms, 0xc633_6409, Flood::Syn), Some(1));
        assert_eq!(concerns(&alarms, 0xc633_6509, Flood::Syn), None);
        assert_eq!(concerns(&alarms, 0xc633_6509, Flood::Answer), Some(1));
        // Where its prefix is flooded from everywhere, that counts.
        (alarms, _) = Alarms::collect([confined, alarm(0x0a00_0100, 120, Flood::Syn)].into_iter());
        assert_eq!(concerns(&alarms, 0xc633_6509, Flood::Syn), Some(0));
    }

    #[test]
    fn words_and_back_and_a_full_list() {
        let many = (0..300).map(|i| Alarm {
            confined: Floods::of_bits(i as u8 & 2),
            network: (i % 3 > 0).then_some(Network { number: 1 << (20 + i % 3 * 20), is_wide: i % 2 == 1 }),
            ..alarm(i, 128, Flood::Request)
        });
        let (alarms, left_out) = Alarms::collect(many);
        assert_eq!((alarms.iter().count(), left_out), (Alarms::MAX, 44));
        let (mut words, mut back) = ([0; Alarms::WORDS], Alarms::default());
        alarms.to_words(&mut words);
        back.read(&words);
        assert_eq!(back, alarms);
    }
}
