//! Crowds, told on the bus and counted for Prometheus.
//!
//! Each function is a task that ends with the hub, or with the process. **Always holds:** at most [`EVENTS_PER_S`]
//! changes of crowds a second become events, so that a flood of whole networks floods no SIEM; what is left out is
//! counted and told as `events-lost`.

use std::time::{Duration, SystemTime};

use repute_model::{CrowdState, Flood};
use repute_server::{CrowdEvent, Hub};
use repute_siem::{Bus, CrowdChanged, EventsLost, What};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at the crowds, and how long an allowance lasts.
const LOOK: Duration = Duration::from_secs(1);
/// Changes of crowds that become events, per second.
const EVENTS_PER_S: u32 = 256;
/// What the changes are called where some are lost before they reach the bus.
const NAME: &str = "crowds";

/// Crowds in flood, by [`Flood::index`].
pub type InFlood = [u64; Flood::COUNT];

/// What has become events in the second under way.
#[derive(Debug, Default)]
struct Pace {
    told: u32,
    left_out: u64,
}

impl Pace {
    /// The event of a change, unless there were too many.
    fn change(&mut self, event: &CrowdEvent) -> Option<What> {
        if self.told >= EVENTS_PER_S {
            self.left_out += 1;
            return None;
        }
        self.told += 1;
        Some(changed(event).into())
    }

    /// The second has ended: what was left out in it.
    fn tick(&mut self) -> Option<What> {
        let Self { left_out: lost, .. } = std::mem::take(self);
        (lost > 0).then(|| EventsLost { sink: NAME.to_owned(), lost }.into())
    }
}

/// Changes of crowds, as events.
pub async fn tell(hub: Hub, bus: Bus) {
    let Ok((_, mut changes)) = hub.watch_crowds(0).await else { return };
    let (mut pace, mut second) = (Pace::default(), interval(LOOK));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (at, what) = tokio::select! {
            _ = second.tick() => (SystemTime::now(), pace.tick()),
            change = changes.recv() => match change {
                Ok(event) => (event.at, pace.change(&event)),
                Err(RecvError::Lagged(lost)) => {
                    pace.left_out += lost;
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
        };
        if let Some(what) = what {
            bus.publish(at, what);
        }
    }
}

fn changed(CrowdEvent { change, .. }: &CrowdEvent) -> CrowdChanged {
    let numbers = &change.numbers;
    CrowdChanged {
        crowd: change.crowd,
        flood: change.flood,
        from: change.from,
        to: change.to,
        excess: numbers.excess,
        limit: numbers.limit,
        per_s: numbers.per_s,
        completed_per_s: numbers.completed_per_s,
        usual_per_s: numbers.usual_per_s,
        heard: numbers.heard,
        senders: numbers.senders.map(Into::into),
        narrow: numbers.narrow,
    }
}

/// Shows `view` how many crowds are in flood. Where the leader does not answer, the last numbers stay.
pub async fn count(hub: Hub, view: watch::Sender<InFlood>) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !view.is_closed() {
        look.tick().await;
        let Ok(crowds) = hub.crowds().await else { continue };
        let mut in_flood = InFlood::default();
        for crowd in crowds.iter().filter(|crowd| crowd.to == CrowdState::Flood) {
            in_flood[crowd.flood.index()] += 1;
        }
        view.send_replace(in_flood);
    }
}

#[cfg(test)]
#[path = "../../../server/tests/common/mod.rs"]
mod common;

#[cfg(test)]
mod tests {
    use repute_model::{CrowdChange, CrowdNumbers, Tick};
    use repute_siem::{BootId, Severity};

    use super::*;

    /// From the wire to the bus and to Prometheus.
    #[tokio::test(start_paused = true)]
    async fn a_flood_becomes_an_event_and_a_number() {
        let rig = common::Plan::flooded().start();
        let bus = Bus::new("box", BootId(1), 1);
        let mut events = bus.subscribe("test", 100).unwrap();
        let (counted, mut in_flood) = watch::channel(InFlood::default());
        tokio::spawn(tell(rig.hub.clone(), bus.clone()));
        tokio::spawn(count(rig.hub.clone(), counted));
        let change = loop {
            let event = events.next().await.unwrap();
            if let What::CrowdChanged(change) = &event.what
                && change.to == CrowdState::Flood
            {
                assert_eq!(event.severity, Severity::Error);
                break change.clone();
            }
        };
        assert!(change.flood == Flood::Syn && change.excess >= change.limit, "{change:?}");
        let syn = Flood::Syn.index();
        assert!(in_flood.wait_for(|counts| counts[syn] > 0).await.is_ok());
    }

    #[test]
    fn a_rush_of_changes_is_bounded_and_what_is_left_out_is_told() {
        let change = CrowdChange {
            crowd: "192.0.2.80".parse().unwrap(),
            flood: Flood::Syn,
            from: CrowdState::Suspect,
            to: CrowdState::Flood,
            numbers: CrowdNumbers { per_s: 300.0, heard: true, ..CrowdNumbers::default() },
            at: Tick(7),
        };
        let event = CrowdEvent { change, at: SystemTime::UNIX_EPOCH };
        let mut pace = Pace::default();
        let told: Vec<What> = (0..EVENTS_PER_S + 9).filter_map(|_| pace.change(&event)).collect();
        assert_eq!(told.len(), EVENTS_PER_S as usize);
        assert!(matches!(&told[0], What::CrowdChanged(change) if change.per_s == 300.0 && change.heard));
        assert_eq!(pace.tick(), Some(EventsLost { sink: NAME.to_owned(), lost: 9 }.into()));
        assert_eq!(pace.tick(), None);
        assert!(pace.change(&event).is_some());
    }
}
