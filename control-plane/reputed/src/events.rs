//! Events out, alerts in, numbers for Prometheus, the walled garden: what the config asks for, started at boot.
//!
//! Called by the service. **Always holds:** whatever cannot be started is said once and left out; the wire and
//! everything else go on without it. Every part is a task of its own.

mod alerts;
mod bound;
mod crowds;
pub mod dnstap;
mod feeds;
pub mod garden;
mod gauges;
mod places;
mod settings;
mod tell;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use repute_garden::Desk;
use repute_metrics::Probe;
use repute_model::Tapped;
use repute_policy::{Checked, config};
use repute_server::{Crowdsec, EventRoom, FIRST_VERSION, Hub};
use repute_siem::{
    BootId, Bus, FileInput, IncidentDesk, Input, IntakeCounts, RECEIVED_MAX, Received, Sink, Started,
    Stopping,
};
use rtrb::Consumer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use gauges::Gauges;
use places::Places;
pub use tell::Links;

/// How long the rules may take for the last alerts, and the disk for where they end.
const LAST_ALERTS: Duration = Duration::from_secs(1);
/// How long sinks may take for the last events.
const LAST_EVENTS: Duration = Duration::from_millis(200);

/// Everything that runs; dropping it ends sinks and inputs.
pub struct Events {
    bus: Bus,
    started: Instant,
    parts: Arc<Parts>,
    end: watch::Sender<bool>,
    /// What the rules do about alerts, until the end.
    ruling: Mutex<Option<JoinHandle<()>>>,
}

/// What is there before the runtime is.
pub struct Outlets {
    /// Ports, and what they are called.
    pub links: Links,
    /// Where visitors of the walled garden come, if there is one.
    pub garden: Option<TcpListener>,
    /// What workers copy of DNS, by number.
    pub taps: Vec<Consumer<Tapped>>,
}

/// What has names in the config and counts something.
#[derive(Debug)]
struct Parts {
    sinks: Vec<(String, Sink)>,
    inputs: Vec<(String, Entrance)>,
    /// The walled garden, where there is one.
    garden: Option<Arc<Desk>>,
    /// Where copies of DNS messages go, if anywhere.
    dnstap: Option<repute_dnstap::Sink>,
}

/// One way in.
#[derive(Debug)]
enum Entrance {
    File(PathBuf, FileInput),
    Listener(Input),
}

impl Entrance {
    fn counts(&self) -> IntakeCounts {
        match self {
            Self::File(_, input) => input.counts(),
            Self::Listener(input) => input.counts(),
        }
    }
}

impl Events {
    /// Starts everything that `checked` asks for. To be called in the runtime of the service.
    pub async fn start(hub: &Hub, checked: &Arc<Checked>, outlets: Outlets) -> Self {
        let Outlets { links, garden, taps } = outlets;
        let asked = &checked.config().events;
        let name = asked.name.as_ref().map_or_else(settings::host_name, ToString::to_string);
        let first = hub.show(0).await.map_or(FIRST_VERSION, |info| info.version);
        let bus = Bus::new(&name, BootId::at(SystemTime::now()), first);
        let (alerts, received) = mpsc::channel(RECEIVED_MAX);
        let desk = asked.incidents.as_ref().and_then(|incidents| {
            said("incidents", IncidentDesk::start(&bus, &settings::workflow(incidents))).map(Arc::new)
        });
        let parts = Arc::new(Parts {
            sinks: sinks(&bus, asked),
            inputs: inputs(hub, checked, &alerts).await,
            garden: garden.and_then(|listener| garden::open(hub, &bus, checked, listener)),
            dnstap: dnstap::start(checked, &name, taps),
        });
        hub.open_events(EventRoom { bus: bus.clone(), alerts, desk });
        let version = env!("CARGO_PKG_VERSION").to_owned();
        bus.publish(SystemTime::now(), Started { version, digest: settings::hex(&checked.digest()) });
        let (end, ending) = watch::channel(false);
        let places = Places::new(hub.clone(), Arc::clone(&parts));
        let ruling = alerts::run(hub.clone(), bus.clone(), received, Arc::clone(checked), places, ending);
        let ruling = Mutex::new(Some(tokio::spawn(ruling)));
        tokio::spawn(tell::mitigations(hub.clone(), bus.clone()));
        tokio::spawn(tell::bands(hub.clone(), bus.clone()));
        tokio::spawn(tell::hits(hub.clone(), bus.clone()));
        tokio::spawn(tell::lures(hub.clone(), bus.clone()));
        tokio::spawn(tell::upstreams(hub.clone(), bus.clone()));
        tokio::spawn(crowds::tell(hub.clone(), bus.clone()));
        tokio::spawn(tell::policies(hub.clone(), bus.clone(), first));
        tokio::spawn(feeds::run(hub.clone(), bus.clone()));
        tokio::spawn(tell::links(links, bus.clone()));
        let (view, seen) = watch::channel(None);
        tokio::spawn(tell::workers(hub.clone(), bus.clone(), view));
        if let Some(listen) = &checked.config().metrics.listen {
            let (counted, in_flood) = watch::channel(crowds::InFlood::default());
            tokio::spawn(crowds::count(hub.clone(), counted));
            let probe = Gauges::new(hub.clone(), bus.clone(), Arc::clone(&parts), seen, in_flood);
            metrics(listen.get(), Arc::new(probe)).await;
        }
        let crowdsec = &checked.config().crowdsec_api;
        if let Some((listen, keys)) = crowdsec.listen.zip(crowdsec.keys.as_ref()) {
            decisions(hub.clone(), listen.get(), Path::new(keys.as_str())).await;
        }
        Self { bus, started: Instant::now(), parts, end, ruling }
    }

