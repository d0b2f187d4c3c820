//! Whether one upstream is up: a state machine of the leader's, told time and answers.
//!
//! Always holds: one check at most is under way; one that was never up is up with its first good answer, and counts as down until
//! then.

use repute_model::{Check, Tick};

use super::flows::Outside;

/// What is known of one upstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// It was never checked with success.
    New,
    Up,
    Down,
}

/// One upstream's health.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    standing: Standing,
    /// Checks in a row that speak against its standing.
    against: u8,
    /// The check under way, and since when.
    asked: Option<(Outside, Tick)>,
    next: Tick,
}

/// What a tick brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Nothing.
    Quiet,
    /// A check is due.
    Due,
}

impl Health {
    /// Nothing is known yet.
    pub const NEW: Self = Self { standing: Standing::New, against: 0, asked: None, next: Tick(0) };

    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.standing == Standing::Up
    }

    /// A tick: whether a check failed, and whether another one is due.
    pub fn tick(&mut self, rules: &Check, now: Tick) -> (bool, Turn) {
        let over = self.asked.is_some_and(|(_, at)| now.since(at) >= rules.timeout_ms.into());
        if over {
            self.asked = None;
            self.fails(rules);
        }
        let due = self.asked.is_none() && now >= self.next;
        if due {
            self.next = Tick(now.0 + u64::from(rules.interval_ms));
        }
        (over, if due { Turn::Due } else { Turn::Quiet })
    }

    /// A check goes on its way like this.
    pub const fn asks(&mut self, outside: Outside, now: Tick) {
        self.asked = Some((outside, now));
    }

    /// A check could not go on its way.
    pub fn cannot_ask(&mut self, rules: &Check) {
        self.fails(rules);
    }

    /// The next check is due at once: there is a way now.
    pub const fn hurry(&mut self) {
        self.next = Tick(0);
    }

    /// Whether it answers the check under way.
    pub fn is_answered(&self, outside: &Outside) -> bool {
        self.asked.is_some_and(|(asked, _)| asked == *outside)
    }

    /// It has answered the check under way, well or not.
    pub fn answers(&mut self, well: bool, rules: &Check) {
        self.asked = None;
        if !well {
            return self.fails(rules);
        }
        match self.standing {
            Standing::Up => self.against = 0,
            Standing::New => self.becomes(Standing::Up),
            Standing::Down => self.counts(rules.successes, Standing::Up),
        }
    }

    fn fails(&mut self, rules: &Check) {
        match self.standing {
            Standing::Down => self.against = 0,
            Standing::New | Standing::Up => self.counts(rules.failures, Standing::Down),
        }
    }

    fn counts(&mut self, needed: u8, then: Standing) {
        self.against = self.against.saturating_add(1);
        if self.against >= needed {
            self.becomes(then);
        }
    }

    const fn becomes(&mut self, standing: Standing) {
        (self.standing, self.against) = (standing, 0);
    }
}

#[cfg(test)]
mod tests {
    use repute_model::{Address, Upstream};

    use super::*;

    const RULES: Check =
        Check { question: Vec::new(), interval_ms: 1000, timeout_ms: 400, failures: 3, successes: 2 };

    fn outside(id: u16) -> Outside {
        let upstream = Upstream { address: Address::v4(53), port: 53 };
        Outside { upstream, own: (Address::v4(9), 4000), id }
    }

    /// Ticks up to `to`; every check that is due is answered like this. How many there were.
    fn run(health: &mut Health, from: u64, to: u64, answer: Option<bool>) -> u32 {
        let mut checks = 0;
        for now in from..to {
            if health.tick(&RULES, Tick(now)).1 == Turn::Due {
                health.asks(outside(7), Tick(now));
                checks += 1;
                if let Some(well) = answer {
                    assert!(health.is_answered(&outside(7)) && !health.is_answered(&outside(8)));
                    health.answers(well, &RULES);
                }
            }
        }
        checks
    }

    #[test]
    fn up_with_the_first_answer_down_after_failures_up_again_after_successes() {
        let mut health = Health::NEW;
        assert!(!health.is_up());
        assert_eq!(run(&mut health, 1, 2, Some(true)), 1);
        assert!(health.is_up());
        assert_eq!(run(&mut health, 2, 3401, None), 3);
        assert!(health.is_up(), "the third one has not timed out yet");
        run(&mut health, 3401, 3402, None);
        assert!(!health.is_up());
        run(&mut health, 3402, 4500, Some(true));
        assert!(!health.is_up(), "one is not enough");
        run(&mut health, 4500, 5500, Some(true));
        assert!(health.is_up());
    }

    #[test]
    fn a_bad_answer_is_a_failure_and_a_good_one_between_begins_anew() {
        let mut health = Health::NEW;
        run(&mut health, 0, 1, Some(true));
        run(&mut health, 1, 2500, Some(false));
        run(&mut health, 2500, 3500, Some(true));
        run(&mut health, 3500, 5500, Some(false));
        assert!(health.is_up());
        run(&mut health, 5500, 6500, Some(false));
        assert!(!health.is_up());
        health.hurry();
        assert_eq!(health.tick(&RULES, Tick(6500)), (false, Turn::Due));
        health.cannot_ask(&RULES);
        assert!(!health.is_up());
    }
}
