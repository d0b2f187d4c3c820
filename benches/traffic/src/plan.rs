//! What a capture contains: components, seed, duration; and how they become one stream.

use crate::{
    address::{OUTSIDE_MAX, World},
    attack::{Carpet, Drift, Queries, Reflection, Scan, SynFlood},
    benign::{Clients, Dns, Ntp, Outbound, Ping, Quic, Retry, Sessions},
    merge::{Activity, Merge},
    rng::Rng,
};

/// The wall-clock second at which every capture begins (2023-11-14 22:13:20 UTC): fixed, so that files repeat.
pub const BASE_S: u64 = 1_700_000_000;

/// One part of the traffic with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Component {
    /// Outside web clients.
    Clients(Clients),
    /// Long-lived quiet connections.
    Sessions(Sessions),
    /// DNS both ways.
    Dns(Dns),
    /// Protected people browsing outside.
    Outbound(Outbound),
    /// NTP both ways.
    Ntp(Ntp),
    /// UDP streams both ways.
    Quic(Quic),
    /// Echo requests both ways.
    Ping(Ping),
    /// New clients whose SYN is lost.
    Retry(Retry),
    /// A SYN flood.
    SynFlood(SynFlood),
    /// UDP reflection.
    Reflection(Reflection),
    /// Carpet bombing.
    Carpet(Carpet),
    /// A scan or sweep.
    Scan(Scan),
    /// Clients that drift into a request flood.
    Drift(Drift),
    /// Unwanted queries to the name server.
    Queries(Queries),
}

/// What a component takes from the plan when it starts.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    pub world: &'a mut World,
    pub rng: Rng,
    pub duration_us: u64,
}

impl Component {
    fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        match self {
            Self::Clients(part) => part.start(setup),
            Self::Sessions(part) => part.start(setup),
            Self::Dns(part) => part.start(setup),
            Self::Outbound(part) => part.start(setup),
            Self::Ntp(part) => part.start(setup),
            Self::Quic(part) => part.start(setup),
            Self::Ping(part) => part.start(setup),
            Self::Retry(part) => part.start(setup),
            Self::SynFlood(part) => part.start(setup),
            Self::Reflection(part) => part.start(setup),
            Self::Carpet(part) => part.start(setup),
            Self::Scan(part) => part.start(setup),
            Self::Drift(part) => part.start(setup),
            Self::Queries(part) => part.start(setup),
        }
    }
}

/// Why a plan cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to generate.
    #[error("the plan has no component: choose a preset or describe at least one component")]
    Empty,
    /// No time to generate it in.
    #[error("the capture has no duration: give one above zero, such as 60s")]
    NoTime,
    /// It needs more outside addresses than there are.
    #[error(
        "the plan needs {wanted} source addresses, at most {OUTSIDE_MAX} exist: lower the rate or duration of SYN floods with sources=each, or the number of sources"
    )]
    Addresses {
        /// How many it wants.
        wanted: u64,
    },
}

/// A capture to be generated.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Everything random is drawn from it.
    pub seed: u64,
    /// Length of the capture, microseconds; what would happen later is cut off.
    pub duration_us: u64,
    /// The parts; each draws from its own stream of the seed, numbered by its place in the list.
    pub components: Vec<Component>,
}

impl Plan {
    /// The packets ordered by time.
    ///
    /// # Errors
    /// When the plan is empty, has no duration, or needs more addresses than the outside world has.
    pub fn events(&self) -> Result<Merge, PlanError> {
        self.check()?;
        let mut world = World::new(self.seed);
        let parts = self.components.iter().enumerate();
        let activities = parts
            .map(|(index, component)| {
                let rng = Rng::new(self.seed, index as u64);
                component.start(&mut Setup { world: &mut world, rng, duration_us: self.duration_us })
            })
            .collect();
        Ok(Merge::new(activities, self.duration_us))
    }

    fn check(&self) -> Result<(), PlanError> {
        if self.components.is_empty() {
            return Err(PlanError::Empty);
        }
        if self.duration_us == 0 {
            return Err(PlanError::NoTime);
        }
        let wanted = self.components.iter().map(Component::addresses).sum();
        if wanted > u64::from(OUTSIDE_MAX) {
            return Err(PlanError::Addresses { wanted });
        }
        Ok(())
    }
}

impl Component {
    /// Outside addresses it takes from the world.
    fn addresses(&self) -> u64 {
        let fixed = match self {
            Self::SynFlood(part) => return part.addresses(),
            Self::Quic(part) => part.addresses(),
            Self::Dns(part) => part.requesters + part.resolvers,
            Self::Clients(part) => part.clients,
            Self::Sessions(part) => part.sessions,
            Self::Outbound(part) => part.servers,
            Self::Ntp(part) => part.peers,
            Self::Ping(part) => part.pairs,
            Self::Retry(part) => part.clients,
            Self::Reflection(part) => part.reflectors,
            Self::Carpet(part) => part.sources,
            Self::Scan(part) => part.sources,
            Self::Drift(part) => part.clients,
            Self::Queries(part) => part.requesters,
        };
        u64::from(fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_that_cannot_run_say_why() {
        let plan = |components, duration_us| Plan { seed: 1, duration_us, components };
        assert_eq!(plan(vec![], 1).check(), Err(PlanError::Empty));
        let ping = Component::Ping(Ping::default());
        assert_eq!(plan(vec![ping], 0).check(), Err(PlanError::NoTime));
        let spray = SynFlood { sources: None, rate: 1e6, duration_us: 300_000_000, ..SynFlood::default() };
        let spray = plan(vec![Component::SynFlood(spray)], 1);
        assert_eq!(spray.check(), Err(PlanError::Addresses { wanted: 300_000_000 }));
    }
}
