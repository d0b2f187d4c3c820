//! The control thread: reads the config, boots, hires the workers, serves, and draws the account.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use repute_engine::REPLAY_SEED;
use repute_policy::Checked;
use repute_server::{Loaded, WallClock, default_socket, version_at_start};

use crate::args::{Clock, Run};
use crate::boot::{Booted, Plan, boot};
use crate::capture::Playing;
use crate::closing::Closing;
use crate::config::load;
use crate::cores;
use crate::events::{dnstap, garden};
use crate::ports::macs;
use crate::privileges;
use crate::rss::{Trial, probes};
use crate::security;
use crate::service::{Service, serve};
use crate::staff::{Place, Staff, Terms};
use crate::state;

/// Boots and runs until a signal, or until the captures end.
///
/// # Errors
/// Mistakes in the config, whatever [`boot`] refuses, a socket that is taken, a worker that failed.
pub fn run(run: &Run) -> anyhow::Result<()> {
    let (checked, text) = load(&run.config)?;
    // The hub opens them again: what is wrong with them is said before anything begins.
    repute_server::open_geo(&checked)?;
    let socket = socket(run, &checked)?;
    let security = security::open(&checked)?;
    let topology = checked.topology();
    let workers = topology.workers.count;
    let mut playing = playing(run, workers)?;
    let cores = cores::choose(workers, topology.workers.cores.as_deref())?;
    let (mut policy, limits, seed) = (checked.compile(0), checked.limits(), seed(run)?);
    let plan =
        Plan { topology: &topology, run, cores: &cores, limits, ingress: policy.ingress.is_some(), seed };
    let Booted { eal, ports, queues, owners, candidates, cycles, info } = boot(&plan)?;
    let state = state::open(run, &checked);
    policy.version =
        version_at_start(state.as_ref().map_or(&[][..], |state| state.past.as_slice()), &checked);
    policy.edition = policy.version;
    let garden = garden::bind(&checked);
    privileges::give_up(&topology, run)?;
    let (probes, samples) = probes(workers);
    let place = |((core, queues), probe)| Place { core, queues, probe, playing: playing.take() };
    let places = cores.into_iter().zip(queues).zip(probes).map(place).collect();
    let tap = dnstap::one_in(&checked);
    // Nobody is there to be asked while a capture is played.
    let is_endpoint =
        run.clock == Clock::Real && policy.dns.as_ref().is_some_and(|dns| dns.endpoint.is_some());
    let macs = is_endpoint.then(|| macs(&ports)).transpose()?;
    let terms = Terms {
        topology: &topology,
        policy: &policy,
        limits,
        seed,
        owners: &owners,
        eal: &eal,
        cycles,
        tap,
        macs,
    };
    let (staff, ends) = Staff::hire(&terms, places)?;
    tracing::info!("{checked}");
    let names = info.ports.clone();
    let served = serve(Service {
        config: run.config.clone(),
        socket,
        security,
        crew: Arc::clone(staff.crew()),
        loaded: Loaded { checked, name: run.config.display().to_string(), text },
        ends,
        owners,
        info,
        trial: Trial::new(candidates, samples),
        ports: Arc::clone(&ports),
        rules: topology.ports,
        state,
        clock: (run.clock == Clock::Real).then_some(SystemTime::now as WallClock),
        garden,
    });
    let (worked, accounts) = staff.dismiss();
    let closing = Closing::new(&accounts, &ports, &names)?;
    closing.print();
    if let Some(path) = &run.account {
        closing.write(path)?;
    }
    for port in Arc::into_inner(ports).into_iter().flatten() {
        port.close()?;
    }
    worked.and(served)
}

fn playing(run: &Run, workers: u16) -> anyhow::Result<Option<Playing>> {
    let Clock::Capture(speed) = run.clock else {
        ensure!(
            run.packets.is_none(),
            "--packets needs --clock capture: live traffic is too fast to write down"
        );
        ensure!(!run.linger, "--linger needs --clock capture: live traffic does not end");
        return Ok(None);
    };
    ensure!(
        workers == 1,
        "--clock capture plays packets in the order of their stamps, which one worker can keep; set [workers] \
         count = 1"
    );
    let create = |path: &PathBuf| {
        File::create(path).map(BufWriter::new).with_context(|| format!("{}: cannot create", path.display()))
    };
    Ok(Some(Playing { speed, packets: run.packets.as_ref().map(create).transpose()?, linger: run.linger }))
}

/// A key that nobody outside can guess, or the one that was asked for.
fn seed(run: &Run) -> anyhow::Result<u64> {
    match (run.seed, run.clock) {
        (Some(seed), _) => Ok(seed),
        (None, Clock::Capture(_)) => Ok(REPLAY_SEED),
        (None, Clock::Real) => {
            let mut bytes = [0; 8];
            std::io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut bytes)?;
            Ok(u64::from_le_bytes(bytes))
        }
    }
}

/// Where the API listens; its directory is created.
fn socket(run: &Run, checked: &Checked) -> anyhow::Result<PathBuf> {
    let configured = checked.config().api.socket.as_ref().map(|text| PathBuf::from(text.as_str()));
    let path = run.socket.clone().or(configured).or_else(default_socket);
    let path = path.context("neither root nor XDG_RUNTIME_DIR: say --socket PATH for the API")?;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory).with_context(|| {
            format!(
                "{}: cannot create the socket's directory; choose another by --socket",
                directory.display()
            )
        })?;
    }
    Ok(path)
}
