//! What the control thread does while workers work: the API, signals, the config read again, links, self-tests.
//!
//! Always holds: every one of these is a task of its own, and not even its panic reaches the workers.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dpdk::Port;
use repute_access::Access;
use repute_model::Owners;
use repute_policy::{Checked, TopologyPort};
use repute_server::{ApplyRequest, BoxInfo, Hub, Loaded, Security, ServeError, WallClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::load;
use crate::crew::Crew;
use crate::events::{Events, Links, Outlets};
use crate::links;
use crate::rss::Trial;
use crate::security;
use crate::staff::Ends;
use crate::state::State;

/// What is served, and with what.
pub struct Service {
    /// The config, read again on SIGHUP.
    pub config: PathBuf,
    /// Where the API listens.
    pub socket: PathBuf,
    /// Who may do what through it.
    pub security: Security,
    /// The workers; the end of one of them is the end.
    pub crew: Arc<Crew>,
    /// The policy that they began with.
    pub loaded: Loaded,
    /// Their rings.
    pub ends: Ends,
    /// Who owns which sources.
    pub owners: Owners,
    /// What the API tells about the box.
    pub info: BoxInfo,
    /// The self-tests of RSS.
    pub trial: Trial,
    /// By number.
    pub ports: Arc<Vec<Port>>,
    /// What the config says of the ports that carry packets, by number.
    pub rules: Vec<TopologyPort>,
    /// What survives a restart, if anything.
    pub state: Option<State>,
    /// The clock that packets go by; `None` = that of captures.
    pub clock: Option<WallClock>,
    /// Where visitors of the walled garden come, if there is one.
    pub garden: Option<TcpListener>,
}

/// Serves until a signal, or until a worker has ended.
///
/// # Errors
/// A socket that is taken.
pub fn serve(service: Service) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let Service {
            config,
            socket,
            security,
            crew,
            loaded,
            ends: Ends { links, taps },
            owners,
            info,
            trial,
            ports,
            rules,
            mut state,
            clock,
            garden,
        } = service;
        let past = state.as_mut().map(|state| std::mem::take(&mut state.past)).unwrap_or_default();
        let checked = Arc::new(loaded.checked.clone());
        let names = info.ports.iter().map(|port| port.name.clone()).collect();
        let hub = Hub::resumed(links, owners, loaded, past, info);
        let keeper = state.map(|state| state.keep(&hub));
        clock.map(|clock| hub.follow_hours(clock));
        let links = Links { ports: Arc::clone(&ports), names };
        let outlets = Outlets { links, garden, taps };
        let events = events(hub.clone(), checked, outlets).await;
        tokio::spawn(reload(hub.clone(), Arc::clone(&security.access), config, events.clone()));
        tokio::spawn(trial.run(hub.clone()));
        tokio::spawn(links::watch(ports, rules));
        let served = api(hub, socket, security, &crew).await;
        if let Some(events) = events {
            events.stop().await;
        }
        // Workers that have ended answer nothing.
        if let Some(keeper) = keeper.filter(|_| !crew.is_stopping()) {
            keeper.close().await;
        }
        served
    })
}

/// Events, alerts and metrics; none where starting them panics, which the workers survive like everything else.
async fn events(hub: Hub, checked: Arc<Checked>, outlets: Outlets) -> Option<Arc<Events>> {
    let started = tokio::spawn(async move { Events::start(&hub, &checked, outlets).await }).await;
    started.inspect_err(|error| tracing::error!("no events, alerts and metrics: {error}")).ok().map(Arc::new)
}

/// The API, until what ends it.
async fn api(hub: Hub, socket: PathBuf, security: Security, crew: &Crew) -> anyhow::Result<()> {
    let (shut, shutdown) = oneshot::channel::<()>();
    tracing::info!("API on {}", socket.display());
    let mut server = tokio::spawn(async move {
        let shutdown = async {
            // A sender that is gone is a shutdown as well.
            let _ = shutdown.await;
        };
        repute_server::serve_secured(hub, &socket, security, shutdown).await
    });
    let mut last = std::pin::pin!(last(crew));
    tokio::select! {
        () = &mut last => {
            let _ = shut.send(());
            server.await?.map_err(anyhow::Error::from)
        }
        served = &mut server => {
            // Without a socket there was never an API: better not to start than to run unseen.
            if let Ok(Err(ServeError::Socket(error))) = served {
                return Err(error.into());
            }
            tracing::error!("the API has ended: {served:?}; traffic goes on by the last policy");
            last.await;
            Ok(())
        }
    }
}

/// Done when a signal says so, or when a worker has ended: by its captures, or by a failure.
async fn last(crew: &Crew) {
    let signals = async {
        let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals cannot be watched; only SIGKILL ends this process");
            return std::future::pending().await;
        };
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    };
    tokio::select! { () = signals => {}, () = crew.ended() => {} }
}

/// SIGHUP: the config again, down the same road as the API; who may do what is read anew with it, and files of events
/// are opened anew.
async fn reload(hub: Hub, access: Arc<Access>, path: PathBuf, events: Option<Arc<Events>>) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return tracing::error!("SIGHUP cannot be watched; apply policies by the API");
    };
    while hangups.recv().await.is_some() {
        events.iter().for_each(|events| events.reopen());
        let before = hub.policy_in_force().await;
        let done = reload_once(&hub, &access, &path).await;
        let told = done.as_ref().map(drop).map_err(|error| format!("{error:#}"));
        hub.record_own("SIGHUP", path.display().to_string(), before, told).await;
        match done {
            Ok(version) => tracing::info!("{} is in force as version {version}", path.display()),
            Err(error) => tracing::error!("{} was not applied: {error:#}", path.display()),
        }
    }
}

async fn reload_once(hub: &Hub, access: &Access, path: &Path) -> anyhow::Result<u64> {
    let file = path.to_owned();
    // Long lists take a while: not on the thread that serves everybody.
    let (checked, text) = tokio::task::spawn_blocking(move || load(&file)).await??;
    let bindings = security::bindings(&checked)?;
    let request = ApplyRequest {
        text,
        name: path.display().to_string(),
        who: "SIGHUP".to_owned(),
        expected_version: None,
        confirm_within: None,
        own_file: true,
    };
    let version = hub.apply(request).await?.version;
    access.bind(bindings);
    Ok(version)
}
