//! The rule by which links follow each other.
//!
//! Pure: fed with what is seen at each look, answers with what to do. Always holds: a port that this rule took down
//! is no reason to take its peer down, or both would stay down for ever; and a port that has just been taken up has
//! time to find its link before its peer goes down for want of it.

/// Looks for which a port that was taken up, or has just been started, may be without a link: 5 s of looks every
/// 100 ms, longer than copper negotiates.
pub const GRACE: u32 = 50;

/// One port, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Track {
    /// Number of its peer.
    pub peer: usize,
    /// Whether it goes down with its peer.
    pub follows: bool,
}

/// What to do with the link of a port, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Take it down: its peer has none.
    Down(usize),
    /// Take it up: its peer has one again.
    Up(usize),
}

/// The links of a box.
#[derive(Clone, Debug)]
pub struct Follow {
    ports: Vec<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    track: Track,
    /// Taken down by this rule.
    held: bool,
    /// Looks for which it may be without a link.
    grace: u32,
}

impl Follow {
    /// Ports that have just been started, by their numbers.
    pub fn new(tracks: Vec<Track>) -> Self {
        let state = |track| State { track, held: false, grace: GRACE };
        Self { ports: tracks.into_iter().map(state).collect() }
    }

    /// Whether there is anything to do at all.
    pub fn is_needed(&self) -> bool {
        self.ports.iter().any(|port| port.track.follows)
    }

    /// What to do after a look at the links, by the ports' numbers.
    pub fn step(&mut self, links: &[bool]) -> Vec<Step> {
        for (port, &up) in self.ports.iter_mut().zip(links) {
            port.grace = if up { 0 } else { port.grace.saturating_sub(1) };
        }
        let lost: Vec<bool> = self.ports.iter().zip(links).map(|(port, up)| port.has_lost(*up)).collect();
        let mut steps = Vec::new();
        for (number, port) in self.ports.iter_mut().enumerate().filter(|(_, port)| port.track.follows) {
            let peer_has_lost = lost[port.track.peer];
            if peer_has_lost && !port.held {
                port.held = true;
                steps.push(Step::Down(number));
            } else if !peer_has_lost && port.held {
                (port.held, port.grace) = (false, GRACE);
                steps.push(Step::Up(number));
            }
        }
        steps
    }

    /// The link of this port cannot be switched after all.
    pub fn give_up(&mut self, number: usize) {
        let port = &mut self.ports[number];
        (port.track.follows, port.held) = (false, false);
    }
}

impl State {
    /// Whether it is without a link for a reason of its own, and not for a moment only.
    fn has_lost(&self, up: bool) -> bool {
        !up && !self.held && self.grace == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ports that are each other's peer, after their links have come up.
    fn pair(follows: [bool; 2]) -> Follow {
        let track = |number: usize| Track { peer: 1 - number, follows: follows[number] };
        let mut follow = Follow::new(vec![track(0), track(1)]);
        assert_eq!(follow.step(&[true, true]), []);
        follow
    }

    #[test]
    fn a_port_goes_down_and_up_with_its_peer() {
        let mut follow = pair([true, true]);
        assert_eq!(follow.step(&[false, true]), [Step::Down(1)]);
        for _ in 0..200 {
            assert_eq!(follow.step(&[false, false]), [], "the one that was taken down pulls nobody along");
        }
        assert_eq!(follow.step(&[true, false]), [Step::Up(1)]);
        for _ in 1..GRACE {
            assert_eq!(follow.step(&[true, false]), [], "its link takes a while");
        }
        assert_eq!(follow.step(&[true, true]), []);
        assert_eq!(follow.step(&[true, false]), [Step::Down(0)], "later it counts at once");
    }

    #[test]
    fn a_cable_that_went_meanwhile_is_noticed_after_its_grace() {
        let mut follow = pair([true, true]);
        assert_eq!(follow.step(&[false, true]), [Step::Down(1)]);
        assert_eq!(follow.step(&[true, false]), [Step::Up(1)]);
        let steps: Vec<_> = (0..GRACE).flat_map(|_| follow.step(&[true, false])).collect();
        assert_eq!(steps, [Step::Down(0)]);
        assert_eq!(follow.step(&[false, true]), [Step::Up(0)]);
    }

    #[test]
    fn who_ignores_stays_up() {
        let mut follow = pair([false, true]);
        assert_eq!(follow.step(&[true, false]), []);
        assert_eq!(follow.step(&[true, true]), []);
        assert_eq!(follow.step(&[false, true]), [Step::Down(1)]);
        assert!(!pair([false, false]).is_needed());
    }

    #[test]
    fn links_may_come_late_after_the_start() {
        let tracks = vec![Track { peer: 1, follows: true }, Track { peer: 0, follows: true }];
        let mut follow = Follow::new(tracks);
        for _ in 1..GRACE {
            assert_eq!(follow.step(&[false, true]), []);
        }
        assert_eq!(follow.step(&[false, true]), [Step::Down(1)]);
    }

    #[test]
    fn one_that_cannot_be_switched_is_left_alone() {
        let mut follow = pair([true, true]);
        assert_eq!(follow.step(&[false, true]), [Step::Down(1)]);
        follow.give_up(1);
        assert_eq!(follow.step(&[true, true]), []);
        assert!(follow.is_needed());
        follow.give_up(0);
        assert!(!follow.is_needed());
    }
}
