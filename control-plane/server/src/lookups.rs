//! `[[lookups]]`: what services say about one address, for people who ask.
//!
//! Called by `explain`. **Always holds:** nobody inside and no private address is asked about; a service that is slow
//! or fails costs its `timeout` and is told; quota and cache stay while its config stays.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use repute_feeds::RESERVED;
use repute_feeds::lookup::{Abuseipdb, Access, Cti, Lookup, LookupError, Opinion};
use repute_model::{Address, Prefix};
use repute_policy::Checked;
use repute_policy::config::{self, LookupService};

use crate::{Hub, HubError};

/// One service.
#[derive(Debug)]
enum Asked {
    Abuseipdb(Lookup<Abuseipdb>),
    Cti(Lookup<Cti>),
}

impl Asked {
    fn new(lookup: &config::Lookup) -> Result<Self, LookupError> {
        let url = lookup.url.as_ref().map_or(lookup.service.usual_url(), |url| url.as_str()).to_owned();
        let key_file = lookup.key_file.as_str().into();
        let ms = Duration::from_millis;
        let access = Access { url, key_file, timeout: ms(lookup.timeout.get()) };
        let (quota, cache) = (lookup.quota.get() as u32, lookup.cache.get() as usize);
        let fresh = ms(lookup.fresh.get());
        Ok(match lookup.service {
            LookupService::Abuseipdb => {
                Self::Abuseipdb(Lookup::new(Abuseipdb::new(access)?, quota, cache, fresh))
            }
            LookupService::CrowdsecCti => Self::Cti(Lookup::new(Cti::new(access)?, quota, cache, fresh)),
        })
    }

    async fn find(&self, address: Address, now: SystemTime) -> Result<Opinion, LookupError> {
        match self {
            Self::Abuseipdb(lookup) => lookup.find(address.to_ip(), now).await,
            Self::Cti(lookup) => lookup.find(address.to_ip(), now).await,
        }
    }
}

/// A service with the config that it comes from.
type Running = (config::Lookup, Arc<Result<Asked, LookupError>>);

/// The services of the config that was in force when somebody asked last.
#[derive(Debug, Default)]
pub(crate) struct Lookups(Mutex<Vec<Running>>);

impl Lookups {
    /// The services of `checked`; those that stay go on as they are.
    fn of(&self, checked: &Checked) -> Vec<Running> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = &checked.config().lookups;
        if !running.iter().map(|(config, _)| config).eq(wanted) {
            let known = |config: &config::Lookup| running.iter().find(|(old, _)| old == config).cloned();
            let one = |config: &config::Lookup| {
                known(config).unwrap_or_else(|| (config.clone(), Arc::new(Asked::new(config))))
            };
            let next = wanted.iter().map(one).collect();
            *running = next;
        }
        running.clone()
    }
}

/// What one service says, or why it says nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    pub service: &'static str,
    pub opinion: Result<Opinion, String>,
}

impl Hub {
    /// What all services say about an address, asked at once.
    pub(crate) async fn look_up(&self, address: Address, now: SystemTime) -> Result<Vec<Said>, HubError> {
        let checked = self.config().await?;
        let running = self.inner.lookups.of(&checked);
        if running.is_empty() || !is_public(address) || checked.inside().get(address).is_some() {
            return Ok(Vec::new());
        }
        let asked: Vec<_> = running
            .into_iter()
            .map(|(config, service)| {
                let asking = tokio::spawn(async move {
                    match &*service {
                        Ok(service) => service.find(address, now).await.map_err(|error| error.to_string()),
                        Err(error) => Err(error.to_string()),
                    }
                });
                (config.service.name(), asking)
            })
            .collect();
        let mut said = Vec::new();
        for (service, asking) in asked {
            let opinion = asking.await.unwrap_or_else(|error| Err(error.to_string()));
            said.push(Said { service, opinion });
        }
        Ok(said)
    }
}

fn is_public(address: Address) -> bool {
    !RESERVED.iter().any(|&(first, len)| Prefix::containing(first, len).contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_private_is_asked_about() {
        let public = |text: &str| is_public(text.parse::<std::net::IpAddr>().unwrap().into());
        assert!(["1.1.1.1", "2606:4700::1"].iter().all(|text| public(text)));
        assert!(["10.0.0.1", "192.0.2.1", "127.0.0.1", "fd00::1"].iter().all(|text| !public(text)));
    }
}
