//! What feeds say goes to every worker, by the road that policies take.

use std::sync::Arc;
use std::time::SystemTime;

use repute_model::{DomainTable, Homes, Listing, Policy, PrefixTable};

use crate::actor::State;
use crate::apply::blocking;
use crate::{Hub, HubError};

impl Hub {
    /// Lays what feeds say under the lists of the config in force, on every worker or on none, with where sources are at home
    /// and live honeypots: a new edition of the same version. Later policies keep it. Returns the workers that lag.
    ///
    /// # Errors
    /// A worker that takes no commands. Nothing was changed then.
    pub(crate) async fn lay_feeds(&self, feeds: PrefixTable<Listing>) -> Result<Vec<u16>, HubError> {
        let _road = self.inner.road.lock().await;
        let asked = self.run(|state| (Arc::clone(state.history.checked()), state.history.version()));
        let (checked, version) = asked.await?;
        let workers = usize::from(self.workers());
        let beside = self.beside(self.inner.geo.homes());
        let (policies, feeds) = blocking(move || {
            let policies = vec![beside.join(checked.compile_with(&feeds, version)); workers];
            Ok((policies, Arc::new(feeds)))
        })
        .await?;
        let edition = self.run(move |state| {
            let edition = state.send(policies)?;
            state.feeds = feeds;
            Ok::<_, HubError>(edition)
        });
        let edition = edition.await??;
        self.everywhere(edition).await
    }
}

/// What goes to workers beside a config and what feeds say.
pub(crate) struct Beside {
    homes: Homes,
    honeypots: Arc<DomainTable<()>>,
}

impl Hub {
    /// As of now, with these homes.
    pub(crate) fn beside(&self, homes: Homes) -> Beside {
        Beside { homes, honeypots: self.inner.honeypots.table(SystemTime::now()) }
    }
}

impl Beside {
    /// The policy with it.
    pub(crate) fn join(&self, mut policy: Policy) -> Policy {
        policy.homes = self.homes.clone();
        if let Some(dns) = &mut policy.dns {
            dns.live_honeypots = Arc::clone(&self.honeypots);
        }
        policy
    }
}

impl State {
    /// Sends every worker its copy as the next edition, or nobody.
    pub(crate) fn send(&mut self, mut policies: Vec<Policy>) -> Result<u64, HubError> {
        let edition = self.edition + 1;
        policies.iter_mut().for_each(|policy| policy.edition = edition);
        self.post.install(policies)?;
        self.edition = edition;
        Ok(edition)
    }
}
