//! Services that know about single addresses, asked sparingly.
//!
//! Called by the control plane where a source matters enough: by `explain`, by rules. **Always holds:** no more
//! questions a day than the quota, none twice while an answer is fresh, and the cache never grows beyond its limit.

mod abuseipdb;
mod cti;
mod sparing;

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub use abuseipdb::Abuseipdb;
pub use cti::Cti;
pub use sparing::{Advice, Sparing};

/// What a service says about an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opinion {
    /// How sure it is that the address is bad, 0..=100 percent; 0 = nothing is known against it.
    pub confidence: u8,
    /// In its words: a usage, a reputation; 64 bytes at most.
    pub note: String,
}

/// Why there is no opinion.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LookupError {
    /// The day's questions are used up.
    #[error(
        "service `{service}`: its {quota} questions of today are used up; raise `quota`, or wait until midnight UTC"
    )]
    Quota {
        /// Which service.
        service: &'static str,
        /// The limit a day.
        quota: u32,
    },
    /// It did not answer as expected.
    #[error("service `{service}`: {what}")]
    Failed {
        /// Which service.
        service: &'static str,
        /// What went wrong, with the way out.
        what: String,
    },
}

/// A service that can be asked about one address. What it costs is the caller's business.
pub trait Service: Send + Sync {
    /// Its name, in errors and metrics.
    fn name(&self) -> &'static str;

    /// Asks now.
    fn ask(&self, address: IpAddr) -> impl Future<Output = Result<Opinion, LookupError>> + Send;
}

/// How a service over HTTP is reached.
#[derive(Clone, PartialEq, Debug)]
pub struct Access {
    /// Where its API begins, without a slash at the end.
    pub url: String,
    /// A file with the key.
    pub key_file: PathBuf,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// A service behind a quota and a cache.
#[derive(Debug)]
pub struct Lookup<S> {
    service: S,
    sparing: Mutex<Sparing>,
}

impl<S: Service> Lookup<S> {
    /// Asks `service` at most `quota` times a day (UTC), and keeps `cached` answers for `fresh`.
    pub fn new(service: S, quota: u32, cached: usize, fresh: Duration) -> Self {
        Self { service, sparing: Mutex::new(Sparing::new(quota, cached, fresh)) }
    }

    /// What is known about an address at `now`, from the cache or from the service. A failed question costs quota too.
    ///
    /// # Errors
    /// The quota is used up, or the service failed.
    pub async fn find(&self, address: IpAddr, now: SystemTime) -> Result<Opinion, LookupError> {
        let service = self.service.name();
        // Never held while the service is asked.
        let advice = self.sparing.lock().unwrap_or_else(PoisonError::into_inner).advice(address, now);
        match advice {
            Advice::Known(opinion) => Ok(opinion),
            Advice::UsedUp(quota) => Err(LookupError::Quota { service, quota }),
            Advice::Ask => {
                let opinion = self.service.ask(address).await?;
                let mut sparing = self.sparing.lock().unwrap_or_else(PoisonError::into_inner);
                sparing.keep(address, opinion.clone(), now);
                Ok(opinion)
            }
        }
    }

    /// Questions that are left today.
    pub fn left(&self, now: SystemTime) -> u32 {
        self.sparing.lock().unwrap_or_else(PoisonError::into_inner).left(now)
    }
}

/// The longest note in bytes.
const NOTE_MAX: usize = 64;

/// A service's words, cut to the longest note.
fn note(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= NOTE_MAX).map(|(_, c)| c).collect()
}
