//! Service `Dns`: honeypots that come while the box runs.

use std::time::{Duration, SystemTime};

use repute_feeds::{Lure, Lures};
use repute_model::DomainName;
use repute_policy::Checked;
use repute_proto::v1;
use tonic::Status;

use super::Api;
use super::audited::Changed;
use super::convert::unix_ms;
use crate::honeypots::HONEYPOT_TTL_MAX;
use crate::{Honeypot, Hub};

/// Names that the audit log has of one request.
const NAMED: usize = 8;

/// What a request is about, for the audit log.
pub(super) fn named(names: &[String]) -> String {
    let first = names.iter().take(NAMED).map(|name| name.chars().take(64).collect::<String>());
    let mut text = first.collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text = format!("{text} and {} more", names.len() - NAMED);
    }
    format!("honeypots {text}")
}

pub(super) async fn add(
    api: &Api,
    request: v1::AddHoneypotsRequest,
) -> Result<Changed<v1::HoneypotsChanged>, Status> {
    let v1::AddHoneypotsRequest { names, ttl_s, note } = request;
    let max = HONEYPOT_TTL_MAX.as_secs();
    if !(1..=max).contains(&u64::from(ttl_s)) {
        return Err(Status::invalid_argument(format!("{ttl_s} seconds to count: expected 1 to {max}")));
    }
    let ttl = Duration::from_secs(ttl_s.into());
    let total = api.hub.add_honeypots(&names, ttl, &note, SystemTime::now()).await?;
    api.catch_up().await?;
    Ok(changed(names.len(), total))
}

pub(super) async fn remove(
    api: &Api,
    request: v1::RemoveHoneypotsRequest,
) -> Result<Changed<v1::HoneypotsChanged>, Status> {
    let total = api.hub.remove_honeypots(&request.names).await?;
    api.catch_up().await?;
    Ok(changed(request.names.len(), total))
}

fn changed(changed: usize, total: usize) -> Changed<v1::HoneypotsChanged> {
    let answer = v1::HoneypotsChanged { changed: changed as u64, total: total as u64 };
    Changed::to(format!("{total} live honeypots"), answer)
}

pub(super) fn list(hub: &Hub, max_rows: u32) -> v1::HoneypotsResponse {
    let all = hub.honeypots(SystemTime::now());
    let most = if max_rows == 0 { all.len() } else { max_rows as usize };
    let one = |one: &Honeypot| v1::Honeypot {
        name: one.name.to_string(),
        until_unix_ms: unix_ms(one.until),
        note: one.note.clone(),
    };
    v1::HoneypotsResponse { honeypots: all.iter().take(most).map(one).collect(), total: all.len() as u64 }
}

/// Which lists have a name as a honeypot now.
pub(super) fn lists(checked: &Checked, lures: &Lures, name: &DomainName) -> Vec<String> {
    let own = checked.honeypots().get(name.as_bytes()).map(|()| "config".to_owned());
    let found = lures.who(name, SystemTime::now()).into_iter().map(|Lure { feed, name, note, .. }| {
        let why = if note.is_empty() { String::new() } else { format!(" ({note})") };
        format!("{feed}: {name}{why}")
    });
    own.into_iter().chain(found).collect()
}
