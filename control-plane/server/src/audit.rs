//! Keeps the ledger true where reports cannot: a source that was given up, a policy that limits other
//! bands, reports that found the ring full.
//!
//! Active mitigations are looked at a few at a time, round and round, and end when their worker no longer
//! enforces them. The tables are walked for mitigations that nobody reported, but only after a reason:
//! lost reports, or another policy.

use std::sync::Weak;
use std::time::{Duration, SystemTime};

use repute_model::{Explanation, Factor, Filter, Mitigation, Source};

use crate::hub::Inner;
use crate::ledger::LimitCursor;
use crate::{Hub, HubError, PAGE_MAX, PageToken};

/// How often something is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// How many mitigations are looked at.
const AT_ONCE: usize = 32;

/// Where the audit stands.
#[derive(Debug, Default)]
struct Audit {
    /// The last active mitigation that was looked at.
    after: Option<Source>,
    /// Where the walk through the tables goes on, if one is under way.
    walk: Option<PageToken>,
    /// The reasons that the latest walk was begun for: lost reports and the policy's edition.
    reasons: (u64, u64),
}

/// Runs until the hub is gone.
pub(crate) async fn audit(hub: Weak<Inner>) {
    let mut audit = Audit { reasons: (0, crate::FIRST_VERSION), ..Audit::default() };
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = hub.upgrade() else { return };
        let hub = Hub { inner };
        // A worker that is busy or lags is asked again next time; until then the ledger keeps what it has.
        let _ = audit.confirm_some(&hub).await;
        let _ = audit.find_some(&hub).await;
    }
}

impl Audit {
    /// Looks at some active mitigations and ends those that are none any more.
    async fn confirm_some(&mut self, hub: &Hub) -> Result<(), HubError> {
        let after = self.after.take();
        let (limits, next) = hub.mitigations(LimitCursor::Active(after), AT_ONCE).await?;
        for limit in limits {
            let seen = hub.explain(limit.source).await?.answer;
            if !seen.tracked || !seen.treatment.limits() {
                let (source, at) = (limit.source, seen.now);
                hub.run(move |state| state.ledger.end(source, at, SystemTime::now())).await?;
            }
        }
        if let Some(LimitCursor::Active(source)) = next {
            self.after = source;
        }
        Ok(())
    }

    /// Goes on with a walk, or begins one if there is a reason.
    async fn find_some(&mut self, hub: &Hub) -> Result<(), HubError> {
        let from = match self.walk {
            Some(from) => from,
            None => {
                let lost = hub.inner.published.iter().map(|published| published.read().reports_lost).sum();
                let reasons = (lost, hub.run(|state| state.edition).await?);
                if reasons == self.reasons {
                    return Ok(());
                }
                self.reasons = reasons;
                PageToken::default()
            }
        };
        self.walk = Some(from);
        let page = hub.list(Filter::ALL, from, PAGE_MAX).await?;
        let limited = page.rows.iter().filter(|row| row.treatment.limits()).map(|row| row.source);
        let limited: Vec<_> = limited.collect();
        let unknown = hub.run(move |state| {
            limited.into_iter().filter(|&source| !state.ledger.is_active(source)).collect::<Vec<_>>()
        });
        for source in unknown.await? {
            let seen = hub.explain(source).await?.answer;
            if seen.tracked && seen.treatment.limits() {
                let found = as_reported(&seen);
                hub.run(move |state| state.ledger.take(&found, SystemTime::now())).await?;
            }
        }
        self.walk = page.next;
        Ok(())
    }
}

/// What the worker would have reported.
fn as_reported(seen: &Explanation) -> Mitigation {
    let most = seen.terms.iter().max_by(|a, b| a.part().total_cmp(&b.part()));
    Mitigation {
        source: seen.source,
        band: seen.band,
        treatment: seen.treatment,
        score: seen.score,
        cause: most.map_or(Factor::History, |term| term.factor),
        at: seen.now,
    }
}
