//! Real hosts in somebody else's service: they complete handshakes, and then do what they were sent for.

use super::{Step, Town};

/// What a bot does once it has been let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Conduct {
    /// It asks and is answered, as people do.
    #[default]
    Asks,
    /// It completes handshakes and asks nothing.
    Opens,
    /// It asks once, and then sends so many segments a second that nobody answers.
    Pours(u64),
}

/// What bots sent and what of it passed.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Toll {
    pub sent: u64,
    pub passed: u64,
    /// Connections that were answered.
    pub connections: u64,
    /// Bots that were let in for the first time, the packets that each of them had sent until then, and how long that took.
    pub earned: u64,
    pub packets: u64,
    pub ms: u64,
}

impl Town {
    /// So many bots, each of which begins a connection every so many ms; all have begun within five seconds from `from_ms`.
    pub fn botnet(&mut self, bots: usize, every_ms: u64, conduct: Conduct, from_ms: u64) {
        for _ in 0..bots {
            let first = from_ms + u64::from(self.rng.below(every_ms.min(5_000) as u32));
            let bot = self.person(false, first);
            (self.people[bot].conduct, self.people[bot].every_ms) = (conduct, every_ms);
            self.at(first, Step::Connect(bot));
        }
    }

    /// Takes note of a packet of a bot; `lets_in`: it ends a handshake.
    pub(super) fn note_bot(&mut self, person: usize, passed: bool, lets_in: bool) {
        let bot = &mut self.people[person];
        if bot.every_ms == 0 {
            return;
        }
        bot.sent += 1;
        self.toll.sent += 1;
        self.toll.passed += u64::from(passed);
        if lets_in && passed {
            self.toll.connections += 1;
            if !std::mem::replace(&mut bot.let_in, true) {
                self.toll.earned += 1;
                self.toll.packets += bot.sent;
                self.toll.ms += self.ms - bot.arrived;
            }
        }
    }
}
