//! From alerts to scores and treatments: decides by the rules in force, does it, says what became of it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use repute_model::PrefixTable;
use repute_policy::Checked;
use repute_policy::config::Treat;
use repute_server::{Cost, GEO_NUDGE, Hub, Sighting};
use repute_siem::{Alert, AlertReceived, Bus, Change, Outcome, Reaction, Received, Rules};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::places::Places;
use super::settings;

/// How often it is kept where the files are read to.
const SAVE: Duration = Duration::from_secs(1);

/// Runs until the last input and the API are gone, or `ending` says so. Rules follow the policy in force.
pub async fn run(
    hub: Hub,
    bus: Bus,
    mut alerts: mpsc::Receiver<Received>,
    checked: Arc<Checked>,
    mut places: Places,
    mut ending: watch::Receiver<bool>,
) {
    let mut table = Table::new(checked);
    let mut installed = hub.subscribe_installed();
    let mut save = interval(SAVE);
    save.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = save.tick() => {
                // What was handed on before is decided once nothing waits.
                let now = places.now();
                if alerts.is_empty() {
                    places.keep(now).await;
                }
            }
            () = ended(&mut ending) => {
                // Looked at before each alert: none that is decided lies behind.
                loop {
                    let now = places.now();
                    match alerts.try_recv() {
                        Ok(received) => table.take(&hub, &bus, received).await,
                        Err(_) => return places.keep(now).await,
                    }
                }
            }
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

/// Waits until the daemon ends, or nobody is left who would say so.
async fn ended(ending: &mut watch::Receiver<bool>) {
    // The look at the value is over before anything else waits.
    drop(ending.wait_for(|ending| *ending).await);
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
            event.outcome = format!("{}: {}", event.outcome, react(hub, reaction, &event).await);
        }
        bus.publish(SystemTime::now(), event);
    }
}

/// Does it, and says how that went.
async fn react(hub: &Hub, Reaction { rule, change }: Reaction, alert: &AlertReceived) -> String {
    match change {
        Change::Nudge { source, points, forgive } => match hub.nudge(source, points, forgive).await {
            Ok(answered) => {
                let (_, before, after) = answered.answer;
                format!("score {before} -> {after}")
            }
            Err(error) => format!("not done: {error}"),
        },
        Change::Treat { subject, treatment, lifetime } => {
            let Some(treat) = Treat::from_name(&treatment) else {
                return format!("not done: there is no treatment `{treatment}`");
            };
            let note = format!("rule {rule}: {} {}", alert.signature, alert.name);
            match hub.treat(&subject, treat, lifetime, &note).await {
                Ok(_) => "listed".to_owned(),
                Err(error) => format!("not done: {error}"),
            }
        }
    }
}
