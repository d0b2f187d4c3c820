//! From alerts to scores: decides by the rules in force, moves the score, says what became of it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use repute_model::PrefixTable;
use repute_policy::Checked;
use repute_server::{Cost, GEO_NUDGE, Hub, Sighting};
use repute_siem::{Alert, Bus, Change, Outcome, Reaction, Received, Rules};
use tokio::sync::mpsc;

use super::settings;

/// Runs until the last input and the API are gone. Rules follow the policy in force.
pub async fn run(hub: Hub, bus: Bus, mut alerts: mpsc::Receiver<Received>, checked: Arc<Checked>) {
    let mut table = Table::new(checked);
    let mut installed = hub.subscribe_installed();
    loop {
        tokio::select! {
            received = alerts.recv() => match received {
                Some(received) => table.take(&hub, &bus, received).await,
                None => return,
            },
            changed = installed.changed() => match (changed, hub.config().await) {
                (Ok(()), Ok(checked)) => table.follow(checked),
                _ => return,
            },
        }
    }
}

/// The rules with the config that they come from.
struct Table {
    checked: Arc<Checked>,
    /// `None` = the config's rules cannot be used, which was said.
    rules: Option<Rules>,
    inside: PrefixTable<()>,
}

impl Table {
    fn new(checked: Arc<Checked>) -> Self {
        let rules = Rules::new(&settings::rules(&checked.config().alerts), settings::place(&checked));
        let rules = rules.inspect_err(|error| tracing::error!("alerts do nothing: {error}")).ok();
        let inside = checked.inside();
        Self { checked, rules, inside }
    }

    /// Takes over the rules of another config. What they remember is kept where they stay the same.
    fn follow(&mut self, checked: Arc<Checked>) {
        let (old, new) = (self.checked.config(), checked.config());
        if (&old.alerts, &old.inside) != (&new.alerts, &new.inside) {
            *self = Self::new(checked);
        }
    }

    /// Somebody was seen where the alert says.
    async fn sighted(&self, hub: &Hub, alert: &Alert) -> Option<Cost> {
        let culprit = alert.culprit(&self.inside)?;
        // Whoever uses an account is the sender, whoever is to blame.
        let named = !alert.identity.is_empty();
        let from = if named { alert.source.to_canonical().into() } else { culprit.address };
        let seen = Sighting { identity: &alert.identity, from, asked: culprit.victim };
        let cost = hub.sighted(&seen, SystemTime::now()).await;
        cost.inspect_err(|error| tracing::warn!("an unlikely place cost nothing: {error}")).ok().flatten()
    }

    async fn take(&mut self, hub: &Hub, bus: &Bus, Received { input, alert }: Received) {
        let cost = self.sighted(hub, &alert).await;
        let Some(rules) = &mut self.rules else { return };
        let decision = rules.decide(&input, &alert, Instant::now(), SystemTime::now());
        let mut event = decision.event(&input, &alert);
        if let Some(Cost { source, points }) = cost {
            event.outcome = format!("{}; {GEO_NUDGE}: {source} by {points}", event.outcome);
        }
        if let Outcome::React(reaction) = decision.outcome {
            event.outcome = format!("{}: {}", event.outcome, react(hub, reaction).await);
        }
        bus.publish(SystemTime::now(), event);
    }
}

/// Does it, and says how that went.
async fn react(hub: &Hub, Reaction { change, .. }: Reaction) -> String {
    match change {
        Change::Nudge { source, points, forgive } => match hub.nudge(source, points, forgive).await {
            Ok(answered) => {
                let (_, before, after) = answered.answer;
                format!("score {before} -> {after}")
            }
            Err(error) => format!("not done: {error}"),
        },
        Change::Treat { .. } => "not done: alerts move scores only".to_owned(),
    }
}
