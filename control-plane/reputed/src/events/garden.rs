//! The walled garden: from a solved task to the worker, to the events and to Prometheus.

use std::future::Future;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_garden::{Counts, Desk, Garden, Gate, Refusal, Settings};
use repute_metrics::{GardenSnapshot, Named};
use repute_model::{Passed, Source};
use repute_policy::{Checked, config};
use repute_server::Hub;
use repute_siem::{Bus, ChallengePassed};

use super::said;

/// Takes the address of the garden that the config asks for, while the process may take every port.
pub fn bind(checked: &Checked) -> Option<TcpListener> {
    let listen = checked.config().garden.listen?.get();
    said("walled garden", repute_garden::bind(listen))
}

/// Opens it; what counts its visitors.
pub fn open(hub: &Hub, bus: &Bus, checked: &Checked, listener: TcpListener) -> Option<Arc<Desk>> {
    let garden = said("walled garden", Garden::open(listener, settings(checked)))?;
    if let Ok(address) = garden.address() {
        tracing::info!("walled garden on http://{address}/");
    }
    let (desk, gate) = (garden.desk(), Doorkeeper { hub: hub.clone(), bus: bus.clone() });
    tokio::spawn(garden.run(Arc::new(gate)));
    Some(desk)
}

fn settings(checked: &Checked) -> Settings {
    let config::Garden { work, life, passes, proxies, connections, .. } = &checked.config().garden;
    Settings {
        work: work.get() as u8,
        life: Duration::from_millis(life.get()),
        passes: passes.get() as u16,
        proxies: proxies.iter().map(|cidr| cidr.0).collect(),
        connections: connections.get() as usize,
        width: checked.limits().outside,
    }
}

/// What its visitors did, as Prometheus sees it.
pub fn numbers(desk: &Desk) -> GardenSnapshot {
    let Counts { pages, counted, unknown, refused, .. } = desk.counts();
    GardenSnapshot {
        pages,
        solutions: vec![Named::new("counted", counted), Named::new("unknown", unknown)],
        refused: Refusal::ALL.iter().map(|why| Named::new(why.name(), refused[why.index()])).collect(),
    }
}

/// The way to the workers, and to whoever is told.
#[derive(Clone, Debug)]
struct Doorkeeper {
    hub: Hub,
    bus: Bus,
}

impl Doorkeeper {
    async fn let_through(self, source: Source) -> Option<Passed> {
        let passed = self.hub.pass(source, SystemTime::now()).await;
        let passed =
            passed.inspect_err(|error| tracing::warn!("a pass of {source} counts for nothing: {error}"));
        if let Ok(Passed::Counts { before, after }) = passed {
            self.bus.publish(SystemTime::now(), ChallengePassed { source, before, after });
        }
        passed.ok()
    }
}

impl Gate for Doorkeeper {
    fn pass(&self, source: Source) -> Pin<Box<dyn Future<Output = Option<Passed>> + Send + '_>> {
        // A task of its own: whoever solves a task and goes away leaves nothing half told.
        let through = tokio::spawn(self.clone().let_through(source));
        Box::pin(async { through.await.ok().flatten() })
    }
}
