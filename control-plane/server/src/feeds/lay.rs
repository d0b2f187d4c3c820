//! What feeds say goes to every worker, by the road that policies take.

use std::sync::Arc;

use repute_model::{DomainTable, Homes, Listing, Policy, PrefixTable};
use repute_policy::Checked;

use crate::actor::State;
use crate::apply::blocking;
use crate::{Hub, HubError};

impl Hub {
    /// Lays what feeds say under the lists of the config in force, on every worker or on none, with where sources are at
    /// home: a new edition of the same version. Later policies keep it. Returns the workers that lag.
    ///
    /// # Errors
    /// A worker that takes no commands. Nothing was changed then.
    pub(crate) async fn lay_feeds(&self, feeds: FeedTables) -> Result<Vec<u16>, HubError> {
        let _road = self.inner.road.lock().await;
        let asked = self.run(|state| (Arc::clone(state.history.checked()), state.history.version()));
        let (checked, version) = asked.await?;
        let workers = usize::from(self.workers());
        let homes = self.inner.geo.homes();
        let (policies, feeds) = blocking(move || {
            let policies = vec![feeds.join(&checked, version, homes); workers];
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

/// What feeds say, as workers look it up.
#[derive(Debug, Default)]
pub(crate) struct FeedTables {
    pub prefixes: PrefixTable<Listing>,
    pub names: Arc<DomainTable<()>>,
}

impl FeedTables {
    /// A config with it, and with where sources are at home.
    pub fn join(&self, checked: &Checked, version: u64, homes: Homes) -> Policy {
        let mut policy = checked.compile_with(&self.prefixes, version);
        policy.homes = homes;
        if let Some(dns) = &mut policy.dns {
            dns.live_honeypots = Arc::clone(&self.names);
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
