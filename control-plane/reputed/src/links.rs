//! Link state: a port whose rule says so goes down while its peer has no link, so that routers behind it notice.
//!
//! A task of the control thread; no worker knows of it.

mod follow;

use std::sync::Arc;
use std::time::Duration;

use dpdk::{Port, PortError};
use repute_policy::{LinkRule, TopologyPort};
use tokio::time::{MissedTickBehavior, interval};

use follow::{Follow, Step, Track};

/// Between two looks at the links.
const POLL: Duration = Duration::from_millis(100);

/// Watches links for ever; ends at once where no port follows its peer, or none can.
pub async fn watch(ports: Arc<Vec<Port>>, rules: Vec<TopologyPort>) {
    let track = |(number, rule): (usize, &TopologyPort)| {
        let wanted = rule.link == LinkRule::Follow && rule.peer != number;
        Track { peer: rule.peer, follows: wanted && can_switch(&ports[number], &rule.name) }
    };
    let mut follow = Follow::new(rules.iter().enumerate().map(track).collect());
    let mut tick = interval(POLL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while follow.is_needed() {
        tick.tick().await;
        let links: Vec<bool> = ports.iter().map(has_link).collect();
        for step in follow.step(&links) {
            take(step, &ports, &rules, &mut follow);
        }
    }
}

/// A port that does not say has one, as far as its peer is concerned.
fn has_link(port: &Port) -> bool {
    port.link().is_ok_and(|link| link.up)
}

/// Whether the driver can switch the link, found out by taking up what is up; said once if not.
fn can_switch(port: &Port, name: &str) -> bool {
    port.set_link(true).inspect_err(|error| cannot(name, error)).is_ok()
}

fn cannot(name: &str, error: &PortError) {
    tracing::warn!("port {name} stays up when its peer loses its link, though link = \"follow\": {error}");
}

fn take(step: Step, ports: &[Port], rules: &[TopologyPort], follow: &mut Follow) {
    let (number, up) = match step {
        Step::Down(number) => (number, false),
        Step::Up(number) => (number, true),
    };
    let name = &rules[number].name;
    match ports[number].set_link(up) {
        Ok(()) if up => tracing::info!("port {name} is taken up again: its peer has a link"),
        Ok(()) => tracing::warn!("port {name} is taken down: its peer has lost its link"),
        Err(error) => {
            cannot(name, &error);
            follow.give_up(number);
        }
    }
}
