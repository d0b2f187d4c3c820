//! Keeps the board at what the hub decides.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use repute_model::{Prefix, Source};
use repute_policy::Checked;
use tokio::sync::broadcast::error::RecvError;

use super::board::{Board, Ground};
use super::locked;
use crate::{Hub, HubError, Limit, LimitChange, LimitCursor, LimitEvent};

/// Mitigations asked for at once.
const PAGE: usize = 4096;
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(60);

/// Runs until the hub is gone.
pub async fn follow(hub: Hub, board: &Mutex<Board>) {
    let (mut events, mut installed) = (hub.subscribe_mitigations(), hub.subscribe_installed());
    let mut renew = tokio::time::interval(RENEW);
    let mut behind = true;
    loop {
        if behind && catch_up(&hub, board).await.is_err() {
            return;
        }
        behind = false;
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => mitigated(&event, &mut locked(board)),
                Err(RecvError::Lagged(_)) => behind = true,
                Err(RecvError::Closed) => return,
            },
            changed = installed.changed() => match changed {
                Ok(()) => behind = true,
                Err(_) => return,
            },
            _ = renew.tick() => locked(board).renew(SystemTime::now()),
        }
    }
}

fn mitigated(LimitEvent { change, limit }: &LimitEvent, board: &mut Board) {
    let now = SystemTime::now();
    if *change == LimitChange::Ended || !is_dropped(limit) {
        board.end(Ground::Dropped, prefix(limit.source), now);
    } else {
        dropped(limit, board, now);
    }
}

/// Bouncers are to do what the box does: in shadow mode nothing.
fn is_dropped(limit: &Limit) -> bool {
    limit.treatment.drop && !limit.shadow
}

fn dropped(limit: &Limit, board: &mut Board, now: SystemTime) {
    let scenario = format!("repute/{}", limit.cause);
    board.begin(Ground::Dropped, prefix(limit.source), limit.source.to_string(), scenario, now);
}

/// Brings the board to what holds now, whatever was missed.
async fn catch_up(hub: &Hub, board: &Mutex<Board>) -> Result<(), HubError> {
    let mut standing = BTreeSet::new();
    let mut cursor = Some(LimitCursor::Active(None));
    while let Some(from) = cursor {
        let (limits, next) = hub.mitigations(from, PAGE).await?;
        let mut board = locked(board);
        for limit in limits.iter().filter(|limit| is_dropped(limit)) {
            standing.insert(prefix(limit.source));
            dropped(limit, &mut board, SystemTime::now());
        }
        cursor = next;
    }
    let checked = hub.config().await?;
    let mut board = locked(board);
    board.keep(Ground::Dropped, |prefix| standing.contains(&prefix), SystemTime::now());
    denied(&checked, &mut board);
    Ok(())
}

/// The deny list of the config, but for what it allows; nobody in shadow mode.
fn denied(checked: &Checked, board: &mut Board) {
    let lists = &checked.config().lists;
    let allowed = |prefix: Prefix| {
        let covers = |allow: Prefix| allow.len128() <= prefix.len128() && allow.contains(prefix.first());
        lists.allow.iter().any(|allow| covers(allow.0))
    };
    let listed: BTreeSet<Prefix> =
        lists.deny.iter().map(|deny| deny.prefix.0).filter(|prefix| !allowed(*prefix)).collect();
    let listed = if checked.is_shadow() { BTreeSet::new() } else { listed };
    let now = SystemTime::now();
    board.keep(Ground::Denied, |prefix| listed.contains(&prefix), now);
    for prefix in listed {
        // As sources are written: a single address without its length.
        let value = Source::from_parts(prefix.first(), prefix.len128()).to_string();
        board.begin(Ground::Denied, prefix, value, "repute/deny-list".to_owned(), now);
    }
}

fn prefix(source: Source) -> Prefix {
    Prefix::containing(source.first(), source.len128())
}
