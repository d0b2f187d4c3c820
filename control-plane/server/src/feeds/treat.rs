//! Treatments that alerts ask for: from a subject to entries of the list `alerts`.

use std::time::{Duration, SystemTime};

use repute_model::{Prefix, Source};
use repute_policy::config::Treat;
use repute_siem::Subject;

use super::Asked;
use crate::source::width;
use crate::{Hub, HubError};

impl Hub {
    /// Gives a subject a treatment for `lifetime`; `note` says by which rule and for which alert, the first 64 bytes
    /// of it in explanations. Where it is in force already it lasts longer. Workers judge by it with the next edition,
    /// a twentieth of a second later or as soon as feeds are joined; nobody waits for that here. Returns until when.
    ///
    /// # Errors
    /// A service without addresses, a treatment that no entry comes to, a list that is full.
    pub async fn treat(
        &self,
        subject: &Subject,
        treat: Treat,
        lifetime: Duration,
        note: &str,
    ) -> Result<SystemTime, HubError> {
        let checked = self.config().await?;
        checked.entry(treat).ok_or(HubError::NoEntry(treat))?;
        let width = width(&checked, &checked.limits());
        let whole = |prefix: Prefix| {
            let source = if prefix.first().is_v4() { width.v4 + 96 } else { width.v6 };
            Prefix::containing(prefix.first(), prefix.len128().min(source))
        };
        let prefixes = match subject {
            Subject::Source(source) => vec![prefix_of(*source)],
            Subject::Prefix(prefix) => vec![whole(*prefix)],
            Subject::Service(name) => checked.service_prefixes(name).into_iter().map(whole).collect(),
        };
        if prefixes.is_empty() {
            return Err(HubError::NoService(subject.to_string()));
        }
        let now = SystemTime::now();
        let until = now + lifetime;
        for prefix in prefixes {
            self.inner.shelf.ask(Asked { prefix, treat, until, note: note.to_owned() }, now)?;
        }
        Ok(until)
    }

    /// Ends what alerts have asked against exactly this source.
    pub(crate) fn lift(&self, source: Source) {
        self.inner.shelf.lift(prefix_of(source));
    }
}

fn prefix_of(source: Source) -> Prefix {
    Prefix::containing(source.first(), source.len128())
}
