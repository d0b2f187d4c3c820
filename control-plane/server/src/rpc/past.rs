//! `Scores/History`: explanations that were kept.

use std::time::{Duration, SystemTime};

use repute_proto::v1;
use repute_store::{Explained, ExplainedTerm};
use tonic::Status;

use super::convert::{band, unix_ms};
use super::scores::source;
use crate::{Hub, PAST_AT_ONCE};

pub async fn history(hub: &Hub, asked: v1::ScoreHistoryRequest) -> Result<v1::ScoreHistoryResponse, Status> {
    let v1::ScoreHistoryRequest { source: text, from_unix_ms, to_unix_ms, max } = asked;
    let to = to_unix_ms.map_or_else(|| Ok(SystemTime::now()), time)?;
    let max = if max == 0 { PAST_AT_ONCE } else { max as usize };
    let found = hub.explained(source(&text)?, time(from_unix_ms)?, to, max).await?;
    Ok(v1::ScoreHistoryResponse { explanations: found.iter().map(explanation).collect() })
}

fn time(unix_ms: u64) -> Result<SystemTime, Status> {
    let beyond =
        || Status::invalid_argument(format!("{unix_ms} ms since 1970 is a time that no clock shows"));
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms)).ok_or_else(beyond)
}

fn explanation(kept: &Explained) -> v1::PastExplanation {
    let mut terms: Vec<_> = kept.terms.iter().map(term).collect();
    terms.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
    v1::PastExplanation {
        source: kept.source.to_string(),
        at_unix_ms: unix_ms(kept.at),
        score: kept.score.get().into(),
        suspicion: kept.score.suspicion(),
        band: band(kept.band).into(),
        treatment: kept.treatment.to_string(),
        policy_version: kept.policy_version,
        terms,
    }
}

fn term(term: &ExplainedTerm) -> v1::PastTerm {
    let (value, weight) = (f64::from(term.value), f64::from(term.weight));
    v1::PastTerm { factor: term.factor.to_string(), value, weight, part: value * weight }
}
