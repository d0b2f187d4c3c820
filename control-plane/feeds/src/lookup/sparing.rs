//! A quota a day and a bounded cache: pure, time is passed in.
//!
//! **When the cache is full** the answer that came first goes.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::Opinion;

const DAY_S: u64 = 86_400;

/// What to do about an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Nothing: this is known.
    Known(Opinion),
    /// Ask; the question is counted.
    Ask,
    /// Nothing can be asked today; the quota.
    UsedUp(u32),
}

/// What was asked and answered.
#[derive(Debug)]
pub struct Sparing {
    quota: u32,
    cached: usize,
    fresh: Duration,
    /// Day since 1970 and questions on it.
    asked: (u64, u32),
    known: HashMap<IpAddr, (Opinion, SystemTime)>,
    /// Addresses in the order in which their answers came, each once.
    order: VecDeque<IpAddr>,
}

impl Sparing {
    /// `quota` questions a day (UTC), `cached` answers that count for `fresh`.
    pub fn new(quota: u32, cached: usize, fresh: Duration) -> Self {
        Self { quota, cached, fresh, asked: (0, 0), known: HashMap::new(), order: VecDeque::new() }
    }

    /// What to do about `address`.
    pub fn advice(&mut self, address: IpAddr, now: SystemTime) -> Advice {
        if let Some((opinion, at)) = self.known.get(&address)
            && now.duration_since(*at).unwrap_or_default() < self.fresh
        {
            return Advice::Known(opinion.clone());
        }
        if self.left(now) == 0 {
            return Advice::UsedUp(self.quota);
        }
        self.asked.1 += 1;
        Advice::Ask
    }

    /// Keeps an answer.
    pub fn keep(&mut self, address: IpAddr, opinion: Opinion, now: SystemTime) {
        if self.cached == 0 {
            return;
        }
        if self.known.insert(address, (opinion, now)).is_some() {
            self.order.retain(|known| *known != address);
        } else if self.known.len() > self.cached
            && let Some(first) = self.order.pop_front()
        {
            self.known.remove(&first);
        }
        self.order.push_back(address);
    }

    /// Questions that are left on the day of `now`. A clock that goes back stays on its day.
    pub fn left(&mut self, now: SystemTime) -> u32 {
        let day = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / DAY_S;
        if day > self.asked.0 {
            self.asked = (day, 0);
        }
        self.quota.saturating_sub(self.asked.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn ip(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    fn opinion(confidence: u8) -> Opinion {
        Opinion { confidence, note: String::new() }
    }

    #[test]
    fn what_is_fresh_is_not_asked_again() {
        let mut sparing = Sparing::new(2, 2, Duration::from_secs(60));
        assert_eq!(sparing.advice(ip(1), at(0)), Advice::Ask);
        sparing.keep(ip(1), opinion(7), at(0));
        assert_eq!(sparing.advice(ip(1), at(59)), Advice::Known(opinion(7)));
        assert_eq!(sparing.advice(ip(1), at(60)), Advice::Ask);
        sparing.keep(ip(1), opinion(8), at(60));
        assert_eq!(sparing.advice(ip(2), at(61)), Advice::UsedUp(2));
        assert_eq!(sparing.advice(ip(1), at(61)), Advice::Known(opinion(8)));
        assert_eq!((sparing.left(at(86_400)), sparing.left(at(0))), (2, 2));
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut sparing = Sparing::new(99, 2, Duration::from_secs(60));
        for n in [1, 2, 1, 3, 4] {
            sparing.keep(ip(n), opinion(n), at(0));
            assert!(sparing.known.len() <= 2 && sparing.order.len() == sparing.known.len());
        }
        assert_eq!(sparing.advice(ip(4), at(1)), Advice::Known(opinion(4)));
        assert_eq!(sparing.advice(ip(1), at(1)), Advice::Ask);
    }
}
