//! What the API needs of events, alerts and incidents. The daemon opens it; without it the service `Events` is
//! unavailable and everything else works.

use std::sync::Arc;

use repute_siem::{Bus, IncidentDesk, Received};
use tokio::sync::mpsc;

use crate::Hub;

/// Where events come from and alerts go.
#[derive(Clone, Debug)]
pub struct EventRoom {
    /// Events are published here.
    pub bus: Bus,
    /// Alerts are taken from here.
    pub alerts: mpsc::Sender<Received>,
    /// Whom people are told by; `None` = the config has no incidents.
    pub desk: Option<Arc<IncidentDesk>>,
}

impl Hub {
    /// Opens events to the API. Only the first room counts.
    pub fn open_events(&self, room: EventRoom) {
        // A second one is a mistake of the caller that costs nobody anything.
        let _ = self.inner.events_room.set(room);
    }

    /// The room of events, once it is open.
    pub(crate) fn event_room(&self) -> Option<&EventRoom> {
        self.inner.events_room.get()
    }
}