    /// Opens the files of sinks anew, as after a rotation.
    pub fn reopen(&self) {
        self.parts.sinks.iter().for_each(|(_, sink)| sink.reopen());
    }

    /// Says that the box stops, and gives sinks a moment for it.
    pub async fn stop(&self) {
        self.end.send_replace(true);
        let ruling = self.ruling.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ruling) = ruling
            && tokio::time::timeout(LAST_ALERTS, ruling).await.is_err()
        {
            tracing::warn!("alerts were still being taken: the next start may take some of them again");
        }
        let uptime_ms = self.started.elapsed().as_millis() as u64;
        self.bus.publish(SystemTime::now(), Stopping { uptime_ms });
        if let Some(dnstap) = &self.parts.dnstap {
            dnstap.stop(LAST_EVENTS).await;
        }
        let until = tokio::time::Instant::now() + LAST_EVENTS;
        let waits = || self.bus.status().iter().any(|one| one.waiting > 0);
        while waits() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What was taken from the queues last is being written.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What was started, or nothing and one line in the log.
fn said<T, E: std::fmt::Display>(what: &str, outcome: Result<T, E>) -> Option<T> {
    outcome.inspect_err(|error| tracing::error!("{what} not started: {error}; everything else goes on")).ok()
}

fn sinks(bus: &Bus, asked: &config::Events) -> Vec<(String, Sink)> {
    let start = |sink: &config::Sink| {
        let config = settings::sink(sink)?;
        said(&format!("sink {}", sink.name), Sink::start(bus, config))
            .map(|started| (sink.name.to_string(), started))
    };
    asked.sinks.iter().filter_map(start).collect()
}

async fn inputs(hub: &Hub, checked: &Checked, alerts: &mpsc::Sender<Received>) -> Vec<(String, Entrance)> {
    let mut inputs = Vec::new();
    for input in &checked.config().alerts.inputs {
        let started = match settings::input(input) {
            Some(settings::Wanted::File(config)) => {
                let place = places::kept(hub, &config.path).await;
                let path = config.path.clone();
                Some(Entrance::File(path, FileInput::start(config, place, alerts.clone())))
            }
            Some(settings::Wanted::Unix(config)) => {
                said("alerts", Input::unix(config, alerts.clone())).map(Entrance::Listener)
            }
            Some(settings::Wanted::Syslog(config, from)) => {
                said("alerts", Input::syslog(config, *from, alerts.clone()).await).map(Entrance::Listener)
            }
            None => None,
        };
        inputs.extend(started.map(|started| (input.name.to_string(), started)));
    }
    inputs
}

async fn metrics(listen: SocketAddr, probe: Arc<dyn Probe>) {
    let Some(listener) = said("metrics", repute_metrics::bind(listen).await) else { return };
    tracing::info!("metrics on http://{listen}/metrics");
    tokio::spawn(async move {
        if let Err(error) = repute_metrics::serve(listener, probe, std::future::pending()).await {
            tracing::error!("metrics are not served any more: {error}");
        }
    });
}

async fn decisions(hub: Hub, listen: SocketAddr, keys: &Path) {
    let Some(server) = said("decisions for bouncers", Crowdsec::open(listen, keys).await) else { return };
    tracing::info!("decisions for bouncers on http://{listen}/v1/decisions");
    tokio::spawn(async move {
        if let Err(error) = server.run(hub).await {
            tracing::error!("decisions are not served any more: {error}");
        }
    });
}
