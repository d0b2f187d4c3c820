//! The TLS that is in force, replaced as a whole when its files change.
//!
//! [`TlsIncoming`](super::TlsIncoming) takes the config of every new connection from here; every
//! [`Peer`](super::Peer) asks here whether its certificate is still good. The daemon runs [`LiveTls::watch`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;

use super::material::{Material, TlsError, TlsFiles};
use crate::clock::Clock;
use crate::files::Print;

/// How long before the end of a certificate it is said.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 3600);

/// The TLS that is in force.
#[derive(Debug)]
pub struct LiveTls {
    files: TlsFiles,
    clock: Clock,
    current: ArcSwap<Generation>,
    watched: Mutex<Watched>,
}

/// One material that was in force.
#[derive(Debug)]
struct Generation {
    number: u64,
    material: Material,
}

/// What the last look saw and said.
#[derive(Debug)]
struct Watched {
    /// Of the files that are in force.
    prints: Vec<Print>,
    /// What is wrong with the new ones, as it was said.
    kept: Option<String>,
    /// The generation whose coming end was said.
    warned: Option<u64>,
}

/// What a look at the files has found.
#[derive(Debug)]
pub enum TlsNotice {
    /// New files are in force, for new connections and for the next request of open ones.
    Replaced,
    /// New files are broken; the old ones stay in force. Said once for every problem.
    Kept(TlsError),
    /// A certificate ends within two weeks. Said once for every replacement.
    Expires {
        /// Which file.
        path: PathBuf,
        /// When.
        at: SystemTime,
    },
}

impl LiveTls {
    /// Reads and checks the files. Blocks on the disk.
    ///
    /// # Errors
    /// The first problem, with its file.
    pub fn open(files: TlsFiles, clock: Clock) -> Result<Arc<Self>, TlsError> {
        let prints = prints(&files);
        let material = Material::load(&files, &clock)?;
        Ok(Arc::new(Self {
            files,
            clock,
            current: ArcSwap::from_pointee(Generation { number: 1, material }),
            watched: Mutex::new(Watched { prints, kept: None, warned: None }),
        }))
    }

    /// Looks whether files have changed and puts new ones in force. Broken ones are tried again with every look.
    /// Blocks on the disk.
    pub fn look(&self) -> Vec<TlsNotice> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notices = Vec::new();
        // Taken before reading: what changes meanwhile is seen by the next look.
        let prints = prints(&self.files);
        if prints != watched.prints {
            match Material::load(&self.files, &self.clock) {
                Ok(material) => {
                    let number = self.current.load().number + 1;
                    self.current.store(Arc::new(Generation { number, material }));
                    *watched = Watched { prints, kept: None, warned: None };
                    notices.push(TlsNotice::Replaced);
                }
                Err(error) => {
                    let text = error.to_string();
                    if watched.kept.as_ref() != Some(&text) {
                        watched.kept = Some(text);
                        notices.push(TlsNotice::Kept(error));
                    }
                }
            }
        }
        let current = self.current.load();
        let (path, at) = current.material.expires.clone();
        if self.clock.now() + WARN_BEFORE > at && watched.warned != Some(current.number) {
            watched.warned = Some(current.number);
            notices.push(TlsNotice::Expires { path, at });
        }
        notices
    }

    /// Looks every now and then, for ever, and hands on what it finds.
    pub async fn watch(self: Arc<Self>, every: Duration, mut tell: impl FnMut(TlsNotice)) {
        let mut looks = tokio::time::interval(every);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let live = Arc::clone(&self);
            // A look that panics is a look that found nothing.
            let notices = tokio::task::spawn_blocking(move || live.look()).await.unwrap_or_default();
            notices.into_iter().for_each(&mut tell);
        }
    }

    /// The certificate in force that ends first: its file, and when.
    pub fn expires(&self) -> (PathBuf, SystemTime) {
        self.current.load().material.expires.clone()
    }

    /// Counts replacements, from 1.
    pub fn generation(&self) -> u64 {
        self.current.load().number
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The config for a new connection, and its generation.
    pub(super) fn config(&self) -> (Arc<ServerConfig>, u64) {
        let current = self.current.load();
        (Arc::clone(&current.material.config), current.number)
    }

    /// Verifies a client's chain against what is in force, and says which generation that was.
    pub(super) fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<u64, String> {
        let current = self.current.load();
        let (own, others) = chain.split_first().ok_or("there is none")?;
        let now = self.clock.current_time().unwrap_or(UnixTime::since_unix_epoch(Duration::ZERO));
        let verified = current.material.verifier.verify_client_cert(own, others, now);
        verified.map(|_| current.number).map_err(|error| error.to_string())
    }
}

fn prints(files: &TlsFiles) -> Vec<Print> {
    files.all().map(Print::of).collect()
}
